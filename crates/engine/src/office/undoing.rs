//! Capture, void, refund and cancel, as staff asks for them.

use altyn_domain::{
    Answer, Initiator, Money, OnRefusal, OperationKind, Payment, PaymentId, Permission, Target,
};
use serde_json::{Value, json};

use super::card::OperationCard;
use super::payments::PaymentLine;
use super::{BACKOFFICE, checked_text, minor_of, name_of};
use crate::undo::AskedBy;
use crate::{
    Caller, CaptureRequest, Engine, EngineError, OfficeError, Owner, Reach, RefundRequest, Wait,
};

/// The most characters of a reason and of a key.
const REASON_MAX: usize = 500;
const KEY_MAX: usize = 255;

/// Why something is asked for, and under which key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// Why, for people.
    pub reason: String,
    /// The caller's own key: a repeat is answered with the first operation.
    pub key: Option<String>,
}

impl Why {
    pub(super) fn check(&self) -> Result<(), OfficeError> {
        checked_text("reason", &self.reason, REASON_MAX)?;
        match &self.key {
            Some(key) => checked_text("key", key, KEY_MAX),
            None => Ok(()),
        }
    }

    /// The key as operations keep it: apart from those that merchants and other people give.
    pub(super) fn reference(&self, caller: &Caller) -> Option<String> {
        let key = self.key.as_ref()?;
        Some(format!("{BACKOFFICE}/{}/{key}", name_of(caller)))
    }

    fn asked_by(&self, caller: &Caller) -> AskedBy {
        AskedBy {
            initiator: Initiator::Operator,
            reference: self.reference(caller),
            reason: Some(self.reason.clone()),
        }
    }

    pub(super) fn detail(&self, amount: Option<i64>, payment: &Payment) -> Value {
        json!({
            "amount": amount,
            "currency": payment.amount.currency().alpha(),
            "reason": self.reason,
            "key": self.key,
        })
    }
}

/// How much of a hold is to be taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CaptureWish {
    /// How much; `None` for all that is held.
    pub amount: Option<Money>,
    /// Whether the rest goes back to the payer.
    pub release_rest: bool,
}

/// What became of it: succeeded, declined, or still open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The operation.
    pub operation: OperationCard,
    /// The payment after it.
    pub payment: PaymentLine,
    /// Whether the same was asked for before, and nothing happened now.
    pub repeated: bool,
}

impl Undone {
    pub(super) fn of(
        answer: &Answer,
        reach: &Reach,
        kind: OperationKind,
        amount: Option<i64>,
    ) -> Result<Self, OfficeError> {
        let operation = answer.operation().ok_or(EngineError::StateUnknown)?;
        let same = operation.kind == kind && amount.is_none_or(|it| it == operation.amount);
        if answer.repeated && !same {
            let words = format!(
                "the key was used before, for operation {} of this payment",
                operation.number
            );
            return Err(OfficeError::Conflict("key_used", words));
        }
        let project = reach.project(answer.payment.project_id).map(|p| &**p);
        Ok(Self {
            operation: OperationCard::of(operation, &answer.payment, project),
            payment: PaymentLine::of(&answer.payment, project),
            repeated: answer.repeated,
        })
    }
}

/// A payment that somebody may act upon.
struct InHand {
    reach: Reach,
    owner: Owner,
    payment: Payment,
}

impl Engine {
    async fn in_hand(
        &self,
        caller: &Caller,
        id: PaymentId,
        why: &Why,
    ) -> Result<InHand, OfficeError> {
        caller.require(Permission::PaymentsManage)?;
        why.check()?;
        let reach = self.reach(caller);
        let payment = self.payment_in_reach(&reach, id).await?;
        Ok(InHand {
            owner: reach.owner(payment.project_id)?,
            reach,
            payment,
        })
    }

    /// Captures a hold or a part of it.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn office_capture(
        &self,
        caller: &Caller,
        id: PaymentId,
        wish: CaptureWish,
        why: &Why,
    ) -> Result<Undone, OfficeError> {
        let it = self.in_hand(caller, id, why).await?;
        let wanted = CaptureRequest {
            amount: minor_of(wish.amount, &it.payment)?,
            release_rest: wish.release_rest,
        };
        let mut detail = why.detail(wanted.amount, &it.payment);
        detail["release_rest"] = json!(wish.release_rest);
        let (project, action) = (it.payment.project_id, "payment.capture_asked");
        self.note_asked(caller, project, action, id, detail).await?;
        let (target, by) = (Target::Payment(id), why.asked_by(caller));
        let answer = self
            .capture_by(&it.owner, target, wanted, by, Wait::ForOutcome)
            .await?;
        Undone::of(&answer, &it.reach, OperationKind::Capture, wanted.amount)
    }

    /// Gives up a hold or a part of it; `None` for all of it.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn office_void(
        &self,
        caller: &Caller,
        id: PaymentId,
        amount: Option<Money>,
        why: &Why,
    ) -> Result<Undone, OfficeError> {
        let it = self.in_hand(caller, id, why).await?;
        let amount = minor_of(amount, &it.payment)?;
        let detail = why.detail(amount, &it.payment);
        let (project, action) = (it.payment.project_id, "payment.void_asked");
        self.note_asked(caller, project, action, id, detail).await?;
        let (target, by) = (Target::Payment(id), why.asked_by(caller));
        let answer = self
            .void_by(&it.owner, target, amount, by, Wait::ForOutcome)
            .await?;
        Undone::of(&answer, &it.reach, OperationKind::Void, amount)
    }

    /// Gives captured money back; `None` for all that is left.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn office_refund(
        &self,
        caller: &Caller,
        id: PaymentId,
        amount: Option<Money>,
        why: &Why,
    ) -> Result<Undone, OfficeError> {
        let it = self.in_hand(caller, id, why).await?;
        let amount = minor_of(amount, &it.payment)?;
        let detail = why.detail(amount, &it.payment);
        let (project, action) = (it.payment.project_id, "payment.refund_asked");
        self.note_asked(caller, project, action, id, detail).await?;
        let wanted = RefundRequest {
            amount,
            reference: why.reference(caller),
            expected_deposited: None,
            description: Some(why.reason.clone()),
            on_refusal: OnRefusal::Answer,
        };
        let (target, initiator) = (Target::Payment(id), Initiator::Operator);
        let answer = self
            .refund_by(&it.owner, target, wanted, initiator, Wait::ForOutcome)
            .await?;
        Undone::of(&answer, &it.reach, OperationKind::Refund, amount)
    }

    /// Withdraws an unpaid payment.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn office_cancel(
        &self,
        caller: &Caller,
        id: PaymentId,
        why: &Why,
    ) -> Result<PaymentLine, OfficeError> {
        let it = self.in_hand(caller, id, why).await?;
        let detail = json!({"reason": why.reason, "key": why.key});
        let (project, action) = (it.payment.project_id, "payment.cancel_asked");
        self.note_asked(caller, project, action, id, detail).await?;
        let answer = self.cancel(&it.owner, Target::Payment(id)).await?;
        Ok(PaymentLine::in_reach(&answer.payment, &it.reach))
    }
}
