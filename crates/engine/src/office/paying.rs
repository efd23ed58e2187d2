//! Registering a payment in the back office, and beginning a try to pay it. Card data never comes here: a
//! card is typed in at Checkout, and nowhere else.

use std::collections::BTreeMap;

use altyn_domain::{
    Answer, BALANCE_METHOD, Command, Customer, CustomerKind, HttpMethod, Initiator, Language,
    MethodKind, Money, OperationState, Order, PayerAction, Payment, PaymentId, Permission,
    ProjectId, Refusal, Timestamp, Way,
};
use serde_json::json;
use url::Url;

use super::card::{PaymentCard, VisibleError};
use super::{BACKOFFICE, checked_text, is_customer, name_of};
use crate::{
    Caller, Engine, EngineError, Flaw, OfficeError, Owner, PayRequest, Reach, Registration, crash,
};

const REFERENCE_MAX: usize = 255;
const DESCRIPTION_MAX: usize = 1_024;
const FIELD_MAX: usize = 255;
const URL_MAX: usize = 2_048;

/// How references begin that stand for a caller's key. No order has such a number.
const KEY_PREFIX: &str = "key/";

/// The furthest end of a payment's time, in milliseconds from now: 400 days.
const LIFE_MAX_MS: i64 = 400 * 24 * 3_600_000;

/// A payment to be registered.
#[derive(Debug, Clone)]
pub struct NewPayment {
    /// The project.
    pub project_id: ProjectId,
    /// How much.
    pub amount: Money,
    /// The merchant's number of the order; the payment's id if it has none.
    pub reference: Option<String>,
    /// What is paid for, for the payer to read.
    pub description: Option<String>,
    /// The payer. A customer who registers a payment is the payer, whatever stands here.
    pub customer: Customer,
    /// How the money is to be taken.
    pub way: Way,
    /// The language of the payer's page; by default the project's.
    pub language: Option<Language>,
    /// Where the payer goes afterwards.
    pub return_url: Option<String>,
    /// When it can no longer be paid; by default as the project says.
    pub expires_at: Option<Timestamp>,
    /// The caller's own key: without a reference, a repeat is answered with the first payment.
    pub key: Option<String>,
}

/// A try to pay that is wished for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TryWish {
    /// The method; without one the payer chooses at Checkout.
    pub method: Option<String>,
    /// What the customer's balance pays of it.
    pub from_balance: Option<Money>,
}

/// What the payer does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// Open this address, in a browser.
    Open {
        /// The address: of Checkout, or of the gateway.
        url: String,
        /// How.
        method: HttpMethod,
        /// The fields of the form, if it is a POST.
        fields: BTreeMap<String, String>,
    },
    /// Wait for the gateway.
    Wait,
    /// Nothing: it is paid.
    Paid,
    /// Try again, if a try is left.
    Failed(VisibleError),
}

impl NextStep {
    fn at(url: String) -> Self {
        Self::Open {
            url,
            method: HttpMethod::Get,
            fields: BTreeMap::new(),
        }
    }
}

/// A try that was begun, or the place where it can be.
#[derive(Debug, Clone)]
pub struct TryBegun {
    /// The number of the try; `None` if it begins at Checkout.
    pub operation: Option<u32>,
    /// What the payer does next.
    pub next: NextStep,
    /// The payment after it.
    pub payment: PaymentCard,
}

/// Whether a text is an address of the web where a payer can be sent.
fn is_web_address(text: &str) -> bool {
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    let lower = text.to_ascii_lowercase();
    let web = lower.starts_with("http://") || lower.starts_with("https://");
    let plain = web && !text.chars().any(odd) && text.chars().count() <= URL_MAX;
    plain
        && Url::parse(text).is_ok_and(|url| {
            url.has_host() && url.username().is_empty() && url.password().is_none()
        })
}

impl NewPayment {
    fn check(&self, now: Timestamp) -> Result<(), OfficeError> {
        let mut flaws = Vec::new();
        let mut text = |field: &str, value: &Option<String>, most| {
            let checked = value.as_deref().map(|text| checked_text(field, text, most));
            if let Some(Err(OfficeError::Invalid(found))) = checked {
                flaws.extend(found);
            }
        };
        text("reference", &self.reference, REFERENCE_MAX);
        text("description", &self.description, DESCRIPTION_MAX);
        text("key", &self.key, FIELD_MAX);
        let customer = &self.customer;
        for (field, value) in [
            ("payer.id", &customer.id),
            ("payer.email", &customer.email),
            ("payer.name", &customer.name),
            ("payer.phone", &customer.phone),
            ("payer.post_address", &customer.post_address),
        ] {
            text(field, value, FIELD_MAX);
        }
        let mut check = |fine: bool, field: &str, message: &str| {
            if !fine {
                flaws.push(Flaw::new(field, message));
            }
        };
        let own = self.reference.as_deref();
        let own = own.is_none_or(|it| !it.starts_with(KEY_PREFIX));
        check(own, "reference", "must not begin with key/");
        let bare = self
            .reference
            .as_deref()
            .is_none_or(|one| one.trim() == one);
        check(bare, "reference", "must not begin or end with a blank");
        let mail = customer.email.as_deref().is_none_or(|it| it.contains('@'));
        check(mail, "payer.email", "must be an e-mail address");
        let capital = |c: char| c.is_ascii_uppercase();
        let country = customer.country.as_deref();
        let country = country.is_none_or(|it| it.len() == 2 && it.chars().all(capital));
        check(country, "payer.country", "must be two capital letters");
        let url = self.return_url.as_deref().is_none_or(is_web_address);
        check(url, "return_url", "must be an address of the web");
        let zero = self.amount.is_zero() == (self.way == Way::Verify);
        check(
            zero,
            "amount",
            "must be zero to verify a card, else above zero",
        );
        let end = self.expires_at;
        let ahead = end.is_none_or(|at| at > now && at <= now.plus_millis(LIFE_MAX_MS));
        check(ahead, "expires_at", "must lie ahead, at most 400 days");
        if flaws.is_empty() {
            Ok(())
        } else {
            Err(OfficeError::Invalid(flaws))
        }
    }

