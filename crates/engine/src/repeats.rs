//! Requests that may be sent twice: the first is carried out, a repeat gets the same answer.
//!
//! A record is written before the work begins. It gets its answer when the work is done, and is taken away
//! only if nothing changed. After a crash in between it stays without an answer: such a request is never
//! carried out again, for nobody knows how far it came.

use altyn_domain::UserId;
use altyn_storage::IdempotencyRecord;
use aws_lc_rs::digest;

use crate::trail::hex;
use crate::{Engine, EngineError};

/// How long requests with a key are known, and ended tokens kept.
pub(crate) const REQUESTS_KEPT_MS: i64 = 30 * 24 * 3_600_000;

/// The place of one request among those with a key.
#[derive(Debug, Clone)]
pub struct Repeatable {
    owner: UserId,
    key_hash: Vec<u8>,
}

/// What is known of a request with a key.
#[derive(Debug)]
pub enum Repeat {
    /// Nothing: it is to be carried out now.
    First(Repeatable),
    /// It is under way, or its end is not known.
    Running,
    /// The key came with another request before.
    OtherRequest,
    /// It was answered before, with this.
    Answered(String),
}

impl Engine {
    /// Takes note of a request with a key of this person. `parts` are all that makes the request what it is;
    /// each counts with its length.
    ///
    /// # Errors
    /// If the database is not available, or what it holds cannot be opened.
    pub async fn begin_repeatable(
        &self,
        owner: UserId,
        key: &str,
        parts: &[&[u8]],
    ) -> Result<Repeat, EngineError> {
        let place = Repeatable {
            owner,
            key_hash: self.keyed_digest(&[key.as_bytes()]),
        };
        let record = IdempotencyRecord {
            owner: owner.uuid(),
            key_hash: place.key_hash.clone(),
            digest: self.keyed_digest(parts),
            at: self.now(),
            answer: None,
        };
        let Some(known) = self.storage().begin_request(&record).await? else {
            return Ok(Repeat::First(place));
        };
        if known.digest != record.digest {
            return Ok(Repeat::OtherRequest);
        }
        let Some(sealed) = known.answer else {
            return Ok(Repeat::Running);
        };
        let opened = self.vault().open(&sealed, &place.record());
        opened
            .map(Repeat::Answered)
            .map_err(|error| EngineError::Fault(format!("an answer kept for a repeat: {error}")))
    }

    /// The keyed hash of parts, each led by its length, so that no two different lists give the same. A bare
    /// hash would let whoever has the database try passwords that were sent.
    fn keyed_digest(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in parts {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            context.update(&length.to_be_bytes());
            context.update(part);
        }
        self.vault().hash(&hex(context.finish().as_ref()))
    }

    /// Keeps the answer for repeats, sealed: secrets that are shown once may be in it.
    ///
    /// # Errors
    /// If the database is not available.
    pub async fn keep_answer(&self, place: &Repeatable, answer: &str) -> Result<(), EngineError> {
        let sealed = self
            .vault()
            .seal(answer, &place.record(), self.entropy())
            .map_err(|error| EngineError::Fault(error.to_string()))?;
        let owner = place.owner.uuid();
        let kept = self
            .storage()
            .finish_request(owner, &place.key_hash, &sealed);
        Ok(kept.await?)
    }

    /// Forgets a request that changed nothing: the next one with its key is carried out.
    ///
    /// # Errors
    /// If the database is not available.
    pub async fn forget_repeatable(&self, place: &Repeatable) -> Result<(), EngineError> {
        let owner = place.owner.uuid();
        Ok(self
            .storage()
            .forget_request(owner, &place.key_hash)
            .await?)
    }

    /// Runs work to its end even if whoever waits for it goes away; [`stop`](Self::stop) waits for it too.
    ///
    /// # Errors
    /// [`EngineError::StateUnknown`] if the work broke off.
    pub async fn to_its_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, EngineError> {
        self.detached(async move { Ok(work.await) }).await
    }
}

impl Repeatable {
    /// What the sealed answer belongs to.
    fn record(&self) -> Vec<u8> {
        [self.owner.uuid().as_bytes(), self.key_hash.as_slice()].concat()
    }
}
