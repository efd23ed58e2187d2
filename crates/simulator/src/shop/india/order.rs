//! An order that is paid in rupees, and what is known about its payment.

use serde::{Deserialize, Serialize};

use super::told::{Operation, Redirect, Sum, Told};
use crate::shop::order::{Source, State};
use crate::shop::orders::Kept;
use crate::web::Language;

/// ISO 4217 letters of the rupee.
pub const CURRENCY: &str = "INR";
/// Callbacks that are remembered per order.
const CALLBACKS_MAX: usize = 50;

/// How the buyer wants to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// On the gateway's Payment Page.
    Page,
    /// On the same page, in a window over the shop's.
    Widget,
    /// At the wallet directly: the shop speaks to the Gate.
    Gate,
}

impl Way {
    /// All of them, in the order of the basket.
    pub const ALL: [Way; 3] = [Way::Page, Way::Widget, Way::Gate];

    /// The word for forms and `data-way`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Widget => "widget",
            Self::Gate => "gate",
        }
    }

    /// The one that a form names.
    pub fn of_word(word: &str) -> Option<Way> {
        Self::ALL.into_iter().find(|way| way.word() == word)
    }
}

/// Who pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payer {
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Digits.
    pub phone: String,
    /// E-mail address.
    pub email: String,
    /// Where the payer's browser is.
    pub ip_address: String,
}

impl Payer {
    /// The shop's name of the customer: there are no accounts, so the phone is the person.
    pub fn id(&self) -> String {
        format!("buyer-{}", self.phone)
    }
}

/// What became of giving the money back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// Sent; whether it was taken is not known.
    Sent,
    /// Taken; the end comes by callback.
    Accepted,
    /// Done.
    Done,
    /// Refused.
    Declined,
}

/// The newest refund of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// The shop's name of it, `merchant_refund_id`.
    pub id: String,
    /// The gateway's name of the request, once it has answered.
    pub request_id: String,
    /// Where it stands.
    pub state: RefundState,
    /// Why it was refused, with the code.
    pub reason: String,
}

impl Refund {
    /// The word for `data-refund`.
    pub fn word(&self) -> &'static str {
        match self.state {
            RefundState::Sent => "sent",
            RefundState::Accepted => "accepted",
            RefundState::Done => "done",
            RefundState::Declined => "declined",
        }
    }

    /// Whether its end is still to come.
    pub fn is_open(&self) -> bool {
        matches!(self.state, RefundState::Sent | RefundState::Accepted)
    }
}

/// A callback with a right signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// `operation.type`.
    pub operation: String,
    /// `operation.status`.
    pub status: String,
    /// `payment.status`.
    pub payment_status: String,
    /// `operation.code` and `operation.message`.
    pub reason: String,
    /// Its signature: a repeat has the same.
    pub signature: String,
    /// How often it came.
    pub times: u32,
    /// When it came first, milliseconds since 1970.
    pub at_ms: u64,
}

/// One order.
#[derive(Clone, Serialize, Deserialize)]
pub struct Order {
    /// The shop's number of it, and the payment's id.
    pub number: String,
    /// How it is paid.
    pub way: Way,
    /// Which good.
    pub good: String,
    /// How many.
    pub quantity: u32,
    /// Paise.
    pub amount: i64,
    /// Language of the buyer.
    pub language: Language,
    /// Who pays.
    pub payer: Payer,
    /// When it was made, milliseconds since 1970.
    pub created_ms: u64,
    /// Where the payment stands.
    pub state: State,
    /// How the shop knows.
    pub source: Source,
    /// The gateway's date of that, seconds since 1970.
    pub date_s: i64,
    /// By what it was paid, in the gateway's words.
    pub method: String,
    /// Why the newest try failed, with the code.
    pub reason: String,
    /// Where the payer has to go, if the shop was told.
    pub redirect: Option<Redirect>,
    /// The newest refund.
    pub refund: Option<Refund>,
    /// Callbacks with a right signature, oldest first.
    pub callbacks: Vec<Callback>,
}

impl Kept for Order {
    fn number(&self) -> &str {
        &self.number
    }
}

impl Order {
    /// Where its page is.
    pub fn path(&self) -> String {
        format!("/india/orders/{}", self.number)
    }

    /// Whether it can be given back: all of it or nothing, and one refund at a time.
    pub fn is_refundable(&self) -> bool {
        let taken = self
            .refund
            .as_ref()
            .is_some_and(|refund| refund.state == RefundState::Accepted);
        self.state == State::Paid && !taken
    }

    /// Whether something is still to happen that nobody does on the shop's page.
    pub fn is_open(&self) -> bool {
        self.state.is_open() || self.refund.as_ref().is_some_and(Refund::is_open)
    }

