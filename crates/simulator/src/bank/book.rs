//! The bank's book: all operations and the rules of money. Pure: no clock, no sockets.
//!
//! Invariants of every authorization: `captured + voided + released <= held`,
//! `refunded <= captured`, nothing moves unless it is approved. One key has one effect.

use std::collections::HashMap;
use std::sync::Arc;

use iso_currency::Currency;
use uuid::Uuid;

use super::card::{self, Behaviour, Delivery};
use super::operation::{Authentication, Code, Kind, Operation, Status, Step};
use super::wire::{AuthenticationWish, AuthorizationRequest, FollowUpRequest};
use crate::clock;

/// Wrong codes after which the ACS gives the payer up.
pub const WRONG_CODES_MAX: u8 = 3;

/// Why the book did not take an operation at all.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The key already names another request.
    #[error("key_reused")]
    KeyReused,
    /// No operation has this key.
    #[error("not_found")]
    NotFound,
}

/// What a call did.
#[derive(Debug, PartialEq, Eq)]
pub struct Performed {
    /// Which operation it speaks of.
    pub index: usize,
    /// How the answer travels.
    pub delivery: Delivery,
    /// Whether anything changed, be it only how often the key was received.
    pub changed: bool,
}

/// When a call arrives, and how long late answers are held.
#[derive(Clone, Copy)]
pub struct Moment {
    /// Milliseconds since 1970.
    pub now_ms: u64,
    /// How long a late answer is held back.
    pub late_ms: u64,
    /// Entropy of the ACS, drawn only for operations that need it.
    pub entropy: fn() -> Entropy,
}

/// Random values of one authentication.
pub struct Entropy {
    /// `threeDSServerTransID`.
    pub transaction_id: Uuid,
    /// `acsTransID`.
    pub acs_transaction_id: Uuid,
    /// The code the payer types.
    pub code: u32,
}

/// All operations, oldest first, and the ways to find one.
#[derive(Default)]
pub struct Book {
    operations: Vec<Operation>,
    by_key: HashMap<Arc<str>, u32>,
    by_transaction: HashMap<Uuid, u32>,
}

impl Book {
    /// All operations, oldest first.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operation at an index that this book gave out.
    pub fn at(&self, index: usize) -> &Operation {
        &self.operations[index]
    }

    /// Finds an operation by its key.
    pub fn find(&self, key: &str) -> Option<usize> {
        self.by_key.get(key).map(|index| *index as usize)
    }

    /// Finds an authorization by `threeDSServerTransID`.
    pub fn find_transaction(&self, transaction_id: Uuid) -> Option<usize> {
        self.by_transaction
            .get(&transaction_id)
            .map(|index| *index as usize)
    }

    /// Puts an operation that was read from the journal into the book, or replaces it.
    pub fn restore(&mut self, operation: Operation) {
        match self.find(&operation.key) {
            Some(index) => {
                self.remember_transaction(&operation, index);
                self.operations[index] = operation;
            }
            None => {
                self.insert(operation);
            }
        }
    }

    /// Authorizes, or answers a repeat.
    pub fn authorize(
        &mut self,
        request: &AuthorizationRequest,
        moment: Moment,
    ) -> Result<Performed, Refusal> {
        if let Some(repeat) = self.repeat(&request.key, &request.fingerprint) {
            return repeat;
        }
        let mut operation = received(request, moment.now_ms);
        let delivery = match refusal_before_authentication(request, &operation, moment.now_ms) {
            Some(code) => {
                operation.status = Status::Declined;
                operation.code = code;
                Delivery::AtOnce
            }
            None => begin(&mut operation, request, moment),
        };
        let index = self.insert(operation);
        Ok(Performed {
            index,
            delivery,
            changed: true,
        })
    }

