//! Reading requests: a body, a query, an id. What cannot be read is told as a problem.

use std::net::IpAddr;
use std::str::FromStr;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::BODY_MAX;
use super::codes::Code;
use super::idempotency::KEY_HEADER;
use super::problem::{FieldError, Problem};
use super::shape::{Shape, plain};

/// A JSON body. Its type refuses unknown fields, so that nothing is set that was not meant to be.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        // The guard has read it already, within its limit.
        let bytes = axum::body::to_bytes(request.into_body(), BODY_MAX)
            .await
            .map_err(|_| malformed("the body could not be read"))?;
        read_json(&bytes).map(Self)
    }
}

fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Value::deserialize(&mut reader).map_err(|_| malformed("the body is not JSON"))?;
    // A list stands for no object; and then no name stands twice, which the value does not tell any more.
    let _: T = read(Shape(&value))?;
    let read = read(&mut serde_json::Deserializer::from_slice(bytes))?;
    let end = reader.end();
    end.map_err(|_| malformed("something follows the JSON of the body"))?;
    Ok(read)
}

fn read<'de, T, D>(reader: D) -> Result<T, Problem>
where
    T: Deserialize<'de>,
    D: Deserializer<'de, Error = serde_json::Error>,
{
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { String::new() } else { path };
        let words = without_place(&error.into_inner().to_string());
        let (field, message) = match missing(&field, &words) {
            Some(place) => (place, "is missing".to_owned()),
            None => (field, plain(&words)),
        };
        Problem::invalid(vec![FieldError { field, message }])
    })
}

/// A parser's words without the place that it names by line and column.
fn without_place(words: &str) -> String {
    let end = words.rfind(" at line ").unwrap_or(words.len());
    words[..end].to_owned()
}

/// Reads what stands behind a choice of shapes, a list for no object there either.
///
/// # Errors
/// Plain words, if it is not that.
pub(super) fn shaped<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    T::deserialize(Shape(value)).map_err(|error| plain(&error.to_string()))
}

/// The place of a field that is missing under `outer`: the parser tells it in words only.
fn missing(outer: &str, words: &str) -> Option<String> {
    let name = words.strip_prefix("missing field `")?.strip_suffix('`')?;
    if outer.is_empty() {
        Some(name.to_owned())
    } else {
        Some(format!("{outer}.{name}"))
    }
}

fn malformed(detail: &str) -> Problem {
    Problem::new(Code::Malformed, detail)
}

/// The query of an address. Its type refuses unknown parameters: a filter with a slip must not show all.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let read = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        read.map(|read| Self(read.0)).map_err(|error| {
            use std::error::Error as _;
            let words = error.source().map_or_else(String::new, ToString::to_string);
            Problem::invalid(vec![in_query(&words)])
        })
    }
}

/// What is wrong with a query, of a parser's words such as `limit: invalid digit found in string`.
fn in_query(words: &str) -> FieldError {
    let named = words.split_once(": ").filter(|(name, _)| {
        name.bytes()
            .all(|byte| byte == b'_' || byte.is_ascii_lowercase())
    });
    let (field, words) = named.unwrap_or(("", words));
    let message = if let Some(rest) = words.strip_prefix("unknown field ") {
        format!("unknown parameter {rest}")
    } else if let Some(rest) = words.strip_prefix("duplicate field ") {
        format!("the parameter {rest} is there twice")
    } else if words.contains("digit") || words.contains("integer") || words.contains("number") {
        "must be a whole number in its range".to_owned()
    } else if words.contains("`true` or `false`") {
        "must be true or false".to_owned()
    } else {
        plain(words)
    };
    FieldError {
        field: field.to_owned(),
        message,
    }
}

/// The one id in an address, with or without its prefix.
#[derive(Debug)]
pub struct Id<T>(pub T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = path::<String, S>(parts, state).await?;
        id(&text).map(Self)
    }
}

/// The two ids in an address, the outer one first.
#[derive(Debug)]
pub struct Ids<A, B>(pub A, pub B);