    /// Remembers a callback whose signature was right, and takes over what it told.
    pub fn learn_from_callback(&mut self, told: &Told, signature: &str, at_ms: u64) {
        let mut known = self.callbacks.iter_mut();
        if let Some(same) = known.find(|callback| callback.signature == signature) {
            same.times = same.times.saturating_add(1);
        } else if self.callbacks.len() < CALLBACKS_MAX {
            let operation = told.operations.first().cloned().unwrap_or_default();
            self.callbacks.push(Callback {
                payment_status: told.status.clone(),
                reason: reason(&operation),
                operation: operation.kind,
                status: operation.status,
                signature: signature.to_owned(),
                times: 1,
                at_ms,
            });
        }
        self.learn(told, Source::Callback);
    }

    /// Takes over what the status request told.
    pub fn learn_from_status(&mut self, told: &Told) {
        // The gateway has not heard of the payment yet: nobody has confirmed it on the page.
        if told.status != "error" {
            self.learn(told, Source::Status);
        }
    }

    /// The newest wins. Callbacks may come twice or in any order, so what is told with an older
    /// date changes nothing, and money that was taken is only ever given back.
    fn learn(&mut self, told: &Told, source: Source) {
        if !self.is_about(told) {
            self.state = State::Mismatch;
            self.source = source;
            return;
        }
        self.learn_of_refund(told);
        let next = state_of(&told.status);
        let newer = match self.state {
            State::Mismatch => source == Source::Status,
            known if is_taken(known) => rank(next) >= rank(known),
            known => (told.date_s, rank(next)) >= (self.date_s, rank(known)),
        };
        if !newer {
            return;
        }
        self.state = next;
        self.source = source;
        self.date_s = self.date_s.max(told.date_s);
        if !told.method.is_empty() {
            self.method.clone_from(&told.method);
        }
        if told.redirect.is_some() {
            self.redirect.clone_from(&told.redirect);
        }
        self.reason = match told.operations.iter().rfind(|each| each.is_sale()) {
            Some(sale) if next == State::Declined => reason(sale),
            Some(_) | None => String::new(),
        };
    }

    /// Whether the gateway speaks of this order, and of its sum.
    fn is_about(&self, told: &Told) -> bool {
        let right = |sum: &Sum| sum.amount == self.amount && sum.currency == CURRENCY;
        let mut sales = told.operations.iter().filter(|each| each.is_sale());
        told.payment_id.eq_ignore_ascii_case(&self.number)
            && sales.all(|sale| sale.sum.as_ref().is_none_or(right))
            && (told.status != "success" || told.sum.as_ref().is_some_and(right))
    }

    fn learn_of_refund(&mut self, told: &Told) {
        let Some(refund) = &mut self.refund else {
            return;
        };
        let named = told.refund_id == refund.id;
        let is_it = |operation: &&Operation| {
            let answered = !refund.request_id.is_empty();
            operation.is_refund()
                && (named || answered && operation.request_id == refund.request_id)
        };
        let Some(operation) = told.operations.iter().rfind(is_it) else {
            return;
        };
        match operation.status.as_str() {
            "success" => refund.state = RefundState::Done,
            "decline" => {
                refund.state = RefundState::Declined;
                refund.reason = reason(operation);
            }
            _ => {}
        }
    }
}

/// `20000 General decline`.
fn reason(operation: &Operation) -> String {
    let text = format!("{} {}", operation.code, operation.message);
    text.trim().to_owned()
}

fn state_of(status: &str) -> State {
    match status {
        "success" => State::Paid,
        "partially refunded" | "partially reversed" => State::PartiallyRefunded,
        "refunded" | "reversed" => State::Refunded,
        "awaiting capture" => State::Held,
        "decline" | "expired" | "canceled" | "cancelled" => State::Declined,
        // Whatever else there is, the end is still to come.
        _ => State::Waiting,
    }
}

/// How far a payment has come.
fn rank(state: State) -> u8 {
    match state {
        State::NotRegistered | State::Mismatch => 0,
        State::Registered => 1,
        State::Authentication | State::Waiting => 2,
        State::Declined => 3,
        State::Held => 4,
        State::Released => 5,
        State::Paid => 6,
        State::PartiallyRefunded => 7,
        State::Refunded => 8,
    }
}

