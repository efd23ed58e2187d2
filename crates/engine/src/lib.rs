//! Use cases: the order of steps in which a payment is registered, paid, captured, refunded, told.
//!
//! Every change that touches money is a command to the [writer](writer); an exchange with a gateway is
//! intent → network → outcome with no transaction open; what must happen later is a timer row. Time and
//! randomness come from the program ([`Clock`], [`Entropy`]).
#![warn(clippy::float_arithmetic)]

mod audit;
mod authenticate;
mod callbacks;
mod caller;
mod clock;
mod config;
pub mod crash;
mod directory;
mod engine;
mod enrollment;
mod error;
mod exchange;
mod guard;
mod handover;
mod http;
mod incidents;
mod notices;
pub mod office;
mod office_error;
#[cfg(test)]
mod office_tests;
mod pay;
mod people;
mod receivers;
mod register;
mod registry;
mod repeats;
mod settings;
mod timers;
mod trail;
mod trail_reading;
mod tree;
mod undo;
mod vault;
mod view;
pub mod writer;

pub use audit::{AuditFinding, AuditReport};
pub use authenticate::{AuthenticationError, NewCredential, Owner, Secret};
pub use caller::{Caller, Reach};
pub use clock::{Clock, Entropy};
pub use config::{CallbackLimits, EngineConfig};
pub use engine::{Engine, EngineParts};
pub use error::EngineError;
pub use guard::{UrlGuard, UrlRefused};
pub use incidents::IncidentVerdict;
pub use notices::NoticeTaken;
pub use office_error::{Flaw, OfficeError};
pub use pay::{PayRequest, PayerStep, Wait};
pub use people::{
    AcceptInvitation, ApiTokenView, InvitationView, KnownPerson, NewApiToken, NewInvitation,
    PasswordChange, PendingFactorView, SessionView, SignIn, SignInError, SignedIn, UserChange,
    UserView,
};
pub use register::Registration;
pub use registry::{
    ConnectorChange, ConnectorChoice, ConnectorView, CredentialKind, CredentialView,
    EndpointChoice, EndpointView, FieldKind, FieldOption, Form, FormField, KeyRotation,
    MerchantView, MethodAbilities, MethodChange, MethodConnector, MethodFacts, MethodName,
    MethodView, NewConnector, NewEndpoint, NewMethod, Offer, OwnMethod, OwnerRef, ProjectChange,
    ProjectFacts, ProjectView, ResellerView, credential_kinds,
};
pub use repeats::{Repeat, Repeatable};
pub use settings::NewProject;
pub use trail_reading::{AuditQuery, TrailFinding, TrailReport};
pub use tree::{Merchant, Reseller};
pub use undo::{CaptureRequest, RefundRequest, SurplusReturn};
pub use vault::{Vault, VaultError};

pub use altyn_storage::{AuditEntry, AuditPlace, PaymentFilter, PaymentPage};
