//! The codes of refusals, in one table: the answers in the API's document and the list on the reference page are
//! made from it. A [`Problem`](super::Problem) has no other code; the codes of the engine's conflicts stand here
//! too.

use axum::http::StatusCode;

/// An answer that end points share: its name in the API's document, the status, and what it means.
pub(super) type Shared = (&'static str, u16, &'static str);

/// A status, with its shared answer if end points have one; under it its codes, each with its word and meaning.
macro_rules! codes {
    ($($status:literal $($answer:ident $shared:literal)? { $($code:ident $word:literal $meaning:literal)+ })+) => {
        /// What a program can act upon.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $($(#[doc = $meaning] $code,)+)+
        }

        impl Code {
            /// All of them, by status.
            pub(super) const ALL: &[Self] = &[$($(Self::$code,)+)+];

            const fn row(self) -> (u16, &'static str, &'static str) {
                match self {
                    $($(Self::$code => ($status, $word, $meaning),)+)+
                }
            }
        }

        /// The answers that end points share.
        pub(super) const SHARED: &[Shared] = &[$($((stringify!($answer), $status, $shared),)?)+];
    };
}

codes! {
    400 Malformed "The body is no JSON, or an id in the address is none." {
        Malformed "malformed" "The body is not JSON, or the address or query cannot be read."
    }
    401 Unauthenticated "No valid token or session was shown." {
        Unauthenticated "unauthenticated" "No token or session was shown, or it ended."
        SignInDenied "sign_in_denied"
            "The e-mail address, the password or the code is wrong, or the person is disabled."
        CodeNeeded "code_needed"
            "The password is right, and the code of the second factor is needed as well."
    }
    403 Forbidden
        "The permission is missing, the second factor is to be set up first, or `X-Altyn-Csrf` is missing."
    {
        Forbidden "forbidden"
            "The role or the token lacks a permission, or the role stands too low: `detail` says it."
        PasswordChangeRequired "password_change_required"
            "Somebody else set the password: change it first, at `/me/password`."
        SecondFactorRequired "second_factor_required"
            "Set up the second factor first, at `/me/second-factor`. 409 where everybody needs one."
        Csrf "csrf" "A request by cookie that changes something needs the header `X-Altyn-Csrf: 1`."
    }
    404 NotFound "There is no such thing in the caller's reach." {
        NotFound "not_found"
            "There is no such thing, or it is not in the caller's reach: both look alike."
    }
    405 {
        MethodNotAllowed "method_not_allowed"
            "The address is right and the method is not; `Allow` lists those that are."
    }
    409 Conflict "It does not go with what is there; `code` says how." {
        InUse "in_use" "Something else still needs it."
        RequestInProgress "request_in_progress"
            "A request with this `Idempotency-Key` is under way, or its end is not known."
        ReferenceTaken "reference_taken" "The merchant's reference names another payment already."
        AlreadyPaid "already_paid" "The payment is paid."
        WrongStatus "wrong_status" "Not possible in the payment's present status."
        PaymentExpired "payment_expired" "The time to pay is over."
        TriesExhausted "tries_exhausted" "No tries are left."
        OperationInProgress "operation_in_progress"
            "An operation that excludes this one is in flight."
        CapturedSumDiffers "captured_sum_differs" "Another sum is captured than was expected."
        StepNotExpected "step_not_expected"
            "The payer's step was not asked for, or was taken before."
        KeyUsed "key_used" "The `Idempotency-Key` stands for another operation already."
        SeveralNeeded "several_needed"
            "No single surplus is enough; `detail` says what each can give."
        SurplusNeeded "surplus_needed" "There are too many surpluses to choose from: name one."
        IncidentClosed "incident_closed" "Somebody closed the incident before."
        NothingToDecide "nothing_to_decide"
            "The incident's operation has ended, or there is none: it can only be noted."
        SchemaFrozen "schema_frozen" "Payment methods use the connector: its schema stays as it is."
        NotDescribed "not_described"
            "The gateway did not answer as the connector protocol wants; `detail` says how."
        NotSupported "not_supported" "This gateway cannot be asked what it can do."
        Revoked "revoked" "The key is revoked already."
        NoProjectKey "no_project_key"
            "The project's key signs these callbacks, and there is none yet: make it first."
        SignedByProjectKey "signed_by_project_key"
            "The project's key signs these callbacks: make another key instead of another secret."
        TemplateExists "template_exists"
            "The project says already how callbacks go to addresses that payments bring."
        TooManyEndpoints "too_many_endpoints" "The project has as many endpoints as one may have."
        EmailTaken "email_taken" "Somebody with this e-mail address is known already."
        Oneself "self" "Nobody changes himself where people are changed."
        LastRootOperator "last_root_operator" "The last root operator stays."
        TooManyTokens "too_many_tokens" "The person has as many API tokens as one may have."
        SecondFactorPresent "second_factor_present" "A second factor is set up already: replace it."
        NothingBegun "nothing_begun" "Begin to set up the second factor first."
        NoSecondFactor "no_second_factor" "No second factor is set up."
    }
    412 Stale "It was changed since the caller read it." {
        Stale "stale" "It was changed since the caller read it: `If-Match` names an older state."
    }
    413 BodyTooLarge "The body is larger than 64 KiB." {
        BodyTooLarge "body_too_large" "The body is larger than 64 KiB."
    }
    415 UnsupportedMediaType "The body is not `application/json`." {
        UnsupportedMediaType "unsupported_media_type" "A body must be `application/json`."
    }
    422 Invalid "What was sent is not valid; `errors` says where." {
        Invalid "invalid" "What was sent is not valid; `errors` says where."
        IdempotencyKeyReused "idempotency_key_reused"
            "The `Idempotency-Key` came with another request before."
        CurrencyNotAccepted "currency_not_accepted" "The project does not take this currency."
        AmountInvalid "amount_invalid" "The amount is not possible here."
        AmountExceeds "amount_exceeds" "More is asked for than there is."
        BalanceTooSmall "balance_too_small" "The customer's balance does not reach."
        MethodCannot "method_cannot" "The payment method cannot do this."
        MethodUnavailable "method_unavailable" "The project has no such payment method."
    }
    429 {
        TooManyAttempts "too_many_attempts"
            "Too many attempts to sign in: wait as long as `Retry-After` says."
        Locked "locked"
            "Too many wrong passwords or codes: locked for a while. 409 where one proves again who one is."
    }
    500 Fault "A fault of this program; its log has the details." {
        Fault "fault" "A fault of this program; its log has the details."
    }
    503 Unavailable "Busy, no database, or `state_unknown`: it may or may not be done." {
        Busy "busy" "Too much is going on, and nothing was done; `Retry-After` says when to try again."
        Unavailable "unavailable"
            "The database is not available, and nothing was done; `Retry-After` says when to try again."
        StateUnknown "state_unknown"
            "It is not known whether it was done: read the thing before asking again."
    }
}

