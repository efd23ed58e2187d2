//! The second factor: six digits of an authenticator app (TOTP, RFC 6238), and recovery codes.

use altyn_domain::Timestamp;
use serde::{Deserialize, Serialize};
use totp_rs::{Algorithm, Builder, Totp};

use super::change::{Ended, PersonChange};
use super::sign_in::{Proof, Proven};
use crate::trail::hex;
use crate::{Caller, Engine, EngineError, OfficeError, Vault};

/// Seconds for which one code holds.
const STEP_S: u64 = 30;
/// How many recovery codes are given.
const RECOVERY_CODES: usize = 10;
/// Letters and digits of a recovery code; no two look alike. 32 of them: five bits each.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Length of a recovery code without its hyphens: 80 random bits.
const RECOVERY_LENGTH: usize = 16;

/// A second factor as sealed with the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SecondFactor {
    /// The shared secret, in base 32.
    secret: String,
    /// The step of the last code that was taken: none at or below it is taken again.
    last_step: u64,
    /// Keyed hashes of the recovery codes that are left, in hexadecimal digits.
    recovery: Vec<String>,
}

/// What an authenticator app needs, shown once.
#[derive(Clone)]
pub struct PendingFactorView {
    /// The secret, to be typed in.
    pub secret_base32: String,
    /// The secret, to be shown as a QR code.
    pub otpauth_url: String,
}

impl std::fmt::Debug for PendingFactorView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PendingFactorView(***)")
    }
}

/// The step in which an instant lies.
fn step_of(now: Timestamp) -> u64 {
    u64::try_from(now.as_millis() / 1_000).unwrap_or(0) / STEP_S
}

fn totp(secret_base32: &str, account: &str) -> Option<Totp> {
    let secret = totp_rs::Secret::try_from_base32(secret_base32).ok()?;
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(0)
        .with_step_duration(STEP_S)
        .with_secret(secret)
        .with_account_name(account)
        .with_issuer(Some("Altyn"))
        .build()
        .ok()
}

/// The step whose code this is: the present one or one beside it, and later than `last_step`.
fn matching_step(secret: &str, code: &str, now: Timestamp, last_step: u64) -> Option<u64> {
    let totp = totp(secret, "")?;
    let present = step_of(now);
    let steps = present.saturating_sub(1)..=present.saturating_add(1);
    let mut right = steps.filter(|step| *step > last_step);
    right.find(|step| totp.check(code, step * STEP_S).is_some())
}

/// A code without the spaces and hyphens that people type, in large letters.
fn bare(code: &str) -> String {
    let kept = code.chars().filter(|c| !c.is_whitespace() && *c != '-');
    kept.take(64).collect::<String>().to_uppercase()
}

impl SecondFactor {
    /// Takes a code of the app or a recovery code; neither is taken twice.
    pub(super) fn take(&mut self, code: &str, vault: &Vault, now: Timestamp) -> bool {
        let code = bare(code);
        if let Some(step) = matching_step(&self.secret, &code, now, self.last_step) {
            self.last_step = step;
            return true;
        }
        if code.len() != RECOVERY_LENGTH {
            return false;
        }
        let hash = hex(&vault.hash(&code));
        let before = self.recovery.len();
        self.recovery.retain(|one| *one != hash);
        self.recovery.len() < before
    }

    /// How many recovery codes are left.
    pub(super) fn codes_left(&self) -> u32 {
        u32::try_from(self.recovery.len()).unwrap_or(u32::MAX)
    }
}

impl Engine {
    /// Begins to set up the caller's second factor. Nothing changes until a code confirms it; beginning
    /// again forgets what was begun before.
    ///
    /// # Errors
    /// `second_factor_present` if there is one: see [`replace_second_factor`](Self::replace_second_factor).
    /// [`OfficeError::Invalid`] for a wrong password, which counts as at the door; `locked` after too many.
    /// [`OfficeError::Forbidden`] with an API token.
    pub async fn begin_second_factor(
        &self,
        caller: &Caller,
        password: &str,
    ) -> Result<PendingFactorView, OfficeError> {
        let user = self.person(caller).await?;
        if user.body.second_factor.is_some() {
            let words = "a second factor is set up already".to_owned();
            return Err(OfficeError::Conflict("second_factor_present", words));
        }
        let proven = self.prove(caller, Proof::password(password)).await?;
        self.begin_pending_factor(caller, &proven).await
    }

    /// Begins to set up another second factor in place of the caller's present one, which holds until a code
    /// of the new one confirms it.
    ///
    /// # Errors
    /// [`OfficeError::Invalid`] for a wrong password or code, which count as at the door.
    pub async fn replace_second_factor(
        &self,
        caller: &Caller,
        password: &str,
        code: &str,
    ) -> Result<PendingFactorView, OfficeError> {
        let proven = self.prove(caller, Proof::both(password, code)).await?;
        self.begin_pending_factor(caller, &proven).await
    }

    async fn begin_pending_factor(
        &self,
        caller: &Caller,
        proven: &Proven,
    ) -> Result<PendingFactorView, OfficeError> {
        let mut random = [0; 20];
        self.entropy().fill(&mut random);
        let secret = totp_rs::Secret::from(random).to_base32();
        self.change_self(caller, |user| {
            proven.still_holds(user)?;
            let url = totp(&secret, &user.record.email).and_then(|totp| totp.to_url().ok());
            let url = url.ok_or_else(|| EngineError::Fault("no address for the app".to_owned()))?;
            user.body.pending_factor = Some(secret.clone());
            let view = PendingFactorView {
                secret_base32: secret.clone(),
                otpauth_url: url,
            };
            let action = "user.second_factor_begun";
            Ok(PersonChange::new(action, Ended::Nothing, view))
        })
        .await
    }

