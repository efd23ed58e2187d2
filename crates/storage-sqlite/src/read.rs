//! Reads of one payment.

use std::sync::Arc;

use altyn_domain::{DeliveryAttempt, Order, Payment, PaymentId, ProjectId};
use altyn_storage::{DeliveryKey, ReferenceKey, StoredEvent, Telling};
use rusqlite::Connection;

use crate::fault::Fault;
use crate::rows::{self, all, first, in_snapshot};

/// The payment with this id, if it is the project's, or whoever owns it.
pub(crate) fn payment(
    db: &Connection,
    owner: Option<ProjectId>,
    id: PaymentId,
) -> Result<Option<Payment>, Fault> {
    let payment = in_snapshot(db, |db| rows::payment(db, id))?;
    Ok(payment.filter(|payment| owner.is_none_or(|owner| owner == payment.project_id)))
}

/// The payment that a reference names.
pub(crate) fn payment_by_reference(
    db: &Connection,
    key: &ReferenceKey,
) -> Result<Option<Payment>, Fault> {
    let payment = in_snapshot(db, |db| match rows::referenced(db, key)? {
        Some(id) => rows::payment(db, id),
        None => Ok(None),
    })?;
    Ok(payment.filter(|payment| payment.project_id == key.project_id))
}

/// Deliveries with their events, the payment's order put back into each.
pub(crate) fn deliveries(db: &Connection, keys: &[DeliveryKey]) -> Result<Vec<Telling>, Fault> {
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        found.extend(delivery(db, *key)?);
    }
    Ok(found)
}

fn delivery(db: &Connection, key: DeliveryKey) -> Result<Option<Telling>, Fault> {
    let id = key.payment_id;
    let sql = "SELECT d.number, d.event, d.endpoint, d.url, d.state, d.attempts, d.rendered, \
               e.number, e.kind, e.operation, e.at, e.payment, p.order_details \
               FROM deliveries d \
               JOIN events e ON e.bucket = d.bucket AND e.payment_id = d.payment_id \
                   AND e.number = d.event \
               JOIN payments p ON p.bucket = d.bucket AND p.payment_id = d.payment_id \
               WHERE d.bucket = ?1 AND d.payment_id = ?2 AND d.number = ?3";
    let params = (id.bucket().number(), id.uuid(), key.number);
    first(db, sql, params, |cells| {
        let delivery = rows::delivery(cells, id)?;
        let event = StoredEvent {
            number: cells.take()?,
            kind: cells.take()?,
            operation: cells.take()?,
            at: cells.take()?,
            payment: cells.take()?,
        };
        let order: String = cells.take()?;
        Ok(Telling {
            payment_id: id,
            delivery,
            event: event.into_event(order_of(&order, id)?)?,
        })
    })
}

/// Reads an order as it is stored.
pub(crate) fn order_of(json: &str, id: PaymentId) -> Result<Arc<Order>, Fault> {
    let corrupt = |_| Fault::corrupt("payments", id.uuid(), "order_details");
    serde_json::from_str(json).map(Arc::new).map_err(corrupt)
}

/// All attempts to deliver callbacks of a payment, oldest first.
pub(crate) fn attempts(db: &Connection, id: PaymentId) -> Result<Vec<DeliveryAttempt>, Fault> {
    let sql = "SELECT delivery, attempt, at, duration_ms, status, error, answer \
               FROM delivery_attempts WHERE bucket = ?1 AND payment_id = ?2 \
               ORDER BY at, delivery, attempt";
    all(db, sql, (id.bucket().number(), id.uuid()), rows::attempt)
}
