//! Words of the registry and the tree: shapes that stand for the domain's own.

use std::borrow::Cow;
use std::cmp::Ordering;

use altyn_domain::{
    AmountRange, Currency, CustomerKind, Language, MethodKind, RefundAbility, SurplusPolicy,
};
use altyn_engine::{FieldKind, FieldOption, FormField};
use axum::Json;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::paging::{Page, PageQuery};
use super::problem::Problem;

macro_rules! word {
    ($name:ident, $inner:ty, $shown:literal, $doc:literal, [$($word:literal),*]) => {
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($doc))
                    .enum_values(Some([$($word),*]))
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                $shown.into()
            }
        }
    };
}

word!(
    MethodKindWord,
    MethodKind,
    "MethodKind",
    "What a payer does to pay: types a card in, or goes to the gateway's own page.",
    ["card", "wallet"]
);
word!(
    RefundWord,
    RefundAbility,
    "RefundAbility",
    "Which refunds can be made: none, of the whole sum only, or of any part.",
    ["never", "full", "partial"]
);
word!(
    CustomerKindWord,
    CustomerKind,
    "CustomerKind",
    "What kind of customer a payer is.",
    ["individual", "company"]
);
word!(
    SurplusWord,
    SurplusPolicy,
    "SurplusPolicy",
    "What happens to money that a payment did not need: it is given back, waits for a person, or is \
     credited to the customer's balance.",
    ["return", "manual", "balance"]
);
word!(
    LanguageWord,
    Language,
    "Language",
    "A language of pages and messages.",
    ["ru", "kk", "en"]
);
word!(
    FieldKindWord,
    FieldKind,
    "FieldKind",
    "How a setting is drawn, and what its value is.",
    [
        "string", "password", "text", "select", "radio", "checkbox", "list", "integer", "number",
        "switch"
    ]
);

/// A currency by its three capital letters of ISO 4217.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CurrencyCode(pub Currency);

impl PartialSchema for CurrencyCode {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A currency: three capital letters of ISO 4217."))
            .pattern(Some("^[A-Z]{3}$"))
            .examples(["KZT"])
            .into()
    }
}

impl ToSchema for CurrencyCode {
    fn name() -> Cow<'static, str> {
        "Currency".into()
    }
}

/// The amounts of one currency, in minor units, both ends included.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"currency": "KZT", "min": 10000, "max": 50000000}))]
pub struct Range {
    /// The currency.
    pub currency: CurrencyCode,
    /// At least.
    #[schema(minimum = 1)]
    pub min: i64,
    /// At most.
    pub max: i64,
}

impl From<AmountRange> for Range {
    fn from(range: AmountRange) -> Self {
        Self {
            currency: CurrencyCode(range.currency),
            min: range.min,
            max: range.max,
        }
    }
}

impl From<Range> for AmountRange {
    fn from(range: Range) -> Self {
        Self {
            currency: range.currency.0,
            min: range.min,
            max: range.max,
        }
    }
}

/// One choice of a field.
#[derive(Serialize, ToSchema)]
pub struct Choice {
    /// What is stored: a text or a number.
    value: Value,
    /// What a person reads.
    label: String,
}

/// One setting of a payment method, as a screen draws it.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "key": "account", "kind": "string", "label": "Account", "help": null, "required": true,
    "secret": false, "default": null, "options": [], "pattern": "^[a-z-]+$", "min_length": 1,
    "max_length": 40, "minimum": null, "maximum": null
}))]
pub struct Field {
    /// Its name.
    key: String,
    /// How it is drawn.
    kind: FieldKindWord,
    /// What a person reads beside it.
    label: String,
    /// A longer explanation.
    help: Option<String>,
    /// Whether it must be given.
    required: bool,
    /// Whether its value is shown to nobody once it is stored.
    secret: bool,
    /// Its value if none is given.
    default: Option<Value>,
    /// The choices.
    options: Vec<Choice>,
    /// A regular expression that the text must match somewhere.
    pattern: Option<String>,
    /// The fewest characters.
    min_length: Option<u64>,
    /// The most characters.
    max_length: Option<u64>,
    /// The smallest number.
    minimum: Option<Value>,
    /// The greatest number.
    maximum: Option<Value>,
}

/// The fields of a form, in the order in which they are drawn.
pub(super) fn fields(fields: Vec<FormField>) -> Vec<Field> {
    let choice = |FieldOption { value, label }| Choice { value, label };
    let shown = fields.into_iter().map(|field| Field {
        key: field.key,
        kind: FieldKindWord(field.kind),
        label: field.label,
        help: field.help,
        required: field.required,
        secret: field.secret,
        default: field.default,
        options: field.options.into_iter().map(choice).collect(),
        pattern: field.pattern,
        min_length: field.min_length,
        max_length: field.max_length,
        minimum: field.minimum,
        maximum: field.maximum,
    });
    shown.collect()
}

/// Tells a field that is null from one that was left away.
pub(super) fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// A page of a list that the engine gives whole, in the order of `place`.
pub(super) fn page<S, T, C>(
    list: &str,
    query: &PageQuery,
    found: Vec<S>,
    place: impl Fn(&S) -> C,
    show: impl Fn(S) -> T,
) -> Result<Json<Page<T>>, Problem>
where
    T: ToSchema,
    C: Ord + Serialize + DeserializeOwned,
{
    let limit = query.limit()?;
    let after: Option<C> = query.after(list)?;
    let is_behind = |one: &S| {
        let after = after.as_ref();
        after.is_none_or(|after| place(one).cmp(after) == Ordering::Greater)
    };
    let behind = found.into_iter().filter(is_behind);
    let rest = behind.take(
        usize::try_from(limit)
            .unwrap_or(usize::MAX)
            .saturating_add(1),
    );
    Ok(Json(Page::of(list, rest.collect(), limit, place, show)))
}
