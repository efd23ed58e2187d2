//! What lets in after the door: sessions of people and API tokens of their programs.
//!
//! An API token never has the permission [`Own`](Permission::Own): with it a program may read whose it is
//! ([`Engine::me`]) and its own line of the list, and change nothing of the person.

use std::net::IpAddr;

use altyn_domain::{Permission, Timestamp, TokenId};
use altyn_storage::{PeopleChange, TokenKind, TokenRecord, TokenSearch};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::change::Decision;
use super::sign_in::Proof;
use super::user::User;
use super::{PAGE_MAX, SessionBody, clean_name};
use crate::{AuthenticationError, Caller, Engine, EngineError, Flaw, OfficeError, Secret};

/// A token's use is noted at most that often.
const TOUCH_MS: i64 = 60_000;
/// How long an API token may hold: a year.
const TOKEN_MS_MAX: i64 = 366 * 24 * 60 * 60 * 1_000;
/// API tokens that one person may have.
const TOKENS_MAX: usize = 100;
/// Networks in the allow list of one token.
const NETWORKS_MAX: usize = 64;
/// Longest text of a bearer token that is looked up.
const TEXT_MAX: usize = 128;

/// A session as its person sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionView {
    /// Its id, by which it is ended.
    pub id: TokenId,
    /// Whether it is the one that asks.
    pub current: bool,
    /// Where the person signed in from.
    pub address: IpAddr,
    /// What the browser said about itself.
    pub agent: String,
    /// When the person signed in.
    pub created_at: Timestamp,
    /// When it was used last, to the minute.
    pub seen_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// An API token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiToken {
    /// What it is for, in words.
    pub name: String,
    /// What it may do, at most.
    pub permissions: Vec<Permission>,
    /// When it ends; at most a year from now.
    pub expires_at: Timestamp,
    /// Networks it may be used from; empty for anywhere.
    pub allow_list: Vec<IpNet>,
}

/// An API token as its person sees it. Its text is shown once, when it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiTokenView {
    /// Its id, by which it is ended.
    pub id: TokenId,
    /// What it is for, in words.
    pub name: String,
    /// What it may do, as long as its person may.
    pub permissions: Vec<Permission>,
    /// Networks it may be used from; empty for anywhere.
    pub allow_list: Vec<IpNet>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was used last, to the minute.
    pub seen_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What is sealed of an API token.
#[derive(Debug, Serialize, Deserialize)]
struct ApiTokenBody {
    name: String,
    permissions: Vec<Permission>,
    allow_list: Vec<IpNet>,
}

fn denied() -> EngineError {
    AuthenticationError::Denied.into()
}

impl Engine {
    /// Who acts with this token: a session's (`alts_…`) or an API token (`altt_…`). The person's row is read
    /// every time, so whatever was changed or ended holds at once.
    ///
    /// # Errors
    /// [`EngineError::Denied`], or if the database cannot be read.
    pub async fn authenticate_bearer(
        &self,
        token: &str,
        address: IpAddr,
    ) -> Result<Caller, EngineError> {
        let kind = match token.get(..5) {
            Some("alts_") => TokenKind::Session,
            Some("altt_") => TokenKind::Api,
            Some(_) | None => return Err(denied()),
        };
        if token.len() > TEXT_MAX {
            return Err(denied());
        }
        let hash = self.vault().hash(token);
        let found = self.storage().token_by_hash(&hash).await?;
        let found = found.filter(|one| one.kind == kind && self.is_alive(one));
        let found = found.ok_or_else(denied)?;
        let permissions = match kind {
            TokenKind::Api => {
                let body: ApiTokenBody = self.open_token(&found)?;
                let address = address.to_canonical();
                let admits = |network: &IpNet| network.contains(&address);
                if !body.allow_list.is_empty() && !body.allow_list.iter().any(admits) {
                    return Err(AuthenticationError::AddressNotAllowed.into());
                }
                Some(body.permissions)
            }
            TokenKind::Session | TokenKind::Invitation => None,
        };
        let record = self.storage().user(found.user_id).await?;
        let record = record.filter(|one| one.disabled_at.is_none());
        let user = User::open(record.ok_or_else(denied)?, self.vault())?;
        let now = self.now();
        if now.millis_since(found.seen_at) >= TOUCH_MS {
            let noted = self.storage().touch_token(found.id, now).await;
            noted.map_err(EngineError::beside)?;
        }
        Ok(self.caller_of(&user, found.id, permissions))
    }

