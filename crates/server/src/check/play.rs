//! What the cases share: operations to be made, and what must be true of every word about them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use altyn_connectors::remote::state::{Standing, State, Unusable};
use altyn_domain::{AmountRange, Currency, Description, Money, RefundAbility};
use altyn_engine::Clock as _;
use serde_json::{Map, Value, json};

use super::client::{Client, Message, Reply};
use super::receiver::Receiver;
use super::{Plan, Stop, fail, hold, skip};
use crate::clock::SystemClock;

/// Amounts that end so mean nothing special.
pub const PLAIN: i64 = 50;

/// How long a payment of the check can be paid.
const LIFETIME_MS: i64 = 15 * 60 * 1_000;

/// The connector, and what it said of itself.
pub struct Play {
    pub client: Client,
    pub receiver: Receiver,
    pub wait: Duration,
    settings: Map<String, Value>,
    common: Map<String, Value>,
    wanted: Option<Currency>,
    range: Option<AmountRange>,
    pub refunds: RefundAbility,
    pub holds: bool,
    pub not_found_final_after_ms: Option<i64>,
    /// Whether that promise can be kept.
    pub promise: Result<(), Unusable>,
    references: Mutex<HashMap<String, String>>,
    warnings: Mutex<Vec<String>>,
}

/// An operation that is made by this request.
#[derive(Clone)]
pub struct Work {
    pub id: String,
    pub amount: Money,
    pub request: Value,
}

/// The word of the protocol.
pub fn refunds_word(refunds: RefundAbility) -> &'static str {
    match refunds {
        RefundAbility::Never => "none",
        RefundAbility::Full => "full",
        RefundAbility::Partial => "partial",
    }
}

impl Play {
    pub async fn open(plan: Plan) -> anyhow::Result<Self> {
        Ok(Self {
            client: Client::new(plan.url, plan.keys, plan.timeout)?,
            receiver: Receiver::open().await?,
            wait: plan.wait,
            settings: plan.settings,
            common: plan.common,
            wanted: plan.currency,
            range: None,
            refunds: RefundAbility::Never,
            holds: false,
            not_found_final_after_ms: None,
            promise: Ok(()),
            references: Mutex::default(),
            warnings: Mutex::default(),
        })
    }

    /// Plays from now on what the connector says it can.
    pub fn take(
        &mut self,
        description: &Description,
        promise: Result<(), Unusable>,
    ) -> Result<(), Stop> {
        let mut ranges = description.ranges.iter();
        let range = match self.wanted {
            Some(wanted) => ranges.find(|range| range.currency == wanted),
            None => ranges.next(),
        };
        let Some(range) = range else {
            return fail("it does not take the currency that was asked for");
        };
        self.range = Some(*range);
        self.refunds = description.refunds;
        self.holds = description.holds;
        self.not_found_final_after_ms = description.not_found_final_after_ms;
        self.promise = promise;
        Ok(())
    }

