//! The reference of the API for people: one page, rendered from the description, without script.

use altyn_domain::{Permission, Role};
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use serde_json::Value;

use super::codes::Code;
use super::problem::{Problem, in_words};
use super::reference_schemas::{Field, Schemas};
use super::{BackOffice, PREFIX};

const STYLE: &str = include_str!("../../templates/reference.css");

/// The page and its style.
pub(super) fn router(office: BackOffice) -> Router {
    Router::new()
        .route("/backoffice/reference", get(page))
        .route("/backoffice/reference.css", get(style))
        .with_state(office)
}

/// Headers of the page: nothing from elsewhere, no script, no frame around it.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'none'; \
         frame-ancestors 'none'; base-uri 'none'",
    ),
    (header::CACHE_CONTROL, "no-cache"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

async fn page(State(office): State<BackOffice>) -> Response {
    let page = reference(office.document(), office.base(), office.public_url());
    match page.render() {
        Ok(text) => protected(Html(text).into_response()),
        Err(error) => {
            tracing::error!(%error, "the reference page could not be rendered");
            Problem::fault().into_response()
        }
    }
}

async fn style() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    protected((kind, STYLE).into_response())
}

fn protected(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

#[derive(Template)]
#[template(path = "reference.html")]
struct Reference<'a> {
    base: &'a str,
    version: &'a str,
    intro: Vec<Vec<Piece<'a>>>,
    groups: Vec<Group<'a>>,
    roles: Vec<String>,
    matrix: Vec<(&'static str, Vec<bool>)>,
    codes: Vec<(&'static str, u16, Vec<Piece<'a>>)>,
}

/// A piece of a paragraph.
enum Piece<'a> {
    Plain(&'a str),
    Strong(&'a str),
    Code(&'a str),
}

struct Group<'a> {
    name: &'a str,
    anchor: String,
    operations: Vec<Operation<'a>>,
}

struct Operation<'a> {
    id: &'a str,
    method: String,
    verb: String,
    path: &'a str,
    summary: &'a str,
    words: Vec<Vec<Piece<'a>>>,
    /// The permission with the roles that have it; otherwise who may come.
    permission: Option<&'a str>,
    roles: Vec<&'a str>,
    is_open: bool,
    parameters: Vec<Parameter<'a>>,
    body: Vec<Field>,
    answers: Vec<Answer<'a>>,
    refusals: Vec<Answer<'a>>,
    request: String,
    response: Option<String>,
}

struct Parameter<'a> {
    name: &'a str,
    place: &'a str,
    is_required: bool,
    kind: String,
    limits: String,
    words: Vec<Piece<'a>>,
}

struct Answer<'a> {
    status: &'a str,
    words: Vec<Piece<'a>>,
    fields: Vec<Field>,
}

impl Field {
    fn said(&self) -> Vec<Piece<'_>> {
        pieces(&self.words)
    }
}

