//! People and their tokens.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use altyn_domain::{
    CustomerId, MerchantId, ProjectId, ResellerId, Role, Scope, Timestamp, TokenId, UserId,
};
use altyn_storage::{
    PeopleChange, StorageError, TokenKind, TokenRecord, TokenSearch, UserRecord, UserSearch,
};
use rusqlite::types::Value;
use rusqlite::{Connection, named_params};
use uuid::Uuid;

use crate::fault::Fault;
use crate::rows::{Cells, all, first, in_snapshot};
use crate::save::in_tx;
use crate::search::{cut, json_ids};
use crate::trail;

/// The columns of a scope: its kind, its id, and a customer's project.
type ScopeCells = (Option<&'static str>, Option<Uuid>, Option<Uuid>);

fn scope_cells(scope: Option<Scope>) -> ScopeCells {
    match scope {
        None => (None, None, None),
        Some(Scope::Reseller(id)) => (Some("reseller"), Some(id.uuid()), None),
        Some(Scope::Merchant(id)) => (Some("merchant"), Some(id.uuid()), None),
        Some(Scope::Customer {
            project_id,
            customer_id,
        }) => {
            let project = Some(project_id.uuid());
            (Some("customer"), Some(customer_id.uuid()), project)
        }
    }
}

/// Reads the columns of a scope; `Err` if they are none.
fn scope(cells: &mut Cells<'_>) -> Result<Result<Option<Scope>, ()>, Fault> {
    let kind: Option<String> = cells.take()?;
    let id: Option<Uuid> = cells.take()?;
    let project: Option<Uuid> = cells.take()?;
    Ok(match (kind.as_deref(), id, project) {
        (None, None, None) => Ok(None),
        (Some("reseller"), Some(id), None) => Ok(Some(Scope::Reseller(ResellerId::from_uuid(id)))),
        (Some("merchant"), Some(id), None) => Ok(Some(Scope::Merchant(MerchantId::from_uuid(id)))),
        (Some("customer"), Some(id), Some(project)) => Ok(Some(Scope::Customer {
            project_id: ProjectId::from_uuid(project),
            customer_id: CustomerId::from_uuid(id),
        })),
        _ => Err(()),
    })
}

/// Writes a change in a transaction of its own.
pub(crate) fn save(db: &mut Connection, change: &PeopleChange, at: Timestamp) -> Result<(), Fault> {
    in_tx(db, |db| {
        for user in &change.new_users {
            insert_user(db, user)?;
        }
        for user in &change.users {
            update_user(db, user)?;
        }
        let end = "UPDATE tokens SET ended_at = ?2 WHERE token_id = ?1 AND ended_at IS NULL";
        for id in &change.ended_tokens {
            moved_if_none(
                db.prepare_cached(end)?
                    .execute((id.uuid(), at.as_micros()))?,
            )?;
        }
        if let Some((user, kind, but)) = change.ended_of {
            let end = "UPDATE tokens SET ended_at = ?4 WHERE user_id = ?1 AND kind = ?2 \
                       AND token_id IS NOT ?3 AND ended_at IS NULL";
            let but = but.map(TokenId::uuid);
            let params = (user.uuid(), kind.word(), but, at.as_micros());
            db.prepare_cached(end)?.execute(params)?;
        }
        // Last: those that are made here are not among those that are ended here.
        for token in &change.new_tokens {
            insert_token(db, token)?;
        }
        trail::append_in_tx(db, &change.audit)
    })
}

/// A row that was not there as it was expected moved meanwhile.
fn moved_if_none(written: usize) -> Result<(), Fault> {
    if written == 0 {
        return Err(StorageError::Conflict.into());
    }
    Ok(())
}

fn insert_user(db: &Connection, user: &UserRecord) -> Result<(), Fault> {
    let sql = "INSERT INTO users (user_id, email, role, scope_kind, scope_id, project_id, body, \
               revision, created_at, disabled_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING";
    let (kind, scope, project) = scope_cells(Some(user.scope));
    moved_if_none(db.prepare_cached(sql)?.execute((
        user.id.uuid(),
        &user.email,
        user.role.word(),
        kind,
        scope,
        project,
        &user.body,
        user.revision,
        user.created_at.as_micros(),
        user.disabled_at.map(Timestamp::as_micros),
    ))?)
}

fn update_user(db: &Connection, user: &UserRecord) -> Result<(), Fault> {
    let sql = "UPDATE users SET email = ?2, role = ?3, scope_kind = ?4, scope_id = ?5, \
               project_id = ?6, body = ?7, revision = ?8, disabled_at = ?9 \
               WHERE user_id = ?1 AND revision = ?8 - 1 \
               AND NOT EXISTS (SELECT 1 FROM users WHERE email = ?2 AND user_id <> ?1)";
    let (kind, scope, project) = scope_cells(Some(user.scope));
    moved_if_none(db.prepare_cached(sql)?.execute((
        user.id.uuid(),
        &user.email,
        user.role.word(),
        kind,
        scope,
        project,
        &user.body,
        user.revision,
        user.disabled_at.map(Timestamp::as_micros),
    ))?)
}

fn insert_token(db: &Connection, token: &TokenRecord) -> Result<(), Fault> {
    let sql = "INSERT INTO tokens (token_id, hash, kind, user_id, scope_kind, scope_id, project_id, \
               body, created_at, expires_at, seen_at, ended_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    let (kind, scope, project) = scope_cells(token.scope);
    db.prepare_cached(sql)?.execute((
        token.id.uuid(),
        &token.hash,
        token.kind.word(),
        token.user_id.uuid(),
        kind,
        scope,
        project,
        &token.body,
        token.created_at.as_micros(),
        token.expires_at.as_micros(),
        token.seen_at.as_micros(),
        token.ended_at.map(Timestamp::as_micros),
    ))?;
    Ok(())
}

macro_rules! users {
    ($rest:literal) => {
        concat!(
            "SELECT user_id, email, role, scope_kind, scope_id, project_id, body, revision, \
             created_at, disabled_at FROM users WHERE ",
            $rest
        )
    };
}

fn user_row(cells: &mut Cells<'_>) -> Result<UserRecord, Fault> {
    let id = UserId::from_uuid(cells.take()?);
    let corrupt = |column| Fault::corrupt("users", id.uuid(), column);
    let email = cells.take()?;
    let role: String = cells.take()?;
    let scope = scope(cells)?.ok().flatten();
    Ok(UserRecord {
        id,
        email,
        role: Role::parse(&role).ok_or_else(|| corrupt("role"))?,
        scope: scope.ok_or_else(|| corrupt("scope_kind"))?,
        body: cells.take()?,
        revision: cells.take()?,
        created_at: cells.instant()?,
        disabled_at: cells.maybe_instant()?,
    })
}

/// The person with this id.
pub(crate) fn user(db: &Connection, id: UserId) -> Result<Option<UserRecord>, Fault> {
    first(db, users!("user_id = ?1"), [id.uuid()], user_row)
}

/// The person with this address.
pub(crate) fn user_by_email(db: &Connection, email: &str) -> Result<Option<UserRecord>, Fault> {
    first(db, users!("email = ?1"), [email], user_row)
}

/// A page of people.
pub(crate) fn users(db: &Connection, search: &UserSearch) -> Result<Vec<UserRecord>, Fault> {
    let after = search.after.map_or(Uuid::nil(), UserId::uuid);
    let Some(scopes) = &search.scopes else {
        let sql = users!("user_id > ?1 ORDER BY user_id LIMIT ?2");
        return all(db, sql, (after, search.limit), user_row);
    };
    let of_scope = users!("scope_id = ?1 AND user_id > ?2 ORDER BY user_id LIMIT ?3");
    let of_project = users!("project_id = ?1 AND user_id > ?2 ORDER BY user_id LIMIT ?3");
    let projects = search.projects.iter().map(|id| (of_project, id.uuid()));
    let ranges: BTreeSet<_> = scopes
        .iter()
        .map(|id| (of_scope, *id))
        .chain(projects)
        .collect();
    in_snapshot(db, |db| {
        let mut found = BTreeMap::new();
        for (sql, owner) in ranges {
            let rows = all(db, sql, (owner, after, search.limit), user_row)?;
            found.extend(rows.into_iter().map(|user| (user.id, user)));
        }
        Ok(cut(found.into_values().collect(), search.limit))
    })
}

macro_rules! tokens {
    ($rest:literal) => {
        concat!(
            "SELECT token_id, hash, kind, user_id, scope_kind, scope_id, project_id, body, \
             created_at, expires_at, seen_at, ended_at FROM tokens WHERE ",
            $rest
        )
    };
    (newest: $where:literal) => {
        concat!(
            "SELECT token_id, hash, kind, user_id, scope_kind, scope_id, project_id, body, \
             created_at, expires_at, seen_at, ended_at FROM tokens WHERE kind = :kind \
             AND token_id < :after AND expires_at > :alive \
             AND ended_at IS NULL AND ",
            $where,
            " ORDER BY token_id DESC LIMIT :limit"
        )
    };
}

fn token_row(cells: &mut Cells<'_>) -> Result<TokenRecord, Fault> {
    let id = TokenId::from_uuid(cells.take()?);
    let corrupt = |column| Fault::corrupt("tokens", id.uuid(), column);
    let hash = cells.take()?;
    let kind: String = cells.take()?;
    let user_id = UserId::from_uuid(cells.take()?);
    Ok(TokenRecord {
        id,
        hash,
        kind: TokenKind::parse(&kind).ok_or_else(|| corrupt("kind"))?,
        user_id,
        scope: scope(cells)?.map_err(|()| corrupt("scope_kind"))?,
        body: cells.take()?,
        created_at: cells.instant()?,
        expires_at: cells.instant()?,
        seen_at: cells.instant()?,
        ended_at: cells.maybe_instant()?,
    })
}

/// The token with this hash.
pub(crate) fn token_by_hash(db: &Connection, hash: &[u8]) -> Result<Option<TokenRecord>, Fault> {
    first(db, tokens!("hash = ?1"), [hash], token_row)
}

/// A page of tokens, newest first.
pub(crate) fn tokens(db: &Connection, search: &TokenSearch) -> Result<Vec<TokenRecord>, Fault> {
    let range = |db: &Connection, sql: &str, scope: Option<Value>| {
        let params = named_params! {
            ":kind": search.kind.word(),
            ":after": search.after.map_or(Uuid::max(), TokenId::uuid),
            ":alive": search.alive_at.as_micros(),
            ":user": search.user_id.map(UserId::uuid),
            ":scope": scope,
            ":limit": search.limit,
        };
        all(db, sql, params, token_row)
    };
    in_snapshot(db, |db| match (search.user_id, &search.scopes) {
        (None, None) => range(
            db,
            tokens!(newest: ":user IS NULL AND :scope IS NULL"),
            None,
        ),
        (Some(_), scopes) => {
            let sql = tokens!(newest: "user_id = :user AND (:scope IS NULL \
                              OR scope_id IN (SELECT unhex(value) FROM json_each(:scope)))");
            range(db, sql, scopes.as_deref().map(json_ids).map(Value::from))
        }
        (None, Some(scopes)) => {
            let sql = tokens!(newest: "scope_id = :scope AND :user IS NULL");
            let scopes: BTreeSet<Uuid> = scopes.iter().copied().collect();
            let mut found = Vec::new();
            for scope in scopes {
                let scope = Value::from(scope.as_bytes().to_vec());
                found.extend(range(db, sql, Some(scope))?);
            }
            found.sort_by_key(|token| Reverse(token.id));
            Ok(cut(found, search.limit))
        }
    })
}

/// Notes that a token was used.
pub(crate) fn touch(db: &mut Connection, id: TokenId, at: Timestamp) -> Result<(), Fault> {
    let sql = "UPDATE tokens SET seen_at = ?2 WHERE token_id = ?1 AND seen_at < ?2";
    in_tx(db, |db| {
        db.prepare_cached(sql)?
            .execute((id.uuid(), at.as_micros()))?;
        Ok(())
    })
}

/// Forgets tokens that ended or expired before `before`.
pub(crate) fn forget_tokens(db: &mut Connection, before: Timestamp) -> Result<(), Fault> {
    let sql = "DELETE FROM tokens WHERE expires_at < ?1 OR ended_at < ?1";
    in_tx(db, |db| {
        db.prepare_cached(sql)?.execute([before.as_micros()])?;
        Ok(())
    })
}
