//! Signing in, and proving again who one is. Wrong passwords and codes are counted, and then nobody gets in.
//!
//! An unknown address costs the same and is told the same as a wrong password: two reads, one hash, one commit of
//! as many statements, one sentence. A guess is counted even if its sender goes away.

use std::net::IpAddr;

use altyn_domain::{ResellerId, Role, Scope, Timestamp, UserId};
use altyn_storage::{PeopleChange, TokenKind, TokenRecord, UserRecord};
use serde_json::{Value, json};
use uuid::Uuid;

use super::change::Decision;
use super::user::{User, UserBody};
use super::{SessionBody, clean_agent, clean_email};
use crate::trail::Act;
use crate::{Caller, Engine, EngineError, OfficeError, Secret};

/// That many wrong passwords or codes, and nobody is let in for a while (PCI DSS 8.3.4: at most 10).
const FAILURES_MAX: u32 = 6;
/// How long.
const LOCK_MS: i64 = 30 * 60 * 1_000;
/// Beyond that many even the right password is not told to be right until the lock opens: who locked an
/// account must not go on guessing.
const FAILURES_TOLD: u32 = 10;

/// What a person shows to be let in.
#[derive(Clone)]
pub struct SignIn {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: String,
    /// The code of the second factor, or a recovery code.
    pub code: Option<String>,
    /// Where the request came from.
    pub address: IpAddr,
    /// What the browser says about itself.
    pub agent: String,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// A person who was let in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The session's token, shown here and never again.
    pub token: Secret,
    /// Who acts with it.
    pub caller: Caller,
    /// When the session ends at the latest.
    pub expires_at: Timestamp,
}

/// Why a person was not let in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No such person, wrong password, wrong code, or disabled: all look alike.
    #[error("the e-mail address, the password or the code is wrong")]
    Denied,
    /// The password is right, and the code of the second factor is needed as well.
    #[error("the code of the second factor is needed")]
    CodeNeeded,
    /// The password is right, but there were too many wrong ones.
    #[error("too many wrong passwords or codes: locked for a while")]
    Locked {
        /// When it opens.
        until: Timestamp,
    },
    /// The program says why.
    #[error(transparent)]
    Office(#[from] OfficeError),
}

impl From<EngineError> for SignInError {
    fn from(error: EngineError) -> Self {
        Self::Office(error.into())
    }
}

/// How a try to sign in ends.
type TryEnd = Result<SignedIn, SignInError>;

/// What a person who is let in already proves again.
#[derive(Clone)]
pub(super) struct Proof {
    password: String,
    code: Option<String>,
    /// What the caller calls the password.
    field: &'static str,
}

impl Proof {
    pub(super) fn old_password(password: &str) -> Self {
        Self {
            field: "old_password",
            ..Self::password(password)
        }
    }

    pub(super) fn password(password: &str) -> Self {
        Self {
            password: password.to_owned(),
            code: None,
            field: "password",
        }
    }

    pub(super) fn both(password: &str, code: &str) -> Self {
        Self {
            code: Some(code.to_owned()),
            ..Self::password(password)
        }
    }
}

/// The hash of the password with which somebody proved who he is.
pub(super) struct Proven(String);

impl Proven {
    /// Refuses what was proven with a password that was changed since.
    pub(super) fn still_holds(&self, user: &User) -> Result<(), OfficeError> {
        if user.body.password == self.0 {
            Ok(())
        } else {
            Err(OfficeError::Stale)
        }
    }
}

/// What comes of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Granted,
    /// Wrong; the flag says that this one locked the account.
    Wrong {
        locked: bool,
    },
    /// Right, but nothing is taken from the person, nor given.
    CodeNeeded,
    Locked(Timestamp),
}

/// The code of a try.
#[derive(Debug, Clone, Copy)]
enum Code<'a> {
    /// None is asked for.
    NotAsked,
    /// It is asked for if there is a second factor.
    Given(Option<&'a str>),
}

impl User {
    /// Decides a try, and counts it.
    fn judge(
        &mut self,
        password_right: bool,
        code: Code<'_>,
        (engine, now): (&Engine, Timestamp),
    ) -> Verdict {
        if self.body.locked_until.is_some_and(|until| until <= now) {
            self.body.locked_until = None;
            self.body.failures = 0;
        }
        if let Some(until) = self.body.locked_until {
            if password_right && self.body.failures < FAILURES_TOLD {
                return Verdict::Locked(until);
            }
            self.body.failures = (self.body.failures + 1).min(FAILURES_TOLD);
            return Verdict::Wrong { locked: false };
        }
        let code_right = match (&mut self.body.second_factor, code) {
            _ if !password_right => false,
            (None, _) | (_, Code::NotAsked) => true,
            (Some(_), Code::Given(None)) => return Verdict::CodeNeeded,
            (Some(factor), Code::Given(Some(code))) => factor.take(code, engine.vault(), now),
        };
        if code_right {
            self.body.failures = 0;
            return Verdict::Granted;
        }
        self.body.failures += 1;
        let locked = self.body.failures >= FAILURES_MAX;
        if locked {
            self.body.locked_until = Some(now.plus_millis(LOCK_MS));
        }
        Verdict::Wrong { locked }
    }

