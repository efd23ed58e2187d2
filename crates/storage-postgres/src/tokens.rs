//! Bearer tokens: sessions, API tokens, invitations.

use std::sync::LazyLock;

use altyn_domain::{Timestamp, TokenId, UserId};
use altyn_storage::{StorageError, TokenKind, TokenRecord, TokenSearch};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::failure::Failure;
use crate::pool::{Readers, Write};
use crate::rows::{Place, parse_scope, scope_columns};

const MAKE: &str = "INSERT INTO tokens (token_id, hash, kind, user_id, scope_kind, scope_id, \
    project_id, body, created_at, expires_at, seen_at, ended_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

const END: &str = "UPDATE tokens SET ended_at = $2 WHERE token_id = $1 AND ended_at IS NULL";

/// The kind is compared in a way that no index can use: a person has few tokens, a kind has many.
const END_ALL: &str = "UPDATE tokens SET ended_at = $4 WHERE user_id = $1 AND (kind = $2) IS TRUE \
    AND token_id IS DISTINCT FROM $3 AND ended_at IS NULL";

const TOUCH: &str = "UPDATE tokens SET seen_at = $2 WHERE token_id = $1 AND seen_at < $2";

const FORGET: &str = "DELETE FROM tokens WHERE token_id = ANY(ARRAY(\
    SELECT token_id FROM tokens WHERE expires_at < $1 \
    UNION ALL SELECT token_id FROM tokens WHERE ended_at < $1))";

/// The columns of `tokens`, in the order [`token`] reads them.
const COLUMNS: &str = "token_id, hash, kind, user_id, scope_kind, scope_id, project_id, body, \
    created_at, expires_at, seen_at, ended_at";

static BY_HASH: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {COLUMNS} FROM tokens WHERE hash = $1"));

/// What all lists ask beside the kind in `$1`, and their order: alive at, behind which, how many.
const WANTED: &str = "ended_at IS NULL AND expires_at > $2 AND token_id < $3";
/// As in [`END_ALL`].
const KIND: &str = "(kind = $1) IS TRUE";
const NEWEST: &str = "ORDER BY token_id DESC LIMIT $4";

static BY_USER: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {COLUMNS} FROM tokens WHERE user_id = $5 AND {WANTED} AND {KIND} \
         AND ($6::uuid[] IS NULL OR scope_id = ANY($6)) {NEWEST}"
    )
});

/// So many of each scope, and of those the newest.
static BY_SCOPE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT t.* FROM unnest($5::uuid[]) AS k(scope_id) \
         CROSS JOIN LATERAL (SELECT {COLUMNS} FROM tokens t \
         WHERE t.scope_id = k.scope_id AND {WANTED} AND {KIND} {NEWEST}) t {NEWEST}"
    )
});

static OF_KIND: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {COLUMNS} FROM tokens WHERE kind = $1 AND {WANTED} {NEWEST}"));

/// The texts prepared here, by name.
pub(crate) fn statements() -> Vec<(&'static str, String)> {
    vec![
        ("make token", MAKE.to_owned()),
        ("end token", END.to_owned()),
        ("end all tokens", END_ALL.to_owned()),
        ("touch token", TOUCH.to_owned()),
        ("forget tokens", FORGET.to_owned()),
        ("token by hash", BY_HASH.clone()),
        ("tokens by user", BY_USER.clone()),
        ("tokens by scope", BY_SCOPE.clone()),
        ("tokens of a kind", OF_KIND.clone()),
    ]
}

pub(crate) fn made(token: &TokenRecord) -> Write<'_> {
    let scope = token.scope.as_ref().map(scope_columns);
    Write {
        sql: MAKE,
        params: vec![
            Box::new(token.id.uuid()),
            Box::new(token.hash.as_slice()),
            Box::new(token.kind.word()),
            Box::new(token.user_id.uuid()),
            Box::new(scope.map(|(kind, ..)| kind)),
            Box::new(scope.map(|(_, id, _)| id)),
            Box::new(scope.and_then(|(.., project)| project)),
            Box::new(token.body.as_str()),
            Box::new(token.created_at.as_micros()),
            Box::new(token.expires_at.as_micros()),
            Box::new(token.seen_at.as_micros()),
            Box::new(token.ended_at.map(Timestamp::as_micros)),
        ],
        rows: None,
    }
}

