//! What a person must look at, within reach.

use altyn_domain::{Payment, PaymentId, Permission, Timestamp};
use altyn_storage::{IncidentRecord, IncidentSearch};
use serde_json::json;

use super::payments::PaymentLine;
use super::{Narrowing, Page, checked_text, page_limit};
use crate::{Caller, Engine, IncidentVerdict, OfficeError};

/// The place of an incident in a list: when it was opened, its payment, its number there.
pub type IncidentPlace = (Timestamp, PaymentId, u32);

/// The most characters of a note.
const NOTE_MAX: usize = 1_000;

/// Which incidents are wanted, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncidentQuery {
    /// The part of the tree.
    pub narrowing: Narrowing,
    /// Only of this payment.
    pub payment_id: Option<PaymentId>,
    /// Closed ones too.
    pub with_resolved: bool,
    /// Only behind this place.
    pub after: Option<IncidentPlace>,
    /// So many at most; 1 to [`PAGE_MAX`](super::PAGE_MAX).
    pub limit: u32,
}

fn place_of(record: &IncidentRecord) -> IncidentPlace {
    (record.opened_at, record.payment_id, record.incident.number)
}

impl Engine {
    /// A page of incidents in reach.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn office_incidents(
        &self,
        caller: &Caller,
        query: &IncidentQuery,
    ) -> Result<Page<IncidentRecord, IncidentPlace>, OfficeError> {
        caller.require(Permission::IncidentsView)?;
        let projects = query.narrowing.projects(&self.reach(caller))?;
        let limit = page_limit(query.limit);
        let search = IncidentSearch {
            projects,
            payment_id: query.payment_id,
            with_resolved: query.with_resolved,
            after: query.after,
            limit: limit + 1,
        };
        let found = if search.projects.is_empty() {
            Vec::new()
        } else {
            self.storage().search_incidents(&search).await?
        };
        Ok(Page::cut(found, limit, place_of))
    }

    /// Closes an incident with what a person found out about its operation. The answer shows the payment.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn office_resolve_incident(
        &self,
        caller: &Caller,
        payment_id: PaymentId,
        number: u32,
        verdict: IncidentVerdict,
        note: String,
    ) -> Result<PaymentLine, OfficeError> {
        caller.require(Permission::IncidentsResolve)?;
        checked_text("note", &note, NOTE_MAX)?;
        let reach = self.reach(caller);
        let payment = self.payment_in_reach(&reach, payment_id).await?;
        let records = self.incidents_of(&payment).await?;
        let mut records = records.into_iter();
        let record = records
            .find(|record| record.incident.number == number)
            .ok_or(OfficeError::NotFound)?;
        if record.resolved.is_some() {
            let words = "somebody has closed this incident already";
            return Err(OfficeError::Conflict("incident_closed", words.to_owned()));
        }
        let open = |number| payment.operation(number).filter(|o| o.state.is_open());
        let decidable = record.incident.operation.and_then(open).is_some();
        if verdict != IncidentVerdict::Noted && !decidable {
            let words = "the operation has ended already, or there is none: only note it";
            return Err(OfficeError::Conflict("nothing_to_decide", words.to_owned()));
        }
        let detail = json!({
            "number": number,
            "kind": record.incident.kind.word(),
            "verdict": verdict,
            "note": note,
        });
        let (project, action) = (payment.project_id, "incident.resolve_asked");
        self.note_asked(caller, project, action, payment_id, detail)
            .await?;
        let answer = self
            .resolve_incident(payment_id, number, verdict, note)
            .await?;
        Ok(PaymentLine::in_reach(&answer.payment, &reach))
    }

    /// The incidents of one payment by number.
    pub(super) async fn incidents_of(
        &self,
        payment: &Payment,
    ) -> Result<Vec<IncidentRecord>, OfficeError> {
        let search = IncidentSearch {
            projects: vec![(payment.id.bucket(), payment.project_id)],
            payment_id: Some(payment.id),
            with_resolved: true,
            after: None,
            // One more may have been opened since the payment was read.
            limit: payment.counters.incidents.saturating_add(1),
        };
        let mut found = self.storage().search_incidents(&search).await?;
        found.sort_by_key(|record| record.incident.number);
        Ok(found)
    }
}
