//! An operation as a line of the journal. It has no card number, only the masked one.

use std::sync::Arc;

use anyhow::Context;
use iso_currency::Currency;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::book::Book;
use super::card::Behaviour;
use super::operation::{Authentication, Code, Kind, Operation, Status};

/// The whole present state of one operation.
#[derive(Serialize, Deserialize)]
pub struct Record {
    key: String,
    kind: Kind,
    status: Status,
    code: Code,
    amount: i64,
    currency: String,
    fingerprint: Uuid,
    parent: Option<String>,
    received: u32,
    eci: u8,
    verify: bool,
    capture_at_once: bool,
    behaviour: Behaviour,
    masked_pan: Option<String>,
    held: i64,
    captured: i64,
    voided: i64,
    released: i64,
    refunded: i64,
    at_ms: u64,
    late_until_ms: u64,
    authentication: Option<Box<Authentication>>,
}

impl Record {
    /// The present state of the operation at an index.
    pub fn of(book: &Book, index: usize) -> Record {
        let operation = book.at(index);
        Record {
            key: operation.key.as_ref().to_owned(),
            kind: operation.kind,
            status: operation.status,
            code: operation.code,
            amount: operation.amount,
            currency: operation.currency.code().to_owned(),
            fingerprint: Uuid::from_bytes(operation.fingerprint),
            parent: operation
                .parent
                .map(|parent| book.at(parent as usize).key.as_ref().to_owned()),
            received: operation.received,
            eci: operation.eci,
            verify: operation.verify,
            capture_at_once: operation.capture_at_once,
            behaviour: operation.behaviour,
            masked_pan: operation.masked_pan().map(str::to_owned),
            held: operation.held,
            captured: operation.captured,
            voided: operation.voided,
            released: operation.released,
            refunded: operation.refunded,
            at_ms: operation.at_ms,
            late_until_ms: operation.late_until_ms,
            authentication: operation.authentication.clone(),
        }
    }

    /// Puts the operation back into the book.
    pub fn restore(self, book: &mut Book) -> anyhow::Result<()> {
        let parent = self.parent.as_deref().and_then(|key| book.find(key));
        let currency = Currency::from_code(&self.currency)
            .with_context(|| format!("journal: currency {}", self.currency))?;
        let masked_pan = self
            .masked_pan
            .and_then(|masked| masked.into_bytes().try_into().ok());
        book.restore(Operation {
            key: Arc::from(self.key),
            kind: self.kind,
            status: self.status,
            code: self.code,
            amount: self.amount,
            currency,
            fingerprint: self.fingerprint.into_bytes(),
            parent: parent.and_then(|index| u32::try_from(index).ok()),
            received: self.received,
            eci: self.eci,
            verify: self.verify,
            capture_at_once: self.capture_at_once,
            behaviour: self.behaviour,
            masked_pan,
            held: self.held,
            captured: self.captured,
            voided: self.voided,
            released: self.released,
            refunded: self.refunded,
            at_ms: self.at_ms,
            late_until_ms: self.late_until_ms,
            authentication: self.authentication,
        });
        Ok(())
    }
}