    /// A line about something that this person did at the door.
    fn own_act(&self, action: &'static str, detail: Value) -> Act {
        Act {
            actor: (Some(self.record.id), self.body.name.clone()),
            scope: Some(self.owner()),
            action,
            subject: self.record.id.to_string(),
            detail,
        }
    }
}

impl Engine {
    /// Lets a person in.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn sign_in(&self, request: SignIn) -> Result<SignedIn, SignInError> {
        let engine = self.clone();
        // A guess is counted even if its sender goes away.
        self.detached(async move { Ok(engine.sign_in_now(&request).await) })
            .await?
    }

    async fn sign_in_now(&self, request: &SignIn) -> Result<SignedIn, SignInError> {
        let _place = self.password_desk().place().await?;
        // Nobody has what is no address; it costs the same.
        let email = clean_email(&request.email).unwrap_or_default();
        let (user, is_known) = self.user_by_address(&email).await?;
        let stored = is_known.then_some(user.body.password);
        let right = self
            .check_password(&request.password, stored.as_deref())
            .await?;
        let _turn = self.password_desk().turn().await;
        self.change_people(|| async {
            let (user, is_known) = self.user_by_address(&email).await?;
            let password = is_known.then_some(&user.body.password);
            if password != stored.as_ref() {
                // It was changed while it was checked.
                return Ok(Decision::Nothing(Err(SignInError::Denied)));
            }
            match is_known {
                true => self.decide_sign_in(user, right, request),
                false => self.refuse_unknown(&user, request),
            }
        })
        .await?
    }

    /// The person with this address, and whether there is one. If not the stand-in is opened, which costs the same.
    async fn user_by_address(&self, email: &str) -> Result<(User, bool), OfficeError> {
        let found = self.storage().user_by_email(email).await?;
        let is_known = found.is_some();
        let row = match found {
            Some(row) => row,
            None => self.stand_in()?,
        };
        Ok((User::open(row, self.vault())?, is_known))
    }

    /// The row of a person who does not exist.
    fn stand_in(&self) -> Result<UserRecord, EngineError> {
        let kept = &self.password_desk().stand_in;
        if let Some(row) = kept.get() {
            return Ok(row.clone());
        }
        let id = UserId::from_uuid(Uuid::nil());
        let row = UserRecord {
            id,
            email: String::new(),
            role: Role::Support,
            scope: Scope::Reseller(ResellerId::from_uuid(Uuid::nil())),
            body: self.sealer().seal(id.uuid(), &UserBody::default())?,
            revision: 0,
            created_at: self.now(),
            disabled_at: None,
        };
        Ok(kept.get_or_init(|| row).clone())
    }

    /// Notes a guess at an address that nobody has, and does what counting it would cost. What was typed is not
    /// noted: it may be a password.
    fn refuse_unknown(
        &self,
        stand_in: &User,
        request: &SignIn,
    ) -> Result<Decision<TryEnd>, OfficeError> {
        let row = self.next_row(stand_in)?;
        let act = Act {
            actor: (None, "nobody".to_owned()),
            scope: None,
            action: "user.sign_in_failed",
            subject: String::new(),
            detail: json!({"address": request.address.to_canonical()}),
        };
        let change = PeopleChange {
            // There is no row to write; that nobody's sessions end is one statement as well, and ends none.
            ended_of: Some((row.id, TokenKind::Session, None)),
            ..PeopleChange::default()
        };
        Ok(Decision::Save(change, vec![act], Err(SignInError::Denied)))
    }

    /// Decides a try on this row.
    fn decide_sign_in(
        &self,
        mut user: User,
        right: bool,
        request: &SignIn,
    ) -> Result<Decision<TryEnd>, OfficeError> {
        let now = self.now();
        let detail = json!({"address": request.address.to_canonical()});
        let may = user.record.disabled_at.is_none() && !user.password_is_over(now);
        let code = Code::Given(request.code.as_deref());
        let verdict = user.judge(right && may, code, (self, now));
        let (new_tokens, acts, end) = match verdict {
            Verdict::CodeNeeded => return Ok(Decision::Nothing(Err(SignInError::CodeNeeded))),
            Verdict::Locked(until) => {
                return Ok(Decision::Nothing(Err(SignInError::Locked { until })));
            }
            Verdict::Wrong { locked } => {
                let mut acts = vec![user.own_act("user.sign_in_failed", detail)];
                if locked {
                    acts.push(user.own_act("user.locked", json!({})));
                }
                (Vec::new(), acts, Err(SignInError::Denied))
            }
            Verdict::Granted => {
                let (session, signed_in) = self.begin_session(&mut user, request.into())?;
                let acts = vec![user.own_act("user.signed_in", detail)];
                (vec![session], acts, Ok(signed_in))
            }
        };
        let change = PeopleChange {
            users: vec![self.next_row(&user)?],
            new_tokens,
            ..PeopleChange::default()
        };
        Ok(Decision::Save(change, acts, end))
    }

    /// A session of a person, to be saved.
    pub(super) fn begin_session(
        &self,
        user: &mut User,
        (address, agent): (IpAddr, &str),
    ) -> Result<(TokenRecord, SignedIn), EngineError> {
        let now = self.now();
        user.body.signed_in_at = Some(now);
        let token = Secret(format!("alts_{}", self.random_text(32)));
        let id = self.new_token_id();
        let body = SessionBody {
            address: address.to_canonical(),
            agent: clean_agent(agent),
        };
        let expires_at = now.plus_millis(self.config().session_max_ms);
        let record = TokenRecord {
            id,
            hash: self.vault().hash(token.expose()),
            kind: TokenKind::Session,
            user_id: user.record.id,
            scope: None,
            body: self.sealer().seal(id.uuid(), &body)?,
            created_at: now,
            expires_at,
            seen_at: now,
            ended_at: None,
        };
        let signed_in = SignedIn {
            caller: self.caller_of(user, id, None),
            token,
            expires_at,
        };
        Ok((record, signed_in))
    }

    /// Lets the caller, who is let in, prove again who he is: a session that was taken from somebody must not
    /// be enough for what outlives it. Wrong passwords and codes count as they do at the door.
    pub(super) async fn prove(&self, caller: &Caller, proof: Proof) -> Result<Proven, OfficeError> {
        let id = self.person(caller).await?.record.id;
        let engine = self.clone();
        self.detached(async move { Ok(engine.prove_now(id, &proof).await) })
            .await?
    }

    async fn prove_now(&self, id: UserId, proof: &Proof) -> Result<Proven, OfficeError> {
        let _place = self.password_desk().place().await?;
        let user = self.load_user(id).await?.ok_or(OfficeError::NotFound)?;
        let checked = user.body.password;
        let right = self.check_password(&proof.password, Some(&checked)).await?;
        let _turn = self.password_desk().turn().await;
        self.change_people(|| async {
            let mut user = self.load_user(id).await?.ok_or(OfficeError::NotFound)?;
            if user.body.password != checked {
                return Err(OfficeError::Stale);
            }
            // In a lock nothing says whether the guess was right: a taken session would learn the password.
            let now = self.now();
            if user.body.locked_until.is_some_and(|until| until > now) {
                return Err(locked());
            }
            let code = match &proof.code {
                Some(code) => Code::Given(Some(code)),
                None => Code::NotAsked,
            };
            let verdict = user.judge(right, code, (self, now));
            let (acts, end) = match verdict {
                Verdict::Granted => (Vec::new(), Ok(Proven(checked.clone()))),
                Verdict::CodeNeeded | Verdict::Locked(_) => return Err(locked()),
                Verdict::Wrong { locked } => {
                    let mut acts = vec![user.own_act("user.proof_failed", json!({}))];
                    if locked {
                        acts.push(user.own_act("user.locked", json!({})));
                    }
                    (acts, Err(wrong_proof(right, proof.field)))
                }
            };
            let change = PeopleChange {
                users: vec![self.next_row(&user)?],
                ..PeopleChange::default()
            };
            Ok(Decision::Save(change, acts, end))
        })
        .await?
    }
}

impl<'a> From<&'a SignIn> for (IpAddr, &'a str) {
    fn from(request: &'a SignIn) -> Self {
        (request.address, &request.agent)
    }
}

fn locked() -> OfficeError {
    let words = "too many wrong passwords or codes: locked for a while".to_owned();
    OfficeError::Conflict("locked", words)
}

fn wrong_proof(password_right: bool, field: &str) -> OfficeError {
    if password_right {
        OfficeError::invalid("code", "is wrong or was used before")
    } else {
        OfficeError::invalid(field, "is wrong")
    }
}
