//! `docs/connector-protocol.md` against the connector: its requests are what we send, its answers what we
//! understand, its vectors and tables what the code has.

use std::collections::{BTreeMap, BTreeSet};

use altyn_connectors::remote::description;
use altyn_connectors::remote::signature::{self, Keys, Stamp};
use altyn_connectors::remote::state::{BODY_MAX, State};
use altyn_connectors::remote::{VERSION, VERSION_HEADER, decline, fault};
use altyn_domain::{OperationKind, Outcome, RefundAbility, Step, Timestamp};
use serde_json::Value;

use crate::remote::{ASK, AUTH, Bench, CAPTURE, REFUND, SALE, VOID, begin, header};

fn page() -> String {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/connector-protocol.md"
    );
    std::fs::read_to_string(file).expect("the page is there")
}

/// The code blocks of this kind.
fn blocks(kind: &str) -> Vec<String> {
    let fence = format!("```{kind}\n");
    let page = page();
    let blocks = page.split(&fence).skip(1);
    let texts = blocks.map(|rest| rest.split("```").next().unwrap_or_default().to_owned());
    let texts: Vec<String> = texts.collect();
    assert!(!texts.is_empty(), "no {kind}");
    texts
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The bench as the page has it: the gateway has named what it knows.
fn bench() -> Bench {
    let mut bench = Bench::new();
    for (number, reference) in [(SALE, "gw_8841"), (AUTH, "gw_8843"), (REFUND, "gw_8842")] {
        bench.operation(number).facts.connector_reference = Some(reference.to_owned());
    }
    bench.operation(REFUND).description = Some("Cup was broken".to_owned());
    bench
}

#[test]
fn docs_requests_are_those_that_are_sent() {
    let mut bench = bench();
    let mut sent = Vec::new();
    for (number, kind) in [
        (SALE, begin()),
        (SALE, ASK),
        (CAPTURE, begin()),
        (VOID, begin()),
        (REFUND, begin()),
        (REFUND, ASK),
    ] {
        sent.push(bench.body(number, &kind));
    }
    // The seventh is sent about a try that nobody needs.
    bench.payment.completed_by = Some(AUTH);
    let running = r#"{"operation":"…","status":"processing","amount":15000,"currency":"INR","reference":"r"}"#;
    let running = running.replace('…', &bench.id(SALE));
    let Step::Next(cancel) = bench.answered(SALE, &ASK, 200, &running) else {
        panic!("it is not ended");
    };
    sent.push(json(&String::from_utf8_lossy(&cancel.body)));
    let by_type = |bodies: &[Value]| -> BTreeMap<String, Value> {
        let typed = bodies
            .iter()
            .map(|body| (body["type"].to_string(), body.clone()));
        typed.collect()
    };
    let shown: Vec<Value> = blocks("json,request")
        .iter()
        .map(|text| json(text))
        .collect();
    assert_eq!(shown.len(), sent.len());
    assert_eq!(by_type(&shown), by_type(&sent));
}

#[test]
fn docs_states_are_understood() {
    let bench = bench();
    let mut statuses = BTreeSet::new();
    for text in blocks("json,state") {
        let state = State::read(text.as_bytes()).unwrap_or_else(|fault| panic!("{fault}: {text}"));
        let operations = bench.payment.operations.iter();
        let of_page = operations
            .clone()
            .find(|o| o.id.to_string() == state.operation);
        let operation = of_page.expect("an operation of the page");
        let kind = if operation.kind == OperationKind::Sale {
            begin()
        } else {
            ASK
        };
        let Step::Report(report) = bench.answered(operation.number, &kind, 200, &text) else {
            panic!("no report: {text}");
        };
        assert_ne!(report.outcome, Outcome::Unknown, "{text}");
        statuses.insert(state.standing.word());
        // No field of the page is one that we would ignore.
        let known = [
            "operation",
            "status",
            "amount",
            "currency",
            "reference",
            "redirect",
            "code",
            "message",
            "approval_code",
            "rrn",
            "happened_at_ms",
        ];
        let value = json(&text);
        for name in value.as_object().expect("an object").keys() {
            assert!(known.contains(&name.as_str()), "{name}");
            assert!(page().contains(&format!("`{name}`")), "{name} has no row");
        }
    }
    let all = ["failure", "processing", "redirect", "success"];
    assert_eq!(statuses, all.into());
}

#[test]
fn docs_description_and_errors_are_understood() {
    let [text] = blocks("json,description").try_into().expect("one");
    let text: String = text;
    let read = description::read(text.as_bytes()).expect("it is understood");
    assert_eq!(
        (read.refunds, read.holds, read.test),
        (RefundAbility::Partial, true, true)
    );
    assert_eq!((read.ranges[0].min, read.ranges[0].max), (100, 40_000_000));
    assert_eq!(read.not_found_final_after_ms, Some(330_000));
    // As long as a signature is fresh, a request may still come and be carried out.
    for (promise, least) in [("0", false), ("299999", false), ("300000", true)] {
        let other = text.replace("330000", promise);
        match description::read(other.as_bytes()) {
            Ok(read) => assert_eq!(
                (read.not_found_final_after_ms, least),
                (Some(300_000), true)
            ),
            Err(fault) => {
                let words = format!("{promise}, and must be at least 300000");
                assert!(!least && fault.to_string().contains(&words), "{fault}");
            }
        }
    }
    for text in blocks("json,error") {
        assert_eq!(
            fault::code(text.as_bytes()).as_deref(),
            Some(fault::NOT_FOUND)
        );
    }
}

#[test]
fn docs_vectors_are_right() {
    let mut bodies = Vec::new();
    for text in blocks("text,vector") {
        let fields: BTreeMap<&str, &str> = text
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(name, value)| (name, value.trim()))
            .collect();
        let keys = Keys::parse(fields["key"]).expect("a key");
        let second: i64 = fields["timestamp"].parse().expect("a number");
        let body = fields["body"].as_bytes();
        assert_eq!(keys.sign(fields["id"], second, body), fields["signature"]);
        let stamp = Stamp {
            id: fields["id"],
            timestamp: fields["timestamp"],
            signature: fields["signature"],
        };
        let at = Timestamp::from_millis(second * 1_000);
        assert_eq!(keys.verify(&stamp, body, at), Ok(()));
        bodies.push(fields["body"].to_owned());
    }
    // The first is a message of ours, with the key that the tests have.
    let mut bench = Bench::new();
    bench.set("settings", "");
    bench.set("static", "");
    let request = bench.request(SALE, &ASK).expect("it can be made");
    assert_eq!(String::from_utf8_lossy(&request.body), bodies[0]);
    assert!(blocks("text,vector")[0].contains(&header(&request, signature::SIGNATURE)));
    assert!(blocks("text,vector")[0].contains(&header(&request, signature::ID)));
}

