//! Writing the audit trail: one chain for each run of the program.
//!
//! An entry's hash covers its content and the hash before it, so an edit or a gap inside a chain is seen; it is keyed, so
//! only who has the key file can make another one that fits. The
//! first entry of a chain names the last entries of all chains that were there, so a cut end is seen as well.

use altyn_domain::{Timestamp, UserId};
use altyn_storage::{AuditEntry, StorageError};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{Caller, Engine, Vault};

/// Bytes of a hash.
const HASH_LENGTH: usize = 32;

/// Something that somebody did, to be written down.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    /// Who acted, and for people.
    pub actor: (Option<UserId>, String),
    /// The owner that it concerns; `None` for the whole installation.
    pub scope: Option<Uuid>,
    /// What was done, a word such as `connector.created`.
    pub action: &'static str,
    /// To what: an id.
    pub subject: String,
    /// What else is to be known. Never a secret, never card data.
    pub detail: Value,
}

impl Act {
    /// Something that `caller` did.
    pub(crate) fn by(
        caller: &Caller,
        scope: Option<Uuid>,
        action: &'static str,
        subject: impl std::fmt::Display,
        detail: Value,
    ) -> Self {
        Self {
            actor: (caller.user_id, caller.name.clone()),
            scope,
            action,
            subject: subject.to_string(),
            detail,
        }
    }
}

/// The end of this run's chain.
#[derive(Debug, Clone)]
struct Head {
    chain: Uuid,
    number: i64,
    hash: Vec<u8>,
}

/// This run's chain; empty until its first entry is on disk.
#[derive(Debug, Default)]
pub(crate) struct TrailWriter(Mutex<Option<Head>>);

impl Engine {
    /// Makes the entries of `acts` and lets `save` write them with the change that they tell of, one saver
    /// after the other. Only what is on disk moves the chain; when that is not known, a new chain begins.
    pub(crate) async fn chained<T>(
        &self,
        acts: Vec<Act>,
        save: impl AsyncFnOnce(Vec<AuditEntry>) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let mut writer = self.trail().0.lock().await;
        let mut entries = Vec::with_capacity(acts.len() + 1);
        let now = self.now();
        let mut head = match writer.clone() {
            Some(head) => head,
            None => {
                let (head, first) = self.open_chain(now).await?;
                entries.push(first);
                head
            }
        };
        for act in acts {
            let entry = next_entry(&head, act, (self.vault(), now));
            head.number = entry.number;
            head.hash.clone_from(&entry.hash);
            entries.push(entry);
        }
        let saved = save(entries).await;
        match &saved {
            Ok(_) => *writer = Some(head),
            Err(StorageError::Conflict) => {
                // A caller who went away may have left an entry behind that we have not counted.
                let known = writer.as_ref().map(|head| (head.chain, head.number + 1));
                if let Some((chain, next)) = known
                    && !self.storage().audit_chain(chain, next, 1).await?.is_empty()
                {
                    *writer = None;
                }
            }
            Err(_) => *writer = None,
        }
        saved
    }

    /// Writes down what changes no settings and no people.
    pub(crate) async fn note(&self, acts: Vec<Act>) -> Result<(), StorageError> {
        self.chained(acts, async |entries: Vec<AuditEntry>| {
            self.storage().append_audit(&entries).await
        })
        .await
    }

    /// The last entry of this run's chain: the chain, its number, its hash. `None` until there is one.
    pub(crate) async fn trail_end(&self) -> Option<(Uuid, i64, Vec<u8>)> {
        let writer = self.trail().0.lock().await;
        let head = writer.as_ref()?;
        Some((head.chain, head.number, head.hash.clone()))
    }

    async fn open_chain(&self, now: Timestamp) -> Result<(Head, AuditEntry), StorageError> {
        let heads = self.storage().audit_heads().await?;
        let heads: Vec<Value> = heads
            .iter()
            .map(
                |last| json!({"chain": last.chain, "number": last.number, "hash": hex(&last.hash)}),
            )
            .collect();
        let mut random = [0; 16];
        self.entropy().fill(&mut random);
        let head = Head {
            chain: uuid::Builder::from_random_bytes(random).into_uuid(),
            number: 0,
            hash: vec![0; HASH_LENGTH],
        };
        let act = Act {
            actor: (None, "altyn".to_owned()),
            scope: None,
            action: "chain.opened",
            subject: head.chain.to_string(),
            detail: json!({ "heads": heads }),
        };
        let first = next_entry(&head, act, (self.vault(), now));
        let head = Head {
            number: first.number,
            hash: first.hash.clone(),
            ..head
        };
        Ok((head, first))
    }
}

fn next_entry(head: &Head, act: Act, (vault, at): (&Vault, Timestamp)) -> AuditEntry {
    let (actor, actor_name) = act.actor;
    let mut entry = AuditEntry {
        chain: head.chain,
        number: head.number + 1,
        at,
        actor,
        actor_name,
        scope: act.scope,
        action: act.action.to_owned(),
        subject: act.subject,
        detail: act.detail.to_string(),
        previous_hash: head.hash.clone(),
        hash: Vec::new(),
    };
    entry.hash = entry_hash(&entry, vault);
    entry
}

/// The hash of an entry: keyed, over all its fields, each led by its length, so that no two different entries
/// give the same bytes.
pub(crate) fn entry_hash(entry: &AuditEntry, vault: &Vault) -> Vec<u8> {
    let mut content = Vec::new();
    let mut add = |bytes: &[u8]| {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        content.extend_from_slice(&length.to_be_bytes());
        content.extend_from_slice(bytes);
    };
    let actor = entry.actor.map(|id| id.uuid().into_bytes());
    let scope = entry.scope.map(Uuid::into_bytes);
    add(entry.chain.as_bytes());
    add(&entry.number.to_be_bytes());
    add(&entry.at.as_micros().to_be_bytes());
    add(actor.as_ref().map_or(&[], |bytes| &bytes[..]));
    add(entry.actor_name.as_bytes());
    add(scope.as_ref().map_or(&[], |bytes| &bytes[..]));
    add(entry.action.as_bytes());
    add(entry.subject.as_bytes());
    add(entry.detail.as_bytes());
    add(&entry.previous_hash);
    vault.chain(&content)
}

/// Bytes as small hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
