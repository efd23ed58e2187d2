//! A schema by the JSON Schema standard (draft 2020-12), as far as a form can be drawn from it: one object,
//! whose properties are texts, numbers, true or false, choices, or arrays of texts. Nothing is fetched.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::form::{
    FIELDS_MAX, FieldKind, FieldOption, FormField, LABEL_MAX, PATTERN_MAX, VALUE_MAX, dotted,
};
use crate::Flaw;

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
/// How deep a schema may nest.
const DEPTH_MAX: usize = 8;
/// The most choices of a field.
const OPTIONS_MAX: usize = 200;
/// How many references are followed to one property.
const REFERENCES_MAX: usize = 8;

/// What the object may say, beside what begins with `x-`.
const ROOT: [&str; 10] = [
    "$schema",
    "$comment",
    "$defs",
    "title",
    "description",
    "type",
    "properties",
    "required",
    "additionalProperties",
    "dependentRequired",
];

/// What a property may say, beside what begins with `x-`.
const PROPERTY: [&str; 25] = [
    "$ref",
    "$comment",
    "title",
    "description",
    "type",
    "default",
    "examples",
    "deprecated",
    "enum",
    "const",
    "oneOf",
    "pattern",
    "minLength",
    "maxLength",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "writeOnly",
    "items",
    "minItems",
    "maxItems",
    "uniqueItems",
];

/// Reads the schema: the fields, and the schema that the values are checked by.
pub(super) fn read(schema: &Map<String, Value>) -> Result<(Vec<FormField>, Value), Vec<Flaw>> {
    let whole = Value::Object(schema.clone());
    if depth(&whole) > DEPTH_MAX {
        let message = format!("nested deeper than {DEPTH_MAX}");
        return Err(vec![Flaw::new("schema", message)]);
    }
    if schema.get("$schema").is_some_and(|draft| draft != DRAFT) {
        return Err(vec![Flaw::new(
            "schema.$schema",
            format!("must be {DRAFT}"),
        )]);
    }
    let meta = jsonschema::draft202012::meta::validator();
    let mut flaws: Vec<Flaw> = meta
        .iter_errors(&whole)
        .map(|error| {
            let place = dotted("schema", error.instance_path().as_str());
            Flaw::new(place, error.masked_with("it").to_string())
        })
        .collect();
    if flaws.is_empty() {
        flaws.extend(unsupported(schema, &ROOT, "schema"));
        if schema.get("type").is_none_or(|kind| kind != "object") {
            flaws.push(Flaw::new("schema.type", "must be object"));
        }
    }
    if !flaws.is_empty() {
        return Err(flaws);
    }
    let fields = fields(&whole, &mut flaws);
    let named: BTreeSet<&str> = fields.iter().map(|field| field.key.as_str()).collect();
    let required = schema.get("required").and_then(Value::as_array);
    for (place, name) in required.into_iter().flatten().enumerate() {
        if !name.as_str().is_some_and(|name| named.contains(name)) {
            let place = format!("schema.required[{place}]");
            flaws.push(Flaw::new(place, "is no property"));
        }
    }
    if !flaws.is_empty() {
        return Err(flaws);
    }
    let mut rules = whole;
    rules["additionalProperties"] = json!(false);
    Ok((fields, rules))
}

/// The properties in order: those with `x-order` first, by it; then by name.
fn fields(whole: &Value, flaws: &mut Vec<Flaw>) -> Vec<FormField> {
    let none = Map::new();
    let properties = whole["properties"].as_object().unwrap_or(&none);
    if properties.len() > FIELDS_MAX {
        let message = format!("at most {FIELDS_MAX} properties");
        flaws.push(Flaw::new("schema.properties", message));
        return Vec::new();
    }
    let mut found: Vec<(i64, FormField)> = Vec::new();
    for (key, property) in properties {
        let place = format!("schema.properties.{key}");
        if !is_key(key) {
            let rule = "a letter, then letters, digits, _ and -, at most 64";
            flaws.push(Flaw::new(&place, format!("a name must be {rule}")));
            continue;
        }
        match resolved(whole, property) {
            Err(message) => flaws.push(Flaw::new(place, message)),
            Ok(property) => {
                flaws.extend(unsupported(&property, &PROPERTY, &place));
                let order = property.get("x-order").and_then(Value::as_i64);
                let is_required = whole["required"]
                    .as_array()
                    .is_some_and(|names| names.iter().any(|name| name == key));
                match field(key, &property, is_required) {
                    Ok(field) => found.push((order.unwrap_or(i64::MAX), field)),
                    Err((part, message)) => {
                        flaws.push(Flaw::new(format!("{place}{part}"), message));
                    }
                }
            }
        }
    }
    found.sort_by_key(|(order, _)| *order);
    found.into_iter().map(|(_, field)| field).collect()
}