/// Whether money is or was the shop's.
fn is_taken(state: State) -> bool {
    rank(state) >= rank(State::Paid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order {
            number: "DALA-1".to_owned(),
            way: Way::Gate,
            good: "honey".to_owned(),
            quantity: 1,
            amount: 500,
            language: Language::En,
            payer: Payer {
                first_name: "Test".to_owned(),
                last_name: "Payer".to_owned(),
                phone: "9876543210".to_owned(),
                email: "payer@example.com".to_owned(),
                ip_address: "127.0.0.1".to_owned(),
            },
            created_ms: 0,
            state: State::Registered,
            source: Source::Registration,
            date_s: 0,
            method: String::new(),
            reason: String::new(),
            redirect: None,
            refund: None,
            callbacks: Vec::new(),
        }
    }

    fn told(status: &str, date_s: i64, operation: (&str, &str)) -> Told {
        let rupees = |amount| {
            Some(Sum {
                amount,
                currency: CURRENCY.to_owned(),
            })
        };
        Told {
            payment_id: "dala-1".to_owned(),
            status: status.to_owned(),
            date_s,
            sum: rupees(if status == "refunded" { 0 } else { 500 }),
            operations: vec![Operation {
                kind: operation.0.to_owned(),
                status: operation.1.to_owned(),
                code: "20000".to_owned(),
                message: "General decline".to_owned(),
                request_id: "r-1".to_owned(),
                sum: rupees(500),
            }],
            ..Told::default()
        }
    }

    const WAITS: &str = "awaiting redirect result";

    #[test]
    fn the_newest_wins_in_any_order() {
        let waiting = told(WAITS, 10, ("sale", WAITS));
        let declined = told("decline", 20, ("sale", "decline"));
        let again = told(WAITS, 30, ("sale", WAITS));
        let paid = told("success", 40, ("sale", "success"));
        let refunded = told("refunded", 50, ("refund", "success"));
        let mut heard = order();
        let steps = [
            (&waiting, State::Waiting),
            (&declined, State::Declined),
            (&waiting, State::Declined),
            (&again, State::Waiting),
            (&paid, State::Paid),
            (&declined, State::Paid),
            (&refunded, State::Refunded),
            (&paid, State::Refunded),
        ];
        for (number, (told, state)) in steps.into_iter().enumerate() {
            let signature = told.date_s.to_string();
            heard.learn_from_callback(told, &signature, number as u64);
            assert_eq!(heard.state, state, "step {number}");
        }
        let times: Vec<u32> = heard.callbacks.iter().map(|each| each.times).collect();
        assert_eq!(times, [2, 2, 1, 2, 1], "repeats are counted");

        let mut backwards = order();
        for told in [&refunded, &paid, &again, &declined, &waiting] {
            backwards.learn_from_callback(told, &told.date_s.to_string(), 0);
        }
        assert_eq!(backwards.state, State::Refunded);
    }

    #[test]
    fn within_one_second_the_end_wins() {
        for ends in [["sale", "decline"], ["sale", "success"]] {
            let end = told(ends[1], 10, (ends[0], ends[1]));
            let waits = told(WAITS, 10, ("sale", WAITS));
            for both in [[&end, &waits], [&waits, &end]] {
                let mut order = order();
                for told in both {
                    order.learn_from_callback(told, &told.status, 0);
                }
                assert!(!order.state.is_open(), "{ends:?}");
            }
        }
    }

    #[test]
    fn another_sum_or_payment_is_no_payment() {
        let paid = told("success", 10, ("sale", "success"));
        let mut less = paid.clone();
        less.operations[0].sum = Some(Sum {
            amount: 499,
            currency: CURRENCY.to_owned(),
        });
        let mut part = paid.clone();
        part.sum = less.operations[0].sum.clone();
        let mut other = paid.clone();
        other.payment_id = "DALA-2".to_owned();
        for wrong in [less, part, other] {
            let mut order = order();
            order.learn_from_callback(&wrong, "s", 0);
            assert_eq!(order.state, State::Mismatch);
            order.learn_from_callback(&paid, "t", 0);
            assert_eq!(order.state, State::Mismatch, "only the status mends it");
            order.learn_from_status(&paid);
            assert_eq!(order.state, State::Paid);
        }
    }

    #[test]
    fn a_refund_ends_by_its_own_message() {
        let mut paid = order();
        paid.learn_from_status(&told("success", 10, ("sale", "success")));
        assert!(paid.is_refundable());
        paid.refund = Some(Refund {
            id: "f-1".to_owned(),
            request_id: "r-2".to_owned(),
            state: RefundState::Accepted,
            reason: String::new(),
        });
        assert!(!paid.is_refundable() && paid.is_open());
        let mut refusal = told("success", 20, ("refund", "decline"));
        paid.learn_from_callback(&refusal, "of another", 0);
        assert!(paid.is_open());
        refusal.operations[0].request_id = "r-2".to_owned();
        paid.learn_from_callback(&refusal, "ours", 0);
        let refund = paid.refund.as_ref().expect("asked");
        assert_eq!(
            (refund.state, paid.state),
            (RefundState::Declined, State::Paid)
        );
        assert_eq!(refund.reason, "20000 General decline");
        assert!(
            paid.is_refundable() && !paid.is_open(),
            "another may follow"
        );
    }

    #[test]
    fn a_payment_that_nobody_has_confirmed_waits() {
        let mut fresh = order();
        fresh.learn_from_status(&told("error", 0, ("", "")));
        assert_eq!(
            (fresh.state, fresh.source),
            (State::Registered, Source::Registration)
        );
    }
}