impl Code {
    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The code as it is written.
    pub const fn word(self) -> &'static str {
        self.row().1
    }

    /// What it means, for people.
    pub const fn meaning(self) -> &'static str {
        self.row().2
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn words() -> BTreeSet<&'static str> {
        Code::ALL.iter().map(|code| code.word()).collect()
    }

    #[test]
    fn codes_are_unique_and_refuse() {
        assert_eq!(words().len(), Code::ALL.len());
        for code in Code::ALL {
            let status = code.status();
            assert!(status.is_client_error() || status.is_server_error());
        }
    }

    fn conflicts(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                conflicts(&path, found);
            // Only commands make a root operator.
            } else if !path.ends_with("people/root.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let codes = text.split("OfficeError::Conflict(\"").skip(1);
                found.extend(codes.filter_map(|rest| rest.split('"').next().map(str::to_owned)));
            }
        }
    }

    /// Conflicts bring the engine's own codes, which the compiler does not compare with ours.
    #[test]
    fn every_conflict_of_the_engine_is_in_the_table() {
        let mut found = BTreeSet::new();
        let engine = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/src");
        conflicts(&engine, &mut found);
        assert!(found.contains("in_use"), "{found:?}");
        for code in found {
            assert!(words().contains(code.as_str()), "{code}");
        }
    }
}