    /// Goes on after the method step.
    pub fn method_completed(&mut self, key: &str, moment: Moment) -> Result<Performed, Refusal> {
        let index = self.find(key).ok_or(Refusal::NotFound)?;
        let operation = &mut self.operations[index];
        let step = operation
            .authentication
            .as_deref_mut()
            .filter(|it| it.step == Step::Method);
        let Some(authentication) = step else {
            return Ok(Performed {
                index,
                delivery: Delivery::AtOnce,
                changed: false,
            });
        };
        if authentication.challenge {
            authentication.step = Step::Challenge;
            return Ok(Performed {
                index,
                delivery: Delivery::AtOnce,
                changed: true,
            });
        }
        authentication.step = Step::Over;
        let delivery = conclude(operation, moment);
        Ok(Performed {
            index,
            delivery,
            changed: true,
        })
    }

    /// Goes on after the challenge, by the ACS's own record: until the ACS has decided, nothing
    /// changes, whatever the terminal says.
    pub fn challenge_completed(&mut self, key: &str, moment: Moment) -> Result<Performed, Refusal> {
        let index = self.find(key).ok_or(Refusal::NotFound)?;
        let operation = &mut self.operations[index];
        let step = operation
            .authentication
            .as_deref_mut()
            .filter(|it| it.step == Step::Challenge);
        let decided = step.and_then(|it| it.passed.map(|passed| (it, passed)));
        let Some((authentication, passed)) = decided else {
            return Ok(Performed {
                index,
                delivery: Delivery::AtOnce,
                changed: false,
            });
        };
        authentication.step = Step::Over;
        let delivery = if passed {
            conclude(operation, moment)
        } else {
            operation.status = Status::Declined;
            operation.code = Code::AUTHENTICATION_FAILED;
            Delivery::AtOnce
        };
        Ok(Performed {
            index,
            delivery,
            changed: true,
        })
    }

    /// The payer types a code (or cancels, with `None`) on the ACS page. Gives whether the
    /// payer passed, or nothing while another try is allowed.
    pub fn answer_challenge(&mut self, index: usize, typed: Option<u32>) -> Option<bool> {
        let authentication = self.operations[index].authentication.as_deref_mut()?;
        if authentication.passed.is_some() || authentication.step != Step::Challenge {
            return authentication.passed;
        }
        match typed {
            Some(code) if code == authentication.code => authentication.passed = Some(true),
            None => authentication.passed = Some(false),
            Some(_) => {
                authentication.wrong_codes += 1;
                if authentication.wrong_codes >= WRONG_CODES_MAX {
                    authentication.passed = Some(false);
                }
            }
        }
        authentication.passed
    }

    /// Captures, voids or refunds, or answers a repeat. A refused one is remembered too.
    pub fn follow_up(
        &mut self,
        kind: Kind,
        parent_key: &str,
        request: &FollowUpRequest,
        fingerprint: [u8; 16],
        moment: Moment,
    ) -> Result<Performed, Refusal> {
        if let Some(repeat) = self.repeat(&request.key, &fingerprint) {
            return repeat;
        }
        let parent = self
            .find(parent_key)
            .filter(|at| self.at(*at).kind == Kind::Authorization);
        let code = match parent {
            Some(index) => move_money(
                &mut self.operations[index],
                kind,
                request.amount,
                moment.now_ms,
            ),
            None => Code::ORIGINAL_NOT_FOUND,
        };
        let approved = code == Code::APPROVED;
        let original = parent.map(|index| self.at(index));
        let operation = Operation {
            key: Arc::from(&*request.key),
            kind,
            status: if approved {
                Status::Approved
            } else {
                Status::Declined
            },
            code,
            amount: request.amount,
            currency: original.map_or(Currency::XXX, |original| original.currency),
            fingerprint,
            parent: parent.and_then(|index| u32::try_from(index).ok()),
            received: 1,
            eci: 0,
            verify: false,
            capture_at_once: false,
            behaviour: Behaviour::Approved,
            masked_pan: original.and_then(|original| original.masked_pan),
            held: 0,
            captured: 0,
            voided: 0,
            released: 0,
            refunded: 0,
            at_ms: moment.now_ms,
            late_until_ms: 0,
            authentication: None,
        };
        let index = self.insert(operation);
        Ok(Performed {
            index,
            delivery: Delivery::AtOnce,
            changed: true,
        })
    }

