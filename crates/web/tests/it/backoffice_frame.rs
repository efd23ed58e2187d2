//! The frame of the back-office API: whoever knocks hears JSON, and nobody gets in unknown.

use std::collections::BTreeSet;

use altyn_web::backoffice::{self, BackOffice, Rule};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::gate::Gate;

struct Office {
    gate: Gate,
    router: axum::Router,
}

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    body: Value,
}

impl Office {
    async fn open() -> Self {
        let gate = Gate::open().await;
        let office = BackOffice::try_new(gate.engine.clone(), "http://gate.test/base/", false);
        let router = backoffice::router(office.expect("an address"));
        Self { gate, router }
    }

    async fn ask(&self, request: Request<Body>) -> Answer {
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        }
    }

    async fn plain(&self, method: Method, path: &str) -> Answer {
        let request = Request::builder().method(method).uri(path);
        self.ask(request.body(Body::empty()).expect("a request"))
            .await
    }
}

fn assert_problem(answer: &Answer, status: u16, code: &str, what: &str) {
    assert_eq!(answer.status, status, "{what}: {}", answer.body);
    assert_eq!(
        answer.headers[header::CONTENT_TYPE],
        "application/problem+json",
        "{what}"
    );
    assert_eq!(answer.body["code"], code, "{what}: {}", answer.body);
    assert_eq!(answer.body["status"], status, "{what}");
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store", "{what}");
    assert_eq!(
        answer.headers["x-content-type-options"], "nosniff",
        "{what}"
    );
}

/// An address of this end point with something in the place of its ids.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| {
        if part.starts_with('{') {
            "019f0000-0000-7000-8000-000000000000"
        } else {
            part
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_end_point_but_the_open_ones_refuses_strangers() {
    let office = Office::open().await;
    for (method, path, rule) in backoffice::rules() {
        if rule == Rule::Open {
            continue;
        }
        let what = format!("{method} {path}");
        for token in [None, Some("Bearer nonsense"), Some("Basic YTpi")] {
            let mut request = Request::builder()
                .method(method.clone())
                .uri(filled(&path))
                .header("x-altyn-csrf", "1")
                .header(header::CONTENT_TYPE, "application/json");
            if let Some(token) = token {
                request = request.header(header::AUTHORIZATION, token);
            }
            let answer = office.ask(request.body(Body::from("{}")).expect("a request"));
            let answer = answer.await;
            assert_problem(&answer, 401, "unauthenticated", &what);
            assert!(
                answer.headers.contains_key(header::WWW_AUTHENTICATE),
                "{what}"
            );
        }
    }
}

#[tokio::test]
async fn only_these_end_points_are_open() {
    let open = backoffice::rules().into_iter();
    let open = open.filter(|(_, _, rule)| *rule == Rule::Open);
    let open: BTreeSet<String> = open
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    let known = [
        "GET /backoffice/v1/openapi.json",
        "POST /backoffice/v1/sign-in",
        "POST /backoffice/v1/sign-out",
        "POST /backoffice/v1/invitations/accept",
    ];
    for one in &open {
        assert!(known.contains(&one.as_str()), "{one} is open");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let office = Office::open().await;
    for path in [
        "/backoffice/v1",
        "/backoffice/v1/",
        "/backoffice/v1/nothing/here",
    ] {
        let answer = office.plain(Method::GET, path).await;
        assert_problem(&answer, 404, "not_found", path);
    }
    let answer = office
        .plain(Method::DELETE, "/backoffice/v1/openapi.json")
        .await;
    assert_problem(&answer, 405, "method_not_allowed", "DELETE");
    let allowed = answer.headers[header::ALLOW].to_str().expect("it is plain");
    assert!(allowed.contains("GET"), "{allowed}");
    assert!(office.gate.charges() == 0);
}

#[tokio::test]
async fn the_description_is_served_and_is_that_of_the_code() {
    let office = Office::open().await;
    let answer = office
        .plain(Method::GET, "/backoffice/v1/openapi.json")
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body["openapi"], "3.1.0");
    assert_eq!(
        answer.body["servers"],
        json!([{"url": "/base/backoffice/v1"}])
    );
    assert_eq!(
        answer.body["paths"],
        backoffice::openapi_document()["paths"]
    );
}

/// All operations of the description: method and full path, and the operation.
fn operations(document: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            let name = format!("{} /backoffice/v1{path}", method.to_uppercase());
            all.push((name, operation.clone()));
        }
    }
    all
}

