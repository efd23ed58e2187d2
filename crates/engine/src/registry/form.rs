//! The settings that a connector asks of each payment method, in one form for both ways in which they can be
//! described, and the check of the values.

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{descriptor, json_schema};
use crate::Flaw;

/// The most fields of a form.
pub(super) const FIELDS_MAX: usize = 64;
/// The largest schema, in bytes of JSON.
pub(super) const SCHEMA_BYTES_MAX: usize = 64 * 1024;
/// The longest text that is shown: a label, a help text.
pub(super) const LABEL_MAX: usize = 500;
/// The longest pattern.
pub(super) const PATTERN_MAX: usize = 500;
/// The longest value of a setting.
pub(super) const VALUE_MAX: u64 = 10_000;
/// Memory that one pattern may take when it is compiled, in bytes.
const PATTERN_MEMORY_MAX: usize = 1 << 20;

/// How a field is drawn and what its value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// One line of text.
    String,
    /// One line of text, masked.
    Password,
    /// Many lines of text.
    Text,
    /// A list, one choice.
    Select,
    /// Buttons, one choice.
    Radio,
    /// A group, any number of choices; the value is an array of texts.
    Checkbox,
    /// Texts that the person thinks of; the value is an array of texts. Of a JSON Schema only.
    List,
    /// A whole number. Of a JSON Schema only.
    Integer,
    /// A number. Of a JSON Schema only.
    Number,
    /// On or off; the value is true or false. Of a JSON Schema only.
    Switch,
}

/// One choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldOption {
    /// The value that is stored: a text, or a number of a JSON Schema's enumeration.
    pub value: Value,
    /// What a person reads.
    pub label: String,
}

/// One setting, as a screen draws it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FormField {
    /// Its name.
    pub key: String,
    /// How it is drawn.
    pub kind: FieldKind,
    /// What a person reads beside it.
    pub label: String,
    /// A longer explanation.
    pub help: Option<String>,
    /// Whether it must be given.
    pub required: bool,
    /// Whether its value is shown to nobody once it is stored.
    pub secret: bool,
    /// Its value if none is given.
    pub default: Option<Value>,
    /// The choices.
    pub options: Vec<FieldOption>,
    /// A regular expression that the text must match somewhere.
    pub pattern: Option<String>,
    /// The fewest characters.
    pub min_length: Option<u64>,
    /// The most characters.
    pub max_length: Option<u64>,
    /// The smallest number.
    pub minimum: Option<Value>,
    /// The greatest number.
    pub maximum: Option<Value>,
}

/// All settings that a payment method gives.
#[derive(Debug, Clone)]
pub struct Form {
    /// The fields in the order in which they are drawn.
    pub fields: Vec<FormField>,
    /// The same as a JSON Schema of the values.
    rules: Value,
}

