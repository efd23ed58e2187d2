//! What is wrong with a link, in words for whoever mends the shop. The payer is told on the page that the
//! link is wrong, in the payer's language; these words stand below.

use std::fmt;

/// What is wrong with a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A name comes twice, or there are too many.
    Unreadable,
    /// `;` in a name or a value, `:` in a name.
    Forbidden,
    /// A control character.
    Control,
    /// The signature is not by the key of this project.
    Signature,
    /// The parameter is absent or empty.
    Missing(&'static str),
    /// The parameter is not what it must be.
    Malformed(&'static str),
    /// The parameter asks for what this gateway does not do.
    NotPossible(&'static str),
    /// The project has no such currency.
    Currency,
    /// The project has no such way of paying, or it does not fit the payment.
    Method,
    /// A payment of this id is registered, and its amount is another.
    OtherThanRegistered,
    /// The payment could be paid until a time that is over. The payer is told so.
    TimeOver,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("a parameter comes twice, or there are too many"),
            Self::Forbidden => f.write_str("no value may hold \";\", no name \";\" or \":\""),
            Self::Control => f.write_str("no value may hold control characters"),
            Self::Signature => f.write_str("project_id and signature do not fit the parameters"),
            Self::Missing(name) => write!(f, "{name} is missing"),
            Self::Malformed(name) => write!(f, "{name} is malformed"),
            Self::NotPossible(name) => write!(f, "{name} asks for what is not possible here"),
            Self::Currency => f.write_str("payment_currency is none of the project's"),
            Self::Method => f.write_str("force_payment_method is none that fits this payment"),
            Self::OtherThanRegistered => {
                f.write_str("payment_id is registered with another amount or currency")
            }
            Self::TimeOver => f.write_str("best_before is over"),
        }
    }
}
