//! Registering an order to be paid.

use altyn_domain::{Answer, Command, Money, Order, PaymentId, RegisterPayment, Timestamp, Way};

use crate::{Engine, EngineError, Owner, crash};

/// An order to be registered.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The dialect it comes in.
    pub dialect: &'static str,
    /// How the money is to be taken.
    pub way: Way,
    /// How much.
    pub amount: Money,
    /// When it can no longer be paid; by default the project's session time-out from now.
    pub expires_at: Option<Timestamp>,
    /// When to capture by itself.
    pub auto_capture_at: Option<Timestamp>,
    /// When to void by itself.
    pub auto_void_at: Option<Timestamp>,
    /// What the merchant told.
    pub order: Order,
    /// The merchant's number of the order as the dialect compares it; by default as it is written.
    pub reference_key: Option<String>,
    /// How many tries are allowed; by default as the project says.
    pub tries_max: Option<u32>,
}

impl Engine {
    /// Registers an order. An order without a reference of the merchant's gets the payment's id as one.
    ///
    /// # Errors
    /// See [`EngineError`]; a reference that was used before is a refusal.
    pub async fn register(
        &self,
        owner: &Owner,
        registration: Registration,
    ) -> Result<Answer, EngineError> {
        let command = self.registration(owner, self.new_payment_id(owner), registration);
        let answer = self
            .execute(owner, Command::Register(Box::new(command)), None)
            .await?;
        crash::point("register.committed");
        Ok(answer)
    }

    /// An id for a payment of the owner, for callers who need it before they register.
    pub fn new_payment_id(&self, owner: &Owner) -> PaymentId {
        PaymentId::new(self.now(), owner.project.bucket, self.entropy().random())
    }

    pub(crate) fn registration(
        &self,
        owner: &Owner,
        id: PaymentId,
        registration: Registration,
    ) -> RegisterPayment {
        let now = self.now();
        let mut order = registration.order;
        if order.reference.is_empty() {
            order.reference = id.uuid().to_string();
        }
        let default_end = now.plus_millis(owner.project.settings.session_timeout_ms);
        RegisterPayment {
            id,
            dialect: registration.dialect.to_owned(),
            way: registration.way,
            amount: registration.amount,
            expires_at: registration.expires_at.unwrap_or(default_end),
            auto_capture_at: registration.auto_capture_at,
            auto_void_at: registration.auto_void_at,
            reference_key: registration
                .reference_key
                .unwrap_or_else(|| order.reference.clone()),
            tries_max: registration.tries_max,
            first_try: None,
            order,
        }
    }
}
