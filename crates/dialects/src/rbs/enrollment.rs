//! verifyEnrollment.do: whether a card takes part in 3-D Secure.

use axum::response::Response;
use serde::Serialize;

use super::answer::Done;
use super::error::{Fault, Verb, of_engine};
use super::{Call, answer, card};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Enrollment {
    #[serde(flatten)]
    done: Done,
    enrolled: char,
    emitter_name: String,
    emitter_country_code: String,
}

/// verifyEnrollment.do. Where nobody can tell, the answer is `U`.
pub(super) async fn verify(call: &Call) -> Result<Response, Fault> {
    let number = card::number(&call.params)?;
    let told = call
        .rbs
        .engine()
        .card_enrollment(&call.owner, &number)
        .await;
    let told = told.map_err(|failure| of_engine(failure, Verb::Read))?;
    let (enrolled, emitter_name, emitter_country_code) =
        told.unwrap_or(('U', String::new(), String::new()));
    let done = Done::new(call.language);
    Ok(answer::ok(&Enrollment {
        done,
        enrolled,
        emitter_name,
        emitter_country_code,
    }))
}