#[test]
fn the_description_has_every_end_point_and_says_all_of_it() {
    let document = backoffice::openapi_document();
    let described = operations(&document);
    let rules: BTreeSet<String> = backoffice::rules()
        .into_iter()
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    let names: BTreeSet<String> = described.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(rules, names);
    for (method, path, rule) in backoffice::rules() {
        let name = format!("{method} {path}");
        let (_, operation) = described
            .iter()
            .find(|(one, _)| *one == name)
            .expect("it is there");
        for field in ["summary", "description", "operationId"] {
            let text = operation[field].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{name} has no {field}");
        }
        assert_eq!(
            operation["tags"].as_array().map(Vec::len),
            Some(1),
            "{name} needs one tag"
        );
        match rule {
            Rule::Open => assert_eq!(operation["security"], json!([]), "{name}"),
            Rule::SignedIn => assert!(operation["responses"].get("401").is_some(), "{name}"),
            Rule::Needs(permission) => {
                assert_eq!(operation["x-permission"], permission.word(), "{name}");
                assert!(operation["responses"].get("401").is_some(), "{name}");
            }
        }
        let responses = operation["responses"].as_object().expect("answers");
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{name} has no success"
        );
        for part in path.split('/').filter_map(|part| part.strip_prefix('{')) {
            let id = part.trim_end_matches('}');
            let parameters = operation["parameters"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let of = |one: &Value| one["in"] == "path" && one["name"] == id;
            let found = parameters.iter().find(|one| of(one));
            let words = found.and_then(|one| one["description"].as_str());
            assert!(
                words.is_some_and(|words| !words.is_empty()),
                "{name} does not explain {id}"
            );
        }
    }
}

#[test]
fn row_62_every_body_refuses_fields_that_it_does_not_know() {
    let document = backoffice::openapi_document();
    for (name, operation) in operations(&document) {
        let Some(body) = operation.get("requestBody") else {
            continue;
        };
        let schema = &body["content"]["application/json"]["schema"];
        assert!(!schema.is_null(), "{name}: its body is no JSON");
        assert_closed(&document, schema, &name);
    }
}

/// No object of this schema, however deep, takes what it does not name; maps take what their type says.
fn assert_closed(document: &Value, schema: &Value, name: &str) {
    if let Some(target) = schema["$ref"].as_str() {
        let target = document.pointer(target.trim_start_matches('#'));
        return assert_closed(document, target.expect("it is there"), name);
    }
    if let Some(properties) = schema["properties"].as_object() {
        assert_eq!(
            schema["additionalProperties"],
            json!(false),
            "{name}: {schema}"
        );
        for inner in properties.values() {
            assert_closed(document, inner, name);
        }
    }
    assert_closed_parts(document, schema, name);
}

fn assert_closed_parts(document: &Value, schema: &Value, name: &str) {
    for list in ["oneOf", "anyOf", "allOf"] {
        for inner in schema[list].as_array().into_iter().flatten() {
            assert_closed(document, inner, name);
        }
    }
    if schema["items"].is_object() {
        assert_closed(document, &schema["items"], name);
    }
}

#[test]
fn every_reference_of_the_description_leads_somewhere() {
    let document = backoffice::openapi_document();
    let text = document.to_string();
    for part in text.split("\"$ref\":\"#").skip(1) {
        let target = part.split('"').next().unwrap_or_default();
        assert!(document.pointer(target).is_some(), "{target} is not there");
    }
}

#[tokio::test]
async fn the_reference_page_runs_nothing_and_loads_nothing_from_elsewhere() {
    let office = Office::open().await;
    for (path, kind) in [
        ("/backoffice/reference", "text/html; charset=utf-8"),
        ("/backoffice/reference.css", "text/css; charset=utf-8"),
    ] {
        let answer = office.plain(Method::GET, path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.headers[header::CONTENT_TYPE], kind, "{path}");
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .expect("plain");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self';"),
            "{policy}"
        );
        assert!(
            !policy.contains("unsafe") && !policy.contains("script"),
            "{policy}"
        );
        assert_eq!(answer.headers["x-frame-options"], "DENY");
    }
}
