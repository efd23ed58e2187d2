//! Schemas and values, as operators write them.

use serde_json::{Value, json};

use super::form::{FieldKind, Form};
use crate::Flaw;

fn flaws(schema: &Value) -> Vec<String> {
    told(Form::parse(schema).map(drop))
}

fn told<T>(result: Result<T, Vec<Flaw>>) -> Vec<String> {
    let flaws = result.err().unwrap_or_default();
    let lines = flaws.into_iter();
    lines
        .map(|flaw| format!("{}: {}", flaw.field, flaw.message))
        .collect()
}

fn check(form: &Form, values: Value) -> Result<Value, Vec<Flaw>> {
    let values = values.as_object().expect("an object").clone();
    form.check(values).map(Value::Object)
}

fn descriptors() -> Value {
    json!([
        {"type": "string", "key": "account", "label": "Account", "required": true,
         "pattern": "^[a-z-]+$", "min_length": 2, "max_length": 10},
        {"type": "password", "key": "api_key", "required": true},
        {"type": "text", "key": "certificate", "secret": true},
        {"type": "select", "key": "mode", "default": "live",
         "options": [{"value": "live", "label": "Live"}, {"value": "test"}]},
        {"type": "radio", "key": "region", "options": [{"value": "kz"}, {"value": "in"}]},
        {"type": "checkbox", "key": "cards", "default": ["visa"],
         "options": [{"value": "visa"}, {"value": "mir"}]},
    ])
}

#[test]
fn descriptors_become_a_form_in_their_order() {
    let form = Form::parse(&descriptors()).expect("it is right");
    let keys: Vec<&str> = form.fields.iter().map(|field| field.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "account",
            "api_key",
            "certificate",
            "mode",
            "region",
            "cards"
        ]
    );
    let secrets: Vec<bool> = form.fields.iter().map(|field| field.secret).collect();
    assert_eq!(secrets, [false, true, true, false, false, false]);
    assert_eq!(form.fields[0].label, "Account");
    assert_eq!(form.fields[1].label, "api_key");
    assert_eq!(form.fields[3].options[1].label, "test");
    assert!(Form::parse(&json!([])).is_ok(), "no settings at all");
}

#[test]
fn values_are_checked_against_descriptors() {
    let form = Form::parse(&descriptors()).expect("it is right");
    let checked = check(
        &form,
        json!({"account": "shop", "api_key": "k", "region": ""}),
    );
    let wanted = json!({"account": "shop", "api_key": "k", "mode": "live", "cards": ["visa"]});
    assert_eq!(checked, Ok(wanted));
    let wrong = json!({
        "account": "S", "api_key": "", "mode": "other", "cards": ["mir", "mir"],
        "region": ["kz"], "more": 1,
    });
    assert_eq!(
        told(check(&form, wrong)),
        [
            "settings.more: no such setting",
            "settings.api_key: required",
            "settings.account: at least 2 characters",
            "settings.account: must match ^[a-z-]+$",
            "settings.cards: each choice once only",
            "settings.mode: none of the options",
            "settings.region: it is not of type \"string\"",
            "settings.region: none of the options",
        ]
    );
    let long = json!({"account": "shop", "api_key": "x".repeat(10_001)});
    assert_eq!(
        told(check(&form, long)),
        ["settings.api_key: at most 10000 characters"]
    );
}

