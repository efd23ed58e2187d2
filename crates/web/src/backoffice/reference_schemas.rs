//! Schemas of the API's description as rows and examples for the reference page.

use serde_json::{Map, Value, json};

/// Deepest nesting that is shown.
const DEPTH_MAX: usize = 5;

/// One field of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Its path, such as `place.kind` or `errors[].field`.
    pub name: String,
    /// What it holds, in words.
    pub kind: String,
    pub is_required: bool,
    /// What it means.
    pub words: String,
    /// What it may be: words of a list, limits.
    pub limits: String,
}

/// The description, for looking up what it refers to.
#[derive(Clone, Copy)]
pub(super) struct Schemas<'a>(pub &'a Value);

impl<'a> Schemas<'a> {
    /// What a schema or answer refers to, or itself.
    pub(super) fn resolve(self, value: &'a Value) -> &'a Value {
        let target = value["$ref"].as_str().and_then(|at| at.strip_prefix('#'));
        let found = target.and_then(|pointer| self.0.pointer(pointer));
        found.unwrap_or(value)
    }

    /// The schema behind references and behind "or null".
    fn inner(self, schema: &'a Value) -> (&'a Value, bool) {
        let schema = self.resolve(schema);
        let Some(choices) = schema["oneOf"].as_array() else {
            return (schema, false);
        };
        let mut real = choices.iter().filter(|one| one["type"] != "null");
        match (real.next(), real.next()) {
            (Some(one), None) => (self.resolve(one), choices.len() > 1),
            _ => (schema, false),
        }
    }

    /// All fields of a schema, those of inner objects behind their own.
    pub(super) fn fields(self, schema: &'a Value) -> Vec<Field> {
        let mut rows = Vec::new();
        self.add_fields(schema, "", 0, &mut rows);
        rows
    }

    fn add_fields(self, schema: &'a Value, prefix: &str, depth: usize, rows: &mut Vec<Field>) {
        let (schema, _) = self.inner(schema);
        if depth >= DEPTH_MAX {
            return;
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.add_fields(part, prefix, depth, rows);
        }
        let required = schema["required"].as_array();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let (kind, inner) = self.kind(property);
            let path = format!("{prefix}{name}");
            let is_required = required.is_some_and(|all| all.iter().any(|one| one == name));
            let target = self.inner(property).0;
            let own = property["description"].as_str();
            let words = own.or_else(|| target["description"].as_str());
            rows.push(Field {
                name: path.clone(),
                kind,
                is_required,
                words: words.unwrap_or_default().to_owned(),
                limits: self.limits(property),
            });
            if let Some((inner, is_list)) = inner {
                let mark = if is_list { "[]." } else { "." };
                self.add_fields(inner, &format!("{path}{mark}"), depth + 1, rows);
            }
        }
    }