    fn repeat(&mut self, key: &str, fingerprint: &[u8; 16]) -> Option<Result<Performed, Refusal>> {
        let index = self.find(key)?;
        let operation = &mut self.operations[index];
        if operation.fingerprint != *fingerprint {
            return Some(Err(Refusal::KeyReused));
        }
        operation.received = operation.received.saturating_add(1);
        Some(Ok(Performed {
            index,
            delivery: Delivery::AtOnce,
            changed: true,
        }))
    }

    fn insert(&mut self, operation: Operation) -> usize {
        let index = self.operations.len();
        let short = u32::try_from(index).expect("memory ends long before four billion operations");
        self.by_key.insert(Arc::clone(&operation.key), short);
        self.remember_transaction(&operation, index);
        self.operations.push(operation);
        index
    }

    fn remember_transaction(&mut self, operation: &Operation, index: usize) {
        let short = u32::try_from(index).ok();
        if let Some((authentication, short)) = operation.authentication.as_deref().zip(short) {
            self.by_transaction
                .insert(authentication.transaction_id, short);
        }
    }
}

fn received(request: &AuthorizationRequest, now_ms: u64) -> Operation {
    Operation {
        key: Arc::from(&*request.key),
        kind: Kind::Authorization,
        status: Status::AuthenticationRequired,
        code: Code::APPROVED,
        amount: request.amount,
        currency: request.currency,
        fingerprint: request.fingerprint,
        parent: None,
        received: 1,
        eci: 0,
        verify: request.verify,
        capture_at_once: request.capture,
        behaviour: Behaviour::of(&request.pan),
        masked_pan: card::mask(&request.pan),
        held: 0,
        captured: 0,
        voided: 0,
        released: 0,
        refunded: 0,
        at_ms: now_ms,
        late_until_ms: 0,
        authentication: None,
    }
}

/// What is refused before anybody is asked for a code.
fn refusal_before_authentication(
    request: &AuthorizationRequest,
    operation: &Operation,
    now_ms: u64,
) -> Option<Code> {
    if operation.behaviour == Behaviour::BadNumber {
        Some(Code::BAD_CARD_NUMBER)
    } else if request.expiry < clock::year_month(now_ms) {
        Some(Code::EXPIRED_CARD)
    } else if request.verify != (request.amount == 0) {
        Some(Code::BAD_AMOUNT)
    } else {
        None
    }
}

/// Starts authentication, or decides at once if there is none.
fn begin(operation: &mut Operation, request: &AuthorizationRequest, moment: Moment) -> Delivery {
    let usual = operation.behaviour.authentication();
    let (method, challenge) = match request.authentication {
        AuthenticationWish::Default => (usual.method, usual.challenge),
        AuthenticationWish::Force => (usual.method, true),
        AuthenticationWish::Skip => (false, false),
    };
    let browser = &request.browser;
    let method = method && browser.method_supported && browser.method_notification_url.is_some();
    if !method && !challenge {
        // A frictionless card is authenticated even if its issuer saw no browser.
        operation.eci = if usual.method && request.authentication != AuthenticationWish::Skip {
            5
        } else {
            7
        };
        return conclude(operation, moment);
    }
    operation.eci = 5;
    let entropy = (moment.entropy)();
    operation.authentication = Some(Box::new(Authentication {
        transaction_id: entropy.transaction_id,
        acs_transaction_id: entropy.acs_transaction_id,
        step: if method {
            Step::Method
        } else {
            Step::Challenge
        },
        challenge,
        code: entropy.code,
        wrong_codes: 0,
        passed: None,
        notification_url: browser.notification_url.clone(),
        method_notification_url: browser.method_notification_url.clone(),
        language: browser.language.clone(),
        order: request.order.clone(),
    }));
    Delivery::AtOnce
}