#[test]
fn all_flaws_of_descriptors_are_told_at_once() {
    let schema = json!([
        {"type": "string", "key": "a", "size": 1, "min_length": 5, "max_length": 4},
        {"type": "date", "key": "b"},
        {"type": "select", "key": "a"},
        {"type": "string", "options": [], "pattern": "(", "required": "yes"},
        7,
        {"type": "password", "key": "Key", "secret": false, "default": "x"},
        {"type": "radio", "key": "r", "options": [{"value": "1"}, {"value": "1"}, {}, "2"],
         "pattern": "x"},
        {"key": "c", "label": ""},
        {"type": "checkbox", "key": "d", "options": [{"value": "1"}], "default": "1"},
        {"type": "select", "key": "e", "options": [{"value": "1"}], "secret": true},
    ]);
    assert_eq!(
        flaws(&schema),
        [
            "schema[0].size: no such property",
            "schema[0].max_length: is less than min_length",
            "schema[2].options: required for type select",
            "schema[2].key: is the key of another field too",
            "schema[3].key: required",
            "schema[3].required: must be true or false",
            "schema[3].options: not for type string",
            "schema[3].pattern: not a regular expression that can be used",
            "schema[4]: must be an object",
            "schema[5].key: must be a small letter, then small letters, digits and _, at most 64",
            "schema[5].secret: a password is always secret",
            "schema[5].default: a secret has none: everybody could read it",
            "schema[6].options[1].value: is there twice",
            "schema[6].options[2].value: required",
            "schema[6].options[3]: must be an object with value and label",
            "schema[6].pattern: not for a choice",
            "schema[7].type: required",
            "schema[7].label: must be a text of 1 to 500 characters",
            "schema[8].default: must be an array of texts",
            "schema[9].secret: a choice cannot be secret",
        ]
        .into_iter()
        .fold(vec![], |mut all: Vec<String>, one| {
            all.push(one.to_owned());
            if one.starts_with("schema[0].max") {
                let kinds = "string, password, text, select, radio or checkbox";
                all.push(format!("schema[1].type: must be {kinds}"));
            }
            all
        })
    );
    let default = json!([
        {"type": "select", "key": "a", "options": [{"value": "1"}], "default": "2"},
        {"type": "string", "key": "b", "max_length": 1, "default": "22"},
    ]);
    assert_eq!(
        flaws(&default),
        [
            "schema[0].default: none of the options",
            "schema[1].default: at most 1 characters",
        ]
    );
    let wanted = "schema: an array of field descriptors or a JSON Schema object";
    for schema in [json!(null), json!("[]"), json!(1)] {
        assert_eq!(flaws(&schema), [wanted]);
    }
    let many: Vec<Value> = (0..65)
        .map(|number| json!({"type": "string", "key": format!("k{number}")}))
        .collect();
    assert_eq!(flaws(&json!(many)), ["schema: at most 64 fields"]);
    let large = json!([{"type": "string", "key": "a", "help": "x".repeat(70_000)}]);
    assert_eq!(flaws(&large), ["schema: at most 65536 bytes"]);
}

fn json_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {"name": {"type": "string", "title": "Name", "minLength": 2}},
        "properties": {
            "account": {"$ref": "#/$defs/name", "title": "Account", "x-order": 1},
            "apiKey": {"type": "string", "writeOnly": true, "x-order": 2},
            "pin": {"type": "string", "format": "password"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 9},
            "rate": {"type": "number", "exclusiveMinimum": 0},
            "live": {"type": "boolean", "default": true},
            "mode": {"oneOf": [{"const": "a", "title": "First"}, {"const": "b"}]},
            "level": {"enum": [1, 2]},
            "mail": {"type": "string", "format": "email"},
            "cards": {"type": "array", "items": {"type": "string", "enum": ["visa", "mir"]}},
            "hosts": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
            "note": {"type": "string", "x-lines": 5},
        },
        "required": ["account", "apiKey"],
        "dependentRequired": {"pin": ["limit"]},
    })
}

#[test]
fn a_json_schema_becomes_a_form_too() {
    let form = Form::parse(&json_schema()).expect("it is right");
    let kinds: Vec<(&str, FieldKind)> = form
        .fields
        .iter()
        .map(|field| (field.key.as_str(), field.kind))
        .collect();
    assert_eq!(
        kinds,
        [
            ("account", FieldKind::String),
            ("apiKey", FieldKind::Password),
            ("cards", FieldKind::Checkbox),
            ("hosts", FieldKind::List),
            ("level", FieldKind::Select),
            ("limit", FieldKind::Integer),
            ("live", FieldKind::Switch),
            ("mail", FieldKind::String),
            ("mode", FieldKind::Select),
            ("note", FieldKind::Text),
            ("pin", FieldKind::Password),
            ("rate", FieldKind::Number),
        ]
    );
    assert_eq!(form.fields[0].label, "Account");
    assert_eq!(form.fields[0].min_length, Some(2), "by reference");
    assert!(form.fields[1].secret && form.fields[1].required);
    assert_eq!(
        form.field("mode").map(|f| f.options[0].label.as_str()),
        Some("First")
    );
    let checked = check(&form, json!({"account": "shop", "apiKey": "k"}));
    assert_eq!(
        checked,
        Ok(json!({"account": "shop", "apiKey": "k", "live": true}))
    );
    let wrong = json!({
        "account": "s", "limit": 10, "rate": 0, "live": "yes", "mode": "c", "level": 3,
        "mail": "nobody", "hosts": ["a", "b", "c"], "cards": ["other"], "apiKey": "k", "x": 1,
    });
    let told_places: Vec<String> = told(check(&form, wrong))
        .into_iter()
        .map(|line| line.split(':').next().unwrap_or_default().to_owned())
        .collect();
    let wanted = [
        "x", "account", "cards[0]", "hosts", "level", "limit", "live", "mail", "mode", "rate",
    ];
    assert_eq!(told_places, wanted.map(|key| format!("settings.{key}")));
    let lacking = told(check(
        &form,
        json!({"account": "shop", "apiKey": "k", "pin": "1"}),
    ));
    assert_eq!(lacking, ["settings.limit: required"]);
}