    /// What is registered in the end.
    fn registration(self, caller: &str, language: Language) -> Registration {
        // Without a number of the order the key keeps a repeat from making a second payment.
        let reference_key = match (&self.reference, &self.key) {
            (None, Some(key)) => Some(format!("{KEY_PREFIX}{caller}/{key}")),
            (Some(_), _) | (None, None) => None,
        };
        Registration {
            dialect: BACKOFFICE,
            way: self.way,
            amount: self.amount,
            expires_at: self.expires_at,
            auto_capture_at: None,
            auto_void_at: None,
            order: Order {
                reference: self.reference.unwrap_or_default(),
                description: self.description,
                language: self.language.unwrap_or(language),
                return_url: self.return_url,
                customer: self.customer,
                ..Order::default()
            },
            reference_key,
            tries_max: None,
        }
    }
}

impl Engine {
    /// Registers a payment. A repeat with the same key is answered with the first one.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn office_register_payment(
        &self,
        caller: &Caller,
        new: NewPayment,
    ) -> Result<PaymentCard, OfficeError> {
        caller.require(Permission::PaymentsCreate)?;
        let reach = self.reach(caller);
        let owner = reach.owner(new.project_id)?;
        let new = self.as_customer(&reach, new).await?;
        new.check(self.now())?;
        let currency = new.amount.currency();
        let settings = &owner.project().settings;
        if !settings.currencies.contains(&currency) {
            let message = format!("the project does not take {currency}");
            return Err(OfficeError::invalid("amount.currency", message));
        }
        let id = self.new_payment_id(&owner);
        let detail = json!({
            "amount": new.amount.minor(),
            "currency": currency.alpha(),
            "reference": new.reference,
            "key": new.key,
        });
        let (project, action) = (new.project_id, "payment.register_asked");
        self.note_asked(caller, project, action, id, detail).await?;
        let (amount, by_key) = (new.amount, new.reference.is_none() && new.key.is_some());
        let new = new.registration(&name_of(caller), settings.language);
        let register = self.registration(&owner, id, new);
        let command = Command::Register(Box::new(register));
        let payment = match self.execute(&owner, command, None).await {
            Ok(answer) => {
                crash::point("register.committed");
                answer.payment
            }
            Err(EngineError::Refused(Refusal::ReferenceTaken(first))) => {
                let first = self.payment_in_reach(&reach, first).await;
                match first {
                    Ok(first) if by_key && first.amount == amount => first,
                    other => return Err(taken(other.ok().as_ref(), by_key)),
                }
            }
            Err(other) => return Err(other.into()),
        };
        let card = self.card(caller, &reach, &payment).await;
        card.map_err(OfficeError::late)
    }

    /// A customer pays as who he or she is, and sets nothing that is the merchant's.
    async fn as_customer(&self, reach: &Reach, new: NewPayment) -> Result<NewPayment, OfficeError> {
        let Some(customer) = reach.customer() else {
            return Ok(new);
        };
        if new.way != Way::Purchase {
            return Err(OfficeError::invalid("way", "must be purchase"));
        }
        // The number of an order is told to the shop: nobody takes that of another order.
        let taken = [
            ("return_url", new.return_url.is_some()),
            ("reference", new.reference.is_some()),
            ("expires_at", new.expires_at.is_some()),
        ];
        if let Some((field, _)) = taken.into_iter().find(|(_, is_given)| *is_given) {
            return Err(OfficeError::invalid(field, "is the merchant's"));
        }
        let known = self.storage().customer(new.project_id, customer).await?;
        let known = known.ok_or(OfficeError::NotFound)?;
        let country = new.customer.country;
        Ok(NewPayment {
            customer: Customer {
                id: Some(known.reference),
                kind: known.kind.or(Some(CustomerKind::Individual)),
                email: known.email,
                phone: known.phone,
                name: known.name,
                country,
                ..Customer::default()
            },
            ..new
        })
    }

    /// Begins a try to pay: by balance, or by a method at whose own page the payer pays. Whoever wants to pay
    /// by card, or to choose, is led to Checkout, and no try has begun yet.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn office_begin_try(
        &self,
        caller: &Caller,
        id: PaymentId,
        wish: &TryWish,
    ) -> Result<TryBegun, OfficeError> {
        caller.require(Permission::PaymentsCreate)?;
        let reach = self.reach(caller);
        let payment = self.payment_in_reach(&reach, id).await?;
        let owner = reach.owner(payment.project_id)?;
        let from_balance = super::minor_of(wish.from_balance, &payment)?.unwrap_or(0);
        if from_balance > 0 && !is_customer(caller) {
            // Whoever spends a customer's money for him must be one who may move it.
            caller.require(Permission::BalanceRefund)?;
        }
        let initiator = if is_customer(caller) {
            Initiator::Payer
        } else {
            Initiator::Operator
        };
        let Some(request) = request_of(&owner, &payment, wish, from_balance, initiator)? else {
            return self.at_checkout(caller, &reach, &payment).await;
        };
        let detail = json!({
            "method": request.method,
            "from_balance": from_balance,
            "currency": payment.amount.currency().alpha(),
        });
        let (project, action) = (payment.project_id, "payment.try_asked");
        self.note_asked(caller, project, action, id, detail).await?;
        let answer = self.pay(&owner, id, request).await?;
        let card = self.card(caller, &reach, &answer.payment).await;
        Ok(TryBegun {
            operation: answer.operation,
            next: self.next_step(&answer),
            payment: card.map_err(OfficeError::late)?,
        })
    }

    async fn at_checkout(
        &self,
        caller: &Caller,
        reach: &Reach,
        payment: &Payment,
    ) -> Result<TryBegun, OfficeError> {
        if payment.completed_by.is_some() {
            return Err(Refusal::AlreadyPaid.into());
        }
        if payment.end.is_some() {
            return Err(Refusal::WrongStatus(payment.status()).into());
        }
        if self.now() >= payment.expires_at {
            return Err(Refusal::Expired.into());
        }
        Ok(TryBegun {
            operation: None,
            next: NextStep::at(self.checkout_url(payment.id)),
            payment: self.card(caller, reach, payment).await?,
        })
    }

    fn next_step(&self, answer: &Answer) -> NextStep {
        let Some(operation) = answer.operation() else {
            return NextStep::Wait;
        };
        match (operation.state, &operation.action) {
            (OperationState::Succeeded, _) => NextStep::Paid,
            (OperationState::Declined | OperationState::Voided, _) => {
                NextStep::Failed(VisibleError {
                    code: operation
                        .decline
                        .unwrap_or(altyn_domain::DeclineCode::General),
                    message: operation.facts.message.clone(),
                })
            }
            (
                _,
                Some(PayerAction::Redirect {
                    url,
                    method,
                    fields,
                }),
            ) => NextStep::Open {
                url: url.clone(),
                method: *method,
                fields: fields.clone(),
            },
            (_, Some(_)) => NextStep::at(self.checkout_url(answer.payment.id)),
            (_, None) => NextStep::Wait,
        }
    }
}