#[test]
fn docs_numbers_and_codes_are_those_of_the_code() {
    let page = page();
    let (_, section) = page
        .split_once("## Codes of a failure")
        .expect("it is there");
    let (section, _) = section.split_once("\n## ").expect("it ends");
    let rows = section.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.strip_suffix("` |")?.split('|');
        let (code, _, reason) = (cells.next()?, cells.next()?, cells.next()?);
        let plain = |cell: &str| cell.trim().trim_matches('`').to_owned();
        cells.next().is_none().then(|| (plain(code), plain(reason)))
    });
    let told: Vec<(String, String)> = rows.collect();
    let known = decline::CODES.map(|(code, reason)| {
        let word = serde_json::to_value(reason).expect("a word");
        (code.to_owned(), word.as_str().expect("a word").to_owned())
    });
    assert_eq!(told, known);
    let body_max = format!("{} {}", BODY_MAX / 1_000, BODY_MAX % 1_000);
    for words in [
        format!("at most {body_max} bytes"),
        format!("more than {} seconds", signature::SKEW_MAX_S),
        format!("1 to {} letters", signature::ID_MAX),
        format!("| `{VERSION_HEADER}` | `{VERSION}`"),
    ] {
        assert!(page.contains(&words), "{words}");
    }
    for name in signature::HEADERS {
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
}
