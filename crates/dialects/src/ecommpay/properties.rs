//! What holds for all messages: nothing can be changed, and nothing can be shifted.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};

use super::signature::{
    Source, Variant, canonical, has_forbidden_characters, hmac_sha512_base64, sign, signature_of,
    verify,
};
use super::signed_json::SignedJson;

const KEY: &str = "a key";

/// The same cases in every run.
fn runner(cases: u32) -> TestRunner {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, rng)
}

/// Objects of a few names and values, with texts as given.
fn objects(names: &'static str, texts: &'static str) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => texts.prop_map(Value::String),
        2 => any::<u16>().prop_map(|number| json!(number)),
        1 => prop_oneof![Just(json!(true)), Just(json!(false)), Just(json!(null))],
        1 => any::<i8>().prop_map(|number| json!(f64::from(number) / 4.0)),
    ];
    let inner = leaf.prop_recursive(3, 24, 5, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            btree_map(names, inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    btree_map(names, inner, 0..5).prop_map(|members| Value::Object(members.into_iter().collect()))
}

/// Paths and values of all leaves, by the plainest means.
fn leaves(value: &Value, path: &[String], found: &mut BTreeSet<(Vec<String>, String)>) {
    let below = |name: String| [path, &[name]].concat();
    let text = match value {
        Value::Object(members) => {
            for (name, value) in members {
                leaves(value, &below(name.clone()), found);
            }
            return;
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                leaves(value, &below(index.to_string()), found);
            }
            return;
        }
        Value::Null => String::new(),
        Value::Bool(truth) => u8::from(*truth).to_string(),
        Value::Number(number) => number.as_f64().expect("a small number").to_string(),
        Value::String(text) => text.clone(),
    };
    found.insert((path.to_vec(), text));
}

fn leaves_of(value: &Value) -> BTreeSet<(Vec<String>, String)> {
    let mut found = BTreeSet::new();
    leaves(value, &[], &mut found);
    found
}

fn documented(value: &Value) -> String {
    canonical(&SignedJson::from(value), Variant::DOCUMENTED).to_string()
}

#[test]
fn the_text_is_that_of_the_plainest_means() {
    let strategy = objects("[a-cA_]{1,2}", "[ -~я€]{0,5}");
    let outcome = runner(500).run(&strategy, |value| {
        let lines = leaves_of(&value).into_iter();
        let mut lines: Vec<_> = lines.map(|(path, text)| (path.join(":"), text)).collect();
        lines.sort_by(|(a, _), (b, _)| super::order::natural(a, b));
        let lines: Vec<_> = lines
            .iter()
            .map(|(path, text)| format!("{path}:{text}"))
            .collect();
        let text = lines.join(";");
        assert_eq!(documented(&value), text);
        // Neither the blanks of a body nor its escapes are signed, but what they mean.
        let pretty = serde_json::to_string_pretty(&value).expect("JSON");
        let escaped = pretty.replace('я', "\\u044F").replace('_', "\\u005f");
        for body in [pretty, escaped] {
            let message = SignedJson::parse(body.as_bytes()).expect("it can be read");
            assert_eq!(*canonical(&message, Variant::DOCUMENTED), text, "{body}");
        }
        Ok(())
    });
    outcome.expect("it holds");
}

#[test]
fn a_changed_text_is_refused() {
    let strategy = (
        objects("[a-c1_]{1,2}", "[a-e;:]{0,4}"),
        any::<Index>(),
        any::<Index>(),
    );
    let outcome = runner(500).run(&strategy, |(value, which, place)| {
        let given = sign(&value, KEY);
        for source in [Source::Gate, Source::PaymentPage] {
            assert!(verify(&SignedJson::from(&value), &given, KEY, source));
        }
        let mut changed = value.clone();
        let mut texts = Vec::new();
        texts_of(&mut changed, &mut texts);
        if texts.is_empty() {
            return Ok(());
        }
        let text = texts.swap_remove(which.index(texts.len()));
        let at = place.index(text.len());
        let other = if &text[at..=at] == "x" { "y" } else { "x" };
        text.replace_range(at..=at, other);
        assert!(!verify(
            &SignedJson::from(&changed),
            &given,
            KEY,
            Source::Gate
        ));
        Ok(())
    });
    outcome.expect("it holds");
}