/// Decides an authorization and moves the money, whatever becomes of the answer.
fn conclude(operation: &mut Operation, moment: Moment) -> Delivery {
    operation.code = operation.behaviour.code();
    if operation.code == Code::APPROVED {
        operation.status = Status::Approved;
        operation.held = operation.amount;
        if operation.capture_at_once {
            operation.captured = operation.amount;
        }
    } else {
        operation.status = Status::Declined;
    }
    let delivery = operation.behaviour.delivery();
    if delivery == Delivery::Late {
        operation.late_until_ms = moment.now_ms.saturating_add(moment.late_ms);
    }
    assert_sums(operation);
    delivery
}

/// Moves money of an authorization, or says why not.
fn move_money(original: &mut Operation, kind: Kind, amount: i64, now_ms: u64) -> Code {
    if original.visible_status(now_ms) != Status::Approved || original.verify {
        return Code::NOT_ALLOWED;
    }
    let left = match kind {
        // The first capture releases the rest, so there is never a second one.
        Kind::Capture if original.captured > 0 => 0,
        Kind::Capture | Kind::Void => original.open(),
        Kind::Refund => original.refundable(),
        Kind::Authorization => 0,
    };
    if left == 0 {
        return Code::NOT_ALLOWED;
    }
    if !(1..=left).contains(&amount) {
        return Code::BAD_AMOUNT;
    }
    match kind {
        Kind::Capture => {
            original.captured = amount;
            original.released = original.open();
        }
        Kind::Void => original.voided += amount,
        Kind::Refund => original.refunded += amount,
        Kind::Authorization => {}
    }
    assert_sums(original);
    Code::APPROVED
}