    /// Confirms the second factor that was begun, by a code of it. All other sessions end. The recovery codes
    /// are shown here and never again.
    ///
    /// # Errors
    /// [`OfficeError::Invalid`] for a wrong code, `nothing_begun`.
    pub async fn confirm_second_factor(
        &self,
        caller: &Caller,
        code: &str,
    ) -> Result<Vec<String>, OfficeError> {
        let (codes, recovery) = self.new_recovery_codes();
        self.change_self(caller, |user| {
            let Some(secret) = user.body.pending_factor.take() else {
                let words = "begin to set up a second factor first".to_owned();
                return Err(OfficeError::Conflict("nothing_begun", words));
            };
            let step = matching_step(&secret, &bare(code), self.now(), 0);
            let last_step = step.ok_or_else(|| OfficeError::invalid("code", "is wrong"))?;
            user.body.second_factor = Some(SecondFactor {
                secret,
                last_step,
                recovery: recovery.clone(),
            });
            let action = "user.second_factor_set";
            Ok(PersonChange::new(action, Ended::OtherSessions, ()))
        })
        .await?;
        Ok(codes)
    }

    /// Makes new recovery codes, shown here and never again; the old ones hold no more.
    ///
    /// # Errors
    /// [`OfficeError::Invalid`] for a wrong password or code, which count as at the door; `no_second_factor`.
    pub async fn renew_recovery_codes(
        &self,
        caller: &Caller,
        password: &str,
        code: &str,
    ) -> Result<Vec<String>, OfficeError> {
        let user = self.person(caller).await?;
        user.body.second_factor.as_ref().ok_or_else(none_set)?;
        let proven = self.prove(caller, Proof::both(password, code)).await?;
        let (codes, recovery) = self.new_recovery_codes();
        self.change_self(caller, |user| {
            proven.still_holds(user)?;
            let factor = user.body.second_factor.as_mut().ok_or_else(none_set)?;
            factor.recovery.clone_from(&recovery);
            let action = "user.recovery_codes_renewed";
            Ok(PersonChange::new(action, Ended::Nothing, ()))
        })
        .await?;
        Ok(codes)
    }

    /// Takes the caller's second factor away. All other sessions end.
    ///
    /// # Errors
    /// `second_factor_required` where everybody needs one, `no_second_factor`, [`OfficeError::Invalid`] for a
    /// wrong password or code.
    pub async fn remove_second_factor(
        &self,
        caller: &Caller,
        password: &str,
        code: &str,
    ) -> Result<(), OfficeError> {
        let user = self.person(caller).await?;
        if self.config().second_factor_required {
            let words = "everybody needs a second factor here".to_owned();
            return Err(OfficeError::Conflict("second_factor_required", words));
        }
        user.body.second_factor.as_ref().ok_or_else(none_set)?;
        let proven = self.prove(caller, Proof::both(password, code)).await?;
        self.change_self(caller, |user| {
            proven.still_holds(user)?;
            user.body.second_factor = None;
            user.body.pending_factor = None;
            let action = "user.second_factor_removed";
            Ok(PersonChange::new(action, Ended::OtherSessions, ()))
        })
        .await
    }

    /// New recovery codes for people, and what is stored of them.
    fn new_recovery_codes(&self) -> (Vec<String>, Vec<String>) {
        let made = (0..RECOVERY_CODES).map(|_| {
            let mut random = [0; RECOVERY_LENGTH];
            self.entropy().fill(&mut random);
            let letters = random.map(|byte| ALPHABET[usize::from(byte % 32)]);
            let shown: Vec<String> = letters
                .chunks(4)
                .map(|four| String::from_utf8_lossy(four).into_owned())
                .collect();
            let hash = hex(&self.vault().hash(&shown.concat()));
            (shown.join("-"), hash)
        });
        made.unzip()
    }
}

fn none_set() -> OfficeError {
    OfficeError::Conflict("no_second_factor", "no second factor is set up".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn factor() -> SecondFactor {
        SecondFactor {
            secret: SECRET.to_owned(),
            last_step: 0,
            recovery: Vec::new(),
        }
    }

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        // Its appendix B shows eight digits; six are the last ones of them.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            let step = u64::try_from(seconds / 30).unwrap();
            assert_eq!(matching_step(SECRET, code, at(seconds), 0), Some(step));
        }
    }

    #[test]
    fn row_79_a_code_is_taken_once_and_near_its_time() {
        let vault = Vault::try_new(&[1; 32]).unwrap();
        let take = |factor: &mut SecondFactor, seconds| factor.take("081 804", &vault, at(seconds));
        let begin = 1_111_111_109 / 30 * 30;
        for (seconds, taken) in [
            (begin - 31, false),
            (begin - 30, true),
            (begin, true),
            (begin + 59, true),
            (begin + 60, false),
        ] {
            let mut factor = factor();
            assert_eq!(take(&mut factor, seconds), taken, "{}", seconds - begin);
            assert!(!take(&mut factor, seconds), "twice");
        }
    }

    #[test]
    fn row_79_a_recovery_code_is_taken_once() {
        let vault = Vault::try_new(&[1; 32]).unwrap();
        let code = "ABCDEFGHJKLMNPQR";
        let mut factor = SecondFactor {
            recovery: vec![hex(&vault.hash("other")), hex(&vault.hash(code))],
            ..factor()
        };
        assert!(!factor.take("ABCD-EFGH-JKLM-NPQS", &vault, at(0)));
        assert!(factor.take("abcd-efgh-jklm-npqr", &vault, at(0)));
        assert!(!factor.take("ABCD-EFGH-JKLM-NPQR", &vault, at(0)));
        assert_eq!(factor.codes_left(), 1);
    }
}