impl<A: FromStr, B: FromStr, S: Send + Sync> FromRequestParts<S> for Ids<A, B> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path((outer, inner)) = path::<(String, String), S>(parts, state).await?;
        Ok(Self(id(&outer)?, id(&inner)?))
    }
}

async fn path<T: DeserializeOwned + Send, S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
) -> Result<Path<T>, Problem> {
    let read = Path::<T>::from_request_parts(parts, state).await;
    read.map_err(|_| malformed("the address cannot be read"))
}

fn id<T: FromStr>(text: &str) -> Result<T, Problem> {
    text.parse()
        .map_err(|_| malformed("the address holds something that is not an id"))
}

/// Reads an id that stands in a body or query.
///
/// # Errors
/// A problem that names the field.
pub fn id_in<T: FromStr>(field: &str, text: &str) -> Result<T, Problem> {
    text.parse()
        .map_err(|_| Problem::invalid_field(field, "is not an id"))
}

/// Reads a text that may be left away, by what reads it if it is there.
///
/// # Errors
/// See `read`.
pub(super) fn maybe<T>(
    field: &str,
    text: Option<&str>,
    read: impl FnOnce(&str, &str) -> Result<T, Problem>,
) -> Result<Option<T>, Problem> {
    text.map(|text| read(field, text)).transpose()
}

/// Reads networks, or addresses as networks of one.
///
/// # Errors
/// A problem that names the field and the place in it.
pub(super) fn networks_in<N: FromStr + From<IpAddr>>(
    field: &str,
    sent: &[String],
) -> Result<Vec<N>, Problem> {
    let read = sent.iter().enumerate().map(|(index, text)| {
        let address = text.parse::<IpAddr>().map(Into::into);
        text.parse().or(address).map_err(|_| {
            let words = "is not a network such as 198.51.100.0/24";
            Problem::invalid_field(&format!("{field}[{index}]"), words)
        })
    });
    read.collect()
}

/// Tells a field that is null from one that was left away.
pub(super) fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// The request's `Idempotency-Key`. The frame keeps the first answer under it; operations keep the key too, so
/// that even a request that was cut short in the middle is not carried out twice.
#[derive(Debug, Clone)]
pub struct Key(pub Option<String>);

impl<S: Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let value = parts.headers.get(KEY_HEADER);
        let text = value.and_then(|value| value.to_str().ok());
        Ok(Self(text.map(str::to_owned)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only read")]
        n: u8,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only read")]
        list: Vec<Inner>,
    }

    #[test]
    fn a_problem_names_the_place() {
        for (text, status, said) in [
            (r#"{"list":[{"n":1}]}"#, 200, ""),
            (r#"{"list":[{"n":1},{"n":"x"}]}"#, 422, "list[1].n"),
            (r#"{"list":[],"role":1}"#, 422, "role"),
            (r#"{"list":[]"#, 400, "not JSON"),
            (r#"{"list":[]}{}"#, 400, "follows"),
            ("", 400, "not JSON"),
            ("{}", 422, r#""field":"list","message":"is missing""#),
            ("[[]]", 422, r#""field":"","message":"must be an object""#),
            (
                r#"{"list":[[1]]}"#,
                422,
                r#""field":"list[0]","message":"must be an object""#,
            ),
            (r#"{"list":[],"list":[]}"#, 422, "duplicate field"),
            (
                r#"{"list":[{"n":256}]}"#,
                422,
                "must be a whole number from 0 to 255",
            ),
            (
                r#"{"list":[{}]}"#,
                422,
                r#""field":"list[0].n","message":"is missing""#,
            ),
        ] {
            match read_json::<Outer>(text.as_bytes()) {
                Ok(_) => assert_eq!(status, 200, "{text}"),
                Err(problem) => {
                    let told = serde_json::to_string(&problem).unwrap();
                    assert_eq!(problem.status(), status, "{told}");
                    assert!(told.contains(said), "{told}");
                    assert!(!told.contains("at line"), "{told}");
                }
            }
        }
    }
}
