//! Faults that a test switches on: ways in which a bank's answer goes wrong.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::operation::Status;
use crate::config::DELAY_MS_MAX;

/// Faults that may be switched on at once.
const FAULTS_MAX: usize = 64;
/// Operations about which the bank may lie at once.
const LIES_MAX: usize = 100_000;
/// How long `delay` and `slow_body` take if the test does not say.
const DELAY_MS_DEFAULT: u64 = 5000;

/// The call that a fault is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `POST …/authorizations`.
    Authorization,
    /// `POST …/authentication`.
    Authentication,
    /// `POST …/challenge`.
    Challenge,
    /// `POST …/captures`.
    Capture,
    /// `POST …/voids`.
    Void,
    /// `POST …/refunds`.
    Refund,
    /// `GET …/operations/{key}`.
    Status,
    /// All of them.
    Any,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Defect {
    /// The answer is held back.
    Delay,
    /// The work is done and the connection closed without an answer.
    Drop,
    /// The connection is closed and no work is done.
    DropBefore,
    /// The bank receives the same call twice.
    Duplicate,
    /// The work is done and the answer is 500 with a page that is not JSON.
    #[serde(rename = "error_500")]
    Error500,
    /// The answer names an amount that is one unit higher.
    WrongAmount,
    /// The answer names another currency.
    WrongCurrency,
    /// The answer is cut in the middle.
    Malformed,
    /// The answer has no end in sight: 64 MiB.
    HugeBody,
    /// The answer trickles byte by byte.
    SlowBody,
}

/// What the status request says about an operation that a fault has touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusSays {
    /// As if it were approved.
    Approved,
    /// As if it were declined (100).
    Declined,
    /// As if it were not decided.
    Pending,
    /// As if it had never arrived.
    NotFound,
}

impl StatusSays {
    /// The status to show, or nothing for an operation that is denied.
    pub fn status(self) -> Option<Status> {
        match self {
            Self::Approved => Some(Status::Approved),
            Self::Declined => Some(Status::Declined),
            Self::Pending => Some(Status::Pending),
            Self::NotFound => None,
        }
    }
}

/// A fault as a test asks for it and as the bank lists it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which calls it is for.
    pub operation: Call,
    /// What goes wrong.
    pub fault: Defect,
    /// For `delay` and `slow_body`: how long, in milliseconds.
    #[serde(default = "default_delay_ms")]
    pub delay_ms: u64,
    /// How many calls it is for; 0 means until it is cleared.
    #[serde(default)]
    pub count: u32,
    /// What the status request says about touched operations until faults are cleared.
    #[serde(default)]
    pub status_says: Option<StatusSays>,
    /// How many calls it has spoiled so far.
    #[serde(default, skip_deserializing)]
    pub hits: u32,
}

fn default_delay_ms() -> u64 {
    DELAY_MS_DEFAULT
}

impl Fault {
    /// How long `delay` and `slow_body` take.
    pub fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }

    fn is_for(&self, call: Call) -> bool {
        let live = self.count == 0 || self.hits < self.count;
        live && (self.operation == Call::Any || self.operation == call)
    }
}

/// Why a fault was not switched on.
#[derive(Debug, thiserror::Error)]
pub enum FaultRefused {
    /// The delay is too long.
    #[error("delay_ms must not exceed {DELAY_MS_MAX}")]
    DelayTooLong,
    /// Too many faults.
    #[error("no more than {FAULTS_MAX} faults at once")]
    TooMany,
}

#[derive(Default)]
struct State {
    faults: Vec<Fault>,
    lies: HashMap<String, StatusSays>,
}

/// The faults that are switched on. Cheap to ask while there are none.
#[derive(Default)]
pub struct Faults {
    any: AtomicBool,
    state: Mutex<State>,
}

impl Faults {
    /// Switches a fault on. Of several faults for a call the oldest live one spoils it.
    pub fn add(&self, fault: Fault) -> Result<(), FaultRefused> {
        if fault.delay_ms > DELAY_MS_MAX {
            return Err(FaultRefused::DelayTooLong);
        }
        let mut state = self.lock();
        if state.faults.len() >= FAULTS_MAX {
            state
                .faults
                .retain(|fault| fault.count == 0 || fault.hits < fault.count);
        }
        if state.faults.len() >= FAULTS_MAX {
            return Err(FaultRefused::TooMany);
        }
        state.faults.push(fault);
        self.any.store(true, Ordering::Release);
        Ok(())
    }

    /// Switches all faults off; the bank tells the truth again.
    pub fn clear(&self) {
        let mut state = self.lock();
        *state = State::default();
        self.any.store(false, Ordering::Release);
    }

    /// The faults, oldest first, used-up ones included.
    pub fn list(&self) -> Vec<Fault> {
        self.lock().faults.clone()
    }

    /// The fault that spoils this call, if one does; counts as a hit.
    pub fn strike(&self, call: Call, key: &str) -> Option<Fault> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let mut state = self.lock();
        let fault = state.faults.iter_mut().find(|fault| fault.is_for(call))?;
        fault.hits = fault.hits.saturating_add(1);
        let fault = fault.clone();
        if let Some(says) = fault.status_says.filter(|_| state.lies.len() < LIES_MAX) {
            state.lies.insert(key.to_owned(), says);
        }
        Some(fault)
    }

    /// What the status request must say about a key instead of the truth.
    pub fn lie(&self, key: &str) -> Option<StatusSays> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        self.lock().lies.get(key).copied()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nobody panics while holding the faults")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Fault {
        serde_json::from_str(text).expect("a fault")
    }

    #[test]
    fn fault_strikes_its_call_as_often_as_asked() {
        let faults = Faults::default();
        faults
            .add(fault(r#"{"operation":"capture","fault":"drop","count":2}"#))
            .expect("switched on");

        assert!(faults.strike(Call::Void, "k").is_none());
        assert!(faults.strike(Call::Capture, "k").is_some());
        assert!(faults.strike(Call::Capture, "k").is_some());
        assert!(faults.strike(Call::Capture, "k").is_none());
        assert_eq!(faults.list()[0].hits, 2);
    }

    #[test]
    fn lie_lasts_until_the_faults_are_cleared() {
        let faults = Faults::default();
        let text = r#"{"operation":"any","fault":"drop","count":1,"status_says":"pending"}"#;
        faults.add(fault(text)).expect("switched on");

        faults.strike(Call::Authorization, "k");
        assert_eq!(faults.lie("k"), Some(StatusSays::Pending));
        assert_eq!(faults.lie("other"), None);
        faults.clear();
        assert_eq!(faults.lie("k"), None);
    }
}
