//! The merchant's order: what was registered, never changed afterwards.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Language;

/// What the merchant told about the order when it registered the payment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Order {
    /// The merchant's own number of the order.
    pub reference: String,
    /// What is being paid for, for the payer to read.
    pub description: Option<String>,
    /// The language of the payment page, unless the payer chooses another.
    pub language: Language,
    /// Where the payer goes after a success (and after a failure, if `fail_url` is absent).
    pub return_url: Option<String>,
    /// Where the payer goes after a failure.
    pub fail_url: Option<String>,
    /// Where callbacks of this payment go, beside the project's own endpoints.
    pub callback_url: Option<String>,
    /// The payer, as the merchant knows it.
    pub customer: Customer,
    /// Special wishes.
    pub features: Features,
    /// Milliseconds by which callbacks of this payment are held back.
    #[serde(skip_serializing_if = "is_zero")]
    pub callback_delay_ms: i64,
    /// Whether callbacks that only inform are not wanted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub callbacks_disabled: bool,
    /// The merchant's own parameters, echoed back.
    pub attributes: BTreeMap<String, String>,
    /// What only the dialect understands; opaque here.
    #[serde(skip_serializing_if = "serde_json::Value::is_null")]
    pub extra: serde_json::Value,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// What kind of customer a payer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerKind {
    /// A person.
    Individual,
    /// A company.
    Company,
}

/// The payer, as the merchant knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Customer {
    /// The merchant's id of the payer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What kind of customer it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<CustomerKind>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// IP address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Whole name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Country, two capital letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_address: Option<String>,
}

/// Special wishes of a merchant for one payment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Features {
    /// Pay only with 3-D Secure.
    pub force_authentication: bool,
    /// Pay only without 3-D Secure.
    pub skip_authentication: bool,
}
