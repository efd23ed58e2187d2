//! Adding end points, each with its rule, and the guard that stands before each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use altyn_domain::Permission;
use altyn_engine::Caller;
use axum::Router;
use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodRouter;
use http_body_util::BodyExt as _;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem, Paths};
use utoipa::openapi::{RefOr, Schema};
use utoipa_axum::router::UtoipaMethodRouter;

use super::bearer::{self, Acting};
use super::codes::Code;
use super::problem::{FieldError, PROBLEM_JSON, Problem};
use super::{BODY_MAX, BackOffice, PREFIX, etag, idempotency};

/// How much of a body that is too large is read and dropped, in bytes: a caller that is still writing would
/// otherwise hear a broken connection and not the answer.
const DISCARDED_MAX: usize = 4 << 20;

/// Who may reach an end point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Everybody: signing in and out, and the description of the API.
    Open,
    /// Whoever is known: a person with a session, or a program with any API token.
    SignedIn,
    /// Whoever has this permission.
    Needs(Permission),
}

struct Entry {
    rule: Rule,
    paths: Paths,
    handlers: MethodRouter<BackOffice>,
}

/// End points, each with its rule. There is no other way to add one.
#[derive(Default)]
pub struct Routes {
    entries: Vec<Entry>,
    schemas: BTreeMap<String, RefOr<Schema>>,
    /// Names that two different schemas have.
    clashes: BTreeSet<String>,
}

impl Routes {
    /// No end points.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the handlers of `routes!(…)`, all under one rule. Their paths begin behind [`PREFIX`].
    #[must_use]
    pub fn add(mut self, rule: Rule, added: UtoipaMethodRouter<BackOffice>) -> Self {
        let (schemas, paths, handlers) = added;
        self.name(schemas);
        self.entries.push(Entry {
            rule,
            paths,
            handlers,
        });
        self
    }

    /// Adds all end points of another group.
    #[must_use]
    pub fn merge(mut self, others: Self) -> Self {
        self.clashes.extend(others.clashes);
        self.name(others.schemas);
        self.entries.extend(others.entries);
        self
    }

    fn name(&mut self, schemas: impl IntoIterator<Item = (String, RefOr<Schema>)>) {
        for (name, schema) in schemas {
            let known = self.schemas.get(&name);
            if known.is_some_and(|known| *known != schema) {
                self.clashes.insert(name.clone());
            }
            self.schemas.insert(name, schema);
        }
    }

    /// Names that two different schemas have: the description would tell of one of them alone.
    #[cfg(test)]
    pub(super) fn clashes(&self) -> &BTreeSet<String> {
        &self.clashes
    }

    /// All end points with who may reach them.
    pub(super) fn rules(&self) -> Vec<(Method, String, Rule)> {
        let all = self.operations();
        let full = |(method, path, rule, _): (Method, &str, Rule, &Operation)| {
            (method, format!("{PREFIX}{path}"), rule)
        };
        all.map(full).collect()
    }

    /// All operations as they are described, with their rules.
    pub(super) fn operations(&self) -> impl Iterator<Item = (Method, &str, Rule, &Operation)> {
        self.entries.iter().flat_map(|entry| {
            let paths = entry.paths.paths.iter();
            paths.flat_map(move |(path, item)| {
                let described = operations_of(item).into_iter();
                described.map(move |(method, one)| (method, path.as_str(), entry.rule, one))
            })
        })
    }

    pub(super) fn schemas(&self) -> &BTreeMap<String, RefOr<Schema>> {
        &self.schemas
    }

    /// The router, with the guard before each end point.
    pub(super) fn into_router(self, office: BackOffice) -> Router {
        let mut router = Router::new();
        for entry in self.entries {
            let known = Arc::new(Known::of(&entry.paths));
            let guard = from_fn_with_state((office.clone(), entry.rule, known), guard);
            let handlers = entry.handlers.route_layer(guard);
            for path in entry.paths.paths.keys() {
                router = router.route(path, handlers.clone());
            }
        }
        router
            .fallback(async || Problem::not_found())
            .layer(from_fn_with_state(office.clone(), finish))
            .with_state(office)
    }
}

/// Where nothing is.
pub(super) fn nothing(office: BackOffice) -> MethodRouter {
    let finish = from_fn_with_state(office, finish);
    axum::routing::any(async || Problem::not_found()).layer(finish)
}

/// The methods of an end point that know more than their body; those read it themselves.
struct Known {
    /// Parameters in the query.
    query: Vec<Method>,
    /// The tag of a state.
    tag: Vec<Method>,
}

impl Known {
    fn of(paths: &Paths) -> Self {
        let with = |is_it: fn(&Parameter) -> bool| {
            let all = paths.paths.values().flat_map(operations_of);
            let found = all.filter(|(_, operation)| {
                let mut parameters = operation.parameters.iter().flatten();
                parameters.any(|one| matches!(one, RefOr::T(one) if is_it(one)))
            });
            found.map(|(method, _)| method).collect()
        };
        Self {
            query: with(|one| one.parameter_in == ParameterIn::Query),
            tag: with(|one| one.name == "If-Match"),
        }
    }
}

fn operations_of(item: &PathItem) -> Vec<(Method, &Operation)> {
    let all = [
        (Method::GET, &item.get),
        (Method::POST, &item.post),
        (Method::PUT, &item.put),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
    ];
    let there = all.into_iter();
    let there = there.filter_map(|(method, one)| Some((method, one.as_ref()?)));
    there.collect()
}