/// A property with its references to `$defs` followed.
fn resolved(whole: &Value, property: &Value) -> Result<Map<String, Value>, String> {
    let mut merged = property.as_object().ok_or("must be an object")?.clone();
    for _ in 0..REFERENCES_MAX {
        let Some(reference) = merged.remove("$ref") else {
            return Ok(merged);
        };
        let pointer = reference.as_str().and_then(|text| text.strip_prefix('#'));
        let pointer = pointer.filter(|text| text.starts_with("/$defs/"));
        let target = pointer.and_then(|pointer| whole.pointer(pointer));
        let target = target.and_then(Value::as_object);
        let target = target.ok_or("a $ref may only lead to #/$defs/…")?;
        // What stands beside a reference says more of the same property.
        for (name, value) in target {
            merged.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    Err("too many references".to_owned())
}

type Wrong = (&'static str, String);

fn field(key: &str, property: &Map<String, Value>, required: bool) -> Result<FormField, Wrong> {
    let kind = kind(property)?;
    let secret = is_secret(property);
    let texts = matches!(kind, FieldKind::String | FieldKind::Text);
    if secret && !texts {
        return Err((".writeOnly", "only a text can be secret".to_owned()));
    }
    if secret && property.contains_key("default") {
        let message = "a secret has none: everybody could read it";
        return Err((".default", message.to_owned()));
    }
    for (name, limit) in [("minLength", VALUE_MAX), ("maxLength", VALUE_MAX)] {
        if property.get(name).and_then(Value::as_u64) > Some(limit) {
            return Err(("", format!("{name} is above {limit}")));
        }
    }
    let text = |name: &str| {
        property
            .get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    for name in ["title", "description"] {
        if text(name).is_some_and(|text| text.chars().count() > LABEL_MAX) {
            return Err(("", format!("{name} has more than {LABEL_MAX} characters")));
        }
    }
    let pattern = text("pattern");
    if pattern
        .as_ref()
        .is_some_and(|text| text.len() > PATTERN_MAX)
    {
        return Err((".pattern", format!("at most {PATTERN_MAX} bytes")));
    }
    let length = |name: &str| property.get(name).and_then(Value::as_u64);
    Ok(FormField {
        key: key.to_owned(),
        kind: if secret { FieldKind::Password } else { kind },
        label: text("title").unwrap_or_else(|| key.to_owned()),
        help: text("description"),
        required,
        secret,
        default: property.get("default").cloned(),
        options: options(property)?,
        pattern,
        min_length: length("minLength"),
        max_length: length("maxLength"),
        minimum: property.get("minimum").cloned(),
        maximum: property.get("maximum").cloned(),
    })
}

fn is_secret(property: &Map<String, Value>) -> bool {
    property.get("writeOnly") == Some(&Value::Bool(true))
        || property
            .get("format")
            .is_some_and(|format| format == "password")
}

fn kind(property: &Map<String, Value>) -> Result<FieldKind, Wrong> {
    let is_choice = property.contains_key("enum") || property.contains_key("oneOf");
    let word = property.get("type").and_then(Value::as_str);
    match word {
        Some("string" | "integer" | "number") if is_choice => Ok(FieldKind::Select),
        None if is_choice => Ok(FieldKind::Select),
        Some("string") if property.get("x-lines").and_then(Value::as_u64) > Some(1) => {
            Ok(FieldKind::Text)
        }
        Some("string") => Ok(FieldKind::String),
        Some("integer") => Ok(FieldKind::Integer),
        Some("number") => Ok(FieldKind::Number),
        Some("boolean") => Ok(FieldKind::Switch),
        Some("array") => {
            let items = property.get("items").and_then(Value::as_object);
            let items = items.ok_or((".items", "required for type array".to_owned()))?;
            let simple = ["type", "enum", "pattern", "minLength", "maxLength", "title"];
            let is_simple = items.keys().all(|name| simple.contains(&name.as_str()));
            if !is_simple || items.get("type").is_none_or(|kind| kind != "string") {
                return Err((".items", "must be plain texts".to_owned()));
            }
            Ok(if items.contains_key("enum") {
                FieldKind::Checkbox
            } else {
                FieldKind::List
            })
        }
        _ => {
            let all = "string, integer, number, boolean or array";
            Err((".type", format!("must be {all}: a form is flat")))
        }
    }
}

/// The choices: an enumeration, or `oneOf` with a `const` and a `title` each.
fn options(property: &Map<String, Value>) -> Result<Vec<FieldOption>, Wrong> {
    let items = property.get("items").and_then(|items| items.get("enum"));
    let listed = property.get("enum").or(items).and_then(Value::as_array);
    let mut options: Vec<FieldOption> = listed
        .into_iter()
        .flatten()
        .map(|value| FieldOption {
            label: label(value),
            value: value.clone(),
        })
        .collect();
    let told = property.get("oneOf").and_then(Value::as_array);
    for one in told.into_iter().flatten() {
        let known = |name: &String| ["const", "title", "description"].contains(&name.as_str());
        let object = one.as_object().filter(|one| one.keys().all(known));
        let value = object.and_then(|one| one.get("const"));
        let value = value.ok_or((".oneOf", "each must be a const with a title".to_owned()))?;
        let title = one.get("title").and_then(Value::as_str);
        options.push(FieldOption {
            label: title.map_or_else(|| label(value), str::to_owned),
            value: value.clone(),
        });
    }
    if options.len() > OPTIONS_MAX {
        return Err(("", format!("at most {OPTIONS_MAX} choices")));
    }
    let is_plain = |value: &Value| value.is_string() || value.is_number();
    if options.iter().any(|option| !is_plain(&option.value)) {
        return Err(("", "a choice must be a text or a number".to_owned()));
    }
    Ok(options)
}

fn label(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn unsupported(object: &Map<String, Value>, known: &[&str], place: &str) -> Vec<Flaw> {
    let names = object.keys();
    let names = names.filter(|name| !known.contains(&name.as_str()) && !name.starts_with("x-"));
    names
        .map(|name| Flaw::new(format!("{place}.{name}"), "a form cannot be drawn from it"))
        .collect()
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Object(values) => 1 + values.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn is_key(key: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    key.starts_with(|first: char| first.is_ascii_alphabetic())
        && key.len() <= 64
        && key.bytes().all(rest)
}
