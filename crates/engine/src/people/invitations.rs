//! Invitations: how people become known. Whoever holds the text of one chooses a name and a password.

use std::net::IpAddr;

use altyn_domain::{Bucket, Permission, Role, Scope, Timestamp, TokenId, UserId};
use altyn_storage::{PeopleChange, TokenKind, TokenRecord, TokenSearch, UserRecord};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::change::Decision;
use super::sign_in::SignedIn;
use super::user::{User, UserBody, owner_of};
use super::{PAGE_MAX, clean_email, clean_name};
use crate::trail::Act;
use crate::{Caller, Engine, EngineError, OfficeError, Secret};

/// How long an invitation holds: seven days.
const INVITATION_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// Whom to invite, and to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvitation {
    /// The person's e-mail address.
    pub email: String,
    /// What the person is to be there for.
    pub role: Role,
    /// Where in the tree of owners.
    pub scope: Scope,
}

/// An invitation as shown to those who may see people. Its text is shown once, when it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InvitationView {
    /// Its id, by which it is withdrawn.
    pub id: TokenId,
    /// The invited person's e-mail address.
    pub email: String,
    /// What the person is to be there for.
    pub role: Role,
    /// Where in the tree of owners.
    pub scope: Scope,
    /// Who invited.
    pub invited_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// How a person follows an invitation.
#[derive(Clone)]
pub struct AcceptInvitation {
    /// The text of the invitation.
    pub token: String,
    /// The person's name.
    pub name: String,
    /// The password that the person chose.
    pub password: String,
    /// Where the request came from.
    pub address: IpAddr,
    /// What the browser says about itself.
    pub agent: String,
}

impl std::fmt::Debug for AcceptInvitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AcceptInvitation")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// What is sealed of an invitation.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct InvitationBody {
    email: String,
    role: Role,
}

/// An address belongs to one person.
pub(super) fn taken() -> OfficeError {
    let words = "somebody with this e-mail address is known already".to_owned();
    OfficeError::Conflict("email_taken", words)
}

impl Engine {
    /// Invites a person. The text of the invitation is shown here and never again.
    ///
    /// # Errors
    /// [`OfficeError::Rank`] for a role that the caller may not give, [`OfficeError::Forbidden`] with an API token
    /// that must not make people, [`OfficeError::NotFound`] for a place beyond reach, `email_taken`,
    /// [`OfficeError::Invalid`].
    pub async fn invite(
        &self,
        caller: &Caller,
        new: NewInvitation,
    ) -> Result<(InvitationView, Secret), OfficeError> {
        let user_id = caller.user_id();
        let user_id = user_id.ok_or(OfficeError::Forbidden(Permission::UsersManage))?;
        self.refresh_settings().await?;
        self.check_offer(caller, new.role, &new.scope)?;
        let email = clean_email(&new.email)?;
        let secret = Secret(format!("alti_{}", self.random_text(32)));
        let (id, now) = (self.new_token_id(), self.now());
        let body = InvitationBody {
            email: email.clone(),
            role: new.role,
        };
        let record = TokenRecord {
            id,
            hash: self.vault().hash(secret.expose()),
            kind: TokenKind::Invitation,
            user_id,
            scope: Some(new.scope),
            body: self.sealer().seal(id.uuid(), &body)?,
            created_at: now,
            expires_at: now.plus_millis(INVITATION_MS),
            seen_at: now,
            ended_at: None,
        };
        let view = self.change_people(|| async {
            if self.storage().user_by_email(&email).await?.is_some() {
                return Err(taken());
            }
            let detail = json!({"email": email, "role": new.role.word()});
            let scope = Some(owner_of(&new.scope));
            let act = Act::by(caller, scope, "user.invited", id, detail);
            let change = PeopleChange {
                new_tokens: vec![record.clone()],
                ..PeopleChange::default()
            };
            let view = invitation_view(&record, body.clone())?;
            Ok(Decision::Save(change, vec![act], view))
        });
        Ok((view.await?, secret))
    }

    /// Whether the caller may let somebody with this role stand there.
    fn check_offer(&self, caller: &Caller, role: Role, scope: &Scope) -> Result<(), OfficeError> {
        caller.require(Permission::UsersManage)?;
        if !caller.role().may_give(role) {
            return Err(OfficeError::Rank("your role may not give this one"));
        }
        if !self.reach(caller).scope(scope) {
            return Err(OfficeError::NotFound);
        }
        self.check_place(role, scope)
    }

