//! Passwords: their rules (those of PCI DSS 8.3), and argon2id.

use altyn_domain::Timestamp;
use argon2::{CustomizedPasswordHasher as _, Params, PasswordHash, PasswordVerifier as _};

use super::change::{Ended, PersonChange};
use super::hasher::Hasher;
use super::user::User;
use crate::people::sign_in::Proof;
use crate::trail::Act;
use crate::{Caller, Engine, EngineError, Flaw, OfficeError, Secret};

/// Fewest characters.
const LENGTH_MIN: usize = 12;
/// Most characters.
const LENGTH_MAX: usize = 128;
/// A new password is none of that many last ones.
pub(super) const REMEMBERED: usize = 4;

/// Memory of one hash, in KiB; passes over it. The least that OWASP recommends.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;

/// How a person changes the own password.
#[derive(Clone, Copy)]
pub struct PasswordChange<'a> {
    /// The present password.
    pub old: &'a str,
    /// The new one.
    pub new: &'a str,
    /// Whether all of the person's API tokens end with it.
    pub end_tokens: bool,
}

impl std::fmt::Debug for PasswordChange<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordChange")
            .field("end_tokens", &self.end_tokens)
            .finish_non_exhaustive()
    }
}

/// Stands for the hash of somebody who does not exist: it costs the same, and no password has it.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGlzIGhlcmUh$\
                      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Passwords that are tried first, in small letters, one a line.
const COMMON: &str = include_str!("common_passwords.txt");

/// The text to be stored of a password.
fn hash(password: &str, salt: [u8; 16]) -> Result<String, EngineError> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None)
        .map_err(|error| EngineError::Fault(format!("argon2: {error}")))?;
    let hash = Hasher
        .hash_password_with_params(password.as_bytes(), &salt, params)
        .map_err(|error| EngineError::Fault(format!("argon2: {error}")))?;
    Ok(hash.to_string())
}

/// Whether this password has this hash. Costs the same whatever they are.
fn verify(password: &str, stored: Option<&str>) -> bool {
    // A longer text is no password of ours, and shall cost no more than one.
    let fits = password.len() <= LENGTH_MAX * 4;
    let tried = if fits { password } else { "" };
    let right = PasswordHash::new(stored.unwrap_or(NOBODY))
        .is_ok_and(|known| Hasher.verify_password(tried.as_bytes(), &known).is_ok());
    right && fits && stored.is_some()
}

/// Runs what takes a processor for long where nobody waits for it.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| EngineError::Fault(format!("a password was not checked: {error}")))?
}

/// What is wrong with a password by itself.
fn flaws(password: &str, email: &str, name: &str) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    let mut wrong = |message: &str| flaws.push(Flaw::new("password", message));
    let length = password.chars().count();
    if length < LENGTH_MIN {
        wrong("must have at least 12 characters");
    }
    if length > LENGTH_MAX {
        wrong("must have at most 128 characters");
    }
    let has = |test: fn(char) -> bool| password.chars().any(test);
    if !has(char::is_alphabetic) || !has(char::is_numeric) {
        wrong("must have letters and digits");
    }
    let small = password.to_lowercase();
    let local = email.split('@').next().unwrap_or(email);
    let name = name.to_lowercase();
    let told = [email, local].into_iter().chain(name.split_whitespace());
    if told
        .filter(|part| part.chars().count() >= 4)
        .any(|part| small.contains(part))
    {
        wrong("must not hold the e-mail address or the name");
    }
    let bare: String = small.chars().filter(|c| c.is_alphanumeric()).collect();
    if COMMON
        .lines()
        .any(|common| common == small || common == bare)
    {
        wrong("is one that everybody tries first");
    }
    flaws
}

impl Engine {
    /// The hash of a new password, if the rules allow it for a person with these former ones.
    pub(super) async fn accept_password(
        &self,
        password: &str,
        (email, name): (&str, &str),
        former: Vec<String>,
    ) -> Result<String, OfficeError> {
        let flaws = flaws(password, email, name);
        if !flaws.is_empty() {
            return Err(OfficeError::Invalid(flaws));
        }
        let _place = self.password_desk().place().await?;
        let salt = self.salt();
        let password = password.to_owned();
        let hashed = apart(move || {
            for stored in &former {
                if verify(&password, Some(stored)) {
                    return Ok(None);
                }
            }
            hash(&password, salt).map(Some)
        })
        .await?;
        hashed.ok_or_else(|| OfficeError::invalid("password", "is one of the last four"))
    }