/// What the engine is asked for; `None` if the payer must go to Checkout.
fn request_of(
    owner: &Owner,
    payment: &Payment,
    wish: &TryWish,
    from_balance: i64,
    initiator: Initiator,
) -> Result<Option<PayRequest>, OfficeError> {
    let whole = from_balance == payment.amount.minor() && from_balance > 0;
    let named = wish.method.as_deref();
    match named.filter(|method| *method != BALANCE_METHOD) {
        _ if whole => Ok(Some(PayRequest::by_balance(from_balance, initiator))),
        None if named.is_some() || from_balance > 0 => {
            let words = "must be all of the payment, or a method must pay the rest";
            Err(OfficeError::invalid("from_balance", words))
        }
        None => Ok(None),
        Some(method) => {
            let kind = owner.project().method(method).filter(|known| known.active);
            match kind.map(|known| known.kind) {
                None => Err(Refusal::MethodUnavailable.into()),
                Some(MethodKind::Card) if from_balance > 0 => {
                    let words = "a card and the balance cannot pay one payment together";
                    Err(OfficeError::invalid("from_balance", words))
                }
                Some(MethodKind::Card) => Ok(None),
                Some(MethodKind::Wallet) => Ok(Some(PayRequest {
                    from_balance,
                    ..PayRequest::by_method(method, initiator)
                })),
            }
        }
    }
}

fn taken(first: Option<&Payment>, by_key: bool) -> OfficeError {
    let by = first.map_or_else(String::new, |payment| format!(", for {}", payment.id));
    if by_key {
        OfficeError::Conflict("key_used", format!("the key was used before{by}"))
    } else {
        let words = format!("the number of the order was used before{by}");
        OfficeError::Conflict("reference_taken", words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payers_are_sent_to_addresses_of_the_web_only() {
        for (text, web) in [
            ("https://shop.example/done?x=1", true),
            ("http://127.0.0.1:9/", true),
            ("javascript:alert(1)", false),
            ("https://user:pass@shop.example/", false),
            ("https:\\shop.example", false),
            ("//shop.example", false),
            ("https://shop.example/a b", false),
        ] {
            assert_eq!(is_web_address(text), web, "{text}");
        }
    }
}