/// Stands before an end point: who calls, and whether that is allowed, before anything is read.
async fn guard(
    State((office, rule, known)): State<(BackOffice, Rule, Arc<Known>)>,
    request: Request,
    next: Next,
) -> Response {
    let answer = guarded((office, rule, &known), request, next).await;
    answer.unwrap_or_else(Problem::into_response)
}

async fn guarded(
    (office, rule, known): (BackOffice, Rule, &Known),
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let mut caller = None;
    if rule != Rule::Open {
        let found = bearer::caller(&office, &parts).await?;
        if let Rule::Needs(permission) = rule {
            require(&found, permission)?;
        }
        parts.extensions.insert(Acting(found.clone()));
        caller = Some(found);
    }
    require_no_query(&parts, &known.query)?;
    if bearer::only_reads(&parts.method) {
        return Ok(next.run(Request::from_parts(parts, Body::empty())).await);
    }
    if !known.tag.contains(&parts.method) {
        etag::require_none(&parts)?;
    }
    let body = collect(body).await?;
    require_json(&parts, &body)?;
    // What changes something is carried out to its end, even if the caller goes away meanwhile.
    let engine = office.engine().clone();
    let work =
        async move { idempotency::carry_out(&engine, caller.as_ref(), parts, body, next).await };
    office.engine().to_its_end(work).await?
}

/// Refuses a caller without this permission, and says so if he would have it after putting his own things
/// in order.
fn require(caller: &Caller, permission: Permission) -> Result<(), Problem> {
    if caller.may(permission) {
        return Ok(());
    }
    in_order(caller)?;
    Ok(caller.require(permission)?)
}

/// Refuses a caller who has to put his own things in order first.
pub(super) fn in_order(caller: &Caller) -> Result<(), Problem> {
    let (code, words) = if caller.must_change_password() {
        (Code::PasswordChangeRequired, "change the password first")
    } else if caller.must_enrol() {
        (Code::SecondFactorRequired, "set up the second factor first")
    } else {
        return Ok(());
    };
    Err(Problem::new(code, words))
}

/// Refuses parameters in the query of a method that knows none: a slip must not be passed over.
fn require_no_query(parts: &Parts, asked: &[Method]) -> Result<(), Problem> {
    let method = match parts.method {
        Method::HEAD => &Method::GET,
        ref method => method,
    };
    let query = parts.uri.query().unwrap_or_default();
    if asked.contains(method) {
        return Ok(());
    }
    let errors = url::form_urlencoded::parse(query.as_bytes()).map(|(name, _)| FieldError {
        field: name.into_owned(),
        message: "is no parameter: this end point has none".to_owned(),
    });
    let errors: Vec<FieldError> = errors.collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Problem::invalid(errors))
    }
}

/// The whole body, within its limit.
async fn collect(mut body: Body) -> Result<Bytes, Problem> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut collected = Vec::with_capacity(announced.min(BODY_MAX));
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let broken = |_| {
            let detail = "the body could not be read";
            Problem::new(Code::Malformed, detail)
        };
        let Ok(data) = frame.map_err(broken)?.into_data() else {
            continue;
        };
        seen = seen.saturating_add(data.len());
        if seen > BODY_MAX.saturating_add(DISCARDED_MAX) {
            break;
        }
        if seen <= BODY_MAX {
            collected.extend_from_slice(&data);
        }
    }
    if seen > BODY_MAX {
        let detail = format!("a body may have {BODY_MAX} bytes");
        return Err(Problem::new(Code::BodyTooLarge, detail));
    }
    Ok(collected.into())
}

/// A body must be JSON and say so: forms of other sites cannot.
fn require_json(parts: &Parts, body: &Bytes) -> Result<(), Problem> {
    let kind = parts.headers.get(header::CONTENT_TYPE);
    if kind.is_none() && body.is_empty() {
        return Ok(());
    }
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = "a body must be application/json";
    Err(Problem::new(Code::UnsupportedMediaType, detail))
}

/// Headers that every answer carries.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Makes a problem of every refusal that is none yet, and adds what every answer carries.
async fn finish(State(office): State<BackOffice>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_problem = kind.is_some_and(|kind| kind == PROBLEM_JSON);
    if (status.is_client_error() || status.is_server_error()) && !is_problem {
        let allow = response.headers_mut().remove(header::ALLOW);
        response = plain_problem(status).into_response();
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    let problem = response.extensions_mut().remove::<Problem>();
    if let Some(problem) = problem.filter(|_| !office.base().is_empty()) {
        *response.body_mut() = problem.under(office.base()).into_response().into_body();
    }
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

fn plain_problem(status: StatusCode) -> Problem {
    match status {
        StatusCode::NOT_FOUND => Problem::not_found(),
        StatusCode::METHOD_NOT_ALLOWED => {
            let detail = "this address knows other methods: see Allow";
            Problem::new(Code::MethodNotAllowed, detail)
        }
        _ if status.is_client_error() => Problem::told(
            status,
            Code::Malformed.word(),
            "the request cannot be read".to_owned(),
        ),
        _ => {
            tracing::error!(%status, "an end point of the back office failed without words");
            Problem::fault()
        }
    }
}
