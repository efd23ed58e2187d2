//! An order of the shop and what is known about its payment.

use serde::{Deserialize, Serialize};

use super::gateway::Report;
use super::orders::Kept;
use crate::web::Language;

/// ISO 4217 number of the tenge, in which everything is sold.
pub const CURRENCY: &str = "398";
/// Callbacks that are remembered per order.
const CALLBACKS_MAX: usize = 50;

/// Where the payment of an order stands, as far as the shop knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The gateway has not taken the order.
    NotRegistered,
    /// Waits for the payer.
    Registered,
    /// The payer is at the bank's page.
    Authentication,
    /// The gateway waits for the bank.
    Waiting,
    /// Held, to be captured or released.
    Held,
    /// Money taken.
    Paid,
    /// The hold was released.
    Released,
    /// All given back.
    Refunded,
    /// A part given back.
    PartiallyRefunded,
    /// Not paid and never will be.
    Declined,
    /// The gateway speaks of another order or sum: nothing is handed out.
    Mismatch,
}

impl State {
    /// The word for `data-status`.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotRegistered => "not_registered",
            Self::Registered => "registered",
            Self::Authentication => "authentication",
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Paid => "paid",
            Self::Released => "released",
            Self::Refunded => "refunded",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Declined => "declined",
            Self::Mismatch => "mismatch",
        }
    }

    /// Whether the payer may still be paying.
    pub fn is_open(self) -> bool {
        match self {
            Self::Registered | Self::Authentication | Self::Waiting => true,
            Self::NotRegistered
            | Self::Held
            | Self::Paid
            | Self::Released
            | Self::Refunded
            | Self::PartiallyRefunded
            | Self::Declined
            | Self::Mismatch => false,
        }
    }
}

/// From what the shop knows the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// From nothing but its own registration.
    Registration,
    /// From a callback with a right checksum.
    Callback,
    /// From the status request.
    Status,
}

impl Source {
    /// The word for `data-source`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::Callback => "callback",
            Self::Status => "status",
        }
    }
}

/// A callback with a right checksum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// `operation`.
    pub operation: String,
    /// `status` was 1.
    pub succeeded: bool,
    /// When it came, milliseconds since 1970.
    pub at_ms: u64,
}

/// One order.
#[derive(Clone, Serialize, Deserialize)]
pub struct Order {
    /// The shop's number of it.
    pub number: String,
    /// Which good.
    pub good: String,
    /// How many.
    pub quantity: u32,
    /// Minor units of tenge.
    pub amount: i64,
    /// Hold first, capture later.
    pub hold: bool,
    /// Language of the buyer.
    pub language: Language,
    /// When it was made, milliseconds since 1970.
    pub created_ms: u64,
    /// The gateway's name of it.
    pub order_id: Option<String>,
    /// Where the payer pays.
    pub form_url: Option<String>,
    /// Where the payment stands.
    pub state: State,
    /// How the shop knows.
    pub source: Source,
    /// Held or taken.
    pub approved: i64,
    /// Taken and not given back.
    pub deposited: i64,
    /// Given back.
    pub refunded: i64,
    /// Why it was declined, in the buyer's language.
    pub reason: String,
    /// `411111**1111`.
    pub masked_pan: String,
    /// Callbacks with a right checksum, oldest first.
    pub callbacks: Vec<Callback>,
}

impl Kept for Order {
    fn number(&self) -> &str {
        &self.number
    }
}

impl Order {
    /// Takes over what the status request told.
    pub fn learn_from_report(&mut self, report: &Report) {
        self.source = Source::Status;
        let ours = report.order_number == self.number
            && report.amount == self.amount
            && report.currency == CURRENCY;
        if !ours {
            self.state = State::Mismatch;
            return;
        }
        self.approved = report.approved;
        self.deposited = report.deposited;
        self.refunded = report.refunded;
        self.reason.clone_from(&report.reason);
        self.masked_pan.clone_from(&report.masked_pan);
        self.state = match report.order_status {
            0 => State::Registered,
            1 => State::Held,
            // Some gateways keep status 2 until everything is given back.
            2 if report.refunded > 0 => State::PartiallyRefunded,
            2 => State::Paid,
            3 => State::Released,
            4 if report.deposited > 0 => State::PartiallyRefunded,
            4 => State::Refunded,
            5 => State::Authentication,
            6 => State::Declined,
            _ => State::Waiting,
        };
    }