/// The texts of a value that are not empty.
fn texts_of<'v>(value: &'v mut Value, found: &mut Vec<&'v mut String>) {
    match value {
        Value::Object(members) => members
            .values_mut()
            .for_each(|value| texts_of(value, found)),
        Value::Array(items) => items.iter_mut().for_each(|value| texts_of(value, found)),
        Value::String(text) if !text.is_empty() => found.push(text),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn each_changed_bit_of_a_body_is_refused() {
    let mut message = json!({
        "general": {"project_id": 101, "payment_id": "TEST_1"},
        "payment": {"amount": 501, "currency": "INR", "is_fast": true, "rate": 1.5, "of": null},
        "customer": {"phone": "76575657", "identify": {"doc_number": "5", "a:b": [0, ""]}},
    });
    message["general"]["signature"] = sign(&message, KEY).into();
    let body = message.to_string().into_bytes();
    let is_right = |body: &[u8]| {
        let Ok(message) = SignedJson::parse(body) else {
            return false;
        };
        let given = signature_of(&message);
        given.is_ok_and(|given| verify(&message, given, KEY, Source::Gate))
    };
    assert!(is_right(&body));
    for at in 0..body.len() {
        for bit in 0..8 {
            let mut changed = body.clone();
            changed[at] ^= 1 << bit;
            let shown = String::from_utf8_lossy(&changed);
            assert!(!is_right(&changed), "bit {bit} of byte {at}: {shown}");
        }
    }
}

#[test]
fn without_separators_texts_are_equal_only_if_leaves_are() {
    let values = || objects("[ab0]", "[ab]{0,2}");
    let outcome = runner(2_000).run(&(values(), values()), |(a, b)| {
        let texts_equal = documented(&a) == documented(&b);
        assert_eq!(texts_equal, leaves_of(&a) == leaves_of(&b), "{a} {b}");
        Ok(())
    });
    outcome.expect("it holds");
}

/// All ways to read a text as parameters: which `;` part lines, and which `:` ends a name.
fn readings(text: &str) -> Vec<Vec<(&str, &str)>> {
    let mut found = Vec::new();
    let ends = text
        .match_indices(';')
        .map(|(at, _)| at)
        .chain([text.len()]);
    for end in ends {
        let line = &text[..end];
        let rest = text.get(end + 1..).map_or(vec![Vec::new()], readings);
        for (colon, _) in line.match_indices(':') {
            for others in &rest {
                let first = (&line[..colon], &line[colon + 1..]);
                found.push([&[first], &others[..]].concat());
            }
        }
    }
    found
}

fn parameters<'p>(pairs: &[(&'p str, &'p str)]) -> Option<SignedJson<'p>> {
    let pairs = pairs
        .iter()
        .map(|(name, value)| (Cow::Borrowed(*name), Cow::Borrowed(*value)));
    SignedJson::of_parameters(pairs).ok()
}

#[test]
fn no_text_reads_as_two_sets_of_parameters_without_forbidden_characters() {
    let mut texts = vec![String::new()];
    let mut most = 0;
    for _ in 0..7 {
        let longer = |text: &String| ['a', ':', ';'].map(|last| format!("{text}{last}"));
        texts = texts.iter().flat_map(longer).collect();
        for text in &texts {
            let readings = readings(text);
            most = most.max(readings.len());
            let is_clean = |pairs: &&Vec<(&str, &str)>| {
                parameters(pairs).is_some_and(|read| !has_forbidden_characters(&read))
            };
            let clean: Vec<_> = readings.iter().filter(is_clean).collect();
            assert!(clean.len() <= 1, "{text}: {clean:?}");
        }
    }
    assert!(most > 10, "the format alone is ambiguous");
}

#[test]
fn signatures_of_one_page_do_not_fit_another() {
    let pages = || btree_map("[a_]{1,2}", "(true|True|False|1|0|a|a:1)?", 0..3);
    let outcome = runner(3_000).run(&(pages(), pages()), |(a, b)| {
        let read = |page: &BTreeMap<String, String>| {
            let members = page
                .iter()
                .map(|(name, value)| (name.clone(), json!(value)));
            Value::Object(members.collect::<Map<_, _>>())
        };
        let (a_value, b_value) = (read(&a), read(&b));
        let text = canonical(&SignedJson::from(&a_value), Variant::PAYMENT_PAGE);
        let given = hmac_sha512_base64(KEY, &text);
        let accepts =
            |value: &Value| verify(&SignedJson::from(value), &given, KEY, Source::PaymentPage);
        assert!(accepts(&a_value));
        // What counts of a page: truths are the same in words and digits, `_…` means nothing.
        let meaning = |page: &BTreeMap<String, String>| {
            let digit = |value: &str| match value {
                "true" | "True" => "1".to_owned(),
                "false" | "False" => "0".to_owned(),
                other => other.to_owned(),
            };
            let counts = page.iter().filter(|(name, _)| !name.starts_with('_'));
            counts
                .map(|(name, value)| (name.clone(), digit(value)))
                .collect::<Vec<_>>()
        };
        assert!(
            !accepts(&b_value) || meaning(&a) == meaning(&b),
            "{a:?} {b:?}"
        );
        Ok(())
    });
    outcome.expect("it holds");
}
