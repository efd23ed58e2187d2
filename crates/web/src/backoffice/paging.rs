//! Lists page by page: `?limit=` and `?after=`, answered with `data` and `next`.
//!
//! A cursor is opaque to callers: a place in one list, coded with the list's name, so that a cursor of another
//! list is refused. It gives no right to anything: a list shows only what is in reach, wherever it begins.

use axum::Json;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;

/// How many things a page has unless the caller says otherwise, and at most.
const LIMIT_DEFAULT: u32 = 25;
const LIMIT_MAX: u32 = 100;

/// Changes when cursors of older programs can no longer be read.
const VERSION: u32 = 1;

/// Longest cursor, in characters.
const CURSOR_MAX: usize = 1_024;

/// Which page of a list is wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many things at most: 1 to 100, 25 unless given.
    #[param(minimum = 1, maximum = 100, default = 25)]
    pub limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    #[param(example = "eyJ2IjoxLCJsIjoidXNlcnMiLCJhIjoiIn0")]
    pub after: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor<T> {
    v: u32,
    /// The list's name.
    l: String,
    /// The last thing of the page before.
    a: T,
}

impl PageQuery {
    /// What a query of a list's own says of pages.
    pub fn new(limit: Option<u32>, after: Option<String>) -> Self {
        Self { limit, after }
    }

    /// How many things are wanted.
    ///
    /// # Errors
    /// If it is not one of 1 to 100.
    pub fn limit(&self) -> Result<u32, Problem> {
        match self.limit.unwrap_or(LIMIT_DEFAULT) {
            limit @ 1..=LIMIT_MAX => Ok(limit),
            _ => Err(Problem::invalid_field("limit", "must be 1 to 100")),
        }
    }

    /// Behind what the page begins, in the list of this name.
    ///
    /// # Errors
    /// If it is not a cursor of this list.
    pub fn after<T: DeserializeOwned>(&self, list: &str) -> Result<Option<T>, Problem> {
        let Some(text) = &self.after else {
            return Ok(None);
        };
        let wrong = || Problem::invalid_field("after", "is not the next of a page of this list");
        if text.len() > CURSOR_MAX {
            return Err(wrong());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
        let cursor: Cursor<T> = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
        if cursor.v == VERSION && cursor.l == list {
            Ok(Some(cursor.a))
        } else {
            Err(wrong())
        }
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Page<T: ToSchema> {
    /// The things.
    pub data: Vec<T>,
    /// What to send as `after` for the next page; null on the last one.
    pub next: Option<String>,
}

impl<T: ToSchema> Page<T> {
    /// A page whose `last` place is given if there may be more behind it.
    pub fn new<S: Into<T>, C: Serialize>(list: &str, items: Vec<S>, last: Option<C>) -> Json<Self> {
        let next = last.and_then(|last| next(list, last));
        let data = items.into_iter().map(Into::into).collect();
        Json(Self { data, next })
    }

    /// The one page of a list that is given whole: it never has very many things.
    pub fn whole<S: Into<T>>(items: impl IntoIterator<Item = S>) -> Json<Self> {
        let data = items.into_iter().map(Into::into).collect();
        Json(Self { data, next: None })
    }

    /// A page of a list that was read with one thing more than `limit`: what is too much is dropped, and
    /// `place` says where the last shown one stands.
    pub fn of<S: Into<T>, C: Serialize>(
        list: &str,
        mut found: Vec<S>,
        limit: u32,
        place: impl Fn(&S) -> C,
    ) -> Json<Self> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let is_more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| is_more).map(place);
        Self::new(list, found, last)
    }

    /// The wanted page of a list that the engine gives whole, in the order of `place`.
    ///
    /// # Errors
    /// See [`PageQuery`].
    pub fn part<S: Into<T>, C: Ord + Serialize + DeserializeOwned>(
        list: &str,
        query: &PageQuery,
        mut found: Vec<S>,
        place: impl Fn(&S) -> C,
    ) -> Result<Json<Self>, Problem> {
        let limit = query.limit()?;
        if let Some(after) = query.after::<C>(list)? {
            found.retain(|one| place(one) > after);
        }
        Ok(Self::of(list, found, limit, place))
    }
}

fn next<C: Serialize>(list: &str, last: C) -> Option<String> {
    let cursor = Cursor {
        v: VERSION,
        l: list.to_owned(),
        a: last,
    };
    let text = serde_json::to_vec(&cursor).ok()?;
    Some(URL_SAFE_NO_PAD.encode(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str) -> PageQuery {
        PageQuery {
            limit: None,
            after: Some(text.to_owned()),
        }
    }

    #[test]
    fn a_cursor_leads_on_in_its_own_list_only() {
        let Json(page) = Page::<u32>::of("numbers", vec![1_u32, 2, 3], 2, |n| *n);
        assert_eq!(page.data, [1, 2]);
        let next = page.next.unwrap();
        assert_eq!(after(&next).after::<u32>("numbers").unwrap(), Some(2));
        assert!(after(&next).after::<u32>("letters").is_err());
        assert!(after(&next).after::<String>("numbers").is_err());
        for text in ["", "e30", "%%%", &"A".repeat(5_000)] {
            assert!(after(text).after::<u32>("numbers").is_err(), "{text}");
        }
        let last = Page::<u32>::of("numbers", vec![3_u32], 2, |n| *n);
        assert_eq!(last.next, None);
        let rest = Page::<u32>::part("numbers", &after(&next), vec![1_u32, 2, 3], |n| *n);
        assert_eq!(rest.unwrap().data, [3]);
    }

    #[test]
    fn a_limit_is_1_to_100() {
        for (limit, is_good) in [(0, false), (1, true), (100, true), (101, false)] {
            let query = PageQuery {
                limit: Some(limit),
                after: None,
            };
            assert_eq!(query.limit().is_ok(), is_good, "{limit}");
        }
        assert_eq!(PageQuery::default().limit().unwrap(), 25);
    }
}