#[test]
fn messages_hold_no_values() {
    let schema = json!({
        "type": "object",
        "properties": {"key": {
            "type": "string", "writeOnly": true, "minLength": 9, "maxLength": 3,
            "pattern": "^a$", "format": "email",
        }},
    });
    let form = Form::parse(&schema).expect("it is right");
    let told = told(check(&form, json!({"key": "s3cr3t"})));
    assert!(!told.is_empty());
    assert!(!told.join("\n").contains("s3cr3t"), "{told:?}");
}

#[test]
fn what_is_no_flat_json_schema_is_refused() {
    let flaw = |schema: Value| flaws(&schema).join("; ");
    let property = |property: Value| flaw(json!({"type": "object", "properties": {"a": property}}));
    assert_eq!(flaw(json!({})), "schema.type: must be object");
    assert_eq!(
        flaw(json!({"type": "array"})),
        "schema.type: must be object"
    );
    assert!(
        flaw(json!({"type": "objekt", "properties": 1})).contains("schema.properties:"),
        "the standard's own rules"
    );
    assert_eq!(
        flaw(json!({"type": "object", "$schema": "http://json-schema.org/draft-07/schema#"})),
        "schema.$schema: must be https://json-schema.org/draft/2020-12/schema"
    );
    assert_eq!(
        flaw(json!({"type": "object", "patternProperties": {}})),
        "schema.patternProperties: a form cannot be drawn from it"
    );
    assert_eq!(
        flaw(json!({"type": "object", "required": ["a"]})),
        "schema.required[0]: is no property"
    );
    let remote = "schema.properties.a: a $ref may only lead to #/$defs/…";
    for reference in [
        "https://gateway.example/s.json",
        "#",
        "#/properties/a",
        "file:///etc/passwd",
    ] {
        assert_eq!(
            property(json!({ "$ref": reference })),
            remote,
            "{reference}"
        );
    }
    let flat = "schema.properties.a.type: must be string, integer, number, boolean or array: \
                a form is flat";
    assert_eq!(property(json!({"type": "object"})), flat);
    assert_eq!(property(json!({"type": ["string", "null"]})), flat);
    assert_eq!(
        property(json!({"type": "array", "items": {"type": "object"}})),
        "schema.properties.a.items: must be plain texts"
    );
    assert_eq!(
        property(json!({"type": "integer", "writeOnly": true})),
        "schema.properties.a.writeOnly: only a text can be secret"
    );
    assert_eq!(
        property(json!({"type": "string", "writeOnly": true, "default": "x"})),
        "schema.properties.a.default: a secret has none: everybody could read it"
    );
    assert_eq!(
        property(json!({"type": "integer", "default": "x"})),
        "schema.properties.a.default: it is not of type \"integer\""
    );
    assert!(property(json!({"type": "string", "pattern": "("})).contains("properties.a.pattern"));
    let backtracking = property(json!({"type": "string", "pattern": "(?=a)b"}));
    assert!(!backtracking.is_empty(), "only patterns of linear time");
    let mut deep = json!({"type": "string"});
    for _ in 0..10 {
        deep = json!({"items": deep});
    }
    assert_eq!(property(deep), "schema: nested deeper than 8");
}

#[test]
fn references_of_a_json_schema_end() {
    let circle = json!({
        "type": "object",
        "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
        "properties": {"a": {"$ref": "#/$defs/a"}},
    });
    assert_eq!(
        flaws(&circle).join("; "),
        "schema.properties.a: too many references"
    );
}
