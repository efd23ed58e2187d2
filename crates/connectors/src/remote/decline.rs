//! The codes of a failure, as the protocol publishes them.

use altyn_domain::DeclineCode;

/// Every code that the protocol names, and the reason that Altyn keeps for it.
pub const CODES: [(&str, DeclineCode); 18] = [
    ("general", DeclineCode::General),
    ("insufficient_funds", DeclineCode::InsufficientFunds),
    ("expired_card", DeclineCode::ExpiredCard),
    ("invalid_card", DeclineCode::InvalidCard),
    ("security_code", DeclineCode::SecurityCode),
    ("authentication_failed", DeclineCode::AuthenticationFailed),
    (
        "authentication_required",
        DeclineCode::AuthenticationRequired,
    ),
    ("limit_exceeded", DeclineCode::LimitExceeded),
    ("blocked_card", DeclineCode::BlockedCard),
    ("not_allowed", DeclineCode::NotAllowed),
    ("suspected_fraud", DeclineCode::SuspectedFraud),
    ("issuer_unavailable", DeclineCode::IssuerUnavailable),
    ("invalid_amount", DeclineCode::InvalidAmount),
    ("original_not_found", DeclineCode::OriginalNotFound),
    ("technical", DeclineCode::Technical),
    ("cancelled_by_payer", DeclineCode::CancelledByPayer),
    ("time_over", DeclineCode::TimeOver),
    // The merchant's side gave it up; no reason of the payer's.
    ("cancelled", DeclineCode::General),
];

/// The reason for a code; a code that is not in the table is a refusal all the same.
pub(super) fn reason(code: &str) -> DeclineCode {
    CODES
        .iter()
        .find(|(known, _)| *known == code)
        .map_or(DeclineCode::General, |(_, reason)| *reason)
}
