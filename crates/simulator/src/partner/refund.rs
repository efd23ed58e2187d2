//! The rules of refunds.

use super::book::{Book, Item, Refusal};
use super::notice;
use super::order::{Plan, Refund, RefundKind, RefundStatus, RefundWish};

/// What becomes of a refund, and whether it goes on by itself.
fn outcome(note: Option<&str>) -> (RefundStatus, bool) {
    match note {
        Some("FAILED") => (RefundStatus::Failed, false),
        Some("PENDING") => (RefundStatus::Pending, false),
        Some("ACTIVE") => (RefundStatus::Pending, true),
        // `SUCCESS` and whatever else a merchant writes.
        Some(_) | None => (RefundStatus::Success, false),
    }
}

impl Book {
    /// Gives money of a payment back, or answers a repeat.
    pub fn create_refund(
        &mut self,
        payment: usize,
        wish: RefundWish,
        now_ms: u64,
    ) -> Result<usize, Refusal> {
        let known = wish.merchant_id.as_deref();
        if let Some(index) = known.and_then(|id| self.by_merchant_refund.get(id).copied()) {
            let first = self.refund(index);
            let same = first.payment == payment && first.wish == wish;
            return if same {
                Ok(index)
            } else {
                Err(Refusal::RefundIdReused)
            };
        }
        let entry = self.payment(payment);
        if entry.status != super::order::PaymentStatus::Success {
            return Err(Refusal::NotPaid);
        }
        if wish.amount > entry.amount - entry.refunded {
            return Err(Refusal::RefundTooHigh);
        }
        let (status, goes_on) = outcome(wish.note.as_deref());
        let due_ms = goes_on.then(|| now_ms.saturating_add(self.settings.refund_ms));
        Ok(self.open_refund(payment, wish, (status, due_ms), now_ms))
    }

    /// Gives a payment back that came too late. Nothing if all of it went back before.
    pub(super) fn refund_by_itself(&mut self, payment: usize, now_ms: u64) -> Option<usize> {
        let entry = self.payment(payment);
        let wish = RefundWish {
            merchant_id: None,
            amount: entry.amount - entry.refunded,
            note: None,
            speed: "STANDARD".to_owned(),
        };
        (wish.amount > 0)
            .then(|| self.open_refund(payment, wish, (RefundStatus::Success, None), now_ms))
    }

    fn open_refund(
        &mut self,
        payment: usize,
        wish: RefundWish,
        (status, due_ms): (RefundStatus, Option<u64>),
        now_ms: u64,
    ) -> usize {
        let late = self.payment(payment).status == super::order::PaymentStatus::Cancelled;
        let index = self.refunds.len();
        let refund = Refund {
            index,
            id: self.next_refund_id(),
            payment,
            order: self.payment(payment).order,
            wish,
            kind: if late {
                RefundKind::PaymentAutoRefund
            } else {
                RefundKind::MerchantInitiated
            },
            status,
            created_ms: now_ms,
            ended_ms: status.is_final().then_some(now_ms),
            due_ms,
        };
        let gives = matches!(
            status,
            RefundStatus::Pending | RefundStatus::OnHold | RefundStatus::Success
        );
        if gives {
            self.move_back(payment, refund.wish.amount);
        }
        self.add_refund(refund);
        if !late {
            self.tell_refund(index, now_ms);
        }
        index
    }

    /// Decides a refund that is in work.
    pub fn decide_refund(
        &mut self,
        index: usize,
        status: RefundStatus,
        now_ms: u64,
    ) -> Result<Vec<usize>, Refusal> {
        let refund = &mut self.refunds[index];
        if refund.status.is_final() {
            return Err(Refusal::RefundFinal);
        }
        refund.status = status;
        refund.due_ms = None;
        refund.ended_ms = status.is_final().then_some(now_ms);
        let (payment, amount) = (refund.payment, refund.wish.amount);
        self.touch(Item::Refund(index));
        if matches!(status, RefundStatus::Cancelled | RefundStatus::Failed) {
            self.move_back(payment, -amount);
        }
        Ok(self.tell_refund(index, now_ms))
    }

    /// A refund that goes on by itself is done, unless a test decided it first.
    pub(super) fn finish_refund(&mut self, index: usize, now_ms: u64) {
        let refund = self.refund(index);
        if refund.due_ms.is_some_and(|due_ms| due_ms <= now_ms) {
            // A refund with a due time is never final.
            let _ = self.decide_refund(index, RefundStatus::Success, now_ms);
        }
    }

    fn move_back(&mut self, payment: usize, paise: i64) {
        let entry = &mut self.payments[payment];
        entry.refunded += paise;
        assert!(
            (0..=entry.amount).contains(&entry.refunded),
            "no more goes back than was paid"
        );
        self.touch(Item::Payment(payment));
    }

    fn tell_refund(&mut self, index: usize, now_ms: u64) -> Vec<usize> {
        let about = notice::about_refund(self, index, now_ms);
        self.tell(about, &Plan::default())
    }
}
