//! What belongs to a payment and only staff sees: events, callbacks with their attempts, postings.
//!
//! A customer has the permission to see payments, but these three are the merchant's own business: for a
//! customer they are not there.

use altyn_domain::{
    Currency, Delivery, DeliveryAttempt, EventKind, Payment, PaymentId, PaymentStatus, Permission,
    Posting, Sums, Timestamp,
};
use altyn_storage::DeliveryKey;

use super::is_customer;
use crate::{Caller, Engine, OfficeError};

/// Something that happened to a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventLine {
    /// Its number within the payment, from 1.
    pub number: u32,
    /// What happened.
    pub kind: EventKind,
    /// The operation it is about.
    pub operation: Option<u32>,
    /// When.
    pub at: Timestamp,
    /// Where the payment stood then.
    pub status: PaymentStatus,
    /// What had happened to the money by then.
    pub sums: Sums,
    /// The currency of those sums.
    pub currency: Currency,
}

/// A callback with its attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryCard {
    /// The callback; without its text, which may hold what a reader of this may not see.
    pub delivery: Delivery,
    /// The attempts, oldest first.
    pub attempts: Vec<DeliveryAttempt>,
}

impl Engine {
    /// A payment in reach of a caller who is no customer.
    async fn payment_for_staff(
        &self,
        caller: &Caller,
        id: PaymentId,
    ) -> Result<Payment, OfficeError> {
        caller.require(Permission::PaymentsView)?;
        if is_customer(caller) {
            return Err(OfficeError::NotFound);
        }
        self.payment_in_reach(&self.reach(caller), id).await
    }

    /// What happened to a payment, oldest first. Staff only.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn office_events(
        &self,
        caller: &Caller,
        id: PaymentId,
    ) -> Result<Vec<EventLine>, OfficeError> {
        self.payment_for_staff(caller, id).await?;
        let events = self.storage().events(id).await?;
        let line = |event: altyn_domain::Event| EventLine {
            number: event.number,
            kind: event.kind,
            operation: event.operation,
            at: event.at,
            status: event.payment.status(),
            sums: event.payment.sums,
            currency: event.payment.amount.currency(),
        };
        Ok(events.into_iter().map(line).collect())
    }

    /// The callbacks of a payment with their attempts, oldest first. Staff only.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn office_deliveries(
        &self,
        caller: &Caller,
        id: PaymentId,
    ) -> Result<Vec<DeliveryCard>, OfficeError> {
        let payment = self.payment_for_staff(caller, id).await?;
        let key = |number| DeliveryKey {
            payment_id: id,
            number,
        };
        let keys: Vec<_> = (1..=payment.counters.deliveries).map(key).collect();
        let found = self.storage().deliveries(&keys).await?;
        let attempts = self.storage().delivery_attempts(id).await?;
        let mut cards: Vec<DeliveryCard> = found
            .into_iter()
            .map(|telling| DeliveryCard {
                attempts: attempts
                    .iter()
                    .filter(|attempt| attempt.delivery == telling.delivery.number)
                    .cloned()
                    .collect(),
                delivery: Delivery {
                    rendered: None,
                    ..telling.delivery
                },
            })
            .collect();
        cards.sort_by_key(|card| card.delivery.number);
        Ok(cards)
    }

    /// The movements of a payment in the ledger, oldest first. Staff only.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn office_postings(
        &self,
        caller: &Caller,
        id: PaymentId,
    ) -> Result<Vec<Posting>, OfficeError> {
        self.payment_for_staff(caller, id).await?;
        Ok(self.storage().postings(id).await?)
    }
}
