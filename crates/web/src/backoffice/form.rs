//! The form of a connector's settings, as a screen draws it.

use altyn_engine::{FieldOption, FormField};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::words::FieldKindWord;

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