fn assert_sums(operation: &Operation) {
    assert!(
        operation.open() >= 0,
        "more taken than held: {}",
        operation.key
    );
    assert!(
        operation.refundable() >= 0,
        "more given back than taken: {}",
        operation.key
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Moment = Moment {
        now_ms: 1_770_000_000_000,
        late_ms: 1000,
        entropy: || Entropy {
            transaction_id: Uuid::from_u128(1),
            acs_transaction_id: Uuid::from_u128(2),
            code: 42,
        },
    };

    fn request(pan: &str, amount: i64) -> AuthorizationRequest {
        AuthorizationRequest {
            key: "a".into(),
            amount,
            currency: Currency::KZT,
            capture: false,
            verify: false,
            pan: pan.into(),
            expiry: 203_012,
            authentication: AuthenticationWish::Default,
            browser: super::super::wire::Browser::default(),
            order: "1".into(),
            fingerprint: [0; 16],
        }
    }

    fn held(amount: i64) -> Book {
        let mut book = Book::default();
        book.authorize(&request("4444555511113333", amount), MOMENT)
            .expect("taken");
        book
    }

    fn follow(book: &mut Book, kind: Kind, key: &str, amount: i64) -> Code {
        let request = FollowUpRequest {
            key: key.into(),
            amount,
        };
        let performed = book
            .follow_up(kind, "a", &request, [1; 16], MOMENT)
            .expect("taken");
        book.at(performed.index).code
    }

    #[test]
    fn partial_capture_releases_the_rest_for_good() {
        let mut book = held(1000);

        assert_eq!(
            follow(&mut book, Kind::Capture, "c0", 1001),
            Code::BAD_AMOUNT
        );
        assert_eq!(follow(&mut book, Kind::Capture, "c1", 0), Code::BAD_AMOUNT);
        assert_eq!(follow(&mut book, Kind::Capture, "c2", 600), Code::APPROVED);
        assert_eq!(follow(&mut book, Kind::Capture, "c3", 1), Code::NOT_ALLOWED);
        assert_eq!(follow(&mut book, Kind::Void, "v1", 1), Code::NOT_ALLOWED);
        assert_eq!((book.at(0).captured, book.at(0).released), (600, 400));
    }

    #[test]
    fn refunds_stop_at_what_was_captured() {
        let mut book = held(1000);

        assert_eq!(follow(&mut book, Kind::Refund, "r0", 1), Code::NOT_ALLOWED);
        assert_eq!(follow(&mut book, Kind::Capture, "c1", 600), Code::APPROVED);
        assert_eq!(follow(&mut book, Kind::Refund, "r1", 500), Code::APPROVED);
        assert_eq!(follow(&mut book, Kind::Refund, "r2", 101), Code::BAD_AMOUNT);
        assert_eq!(follow(&mut book, Kind::Refund, "r3", 100), Code::APPROVED);
        assert_eq!(follow(&mut book, Kind::Refund, "r4", 1), Code::NOT_ALLOWED);
    }

    #[test]
    fn voids_take_only_what_is_not_captured() {
        let mut book = held(1000);

        assert_eq!(follow(&mut book, Kind::Void, "v1", 400), Code::APPROVED);
        assert_eq!(
            follow(&mut book, Kind::Capture, "c1", 601),
            Code::BAD_AMOUNT
        );
        assert_eq!(follow(&mut book, Kind::Void, "v2", 600), Code::APPROVED);
        assert_eq!(follow(&mut book, Kind::Capture, "c2", 1), Code::NOT_ALLOWED);
    }

    #[test]
    fn repeat_has_no_second_effect_and_another_body_is_refused() {
        let mut book = held(1000);

        assert_eq!(follow(&mut book, Kind::Void, "v1", 400), Code::APPROVED);
        assert_eq!(follow(&mut book, Kind::Void, "v1", 400), Code::APPROVED);
        assert_eq!(book.at(0).voided, 400);
        assert_eq!(book.at(1).received, 2);
        let other = FollowUpRequest {
            key: "v1".into(),
            amount: 1,
        };
        let refused = book.follow_up(Kind::Void, "a", &other, [2; 16], MOMENT);
        assert_eq!(refused, Err(Refusal::KeyReused));
    }

    #[test]
    fn late_authorization_is_decided_but_looks_pending() {
        let mut book = Book::default();
        let performed = book
            .authorize(&request("4000000000009995", 5), MOMENT)
            .expect("taken");

        assert_eq!(performed.delivery, Delivery::Late);
        assert_eq!(book.at(0).held, 5);
        assert_eq!(
            book.at(0).visible_status(MOMENT.now_ms + 999),
            Status::Pending
        );
        assert_eq!(
            book.at(0).visible_status(MOMENT.now_ms + 1000),
            Status::Approved
        );
        assert_eq!(follow(&mut book, Kind::Void, "v1", 5), Code::NOT_ALLOWED);
    }

    #[test]
    fn challenge_is_believed_only_from_the_acs() {
        let mut book = Book::default();
        book.authorize(&request("5555555555555599", 5), MOMENT)
            .expect("taken");

        book.challenge_completed("a", MOMENT).expect("known");
        assert_eq!(book.at(0).status, Status::AuthenticationRequired);
        assert_eq!(book.answer_challenge(0, Some(41)), None);
        assert_eq!(book.answer_challenge(0, Some(42)), Some(true));
        assert_eq!(book.answer_challenge(0, None), Some(true), "decided once");
        book.challenge_completed("a", MOMENT).expect("known");
        assert_eq!((book.at(0).status, book.at(0).held), (Status::Approved, 5));
    }

    #[test]
    fn third_wrong_code_fails_the_payer() {
        let mut book = Book::default();
        book.authorize(&request("5555555555555599", 5), MOMENT)
            .expect("taken");

        assert_eq!(book.answer_challenge(0, Some(1)), None);
        assert_eq!(book.answer_challenge(0, Some(2)), None);
        assert_eq!(book.answer_challenge(0, Some(3)), Some(false));
        assert_eq!(book.answer_challenge(0, Some(42)), Some(false));
        book.challenge_completed("a", MOMENT).expect("known");
        assert_eq!(book.at(0).code, Code::AUTHENTICATION_FAILED);
        assert_eq!(book.at(0).held, 0);
    }
}