/// The page, in the order in which end points are added.
fn reference<'a>(document: &'a Value, base: &'a str, public_url: &str) -> Reference<'a> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let server = format!("{public_url}{PREFIX}");
    let paths = document["paths"].as_object();
    for (method, path, _) in super::rules() {
        let path = path.strip_prefix(PREFIX).unwrap_or(&path);
        let Some((path, item)) = paths.and_then(|all| all.get_key_value(path)) else {
            continue;
        };
        let verb = method.as_str().to_ascii_lowercase();
        let described = &item[&verb];
        let added = operation(document, &server, (verb, path), described);
        let name = described["tags"][0].as_str().unwrap_or("More");
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.operations.push(added),
            None => groups.push(Group {
                name,
                anchor: name.to_lowercase().replace(' ', "-"),
                operations: vec![added],
            }),
        }
    }
    let matrix = Permission::ALL.into_iter().map(|permission| {
        let has = Role::ALL.into_iter().map(|role| role.grants(permission));
        (permission.word(), has.collect())
    });
    let codes = Code::ALL.iter();
    let codes = codes.map(|one| (one.word(), one.status().as_u16(), pieces(one.meaning())));
    Reference {
        base,
        version: text(&document["info"]["version"]),
        intro: paragraphs(text(&document["info"]["description"])),
        groups,
        roles: Role::ALL.map(|role| in_words(role.word())).to_vec(),
        matrix: matrix.collect(),
        codes: codes.collect(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn operation<'a>(
    document: &'a Value,
    server: &str,
    (verb, path): (String, &'a str),
    described: &'a Value,
) -> Operation<'a> {
    let schemas = Schemas(document);
    let method = verb.to_ascii_uppercase();
    let body = &described["requestBody"]["content"]["application/json"];
    let mut answers = Vec::new();
    let mut refusals = Vec::new();
    let mut response = None;
    for (status, answer) in described["responses"].as_object().into_iter().flatten() {
        let answer = schemas.resolve(answer);
        let content = &answer["content"]["application/json"];
        let is_success = status.starts_with('2');
        let fields = if is_success {
            schemas.fields(&content["schema"])
        } else {
            Vec::new()
        };
        if is_success && content.is_object() {
            let named = &content["example"];
            let example = || schemas.example(&content["schema"]);
            let example = if named.is_null() {
                example()
            } else {
                named.clone()
            };
            response = Some(pretty(&example));
        }
        let shown = Answer {
            status,
            words: pieces(text(&answer["description"])),
            fields,
        };
        if is_success {
            answers.push(shown);
        } else {
            refusals.push(shown);
        }
    }
    let parameters = described["parameters"].as_array().into_iter().flatten();
    let roles = described["x-roles"].as_array().into_iter().flatten();
    Operation {
        id: text(&described["operationId"]),
        request: request(schemas, server, (&method, path), described),
        method,
        verb,
        path,
        summary: text(&described["summary"]),
        words: paragraphs(text(&described["description"])),
        permission: described["x-permission"].as_str(),
        roles: roles.filter_map(Value::as_str).collect(),
        is_open: described["security"].as_array().is_some_and(Vec::is_empty),
        parameters: parameters.map(|one| parameter(schemas, one)).collect(),
        body: schemas.fields(&body["schema"]),
        answers,
        refusals,
        response,
    }
}

fn parameter<'a>(schemas: Schemas<'a>, described: &'a Value) -> Parameter<'a> {
    let (kind, limits) = schemas.parameter(&described["schema"]);
    Parameter {
        name: text(&described["name"]),
        place: match text(&described["in"]) {
            "path" => "address",
            other => other,
        },
        is_required: described["required"] == true,
        kind,
        limits,
        words: pieces(text(&described["description"])),
    }
}

/// A request as one types it in a shell.
fn request(
    schemas: Schemas<'_>,
    server: &str,
    (method, path): (&str, &str),
    described: &Value,
) -> String {
    let mut lines = vec![match method {
        "GET" => format!("curl '{server}{path}'"),
        _ => format!("curl -X {method} '{server}{path}'"),
    }];
    let is_open = described["security"].as_array().is_some_and(Vec::is_empty);
    if !is_open {
        lines.push("-H 'Authorization: Bearer altt_…'".to_owned());
    }
    let parameters = described["parameters"].as_array().into_iter().flatten();
    for one in parameters.filter(|one| one["in"] == "header") {
        let (name, example) = (text(&one["name"]), text(&one["example"]));
        if !example.is_empty() {
            lines.push(format!("-H '{name}: {example}'"));
        }
    }
    let body = &described["requestBody"]["content"]["application/json"];
    if body.is_object() {
        let named = &body["example"];
        let example = match named.is_null() {
            true => schemas.resolve(&body["schema"]),
            false => body,
        };
        let example = schemas.example(example);
        lines.push("-H 'Content-Type: application/json'".to_owned());
        lines.push(format!("-d '{}'", pretty(&example)));
    }
    lines.join(" \\\n  ")
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn paragraphs(text: &str) -> Vec<Vec<Piece<'_>>> {
    let parts = text.split("\n\n").map(str::trim);
    parts.filter(|part| !part.is_empty()).map(pieces).collect()
}

/// Text with `**strong**` and `` `code` `` taken apart. A mark without its end stays as it is.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let code = rest.find('`').map(|at| (at, "`"));
        let strong = rest.find("**").map(|at| (at, "**"));
        let Some((at, mark)) = [code, strong].into_iter().flatten().min() else {
            break;
        };
        let inner = &rest[at + mark.len()..];
        let Some(end) = inner.find(mark) else { break };
        found.push(Piece::Plain(&rest[..at]));
        found.push(match mark {
            "`" => Piece::Code(&inner[..end]),
            _ => Piece::Strong(&inner[..end]),
        });
        rest = &inner[end + mark.len()..];
    }
    found.push(Piece::Plain(rest));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_taken_apart_and_slips_stay() {
        let shown = |text: &str| -> String {
            let shown = pieces(text).into_iter().map(|piece| match piece {
                Piece::Plain(text) => text.to_owned(),
                Piece::Strong(text) => format!("<b>{text}</b>"),
                Piece::Code(text) => format!("<c>{text}</c>"),
            });
            shown.collect()
        };
        assert_eq!(shown("a **b** `c` d"), "a <b>b</b> <c>c</c> d");
        assert_eq!(shown("a `b **c"), "a `b **c");
        assert_eq!(shown(""), "");
    }

    #[test]
    fn every_operation_and_code_is_on_the_page() {
        let document = super::super::openapi_document();
        let page = reference(&document, "", "https://gate.example");
        let html = page.render().unwrap();
        // To be looked at, as the pages of Checkout are.
        if let Some(folder) = std::env::var_os("ALTYN_GALLERY") {
            let folder = std::path::Path::new(&folder).join("backoffice");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("reference.html"), &html).unwrap();
            std::fs::write(folder.join("reference.css"), STYLE).unwrap();
            std::fs::write(folder.join("openapi.json"), pretty(&document)).unwrap();
        }
        for (method, path, _) in super::super::rules() {
            let short = path.strip_prefix(PREFIX).unwrap();
            assert!(html.contains(&format!(">{short}<")), "{method} {path}");
        }
        for code in Code::ALL.iter().map(|code| code.word()) {
            assert!(html.contains(&format!("id=\"{code}\"")), "{code}");
        }
        for forbidden in ["<script", " style=", "http://"] {
            assert!(
                !html.replace("http://www.w3.org", "").contains(forbidden),
                "{forbidden}"
            );
        }
    }
}