/// Ends a token; a conflict if it is ended already.
pub(crate) fn ended(id: TokenId, at: Timestamp) -> Write<'static> {
    Write {
        sql: END,
        params: vec![Box::new(id.uuid()), Box::new(at.as_micros())],
        rows: Some(1),
    }
}

pub(crate) fn all_ended(
    (user, kind, except): (UserId, TokenKind, Option<TokenId>),
    at: Timestamp,
) -> Write<'static> {
    Write {
        sql: END_ALL,
        params: vec![
            Box::new(user.uuid()),
            Box::new(kind.word()),
            Box::new(except.map(TokenId::uuid)),
            Box::new(at.as_micros()),
        ],
        rows: None,
    }
}

impl Readers {
    pub(crate) async fn token_by_hash(
        &self,
        hash: &[u8],
    ) -> Result<Option<TokenRecord>, StorageError> {
        let rows = self.rows(&BY_HASH, &[&hash]).await?;
        Ok(rows.first().map(token).transpose()?)
    }

    pub(crate) async fn tokens(
        &self,
        search: &TokenSearch,
    ) -> Result<Vec<TokenRecord>, StorageError> {
        let (kind, alive_at) = (search.kind.word(), search.alive_at.as_micros());
        let after = search.after.map_or(Uuid::max(), TokenId::uuid);
        let limit = i64::from(search.limit);
        let user = search.user_id.map(UserId::uuid);
        let mut scopes = search.scopes.clone();
        if let Some(scopes) = &mut scopes {
            scopes.sort_unstable();
            scopes.dedup();
        }
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&kind, &alive_at, &after, &limit];
        let sql = match (&user, &scopes) {
            (Some(user), _) => {
                params.extend([user as &(dyn ToSql + Sync), &scopes]);
                &BY_USER
            }
            (None, Some(scopes)) => {
                params.push(scopes);
                &BY_SCOPE
            }
            (None, None) => &OF_KIND,
        };
        let rows = self.rows(sql, &params).await?;
        let all: Result<_, Failure> = rows.iter().map(token).collect();
        Ok(all?)
    }

    pub(crate) async fn touch_token(&self, id: TokenId, at: Timestamp) -> Result<(), StorageError> {
        let (id, at) = (id.uuid(), at.as_micros());
        self.change(TOUCH, &[&id, &at]).await.map(drop)
    }

    pub(crate) async fn forget_tokens(&self, before: Timestamp) -> Result<(), StorageError> {
        self.change(FORGET, &[&before.as_micros()]).await.map(drop)
    }
}

fn token(row: &Row) -> Result<TokenRecord, Failure> {
    let id = TokenId::from_uuid(row.try_get(0)?);
    let place = Place {
        table: "tokens",
        key: id.to_string(),
    };
    let kind = TokenKind::parse(row.try_get(2)?).ok_or_else(|| place.corrupt("kind"))?;
    let scope_kind: Option<&str> = row.try_get(4)?;
    let (scope_id, project): (Option<Uuid>, Option<Uuid>) = (row.try_get(5)?, row.try_get(6)?);
    let scope = match (scope_kind, scope_id) {
        (None, None) => None,
        (Some(kind), Some(id)) => parse_scope(kind, id, project)
            .map(Some)
            .ok_or_else(|| place.corrupt("scope_kind"))?,
        _ => return Err(place.corrupt("scope_id").into()),
    };
    let ended_at: Option<i64> = row.try_get(11)?;
    Ok(TokenRecord {
        id,
        hash: row.try_get(1)?,
        kind,
        user_id: UserId::from_uuid(row.try_get(3)?),
        scope,
        body: row.try_get(7)?,
        created_at: Timestamp::from_micros(row.try_get(8)?),
        expires_at: Timestamp::from_micros(row.try_get(9)?),
        seen_at: Timestamp::from_micros(row.try_get(10)?),
        ended_at: ended_at.map(Timestamp::from_micros),
    })
}
