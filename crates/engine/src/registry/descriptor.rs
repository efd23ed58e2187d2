//! A schema as an array of field descriptors: read, and checked in full. All flaws are told at once, each
//! with the index and the property: `schema[2].options`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::form::{
    FIELDS_MAX, FieldKind, FieldOption, FormField, LABEL_MAX, PATTERN_MAX, VALUE_MAX, validator,
};
use crate::Flaw;

/// The most choices of a field.
const OPTIONS_MAX: usize = 200;
const KEY_MAX: usize = 64;

const PROPERTIES: [&str; 11] = [
    "type",
    "key",
    "label",
    "required",
    "default",
    "options",
    "pattern",
    "min_length",
    "max_length",
    "help",
    "secret",
];

/// Reads all descriptors: the fields, and a JSON Schema of the values.
pub(super) fn read(descriptors: &[Value]) -> Result<(Vec<FormField>, Value), Vec<Flaw>> {
    let mut flaws = Vec::new();
    if descriptors.len() > FIELDS_MAX {
        let message = format!("at most {FIELDS_MAX} fields");
        return Err(vec![Flaw::new("schema", message)]);
    }
    let mut keys = BTreeSet::new();
    let mut fields = Vec::with_capacity(descriptors.len());
    for (index, descriptor) in descriptors.iter().enumerate() {
        let Some(object) = descriptor.as_object() else {
            flaws.push(Flaw::new(format!("schema[{index}]"), "must be an object"));
            continue;
        };
        let mut reader = Reader {
            index,
            object,
            flaws: &mut flaws,
        };
        let field = reader.field();
        if !field.key.is_empty() && !keys.insert(field.key.clone()) {
            reader.flaw("key", "is the key of another field too");
        }
        fields.push(field);
    }
    if flaws.is_empty() {
        let rules = rules(&fields);
        Ok((fields, rules))
    } else {
        Err(flaws)
    }
}

/// The values as a JSON Schema.
fn rules(fields: &[FormField]) -> Value {
    let mut properties = Map::new();
    for field in fields {
        let values: Vec<&Value> = field.options.iter().map(|option| &option.value).collect();
        let rule = match field.kind {
            FieldKind::Select | FieldKind::Radio => json!({"type": "string", "enum": values}),
            FieldKind::Checkbox => json!({
                "type": "array",
                "items": {"type": "string", "enum": values},
                "uniqueItems": true,
            }),
            _ => {
                let mut rule = json!({
                    "type": "string",
                    "maxLength": field.max_length.unwrap_or(VALUE_MAX),
                });
                if let Some(min) = field.min_length {
                    rule["minLength"] = min.into();
                }
                if let Some(pattern) = &field.pattern {
                    rule["pattern"] = pattern.as_str().into();
                }
                rule
            }
        };
        properties.insert(field.key.clone(), rule);
    }
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

/// Reads one descriptor.
struct Reader<'a> {
    index: usize,
    object: &'a Map<String, Value>,
    flaws: &'a mut Vec<Flaw>,
}