    /// Takes over what a callback told, whose checksum was right. Callbacks may come twice or in
    /// the wrong order, so a later state is never taken back.
    pub fn learn_from_callback(&mut self, callback: Callback) {
        let unpaid = self.state.is_open() || self.state == State::NotRegistered;
        let next = match (callback.operation.as_str(), callback.succeeded) {
            ("approved", true) if unpaid && self.hold => Some(State::Held),
            ("deposited", true) if unpaid || self.state == State::Held => Some(State::Paid),
            ("approved" | "deposited" | "declinedByTimeout", _) if unpaid => Some(State::Declined),
            ("reversed", true) if self.state == State::Held => Some(State::Released),
            ("refunded", true) if self.state == State::Paid => Some(State::PartiallyRefunded),
            _ => None,
        };
        // In one phase `approved` may precede `deposited` and says nothing final.
        let premature = callback.operation == "approved" && callback.succeeded && !self.hold;
        if let Some(state) = next.filter(|_| !premature) {
            self.state = state;
            self.source = Source::Callback;
            if state == State::Held {
                self.approved = self.amount;
            }
            if state == State::Paid && self.deposited == 0 {
                self.deposited = if self.approved > 0 {
                    self.approved
                } else {
                    self.amount
                };
            }
        }
        if self.callbacks.len() < CALLBACKS_MAX {
            self.callbacks.push(callback);
        }
    }

    /// What can be captured or released.
    pub fn capturable(&self) -> i64 {
        if self.state == State::Held {
            self.approved
        } else {
            0
        }
    }

    /// What can be refunded.
    pub fn refundable(&self) -> i64 {
        match self.state {
            State::Paid | State::PartiallyRefunded => self.deposited,
            State::NotRegistered
            | State::Registered
            | State::Authentication
            | State::Waiting
            | State::Held
            | State::Released
            | State::Refunded
            | State::Declined
            | State::Mismatch => 0,
        }
    }
}

/// Reads a sum of tenge as people type it: `1500`, `1 500`, `1500.5`, `1500,50`. Nothing typed
/// means everything, `all`.
pub fn typed_amount(text: &str, all: i64) -> Option<i64> {
    let text: String = text.chars().filter(|char| !char.is_whitespace()).collect();
    if text.is_empty() {
        return Some(all);
    }
    let (whole, part) = text.split_once([',', '.']).unwrap_or((&text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 10 || part.len() > 2 || !digits(whole) || !digits(part) {
        return None;
    }
    let minor: i64 = format!("{part:0<2}").parse().ok()?;
    let amount = whole.parse::<i64>().ok()? * 100 + minor;
    (1..=all).contains(&amount).then_some(amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(hold: bool) -> Order {
        Order {
            number: "DALA-1".to_owned(),
            good: "dombra".to_owned(),
            quantity: 1,
            amount: 1000,
            hold,
            language: Language::Ru,
            created_ms: 0,
            order_id: None,
            form_url: None,
            state: State::Registered,
            source: Source::Registration,
            approved: 0,
            deposited: 0,
            refunded: 0,
            reason: String::new(),
            masked_pan: String::new(),
            callbacks: Vec::new(),
        }
    }

    fn callback(operation: &str, succeeded: bool) -> Callback {
        Callback {
            operation: operation.to_owned(),
            succeeded,
            at_ms: 0,
        }
    }

    #[test]
    fn typed_sums_are_read_or_refused() {
        let read = [
            ("", 5000),
            ("50", 5000),
            ("1 0", 1000),
            ("0,5", 50),
            ("12.34", 1234),
        ];
        for (text, amount) in read {
            assert_eq!(typed_amount(text, 5000), Some(amount), "{text}");
        }
        for text in [
            "50.01",
            "0",
            "-1",
            "1.234",
            "ten",
            ".5",
            "99999999999",
            "1e3",
        ] {
            assert_eq!(typed_amount(text, 5000), None, "{text}");
        }
    }

    #[test]
    fn callbacks_never_take_a_later_state_back() {
        let mut paid = order(false);
        paid.learn_from_callback(callback("approved", true));
        assert_eq!(
            paid.state,
            State::Registered,
            "one phase: approved is not paid"
        );
        paid.learn_from_callback(callback("deposited", true));
        assert_eq!((paid.state, paid.source), (State::Paid, Source::Callback));
        paid.learn_from_callback(callback("deposited", false));
        paid.learn_from_callback(callback("declinedByTimeout", true));
        assert_eq!(paid.state, State::Paid);
        assert_eq!(paid.callbacks.len(), 4);

        let mut held = order(true);
        held.learn_from_callback(callback("approved", true));
        assert_eq!((held.state, held.capturable()), (State::Held, 1000));
        held.learn_from_callback(callback("reversed", true));
        assert_eq!(held.state, State::Released);
    }

    #[test]
    fn report_about_another_sum_is_not_a_payment() {
        let report = Report {
            order_status: 2,
            order_number: "DALA-1".to_owned(),
            amount: 1000,
            currency: CURRENCY.to_owned(),
            approved: 1000,
            deposited: 1000,
            refunded: 0,
            reason: String::new(),
            masked_pan: String::new(),
        };
        let mut paid = order(false);
        paid.learn_from_report(&report);
        assert_eq!(paid.state, State::Paid);
        for wrong in [
            Report {
                amount: 10,
                ..report.clone()
            },
            Report {
                currency: "643".to_owned(),
                ..report.clone()
            },
            Report {
                order_number: "DALA-2".to_owned(),
                ..report
            },
        ] {
            let mut order = order(false);
            order.learn_from_report(&wrong);
            assert_eq!(order.state, State::Mismatch);
        }
    }
}
