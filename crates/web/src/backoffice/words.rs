//! Enums of the domain as the words that the API writes and reads.
//!
//! Each is listed here once. Its words are those that serde knows it by, and its schema has all of them: a variant
//! that is left away here does not compile.

use std::borrow::Cow;

use altyn_domain::{
    AccountKind, CustomerKind, DeclineCode, DeliveryState, EntryKind, EventKind, HttpMethod,
    IncidentKind, Initiator, Language, MethodKind, OperationKind, OperationState, PaymentStatus,
    Permission, Phase, RefundAbility, Role, SurplusPolicy, Way,
};
use altyn_engine::office::MovementKind;
use altyn_engine::{FieldKind, IncidentVerdict};
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer as _, value};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::problem::Problem;

macro_rules! words {
    ($($name:ident = $inner:ident { $($variant:ident),+ } $meaning:literal)+) => {$(
        #[doc = $meaning]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl From<$inner> for $name {
            fn from(one: $inner) -> Self {
                Self(one)
            }
        }

        impl From<$name> for $inner {
            fn from(word: $name) -> Self {
                word.0
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                // Only to be compiled.
                let _: fn($inner) = |one| match one { $($inner::$variant)|+ => () };
                let all = [$($inner::$variant),+];
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($meaning))
                    .enum_values(Some(all.map(|one| serde_json::to_value(one).unwrap_or_default())))
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($inner).into()
            }
        }
    )+};
}

words! {
    RoleWord = Role {
        RootOperator, ResellerOperator, MerchantOwner, Finance, Support, Developer, ReadOnly, Customer
    } "What a person is there for."
    PermissionWord = Permission {
        Own, Connectors, MethodsView, MethodsManage, TreeView, TreeManage, ProjectsManage,
        CredentialsManage, PaymentsView, PaymentsCreate, PaymentsManage, IncidentsView,
        IncidentsResolve, CustomersView, BalanceRefund, UsersView, UsersManage, AuditView
    } "One thing that may be done."
    LanguageWord = Language { Ru, Kk, En } "A language of pages and messages."
    MethodKindWord = MethodKind { Card, Wallet }
        "What a payer does to pay: types a card in, or goes to the gateway's own page."
    RefundWord = RefundAbility { Never, Full, Partial }
        "Which refunds can be made: none, of the whole sum only, or of any part."
    CustomerKindWord = CustomerKind { Individual, Company } "What kind of customer a payer is."
    SurplusWord = SurplusPolicy { Return, Manual, Balance }
        "What happens to money that a payment did not need: it is given back, waits for a person, or is \
         credited to the customer's balance."
    FieldKindWord = FieldKind {
        String, Password, Text, Select, Radio, Checkbox, List, Integer, Number, Switch
    } "How a setting is drawn, and what its value is."
    WayWord = Way { Purchase, Hold, Verify } "How the money of a payment is taken."
    StatusWord = PaymentStatus {
        AwaitingPayment, Processing, Authorized, Captured, PartiallyRefunded, Refunded, Voided,
        Verified, Declined, Cancelled, Expired
    } "Where a payment stands."
    OperationKindWord = OperationKind {
        Sale, Auth, Verify, Capture, Void, Refund, Reversal, Chargeback, Payout
    } "What an operation does."
    OperationStateWord = OperationState { Created, Sent, Pending, Succeeded, Declined, Voided }
        "Where an operation stands."
    DeclineWord = DeclineCode {
        General, InsufficientFunds, ExpiredCard, InvalidCard, SecurityCode, AuthenticationFailed,
        AuthenticationRequired, LimitExceeded, BlockedCard, NotAllowed, SuspectedFraud,
        IssuerUnavailable, InvalidAmount, OriginalNotFound, Interrupted, Technical,
        CancelledByPayer, TimeOver, AmountTooLarge, AmountTooSmall, CurrencyNotPossible,
        CountryNotPossible, OperationNotAllowed, RefundExceeds, PartialRefundImpossible,
        RefundImpossible
    } "Why an operation failed."
    InitiatorWord = Initiator { Payer, Merchant, Timer, Rule, Operator }
        "Who asked for an operation."
    EventWord = EventKind {
        Authorized, Captured, Voided, Refunded, Reversed, Verified, TryDeclined, CaptureDeclined,
        VoidDeclined, RefundDeclined, Expired, Cancelled, ActionRequired, PeriodOver
    } "What happened to a payment."
    DeliveryWord = DeliveryState { Waiting, Delivered, Failed }
        "Where a callback stands: not delivered yet, delivered, or given up."
    EntryWord = EntryKind {
        Hold, Capture, Sale, Void, Refund, Reversal, Surplus, SurplusReturn
    } "Why money moved in the ledger."
    PhaseWord = Phase { Pending, Posted, Released }
        "What a posting does: it reserves, moves, or gives up a reservation."
    AccountWord = AccountKind { ConnectorClearing, MerchantPayable, Suspense, CustomerBalance }
        "An account of the ledger."
    MovementWord = MovementKind {
        SurplusCredited, PaidFromBalance, RefundedToBalance, ReturnedThroughGateway, Other
    } "Why a balance moved."
    IncidentWord = IncidentKind {
        Contradiction, AmountMismatch, Surplus, SurplusStuck, Unresolved, AutomaticRefused,
        NoticeRefused
    } "What a person must look at."
    VerdictWord = IncidentVerdict { Noted, Approved, Declined }
        "What a person found out about an incident."
    HttpMethodWord = HttpMethod { Get, Post, Patch } "A method of HTTP."
}

/// Reads one of the domain's words.
///
/// # Errors
/// A problem that names the field.
pub fn word_in<T: DeserializeOwned>(field: &str, word: &str) -> Result<T, Problem> {
    let text: StrDeserializer<'_, value::Error> = word.into_deserializer();
    let read = T::deserialize(text);
    read.map_err(|_| Problem::invalid_field(field, format!("{word:?} is not known here")))
}

/// Reads a language.
///
/// # Errors
/// A problem that names the field.
pub fn language_in(field: &str, code: &str) -> Result<Language, Problem> {
    let unknown = || Problem::invalid_field(field, format!("{code:?} is not known here"));
    Language::parse(code).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_domain() {
        for role in Role::ALL {
            let text = serde_json::to_string(&RoleWord(role)).unwrap();
            assert_eq!(text, format!("\"{}\"", role.word()));
            assert_eq!(word_in("role", role.word()).ok(), Some(role));
        }
        for one in Permission::ALL {
            let text = serde_json::to_string(&PermissionWord(one)).unwrap();
            assert_eq!(text, format!("\"{}\"", one.word()));
        }
        assert!(word_in::<Role>("role", "Finance").is_err());
    }
}