impl Reader<'_> {
    fn flaw(&mut self, property: &str, message: impl Into<String>) {
        let place = format!("schema[{}].{property}", self.index);
        self.flaws.push(Flaw::new(place, message));
    }

    fn field(&mut self) -> FormField {
        let unknown = self.object.keys();
        let unknown: Vec<String> = unknown
            .filter(|name| !PROPERTIES.contains(&name.as_str()))
            .cloned()
            .collect();
        for name in unknown {
            self.flaw(&name, "no such property");
        }
        let kind = self.kind();
        let known = kind.unwrap_or(FieldKind::String);
        let key = self.key();
        let (min_length, max_length) = self.lengths(kind);
        let secret = self.secret(kind);
        FormField {
            label: self.text("label").unwrap_or_else(|| key.clone()),
            help: self.text("help"),
            required: self.flag("required").unwrap_or(false),
            options: self.options(kind),
            pattern: self.pattern(kind),
            default: self.default(kind, secret),
            kind: known,
            key,
            secret,
            min_length,
            max_length,
            minimum: None,
            maximum: None,
        }
    }

    fn kind(&mut self) -> Option<FieldKind> {
        let kind = match self.object.get("type").map(Value::as_str) {
            None => {
                self.flaw("type", "required");
                return None;
            }
            Some(Some("string")) => FieldKind::String,
            Some(Some("password")) => FieldKind::Password,
            Some(Some("text")) => FieldKind::Text,
            Some(Some("select")) => FieldKind::Select,
            Some(Some("radio")) => FieldKind::Radio,
            Some(Some("checkbox")) => FieldKind::Checkbox,
            Some(_) => {
                let all = "string, password, text, select, radio or checkbox";
                self.flaw("type", format!("must be {all}"));
                return None;
            }
        };
        Some(kind)
    }

    fn key(&mut self) -> String {
        match self.object.get("key") {
            None => self.flaw("key", "required"),
            Some(Value::String(key)) if is_key(key) => return key.clone(),
            Some(_) => {
                let rule = "a small letter, then small letters, digits and _";
                self.flaw("key", format!("must be {rule}, at most {KEY_MAX}"));
            }
        }
        String::new()
    }

    /// A text for people.
    fn text(&mut self, property: &str) -> Option<String> {
        match self.object.get(property)? {
            Value::String(text) if (1..=LABEL_MAX).contains(&text.chars().count()) => {
                return Some(text.clone());
            }
            _ => self.flaw(
                property,
                format!("must be a text of 1 to {LABEL_MAX} characters"),
            ),
        }
        None
    }

    fn flag(&mut self, property: &str) -> Option<bool> {
        let value = self.object.get(property)?;
        if value.as_bool().is_none() {
            self.flaw(property, "must be true or false");
        }
        value.as_bool()
    }

    fn secret(&mut self, kind: Option<FieldKind>) -> bool {
        let flag = self.flag("secret");
        match (kind, flag) {
            (Some(FieldKind::Password), Some(false)) => {
                self.flaw("secret", "a password is always secret");
                true
            }
            (Some(FieldKind::Password), _) => true,
            (Some(kind), Some(true)) if has_options(kind) => {
                self.flaw("secret", "a choice cannot be secret");
                false
            }
            (_, flag) => flag.unwrap_or(false),
        }
    }

    fn options(&mut self, kind: Option<FieldKind>) -> Vec<FieldOption> {
        let wanted = kind.is_some_and(has_options);
        let word = self.object.get("type").and_then(Value::as_str);
        let word = word.unwrap_or_default().to_owned();
        let given = match (self.object.get("options"), wanted) {
            (None, true) => {
                self.flaw("options", format!("required for type {word}"));
                return Vec::new();
            }
            (Some(_), false) if kind.is_some() => {
                self.flaw("options", format!("not for type {word}"));
                return Vec::new();
            }
            (None, false) => return Vec::new(),
            (Some(given), _) => given,
        };
        let Some(given) = given.as_array() else {
            self.flaw("options", "must be an array");
            return Vec::new();
        };
        if !(1..=OPTIONS_MAX).contains(&given.len()) {
            self.flaw("options", format!("must be 1 to {OPTIONS_MAX}"));
        }
        let mut options: Vec<FieldOption> = Vec::new();
        for (place, one) in given.iter().take(OPTIONS_MAX).enumerate() {
            match option(one) {
                Ok(option) if options.iter().any(|known| known.value == option.value) => {
                    self.flaw(&format!("options[{place}].value"), "is there twice");
                }
                Ok(option) => options.push(option),
                Err((property, message)) => {
                    self.flaw(&format!("options[{place}]{property}"), message);
                }
            }
        }
        options
    }

    fn pattern(&mut self, kind: Option<FieldKind>) -> Option<String> {
        let given = self.object.get("pattern")?;
        if kind.is_some_and(has_options) {
            self.flaw("pattern", "not for a choice");
            return None;
        }
        match given.as_str() {
            Some(pattern) if pattern.len() <= PATTERN_MAX => {
                if validator(&json!({ "pattern": pattern })).is_ok() {
                    return Some(pattern.to_owned());
                }
                self.flaw("pattern", "not a regular expression that can be used");
            }
            _ => self.flaw(
                "pattern",
                format!("must be a text of at most {PATTERN_MAX} bytes"),
            ),
        }
        None
    }

    fn lengths(&mut self, kind: Option<FieldKind>) -> (Option<u64>, Option<u64>) {
        let mut length = |property: &str| {
            let given = self.object.get(property)?;
            if kind.is_some_and(has_options) {
                self.flaw(property, "not for a choice");
                return None;
            }
            let length = given.as_u64().filter(|length| *length <= VALUE_MAX);
            if length.is_none() {
                self.flaw(property, format!("must be a number from 0 to {VALUE_MAX}"));
            }
            length
        };
        let (min, max) = (length("min_length"), length("max_length"));
        if min.zip(max).is_some_and(|(min, max)| min > max) {
            self.flaw("max_length", "is less than min_length");
        }
        (min, max)
    }

    fn default(&mut self, kind: Option<FieldKind>, secret: bool) -> Option<Value> {
        let default = self.object.get("default")?;
        if secret {
            self.flaw("default", "a secret has none: everybody could read it");
            return None;
        }
        let texts = |values: &Vec<Value>| values.iter().all(Value::is_string);
        let fits = match kind? {
            FieldKind::Checkbox => default.as_array().is_some_and(texts),
            _ => default.is_string(),
        };
        if !fits {
            let wanted = match kind? {
                FieldKind::Checkbox => "must be an array of texts",
                _ => "must be a text",
            };
            self.flaw("default", wanted);
            return None;
        }
        Some(default.clone())
    }
}

fn has_options(kind: FieldKind) -> bool {
    matches!(
        kind,
        FieldKind::Select | FieldKind::Radio | FieldKind::Checkbox
    )
}

fn is_key(key: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    key.starts_with(|first: char| first.is_ascii_lowercase())
        && key.len() <= KEY_MAX
        && key.bytes().all(rest)
}

/// One choice, or the property that is wrong with it.
fn option(given: &Value) -> Result<FieldOption, (String, String)> {
    let wrong = |property: &str, message: &str| Err((property.to_owned(), message.to_owned()));
    let Some(object) = given.as_object() else {
        return wrong("", "must be an object with value and label");
    };
    if let Some(unknown) = object.keys().find(|key| *key != "value" && *key != "label") {
        return wrong(&format!(".{unknown}"), "no such property");
    }
    let value = match object.get("value") {
        None => return wrong(".value", "required"),
        Some(Value::String(value)) if (1..=LABEL_MAX).contains(&value.chars().count()) => value,
        Some(_) => return wrong(".value", "must be a text that is not empty"),
    };
    let label = match object.get("label") {
        None => value,
        Some(Value::String(label)) if (1..=LABEL_MAX).contains(&label.chars().count()) => label,
        Some(_) => return wrong(".label", "must be a text that is not empty"),
    };
    Ok(FieldOption {
        value: value.as_str().into(),
        label: label.clone(),
    })
}