    /// The warnings since the last call.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut warnings)
    }

    pub fn warn(&self, what: impl Into<String>) {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        warnings.push(what.into());
    }

    /// An amount with these last digits that the connector takes: at least ten major units, if it may be.
    pub fn amount(&self, digits: i64) -> Result<Money, Stop> {
        let Some(range) = self.range else {
            return skip("no currency");
        };
        let least = range.min.max(1_000.min(range.max - 100));
        let base = least - least % 100 + digits;
        let amount = if base < least { base + 100 } else { base };
        match Money::new(amount, range.currency) {
            Ok(money) if amount <= range.max => Ok(money),
            _ => skip(format!("no amount within its limits ends in {digits:02}")),
        }
    }

    /// A request with the settings that every request has.
    pub fn whole(&self, mut request: Value) -> Value {
        request["settings"] = Value::Object(self.settings.clone());
        request["static"] = Value::Object(self.common.clone());
        request
    }

    /// A charge that is not sent yet; its amount ends in these digits.
    pub fn charge(&self, digits: i64) -> Result<Work, Stop> {
        self.charge_as(digits, true)
    }

    /// The same, to reserve the money only.
    pub fn hold(&self, digits: i64) -> Result<Work, Stop> {
        self.charge_as(digits, false)
    }

    fn charge_as(&self, digits: i64, capture: bool) -> Result<Work, Stop> {
        let amount = self.amount(digits)?;
        let id = self.client.fresh("opr");
        let expires_at = SystemClock.now().plus_millis(LIFETIME_MS);
        let request = self.whole(json!({
            "type": "charge",
            "operation": id,
            "payment": { "id": self.client.fresh("pay"), "reference": "CHECK-1", "description": "Check" },
            "amount": amount.minor(),
            "currency": amount.currency().alpha(),
            "capture": capture,
            "customer": { "id": "check", "name": "Mary Smith", "email": "mary@shop.example" },
            "language": "en",
            "return_url": self.return_url(&id),
            "callback_url": self.receiver.url(&id),
            "expires_at_ms": expires_at.as_millis(),
        }));
        Ok(Work {
            id,
            amount,
            request,
        })
    }

    /// Where the payer's browser is sent back to.
    pub fn return_url(&self, operation: &str) -> String {
        format!("{}/back?a=b&c=d", self.receiver.url(operation))
    }

    /// A capture, void or refund of a charge, not sent yet.
    pub fn follow_up(&self, kind: &str, charge: &Work, amount: Money) -> Work {
        let id = self.client.fresh("opr");
        let mut request = self.whole(json!({
            "type": kind,
            "operation": id,
            "charge": charge.id,
            "amount": amount.minor(),
            "currency": amount.currency().alpha(),
            "reason": "Check",
            "callback_url": self.receiver.url(&id),
        }));
        if kind == "capture" {
            request["release_rest"] = json!(true);
        }
        let references = self
            .references
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(reference) = references.get(&charge.id) {
            request["charge_reference"] = json!(reference);
        }
        drop(references);
        Work {
            id,
            amount,
            request,
        }
    }

    /// A question about an operation.
    pub fn question(&self, kind: &str, operation: &str) -> Value {
        let mut request = self.whole(json!({ "type": kind, "operation": operation }));
        let references = self
            .references
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(reference) = references.get(operation) {
            request["reference"] = json!(reference);
        }
        drop(references);
        request
    }

    /// The signed message of a request.
    pub fn message(&self, request: &Value) -> Message {
        self.client.message(request.to_string().into_bytes())
    }

    /// Sends a request; the answer must have status 200 and be signed.
    pub async fn ask(&self, request: &Value) -> Result<Reply, Stop> {
        self.ask_by(&self.message(request)).await
    }

    /// The same with a message that was made before.
    pub async fn ask_by(&self, message: &Message) -> Result<Reply, Stop> {
        let reply = self.client.send(message).await?;
        if reply.status != 200 {
            return fail(format!(
                "status {} ({}) instead of 200",
                reply.status,
                reply.code()
            ));
        }
        // A proxy's own 500 is no lie of the connector; a 200 must be its own word.
        self.client.own(message, reply)
    }

    /// Sends the request that makes an operation, and tells its state.
    pub async fn begin(&self, work: &Work) -> Result<State, Stop> {
        self.begin_by(work, &self.message(&work.request)).await
    }

    /// The same with a message that was made before.
    pub async fn begin_by(&self, work: &Work, message: &Message) -> Result<State, Stop> {
        let reply = self.ask_by(message).await?;
        let early = self.receiver.heard(&work.id);
        if early.first().is_some_and(|heard| heard.at < reply.at) {
            self.warn("a callback came before the answer");
        }
        self.state(work, &reply.body)
    }

    /// Asks for the state of an operation.
    pub async fn status(&self, work: &Work) -> Result<State, Stop> {
        let is_refund = work.request["type"] == "refund";
        let kind = if is_refund { "refund_status" } else { "status" };
        let reply = self.ask(&self.question(kind, &work.id)).await?;
        self.state(work, &reply.body)
    }

    /// Sends a request that must be refused with this error.
    pub async fn refused(&self, message: &Message, status: u16, code: &str) -> Result<(), Stop> {
        let reply = self.client.send(message).await?;
        // Whoever does not know the key cannot sign with it.
        let reply = if status == 401 {
            reply
        } else {
            self.client.own(message, reply)?
        };
        let told = reply.code();
        hold((reply.status, told.as_str()) == (status, code), || {
            format!(
                "status {} ({told}) instead of {status} ({code})",
                reply.status
            )
        })
    }

    /// Reads what is said about an operation, and holds it against what was asked and said before.
    pub fn state(&self, work: &Work, body: &[u8]) -> Result<State, Stop> {
        let state = State::read(body).map_err(|fault| Stop::Fail(fault.to_string()))?;
        hold(state.operation == work.id, || {
            format!("it is about {} instead of {}", state.operation, work.id)
        })?;
        hold(state.amount == work.amount, || {
            format!(
                "it is over {}, asked was {}",
                written(state.amount),
                written(work.amount)
            )
        })?;
        if let Some(reference) = &state.reference {
            let mut references = self
                .references
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let known = references
                .entry(work.id.clone())
                .or_insert_with(|| reference.clone());
            hold(known == reference, || {
                format!(
                    "one operation, two references: {known}, then {reference}: it was made twice"
                )
            })?;
        }
        Ok(state)
    }
}

/// An amount in minor units.
pub fn written(amount: Money) -> String {
    format!("{} {}", amount.minor(), amount.currency())
}

/// The state must have this word.
pub fn expect(state: &State, word: &str) -> Result<(), Stop> {
    let told = state.standing.word();
    hold(told == word, || match &state.standing {
        Standing::Failure(code) => format!("status failure ({code}) instead of {word}"),
        Standing::Processing | Standing::Redirect(_) | Standing::Success => {
            format!("status {told} instead of {word}")
        }
    })
}

/// The state must be a failure with this code.
pub fn expect_failure(state: &State, code: &str) -> Result<(), Stop> {
    expect(state, "failure")?;
    let told = state.facts.gateway_code.as_deref().unwrap_or("");
    hold(told == code, || {
        format!("failure with {told} instead of {code}")
    })
}
