//! People who sign in, and changes of them together with their tokens.

use std::sync::LazyLock;

use altyn_domain::{ProjectId, Role, Timestamp, TokenId, UserId};
use altyn_storage::{
    People, PeopleChange, StorageError, TokenRecord, TokenSearch, UserRecord, UserSearch,
};
use async_trait::async_trait;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::PostgresStorage;
use crate::failure::Failure;
use crate::pool::Write;
use crate::rows::{Place, parse_scope, scope_columns};
use crate::tokens;
use crate::trail::appended;

const MAKE: &str = "INSERT INTO users (user_id, email, role, scope_kind, scope_id, project_id, body, \
    revision, created_at, disabled_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

/// Writes nothing if somebody else changed the person meanwhile.
const CHANGE: &str = "UPDATE users SET email = $2, role = $3, scope_kind = $4, scope_id = $5, \
    project_id = $6, body = $7, revision = $8::bigint, created_at = $9, disabled_at = $10 \
    WHERE user_id = $1 AND revision = $8::bigint - 1";

/// The columns of `users`, in the order [`user`] reads them.
const COLUMNS: &str = "user_id, email, role, scope_kind, scope_id, project_id, body, revision, \
    created_at, disabled_at";

static BY_ID: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {COLUMNS} FROM users WHERE user_id = $1"));

static BY_EMAIL: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {COLUMNS} FROM users WHERE email = $1"));

static ALL: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT {COLUMNS} FROM users WHERE user_id > $1 ORDER BY user_id LIMIT $2")
});

/// So many of each scope and of each project, each once, and of those the first.
static BY_SCOPE: LazyLock<String> = LazyLock::new(|| {
    let of = |owner: &str, array: &str| {
        format!(
            "SELECT u.user_id FROM unnest({array}::uuid[]) AS k(id) \
             CROSS JOIN LATERAL (SELECT user_id FROM users u \
             WHERE u.{owner} = k.id AND u.user_id > $1 ORDER BY u.user_id LIMIT $2) u"
        )
    };
    format!(
        "SELECT u.* FROM (SELECT DISTINCT user_id FROM ({} UNION ALL {}) all_of_them \
         ORDER BY user_id LIMIT $2) k \
         CROSS JOIN LATERAL (SELECT {COLUMNS} FROM users u WHERE u.user_id = k.user_id OFFSET 0) u \
         ORDER BY u.user_id",
        of("scope_id", "$3"),
        of("project_id", "$4")
    )
});

/// The texts prepared here, by name.
pub(crate) fn statements() -> Vec<(&'static str, String)> {
    vec![
        ("make user", MAKE.to_owned()),
        ("change user", CHANGE.to_owned()),
        ("user by id", BY_ID.clone()),
        ("user by email", BY_EMAIL.clone()),
        ("users", ALL.clone()),
        ("users by scope", BY_SCOPE.clone()),
    ]
}

/// Writes a person by `sql`, which is [`MAKE`] or [`CHANGE`].
fn written<'a>(sql: &'static str, user: &'a UserRecord) -> Write<'a> {
    let (kind, scope, project) = scope_columns(&user.scope);
    Write {
        sql,
        params: vec![
            Box::new(user.id.uuid()),
            Box::new(user.email.as_str()),
            Box::new(user.role.word()),
            Box::new(kind),
            Box::new(scope),
            Box::new(project),
            Box::new(user.body.as_str()),
            Box::new(user.revision),
            Box::new(user.created_at.as_micros()),
            Box::new(user.disabled_at.map(Timestamp::as_micros)),
        ],
        rows: Some(1),
    }
}

#[async_trait]
impl People for PostgresStorage {
    /// Tokens are ended before new ones are made: what a change makes, it does not end.
    async fn save_people(&self, change: &PeopleChange, at: Timestamp) -> Result<(), StorageError> {
        let mut writes = Vec::new();
        writes.extend(change.new_users.iter().map(|user| written(MAKE, user)));
        writes.extend(change.users.iter().map(|user| written(CHANGE, user)));
        let ended = change.ended_tokens.iter();
        writes.extend(ended.map(|id| tokens::ended(*id, at)));
        writes.extend(change.ended_of.map(|all| tokens::all_ended(all, at)));
        writes.extend(change.new_tokens.iter().map(tokens::made));
        writes.extend(change.audit.iter().map(appended));
        if writes.is_empty() {
            return Ok(());
        }
        self.readers.transact(&writes).await
    }

    async fn user(&self, id: UserId) -> Result<Option<UserRecord>, StorageError> {
        let rows = self.readers.rows(&BY_ID, &[&id.uuid()]).await?;
        Ok(rows.first().map(user).transpose()?)
    }

    async fn user_by_email(&self, email: &str) -> Result<Option<UserRecord>, StorageError> {
        if email.contains('\0') {
            return Ok(None);
        }
        let rows = self.readers.rows(&BY_EMAIL, &[&email]).await?;
        Ok(rows.first().map(user).transpose()?)
    }

    async fn users(&self, search: &UserSearch) -> Result<Vec<UserRecord>, StorageError> {
        let after = search.after.map_or(Uuid::nil(), UserId::uuid);
        let limit = i64::from(search.limit);
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&after, &limit];
        let projects: Vec<Uuid> = search
            .projects
            .iter()
            .map(|p| ProjectId::uuid(*p))
            .collect();
        let sql = match &search.scopes {
            None => &ALL,
            Some(scopes) => {
                params.extend([scopes as &(dyn ToSql + Sync), &projects]);
                &BY_SCOPE
            }
        };
        let rows = self.readers.rows(sql, &params).await?;
        let all: Result<_, Failure> = rows.iter().map(user).collect();
        Ok(all?)
    }

    async fn token_by_hash(&self, hash: &[u8]) -> Result<Option<TokenRecord>, StorageError> {
        self.readers.token_by_hash(hash).await
    }

    async fn tokens(&self, search: &TokenSearch) -> Result<Vec<TokenRecord>, StorageError> {
        self.readers.tokens(search).await
    }

    async fn touch_token(&self, id: TokenId, at: Timestamp) -> Result<(), StorageError> {
        self.readers.touch_token(id, at).await
    }

    async fn forget_tokens(&self, before: Timestamp) -> Result<(), StorageError> {
        self.readers.forget_tokens(before).await
    }
}

fn user(row: &Row) -> Result<UserRecord, Failure> {
    let id = UserId::from_uuid(row.try_get(0)?);
    let place = Place {
        table: "users",
        key: id.to_string(),
    };
    let scope = parse_scope(row.try_get(3)?, row.try_get(4)?, row.try_get(5)?);
    let disabled_at: Option<i64> = row.try_get(9)?;
    Ok(UserRecord {
        id,
        email: row.try_get(1)?,
        role: Role::parse(row.try_get(2)?).ok_or_else(|| place.corrupt("role"))?,
        scope: scope.ok_or_else(|| place.corrupt("scope_kind"))?,
        body: row.try_get(6)?,
        revision: row.try_get(7)?,
        created_at: Timestamp::from_micros(row.try_get(8)?),
        disabled_at: disabled_at.map(Timestamp::from_micros),
    })
}