    /// Whether a token lets in now.
    fn is_alive(&self, token: &TokenRecord) -> bool {
        let now = self.now();
        let idle_ms = self.config().session_idle_ms;
        let idle = token.kind == TokenKind::Session && now.millis_since(token.seen_at) >= idle_ms;
        token.ended_at.is_none() && now < token.expires_at && !idle
    }

    /// Who acts with a token of this person.
    pub(super) fn caller_of(
        &self,
        user: &User,
        token_id: TokenId,
        token_permissions: Option<Vec<Permission>>,
    ) -> Caller {
        Caller {
            user_id: Some(user.record.id),
            name: user.body.name.clone(),
            role: user.record.role,
            scope: Some(user.record.scope),
            token_permissions,
            token_id: Some(token_id),
            must_enrol: self.config().second_factor_required && user.body.second_factor.is_none(),
            must_change_password: user.body.password_until.is_some(),
        }
    }

    /// Ends the caller's session. With a session that ended already nothing happens.
    ///
    /// # Errors
    /// [`OfficeError::Forbidden`] with an API token, or if the database cannot be read.
    pub async fn sign_out(&self, caller: &Caller) -> Result<(), OfficeError> {
        let user = self.person(caller).await?;
        let id = caller.token_id().ok_or(OfficeError::NotFound)?;
        match self.end_own(caller, &user, TokenKind::Session, id).await {
            Err(OfficeError::NotFound) => Ok(()),
            other => other,
        }
    }

    /// The caller's sessions, the newest first.
    ///
    /// # Errors
    /// [`OfficeError::Forbidden`] with an API token, or if the database cannot be read.
    pub async fn sessions(&self, caller: &Caller) -> Result<Vec<SessionView>, OfficeError> {
        let user = self.person(caller).await?;
        let found = self.own_tokens(&user, TokenKind::Session).await?;
        let alive = found.into_iter().filter(|token| self.is_alive(token));
        let views = alive.map(|token| {
            let body: SessionBody = self.open_token(&token)?;
            Ok(SessionView {
                id: token.id,
                current: caller.token_id() == Some(token.id),
                address: body.address,
                agent: body.agent,
                created_at: token.created_at,
                seen_at: token.seen_at,
                expires_at: token.expires_at,
            })
        });
        views.collect()
    }

    /// Ends one of the caller's sessions.
    ///
    /// # Errors
    /// [`OfficeError::NotFound`], [`OfficeError::Forbidden`] with an API token.
    pub async fn end_session(&self, caller: &Caller, id: TokenId) -> Result<(), OfficeError> {
        let user = self.person(caller).await?;
        self.end_own(caller, &user, TokenKind::Session, id).await
    }

    async fn own_tokens(
        &self,
        user: &User,
        kind: TokenKind,
    ) -> Result<Vec<TokenRecord>, OfficeError> {
        let search = TokenSearch {
            kind,
            user_id: Some(user.record.id),
            alive_at: self.now(),
            scopes: None,
            after: None,
            limit: PAGE_MAX,
        };
        Ok(self.storage().tokens(&search).await?)
    }

    async fn end_own(
        &self,
        caller: &Caller,
        user: &User,
        kind: TokenKind,
        id: TokenId,
    ) -> Result<(), OfficeError> {
        let action = match kind {
            TokenKind::Session => "user.session_ended",
            TokenKind::Api => "user.api_token_ended",
            TokenKind::Invitation => "user.invitation_withdrawn",
        };
        self.change_people(|| async {
            let token = self.token(kind, Some(user.record.id), id).await?;
            let change = PeopleChange {
                ended_tokens: vec![token.id],
                ..PeopleChange::default()
            };
            let act = user.act(caller, action, json!({"token_id": id.to_string()}));
            Ok(Decision::Save(change, vec![act], ()))
        })
        .await
    }