impl Form {
    /// Reads an array of field descriptors, or a JSON Schema object.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(schema: &Value) -> Result<Self, Vec<Flaw>> {
        if schema.to_string().len() > SCHEMA_BYTES_MAX {
            let message = format!("at most {SCHEMA_BYTES_MAX} bytes");
            return Err(vec![Flaw::new("schema", message)]);
        }
        let (fields, rules) = match schema {
            Value::Array(descriptors) => descriptor::read(descriptors)?,
            Value::Object(object) => json_schema::read(object)?,
            _ => {
                let message = "an array of field descriptors or a JSON Schema object";
                return Err(vec![Flaw::new("schema", message)]);
            }
        };
        let form = Self { fields, rules };
        form.check_defaults(schema)?;
        Ok(form)
    }

    /// The field with this key.
    pub fn field(&self, key: &str) -> Option<&FormField> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// Checks the values of a payment method. An empty text is no value; a field without a value has its
    /// default.
    ///
    /// # Errors
    /// Everything that is wrong with them. Messages hold no values.
    pub fn check(&self, values: Map<String, Value>) -> Result<Map<String, Value>, Vec<Flaw>> {
        let place = |key: &str| format!("settings.{key}");
        let unknown = values.keys().filter(|key| self.field(key).is_none());
        let mut flaws: Vec<Flaw> = unknown
            .map(|key| Flaw::new(place(key), "no such setting"))
            .collect();
        let mut checked = Map::new();
        for field in &self.fields {
            let given = values.get(&field.key).filter(|value| !is_empty(value));
            match given.or(field.default.as_ref()) {
                Some(value) => {
                    checked.insert(field.key.clone(), value.clone());
                }
                None if field.required => {
                    flaws.push(Flaw::new(place(&field.key), "required"));
                }
                None => {}
            }
        }
        let values = Value::Object(checked);
        let validator = validator(&self.rules).map_err(|_| fault())?;
        for error in validator.iter_errors(&values) {
            let flaw = match error.kind() {
                Kind::Required { property } => {
                    Flaw::new(place(property.as_str().unwrap_or_default()), "required")
                }
                _ => Flaw::new(
                    dotted("settings", error.instance_path().as_str()),
                    words(&error),
                ),
            };
            // That a field is missing may have been told above.
            if !flaws.contains(&flaw) {
                flaws.push(flaw);
            }
        }
        match values {
            Value::Object(checked) if flaws.is_empty() => Ok(checked),
            _ => Err(flaws),
        }
    }

    /// Every default must be a value that the field takes.
    fn check_defaults(&self, schema: &Value) -> Result<(), Vec<Flaw>> {
        let defaults = self.fields.iter().filter_map(|field| {
            let default = field.default.clone()?;
            Some((field.key.clone(), default))
        });
        let defaults = Value::Object(defaults.collect());
        let validator = validator(&self.rules).map_err(|error| {
            let path = dotted("schema", error.instance_path().as_str());
            vec![Flaw::new(path, error.masked().to_string())]
        })?;
        let flaws = validator.iter_errors(&defaults).filter_map(|error| {
            if matches!(error.kind(), Kind::Required { .. }) {
                return None;
            }
            let path = error.instance_path().as_str();
            let key = path.split('/').nth(1)?;
            let place = match schema {
                Value::Array(all) => {
                    let at = all.iter().position(|one| one["key"] == *key)?;
                    format!("schema[{at}].default")
                }
                _ => format!("schema.properties.{key}.default"),
            };
            Some(Flaw::new(place, words(&error)))
        });
        let flaws: Vec<Flaw> = flaws.collect();
        if flaws.is_empty() { Ok(()) } else { Err(flaws) }
    }
}

/// What a form sends for a field that was left empty.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

fn fault() -> Vec<Flaw> {
    vec![Flaw::new(
        "settings",
        "the connector's schema cannot be used",
    )]
}

/// The schema, compiled. Nothing is fetched, and no pattern takes more than linear time.
pub(super) fn validator(rules: &Value) -> Result<Validator, ValidationError<'static>> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .offline()
        .should_validate_formats(true)
        .should_ignore_unknown_formats(true)
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_MEMORY_MAX))
        .build(rules)
}

/// `/properties/a/enum/2` as `schema.properties.a.enum[2]`.
pub(super) fn dotted(root: &str, pointer: &str) -> String {
    let mut path = root.to_owned();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) {
            path.push_str(&format!("[{part}]"));
        } else {
            path.push('.');
            path.push_str(&part);
        }
    }
    path
}

/// What is wrong with a value, without the value: it may be a secret.
fn words(error: &ValidationError<'_>) -> String {
    match error.kind() {
        Kind::MinLength { limit } => format!("at least {limit} characters"),
        Kind::MaxLength { limit } => format!("at most {limit} characters"),
        Kind::Pattern { pattern } => format!("must match {pattern}"),
        Kind::Enum { .. } | Kind::Constant { .. } | Kind::OneOfNotValid { .. } => {
            "none of the options".to_owned()
        }
        Kind::UniqueItems => "each choice once only".to_owned(),
        Kind::Minimum { limit } => format!("at least {limit}"),
        Kind::Maximum { limit } => format!("at most {limit}"),
        _ => error.masked_with("it").to_string(),
    }
}
