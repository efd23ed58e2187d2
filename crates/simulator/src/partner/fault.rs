//! Faults that a test switches on: ways in which the partner's answer goes wrong.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::DELAY_MS_MAX;

/// Faults that may be switched on at once.
const FAULTS_MAX: usize = 64;
/// How long `delay` and `slow_body` take if the test does not say.
const DELAY_MS_DEFAULT: u64 = 5000;

/// The call that a fault is for. Both generations have the same names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `credentials/verify`.
    Verify,
    /// `order/create`, `POST /orders`.
    CreateOrder,
    /// `order/info`.
    OrderInfo,
    /// `order/info/link`.
    OrderLink,
    /// `order/info/status`, `GET /orders/{id}`.
    OrderStatus,
    /// `PATCH /orders/{id}`.
    TerminateOrder,
    /// `POST /orders/sessions`.
    CreateSession,
    /// `GET /orders/{id}/payments` and one of them.
    Payments,
    /// `order/refund`, `POST /orders/{id}/refunds`.
    Refund,
    /// `refundStatus`, `GET /orders/{id}/refunds/{refund_id}`.
    RefundStatus,
    /// `refunds`, `GET /orders/{id}/refunds`.
    Refunds,
    /// `simulate`.
    Simulate,
    /// All of them.
    Any,
}

impl Call {
    /// All of them, for the page.
    pub const ALL: [Call; 13] = [
        Call::Any,
        Call::Verify,
        Call::CreateOrder,
        Call::OrderInfo,
        Call::OrderLink,
        Call::OrderStatus,
        Call::TerminateOrder,
        Call::CreateSession,
        Call::Payments,
        Call::Refund,
        Call::RefundStatus,
        Call::Refunds,
        Call::Simulate,
    ];
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
    /// The work is done and the answer is 500.
    #[serde(rename = "error_500")]
    Error500,
    /// No work is done and the answer is 500.
    #[serde(rename = "error_500_before")]
    Error500Before,
    /// No work is done and the answer is 429.
    RateLimit,
    /// The answer is cut in the middle.
    Malformed,
    /// The answer has no end in sight: 64 MiB.
    HugeBody,
    /// The answer trickles byte by byte.
    SlowBody,
}

impl Defect {
    /// All of them with what they do, for the page.
    pub const ALL: [(Defect, &'static str); 9] = [
        (Defect::Delay, "hold the answer back"),
        (Defect::Drop, "do the work, close the connection"),
        (Defect::DropBefore, "close the connection, do nothing"),
        (Defect::Error500, "do the work, answer 500"),
        (Defect::Error500Before, "answer 500, do nothing"),
        (Defect::RateLimit, "answer 429, do nothing"),
        (Defect::Malformed, "cut the answer in half"),
        (Defect::HugeBody, "answer 64 MiB"),
        (Defect::SlowBody, "answer byte by byte"),
    ];

    /// Whether the work is left undone.
    pub fn prevents(self) -> bool {
        matches!(
            self,
            Self::DropBefore | Self::Error500Before | Self::RateLimit
        )
    }
}

/// A fault as a test asks for it and as the partner lists it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which calls it is for.
    pub call: Call,
    /// What goes wrong.
    pub fault: Defect,
    /// For `delay` and `slow_body`: how long, in milliseconds.
    #[serde(default = "default_delay_ms")]
    pub delay_ms: u64,
    /// How many calls it is for; 0 means until it is cleared.
    #[serde(default)]
    pub count: u32,
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

    /// Whether it has struck as often as it was meant to.
    pub fn is_used_up(&self) -> bool {
        self.count > 0 && self.hits >= self.count
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

/// The faults that are switched on. Cheap to ask while there are none.
#[derive(Default)]
pub struct Faults {
    any: AtomicBool,
    list: Mutex<Vec<Fault>>,
}

impl Faults {
    /// Switches a fault on. Of several faults for a call the oldest live one spoils it.
    pub fn add(&self, fault: Fault) -> Result<(), FaultRefused> {
        if fault.delay_ms > DELAY_MS_MAX {
            return Err(FaultRefused::DelayTooLong);
        }
        let mut list = self.lock();
        if list.len() >= FAULTS_MAX {
            list.retain(|fault| !fault.is_used_up());
        }
        if list.len() >= FAULTS_MAX {
            return Err(FaultRefused::TooMany);
        }
        list.push(fault);
        self.any.store(true, Ordering::Release);
        Ok(())
    }

    /// Switches all faults off.
    pub fn clear(&self) {
        self.lock().clear();
        self.any.store(false, Ordering::Release);
    }

    /// The faults, oldest first, used-up ones included.
    pub fn list(&self) -> Vec<Fault> {
        self.lock().clone()
    }

    /// The fault that spoils this call, if one does; counts as a hit.
    pub fn strike(&self, call: Call) -> Option<Fault> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let mut list = self.lock();
        let mut live = list.iter_mut().filter(|fault| !fault.is_used_up());
        let fault = live.find(|fault| fault.call == Call::Any || fault.call == call)?;
        fault.hits = fault.hits.saturating_add(1);
        Some(fault.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.list
            .lock()
            .expect("nobody panics while holding the faults")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_strikes_its_call_as_often_as_asked() {
        let faults = Faults::default();
        let text = r#"{"call":"refund","fault":"error_500","count":1}"#;
        faults
            .add(serde_json::from_str(text).expect("a fault"))
            .expect("switched on");

        assert!(faults.strike(Call::CreateOrder).is_none());
        assert!(faults.strike(Call::Refund).is_some());
        assert!(faults.strike(Call::Refund).is_none());
        assert!(faults.list()[0].is_used_up());
        faults.clear();
        assert!(faults.list().is_empty());
    }
}