    /// A schema's kind in words, and what it holds if that has fields: with whether it is a list of them.
    fn kind(self, schema: &'a Value) -> (String, Option<(&'a Value, bool)>) {
        let (target, or_null) = self.inner(schema);
        let types: Vec<&str> = match &target["type"] {
            Value::String(one) => vec![one],
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let is_null = or_null || types.contains(&"null");
        let plain = types.iter().find(|one| **one != "null").copied();
        let (words, inner) = match plain {
            Some("array") => {
                let (words, _) = self.kind(&target["items"]);
                let items = self.inner(&target["items"]).0;
                let inner = items["properties"].is_object().then_some((items, true));
                (format!("list of {words}"), inner)
            }
            Some("object") => ("object".to_owned(), Some((target, false))),
            Some("string") => match target["format"].as_str() {
                Some("date-time") => ("instant".to_owned(), None),
                _ => ("text".to_owned(), None),
            },
            Some("integer") => ("whole number".to_owned(), None),
            Some("boolean") => ("true or false".to_owned(), None),
            Some(other) => (other.to_owned(), None),
            None if target["oneOf"].is_array() => ("one of several objects".to_owned(), None),
            None => ("anything".to_owned(), None),
        };
        let words = if is_null {
            format!("{words} or null")
        } else {
            words
        };
        (words, inner)
    }

    fn limits(self, schema: &'a Value) -> String {
        let (target, _) = self.inner(schema);
        let list = target["enum"].as_array().or_else(|| {
            let items = self.inner(&target["items"]).0;
            items["enum"].as_array()
        });
        if let Some(list) = list {
            let words = list.iter().filter_map(Value::as_str);
            return words.collect::<Vec<_>>().join(", ");
        }
        let range = |least: &str, most: &str, unit: &str| {
            let (least, most) = (&target[least], &target[most]);
            match (least.is_number(), most.is_number()) {
                (true, true) => format!("{least} to {most}{unit}"),
                (true, false) => format!("at least {least}{unit}"),
                (false, true) => format!("at most {most}{unit}"),
                (false, false) => String::new(),
            }
        };
        let found = [
            range("minLength", "maxLength", " characters"),
            range("minItems", "maxItems", " things"),
            range("minimum", "maximum", ""),
        ];
        let found: Vec<String> = found.into_iter().filter(|one| !one.is_empty()).collect();
        found.join(", ")
    }

    /// A parameter's kind and limits in words.
    pub(super) fn parameter(self, schema: &'a Value) -> (String, String) {
        (self.kind(schema).0, self.limits(schema))
    }

    /// An example of a schema: the one that it names, or one made of those of its parts.
    pub(super) fn example(self, schema: &'a Value) -> Value {
        self.example_at(schema, 0)
    }

    fn example_at(self, schema: &'a Value, depth: usize) -> Value {
        if !schema["example"].is_null() {
            return schema["example"].clone();
        }
        let (target, _) = self.inner(schema);
        if !target["example"].is_null() {
            return target["example"].clone();
        }
        if let Some(first) = target["examples"].get(0).or_else(|| target["enum"].get(0)) {
            return first.clone();
        }
        if depth >= DEPTH_MAX {
            return Value::Null;
        }
        let types = &target["type"];
        let is = |name: &str| types == name || types.get(0).is_some_and(|one| one == name);
        if target["properties"].is_object() {
            let mut made = Map::new();
            for (name, property) in target["properties"].as_object().into_iter().flatten() {
                made.insert(name.clone(), self.example_at(property, depth + 1));
            }
            Value::Object(made)
        } else if is("array") {
            json!([self.example_at(&target["items"], depth + 1)])
        } else if types
            .as_array()
            .is_some_and(|all| all.contains(&json!("null")))
        {
            Value::Null
        } else if is("string") {
            json!("…")
        } else if is("integer") || is("number") {
            json!(1)
        } else if is("boolean") {
            json!(false)
        } else {
            let first = target["oneOf"].get(0);
            first.map_or(Value::Null, |one| self.example_at(one, depth + 1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_inner_objects_follow_their_own() {
        let document = json!({"components": {"schemas": {"Place": {
            "type": "object",
            "required": ["kind"],
            "properties": {"kind": {"type": "string", "enum": ["a", "b"], "description": "What."}},
        }}}});
        let place = json!({"$ref": "#/components/schemas/Place"});
        let schema = json!({
            "type": "object",
            "required": ["n"],
            "properties": {
                "n": {"type": "integer", "minimum": 1, "maximum": 9},
                "place": {"oneOf": [{"type": "null"}, place]},
                "all": {"type": "array", "items": place},
                "note": {"type": ["string", "null"]},
            },
        });
        let schemas = Schemas(&document);
        let rows = schemas.fields(&schema);
        let row = |name: &str| rows.iter().find(|one| one.name == name).unwrap();
        assert_eq!(row("n").limits, "1 to 9");
        assert!(row("n").is_required && !row("note").is_required);
        assert_eq!(row("note").kind, "text or null");
        assert_eq!(row("place").kind, "object or null");
        assert_eq!(row("place.kind").limits, "a, b");
        assert_eq!(row("all").kind, "list of object");
        assert_eq!(row("all[].kind").words, "What.");
        let made = schemas.example(&schema);
        assert_eq!(made["all"], json!([{"kind": "a"}]));
        assert_eq!(made["note"], Value::Null);
    }
}