    /// Makes an API token for the caller's programs, if the caller proves with the password who he is. Its text
    /// is shown here and never again.
    ///
    /// # Errors
    /// [`OfficeError::Invalid`], also for a wrong password, which counts as at the door; `locked` after too many;
    /// [`OfficeError::Forbidden`] for a permission that the caller has not and with an API token,
    /// `too_many_tokens`.
    pub async fn create_api_token(
        &self,
        caller: &Caller,
        password: &str,
        new: NewApiToken,
    ) -> Result<(ApiTokenView, Secret), OfficeError> {
        let body = self.check_new_token(caller, &new)?;
        let proven = self.prove(caller, Proof::password(password)).await?;
        let secret = Secret(format!("altt_{}", self.random_text(32)));
        let (id, now) = (self.new_token_id(), self.now());
        let view = self.change_people(|| async {
            let user = self.person(caller).await?;
            proven.still_holds(&user)?;
            if self.own_tokens(&user, TokenKind::Api).await?.len() >= TOKENS_MAX {
                let words = format!("one person has at most {TOKENS_MAX} API tokens");
                return Err(OfficeError::Conflict("too_many_tokens", words));
            }
            let record = TokenRecord {
                id,
                hash: self.vault().hash(secret.expose()),
                kind: TokenKind::Api,
                user_id: user.record.id,
                scope: None,
                body: self.sealer().seal(id.uuid(), &body)?,
                created_at: now,
                expires_at: new.expires_at,
                seen_at: now,
                ended_at: None,
            };
            let words: Vec<_> = body.permissions.iter().map(|one| one.word()).collect();
            let detail = json!({"token_id": id.to_string(), "permissions": words});
            let act = user.act(caller, "user.api_token_created", detail);
            let view = token_view(&record, &body);
            let change = PeopleChange {
                // The row moves, so that nobody is disabled and keeps a token made at that moment.
                users: vec![self.next_row(&user)?],
                new_tokens: vec![record],
                ..PeopleChange::default()
            };
            Ok(Decision::Save(change, vec![act], view))
        });
        Ok((view.await?, secret))
    }

    fn check_new_token(
        &self,
        caller: &Caller,
        new: &NewApiToken,
    ) -> Result<ApiTokenBody, OfficeError> {
        caller.require(Permission::Own)?;
        if let Some(missing) = new.permissions.iter().find(|one| !caller.may(**one)) {
            return Err(OfficeError::Forbidden(*missing));
        }
        let mut flaws = Vec::new();
        if new.permissions.is_empty()
            || new
                .permissions
                .iter()
                .any(|one| Caller::SESSION_ONLY.contains(one))
        {
            let message = "must be some permissions, and neither `own` nor `users_manage`";
            flaws.push(Flaw::new("permissions", message));
        }
        let now = self.now();
        if new.expires_at <= now || new.expires_at > now.plus_millis(TOKEN_MS_MAX) {
            flaws.push(Flaw::new("expires_at", "must lie within a year from now"));
        }
        if new.allow_list.len() > NETWORKS_MAX {
            let message = format!("must have at most {NETWORKS_MAX} networks");
            flaws.push(Flaw::new("allow_list", message));
        }
        let name = match clean_name(&new.name) {
            Ok(name) => name,
            Err(_) => {
                flaws.push(Flaw::new("name", "must have 1 to 100 characters"));
                String::new()
            }
        };
        if !flaws.is_empty() {
            return Err(OfficeError::Invalid(flaws));
        }
        let permissions = Permission::ALL.into_iter();
        Ok(ApiTokenBody {
            name,
            permissions: permissions
                .filter(|one| new.permissions.contains(one))
                .collect(),
            allow_list: new.allow_list.clone(),
        })
    }

    /// The caller's API tokens, the newest first. With an API token only that one.
    ///
    /// # Errors
    /// [`OfficeError::NotFound`] for commands, or if the database cannot be read.
    pub async fn api_tokens(&self, caller: &Caller) -> Result<Vec<ApiTokenView>, OfficeError> {
        let id = caller.user_id().ok_or(OfficeError::NotFound)?;
        let user = self.load_user(id).await?.ok_or(OfficeError::NotFound)?;
        let mut found = self.own_tokens(&user, TokenKind::Api).await?;
        if caller.is_token() {
            found.retain(|token| caller.token_id() == Some(token.id));
        }
        let views = found
            .iter()
            .map(|token| Ok(token_view(token, &self.open_token(token)?)));
        views.collect()
    }

    /// Ends one of the caller's API tokens.
    ///
    /// # Errors
    /// [`OfficeError::NotFound`], [`OfficeError::Forbidden`] with an API token.
    pub async fn end_api_token(&self, caller: &Caller, id: TokenId) -> Result<(), OfficeError> {
        let user = self.person(caller).await?;
        self.end_own(caller, &user, TokenKind::Api, id).await
    }
}

fn token_view(token: &TokenRecord, body: &ApiTokenBody) -> ApiTokenView {
    ApiTokenView {
        id: token.id,
        name: body.name.clone(),
        permissions: body.permissions.clone(),
        allow_list: body.allow_list.clone(),
        created_at: token.created_at,
        seen_at: token.seen_at,
        expires_at: token.expires_at,
    }
}