    /// A password made by us, to be changed at its first use, and its hash.
    pub(super) async fn one_time_password(&self) -> Result<(Secret, String), OfficeError> {
        let secret = Secret(self.random_text(18));
        let (salt, text) = (self.salt(), secret.0.clone());
        let _place = self.password_desk().place().await?;
        let hash = apart(move || hash(&text, salt)).await?;
        Ok((secret, hash))
    }

    /// Whether this password has this hash; takes the same time if there is none.
    pub(super) async fn check_password(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<bool, EngineError> {
        let password = password.to_owned();
        let stored = stored.map(str::to_owned);
        apart(move || Ok(verify(&password, stored.as_deref()))).await
    }

    fn salt(&self) -> [u8; 16] {
        let mut salt = [0; 16];
        self.entropy().fill(&mut salt);
        salt
    }

    /// Changes the caller's own password. All other sessions end, and if wanted all API tokens.
    ///
    /// # Errors
    /// [`OfficeError::Invalid`] with the field `old_password` or `password`; `locked` after too many wrong
    /// ones; [`OfficeError::Forbidden`] with an API token.
    pub async fn change_password(
        &self,
        caller: &Caller,
        change: PasswordChange<'_>,
    ) -> Result<(), OfficeError> {
        let proof = Proof::old_password(change.old);
        let proven = self.prove(caller, proof).await?;
        let user = self.person(caller).await?;
        proven.still_holds(&user)?;
        let mut former = vec![user.body.password.clone()];
        former.extend(user.body.former.iter().cloned());
        let who = (user.record.email.as_str(), user.body.name.as_str());
        let hash = self.accept_password(change.new, who, former).await?;
        let ended = match change.end_tokens {
            true => Ended::OtherSessionsAndTokens,
            false => Ended::OtherSessions,
        };
        self.change_self(caller, |user| {
            proven.still_holds(user)?;
            user.body.set_password(hash.clone());
            Ok(PersonChange::new("user.password_changed", ended, ()))
        })
        .await
    }
}

impl User {
    /// A line of the audit trail about this person.
    pub(super) fn act(
        &self,
        caller: &Caller,
        action: &'static str,
        detail: serde_json::Value,
    ) -> Act {
        Act::by(caller, Some(self.owner()), action, self.record.id, detail)
    }

    /// Whether a password that somebody else set may no longer be used.
    pub(super) fn password_is_over(&self, now: Timestamp) -> bool {
        self.body.password_until.is_some_and(|until| until <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(password: &str) -> Vec<String> {
        let flaws = flaws(password, "operator@altyn.example", "Chief Operator");
        flaws.into_iter().map(|flaw| flaw.message).collect()
    }

    #[test]
    fn the_rules_of_passwords() {
        assert!(messages("мост через 7 рек").is_empty());
        assert!(messages("correct 4 horses").is_empty());
        assert_eq!(messages("short 1").len(), 1);
        assert_eq!(messages(&"a1".repeat(65)).len(), 1);
        assert_eq!(messages("only letters here").len(), 1);
        assert_eq!(messages("123456789012").len(), 1);
        assert_eq!(messages("the Operator 2026").len(), 1);
        assert_eq!(messages("chief-of-7-seas").len(), 1);
        assert_eq!(messages("Password-1234").len(), 1);
    }

    #[test]
    fn the_common_ones_pass_the_other_rules() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert_eq!(lines.len(), 50);
        for line in lines {
            assert_eq!(
                messages(line),
                ["is one that everybody tries first"],
                "{line}"
            );
        }
    }

    #[test]
    fn a_hash_knows_its_password() {
        let stored = hash("correct 4 horses", [7; 16]).unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        assert!(verify("correct 4 horses", Some(&stored)));
        assert!(!verify("correct 5 horses", Some(&stored)));
        assert!(!verify("correct 4 horses", None));
        assert!(!verify(&"x".repeat(10_000), Some(&stored)));
    }

    #[test]
    fn nobody_costs_what_somebody_costs() {
        let nobody = PasswordHash::new(NOBODY).expect("it is read");
        let stored = hash("correct 4 horses", [7; 16]).unwrap();
        let somebody = PasswordHash::new(&stored).expect("it is read");
        assert_eq!(nobody.params, somebody.params);
        assert_eq!(nobody.algorithm, somebody.algorithm);
        assert_eq!(
            nobody.hash.map(|hash| hash.len()),
            somebody.hash.map(|hash| hash.len())
        );
    }
}
