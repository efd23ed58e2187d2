//! Incidents: what a person must decide, and how the decision is carried out.

use altyn_domain::{Answer, Command, DeclineCode, Outcome, PaymentId, Report, ResolveIncident};
use altyn_storage::IncidentRecord;
use serde::{Deserialize, Serialize};

use crate::{Engine, EngineError};

/// What a person found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentVerdict {
    /// Nothing about the operation: the incident is only closed.
    Noted,
    /// The gateway confirms the operation.
    Approved,
    /// The gateway confirms that the operation had no effect.
    Declined,
}

impl Engine {
    /// The newest incidents first; only open ones unless `with_resolved`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn incidents(
        &self,
        with_resolved: bool,
        limit: u32,
    ) -> Result<Vec<IncidentRecord>, EngineError> {
        Ok(self.storage().incidents(with_resolved, limit).await?)
    }

    /// Closes an incident, with what the person found out about its operation.
    ///
    /// # Errors
    /// If there is no such incident, or its operation has ended already.
    pub async fn resolve_incident(
        &self,
        payment_id: PaymentId,
        incident: u32,
        verdict: IncidentVerdict,
        note: String,
    ) -> Result<Answer, EngineError> {
        let not_found = || EngineError::Refused(altyn_domain::Refusal::SubjectNotFound);
        let records = self.incidents(false, 10_000).await?;
        let record = records
            .iter()
            .find(|record| record.payment_id == payment_id && record.incident.number == incident)
            .ok_or_else(not_found)?;
        let owner = self.owner_of(record.project_id).ok_or_else(not_found)?;
        let outcome = match verdict {
            IncidentVerdict::Noted => None,
            IncidentVerdict::Approved => Some(Outcome::Approved),
            IncidentVerdict::Declined => Some(Outcome::Declined(DeclineCode::General)),
        };
        let report = match (outcome, record.incident.operation) {
            (Some(outcome), Some(operation)) => Some((operation, Report::bare(outcome))),
            (Some(_), None) => return Err(not_found()),
            (None, _) => None,
        };
        let command = ResolveIncident {
            payment_id,
            incident,
            report,
            note,
        };
        self.execute(&owner, Command::Resolve(command), None).await
    }
}
