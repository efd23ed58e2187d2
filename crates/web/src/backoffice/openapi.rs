//! The description of the API, made from the code: OpenAPI 3.1 at `/backoffice/v1/openapi.json`.
//!
//! Handlers describe what is theirs: summary, parameters, bodies, answers. What follows from an end point's
//! rule and from the frame is added here, so that it cannot be forgotten: security, permission, the
//! idempotency key, and the problems that can be answered.

use altyn_domain::Role;
use axum::Json;
use axum::extract::State;
use axum::http::Method;
use serde_json::{Map, Value, json};
use utoipa::PartialSchema as _;
use utoipa::ToSchema as _;
use utoipa_axum::routes;

use super::bearer::COOKIE;
use super::codes::SHARED;
use super::problem::{FieldError, Problem};
use super::{BackOffice, PREFIX, Routes, Rule};

/// This group's end points.
pub(super) fn routes() -> Routes {
    Routes::new().add(Rule::Open, routes!(read))
}

/// The description of this API
///
/// The OpenAPI 3.1 document that you are reading, made from the program's code.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "Description",
    operation_id = "openapi",
    responses((status = 200, description = "The document.", body = serde_json::Value, example = json!({"openapi": "3.1.0"})))
)]
async fn read(State(office): State<BackOffice>) -> Json<Value> {
    Json(office.document().clone())
}

const DESCRIPTION: &str = "\
What operators, merchants and customers do with the gateway is done here, by people and by programs that act \
for them.

**Who calls.** Show an API token as `Authorization: Bearer …`, or sign in and let the browser show the \
session's cookie. A request by cookie that changes something must carry `X-Altyn-Csrf: 1`. Each end point \
names the permission that it needs; roles have permissions, and what a person sees and changes is what lies \
below the person's place in the tree of owners. What is out of reach looks as if it were not there.

**Sending.** Bodies are JSON of at most 64 KiB; unknown fields and parameters are refused. Amounts are whole \
numbers of minor units with a currency beside them; instants are RFC 3339 in UTC.

**Repeating.** Each POST of somebody who is signed in takes an `Idempotency-Key`. A repeat within 30 days gets the first answer with \
`Idempotency-Replayed: true`. The same key with another request is 422 `idempotency_key_reused`; while the \
first is under way, or if its end is not known, 409 `request_in_progress`. A refusal (4xx) frees the key, and so does 503 \
`busy` or `unavailable`: nothing was done, so send the same again, with the same key. After 503 `state_unknown` \
and after 500 the key stays taken for 30 days: look whether it was done before you ask again with another key.

**Lists** come in pages of `limit` things (1 to 100); send `next` as `after` for the following page.

**Changing.** An answer with one reseller, merchant, project, callback endpoint, connector, payment method or \
user has an `ETag`. Send it as `If-Match` with a change or a deletion, and a change of \
somebody else in between is answered by 412 instead of being lost. What has no `ETag` takes no `If-Match`. A change to what \
is there already changes nothing: the `ETag` stays, and the audit trail has no line of it.

**Refusals** are problems of RFC 9457 (`application/problem+json`). Programs act upon `code`.";

/// The whole document; `base` is the path before every address of ours.
pub(super) fn document(routes: &Routes, base: &str) -> Value {
    let mut paths = Map::new();
    for (method, path, rule, operation) in routes.operations() {
        let mut described = serde_json::to_value(operation).unwrap_or_default();
        complete(&mut described, &method, path, rule);
        let item = paths.entry(path).or_insert_with(|| json!({}));
        item[method.as_str().to_ascii_lowercase()] = described;
    }
    let mut schemas = Map::new();
    for (name, schema) in routes.schemas() {
        schemas.insert(
            name.clone(),
            serde_json::to_value(schema).unwrap_or_default(),
        );
    }
    for (name, schema) in [
        (Problem::name(), Problem::schema()),
        (FieldError::name(), FieldError::schema()),
    ] {
        let schema = serde_json::to_value(schema).unwrap_or_default();
        schemas.insert(name.into_owned(), schema);
    }
    let problem = schemas.get_mut("Problem");
    if let Some(kind) = problem.and_then(|one| one.pointer_mut("/example/type")) {
        *kind = json!(format!("{base}/backoffice/reference#in_use"));
    }
    let problems = SHARED.iter().map(|(name, _, meaning)| {
        let content = json!({"schema": {"$ref": "#/components/schemas/Problem"}});
        let problem = json!({
            "description": meaning,
            "content": {"application/problem+json": content},
        });
        ((*name).to_owned(), problem)
    });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Altyn back office",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
        },
        "servers": [{"url": format!("{base}{PREFIX}")}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": problems.collect::<Map<_, _>>(),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API token, or the token of a session.",
                },
                "cookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": COOKIE,
                    "description": "The session of a browser. What changes something needs the header \
                                    `X-Altyn-Csrf: 1` too.",
                },
            },
        },
    })
}

/// Adds what follows from the rule and the frame.
fn complete(operation: &mut Value, method: &Method, path: &str, rule: Rule) {
    operation["security"] = match rule {
        Rule::Open => json!([]),
        Rule::SignedIn => json!([{"bearer": []}, {"cookie": []}]),
        Rule::Needs(permission) => {
            operation["x-permission"] = json!(permission.word());
            let roles: Vec<&str> = permission
                .roles()
                .iter()
                .map(|role: &Role| role.word())
                .collect();
            operation["x-roles"] = json!(roles);
            json!([{"bearer": []}, {"cookie": []}])
        }
    };
    let is_guarded = rule != Rule::Open;
    let makes = *method == Method::POST && is_guarded;
    let has_body = operation.get("requestBody").is_some();
    let parameters = operation.get("parameters").and_then(Value::as_array);
    let has_id = path.contains('{');
    let is_query = |one: &Value| one["in"] == "query";
    let has_query = parameters.is_some_and(|all| all.iter().any(is_query));
    let can_be = |status: u16| match status {
        400 => has_body || has_id,
        401 | 403 => is_guarded,
        404 => has_id || (is_guarded && (has_body || has_query)),
        409 => is_guarded && *method != Method::GET,
        412 => *method != Method::GET,
        413 | 415 => has_body,
        _ => true,
    };
    for (name, status, _) in SHARED.iter().filter(|(_, status, _)| can_be(*status)) {
        let response = &mut operation["responses"][status.to_string()];
        if response.is_null() {
            *response = json!({"$ref": format!("#/components/responses/{name}")});
        }
    }
    if makes {
        let parameter = json!({
            "name": "Idempotency-Key",
            "in": "header",
            "required": false,
            "description": "A text of yours, unique for this request: a repeat gets the first answer.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            "example": "7d0c3a52-52f0-4b7c-9d2c-6a3f1f2b8a10",
        });
        let all = &mut operation["parameters"];
        match all.as_array_mut() {
            Some(all) => all.push(parameter),
            None => *all = json!([parameter]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn no_two_shapes_have_one_name() {
        assert_eq!(*super::super::all().clashes(), BTreeSet::new());
    }
}