    /// Open invitations in reach and the caller's own ones, the newest first; at most 200 a page. One to a
    /// customer is seen by who made it and at the root.
    ///
    /// # Errors
    /// [`OfficeError::Forbidden`], or if the database cannot be read.
    pub async fn invitations(
        &self,
        caller: &Caller,
        after: Option<TokenId>,
        limit: u32,
    ) -> Result<Vec<InvitationView>, OfficeError> {
        caller.require(Permission::UsersView)?;
        let reach = self.reach(caller);
        let limit = limit.min(PAGE_MAX);
        let search = TokenSearch {
            kind: TokenKind::Invitation,
            user_id: None,
            alive_at: self.now(),
            scopes: reach.scope_ids(),
            after,
            limit,
        };
        let mut found = self.storage().tokens(&search).await?;
        if search.scopes.is_some() && caller.user_id().is_some() {
            let own = TokenSearch {
                user_id: caller.user_id(),
                scopes: None,
                ..search
            };
            let own = self.storage().tokens(&own).await?;
            found.extend(own.into_iter().filter(|token| {
                let scope = token.scope.as_ref();
                scope.is_some_and(|scope| reach.scope(scope))
            }));
            found.sort_by_key(|token| std::cmp::Reverse(token.id));
            found.dedup_by_key(|token| token.id);
            found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        let views = found.iter().map(|token| {
            let body = self.open_token(token)?;
            Ok(invitation_view(token, body)?)
        });
        views.collect()
    }

    /// Withdraws an invitation in reach.
    ///
    /// # Errors
    /// [`OfficeError::NotFound`], [`OfficeError::Forbidden`].
    pub async fn withdraw_invitation(
        &self,
        caller: &Caller,
        id: TokenId,
    ) -> Result<(), OfficeError> {
        caller.require(Permission::UsersManage)?;
        self.change_people(|| async {
            let token = self.token(TokenKind::Invitation, None, id).await?;
            let body: InvitationBody = self.open_token(&token)?;
            let scope = token.scope.ok_or(OfficeError::NotFound)?;
            if !self.reach(caller).scope(&scope) && caller.scope().is_some() {
                return Err(OfficeError::NotFound);
            }
            let detail = json!({"email": body.email});
            let owner = Some(owner_of(&scope));
            let act = Act::by(caller, owner, "user.invitation_withdrawn", id, detail);
            let change = PeopleChange {
                ended_tokens: vec![id],
                ..PeopleChange::default()
            };
            Ok(Decision::Save(change, vec![act], ()))
        })
        .await
    }

    /// Follows an invitation: the person is made known and let in, and the invitation ends. It holds only as
    /// long as who made it may still make it.
    ///
    /// # Errors
    /// [`OfficeError::NotFound`] for an unknown, used, withdrawn or expired one, [`OfficeError::Invalid`] for
    /// the name or password, `email_taken`.
    pub async fn accept_invitation(
        &self,
        request: AcceptInvitation,
    ) -> Result<SignedIn, OfficeError> {
        self.refresh_settings().await?;
        let (_, body) = self.open_invitation(&request.token).await?;
        let name = clean_name(&request.name)?;
        let who = (body.email.as_str(), name.as_str());
        let password = self.accept_password(&request.password, who, Vec::new());
        let password = password.await?;
        self.change_people(|| async {
            let (invitation, body) = self.open_invitation(&request.token).await?;
            if self.storage().user_by_email(&body.email).await?.is_some() {
                return Err(taken());
            }
            let scope = invitation.scope.ok_or(OfficeError::NotFound)?;
            let place = (body.email, body.role, scope);
            let mut user = self.new_user(place, &name, &password);
            let from = (request.address, request.agent.as_str());
            let (session, signed_in) = self.begin_session(&mut user, from)?;
            let detail = json!({
                "invitation_id": invitation.id.to_string(),
                "email": user.record.email,
                "role": user.record.role.word(),
            });
            let acts = vec![
                user.act(&signed_in.caller, "user.created", detail),
                user.act(
                    &signed_in.caller,
                    "user.signed_in",
                    json!({"address": from.0}),
                ),
            ];
            let change = PeopleChange {
                new_users: vec![self.first_row(&user)?],
                new_tokens: vec![session],
                ended_tokens: vec![invitation.id],
                ..PeopleChange::default()
            };
            Ok(Decision::Save(change, acts, signed_in))
        })
        .await
    }

    /// What an invitation with this text offers, if it still holds.
    async fn open_invitation(
        &self,
        text: &str,
    ) -> Result<(TokenRecord, InvitationBody), OfficeError> {
        let hash = self.vault().hash(text);
        let found = self.storage().token_by_hash(&hash).await?;
        let now = self.now();
        let token = found.filter(|one| {
            one.kind == TokenKind::Invitation && one.ended_at.is_none() && now < one.expires_at
        });
        let token = token.ok_or(OfficeError::NotFound)?;
        let body: InvitationBody = self.open_token(&token)?;
        let inviter = self.load_user(token.user_id).await?;
        let inviter = inviter.filter(|one| one.record.disabled_at.is_none());
        let inviter = inviter.ok_or(OfficeError::NotFound)?;
        let caller = Caller {
            must_enrol: false,
            must_change_password: false,
            ..self.caller_of(&inviter, token.id, None)
        };
        let scope = token.scope.as_ref().ok_or(OfficeError::NotFound)?;
        let offered = self.check_offer(&caller, body.role, scope);
        offered.map_err(|_| OfficeError::NotFound)?;
        Ok((token, body))
    }

    /// A person to be made known.
    pub(super) fn new_user(
        &self,
        (email, role, scope): (String, Role, Scope),
        name: &str,
        password: &str,
    ) -> User {
        let now = self.now();
        let record = UserRecord {
            id: UserId::new(now, Bucket::new(0), self.entropy().random()),
            email,
            role,
            scope,
            body: String::new(),
            revision: 1,
            created_at: now,
            disabled_at: None,
        };
        let body = UserBody {
            name: name.to_owned(),
            password: password.to_owned(),
            ..UserBody::default()
        };
        User { record, body }
    }

    /// The row of a person to be made known.
    pub(super) fn first_row(&self, user: &User) -> Result<UserRecord, EngineError> {
        Ok(UserRecord {
            revision: 1,
            ..self.next_row(user)?
        })
    }
}

fn invitation_view(
    token: &TokenRecord,
    body: InvitationBody,
) -> Result<InvitationView, EngineError> {
    let no_place = || EngineError::Fault(format!("{} offers no place", token.id));
    Ok(InvitationView {
        id: token.id,
        email: body.email,
        role: body.role,
        scope: token.scope.ok_or_else(no_place)?,
        invited_by: token.user_id,
        created_at: token.created_at,
        expires_at: token.expires_at,
    })
}
