//! Reads: straight from the database, always under an owner.

use altyn_domain::{Payment, ReferenceKind};
use altyn_storage::{PaymentFilter, PaymentPage, ReferenceKey};

use crate::{Engine, EngineError, Owner};

impl Engine {
    /// The payment that the merchant's own order number names.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn payment_by_reference(
        &self,
        owner: &Owner,
        dialect: &str,
        reference: &str,
    ) -> Result<Option<Payment>, EngineError> {
        let key = ReferenceKey {
            bucket: owner.project.bucket,
            project_id: owner.project_id(),
            dialect: dialect.to_owned(),
            kind: ReferenceKind::Payment,
            key: reference.to_owned(),
        };
        Ok(self.storage().payment_by_reference(&key).await?)
    }

    /// A page of the owner's payments, newest first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn payments(
        &self,
        owner: &Owner,
        filter: &PaymentFilter,
    ) -> Result<PaymentPage, EngineError> {
        Ok(self
            .storage()
            .payments(owner.project_id(), owner.project.bucket, filter)
            .await?)
    }
}
