//! Reading the audit trail, and checking that nothing in it was changed or taken out.

use std::collections::{BTreeMap, BTreeSet};

use altyn_domain::{Permission, UserId};
use altyn_storage::{AuditEntry, AuditPlace, AuditSearch};
use serde::Deserialize;
use uuid::Uuid;

use crate::trail::{entry_hash, hex};
use crate::{Caller, Engine, EngineError, OfficeError, Vault};

/// Most entries on one page.
const PAGE_MAX: u32 = 200;
/// Entries read at once by the check.
const CHECK_PAGE: u32 = 500;
/// Findings beyond this many are not collected: the first ones tell enough.
const FINDINGS_MAX: usize = 1_000;

/// Which entries are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only by this person.
    pub actor: Option<UserId>,
    /// Only this action, a word such as `connector.created`.
    pub action: Option<String>,
}

/// One thing that is wrong with the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailFinding {
    /// The chain.
    pub chain: Uuid,
    /// The place in it.
    pub number: i64,
    /// What is wrong.
    pub what: String,
}

/// What the check of the audit trail saw.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrailReport {
    /// Chains looked at. The one of entries from before there were chains has no hashes and is left out.
    pub chains: u64,
    /// Entries looked at.
    pub entries: u64,
    /// What is wrong; empty if all is well.
    pub findings: Vec<TrailFinding>,
}

impl TrailReport {
    fn find(&mut self, chain: Uuid, number: i64, what: impl Into<String>) {
        if self.findings.len() < FINDINGS_MAX {
            let what = what.into();
            self.findings.push(TrailFinding {
                chain,
                number,
                what,
            });
        }
    }
}

/// An entry that a later chain names in its first one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct NamedHead {
    chain: Uuid,
    number: i64,
    hash: String,
}

/// What the first entry of a chain says.
#[derive(Debug, Deserialize)]
struct Opening {
    heads: Vec<NamedHead>,
}

/// How far the check of one chain is.
struct Walk {
    chain: Uuid,
    next: i64,
    previous_hash: Vec<u8>,
}

impl Engine {
    /// Entries of the audit trail in reach, the newest first; at most 200 a page.
    ///
    /// # Errors
    /// [`OfficeError::Forbidden`], [`OfficeError::Invalid`], or if the database cannot be read.
    pub async fn audit_trail(
        &self,
        caller: &Caller,
        query: AuditQuery,
        after: Option<AuditPlace>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, OfficeError> {
        caller.require(Permission::AuditView)?;
        let is_word = |c: char| c.is_ascii_lowercase() || c == '_' || c == '.';
        if query
            .action
            .iter()
            .any(|action| !action.chars().all(is_word))
        {
            return Err(OfficeError::invalid("action", "is no word of the trail"));
        }
        let search = AuditSearch {
            scopes: self.reach(caller).scope_ids(),
            actor: query.actor,
            action: query.action,
            after,
            limit: limit.min(PAGE_MAX),
        };
        Ok(self.storage().audit_entries(&search).await?)
    }

    /// Checks every chain of the audit trail: numbers without gaps, hashes, and the entries that later chains
    /// name. A cut end is seen if a later chain, or this run of the program, knows of what is missing.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn verify_trail(&self) -> Result<TrailReport, EngineError> {
        let mut report = TrailReport::default();
        let known = self.trail_end().await;
        let heads = self.storage().audit_heads().await?;
        let chains = heads.iter().map(|entry| entry.chain);
        let chains: BTreeSet<Uuid> = chains.filter(|chain| !chain.is_nil()).collect();
        let mut named: BTreeMap<Uuid, BTreeSet<NamedHead>> = BTreeMap::new();
        for chain in &chains {
            for head in self.named_by(*chain).await? {
                named.entry(head.chain).or_default().insert(head);
            }
        }
        if let Some((chain, number, hash)) = known {
            let hash = hex(&hash);
            let head = NamedHead {
                chain,
                number,
                hash,
            };
            named.entry(chain).or_default().insert(head);
        }
        for chain in &chains {
            let named = named.remove(chain).unwrap_or_default();
            self.verify_chain(*chain, &named, &mut report).await?;
        }
        for (chain, heads) in named {
            if let Some(head) = heads.last().filter(|_| !chain.is_nil()) {
                report.find(chain, head.number, "the whole chain is missing");
            }
        }
        Ok(report)
    }

    /// The entries that the first entry of a chain names.
    async fn named_by(&self, chain: Uuid) -> Result<Vec<NamedHead>, EngineError> {
        let first = self.storage().audit_chain(chain, 1, 1).await?;
        let opening = first.first().filter(|entry| entry.action == "chain.opened");
        // A first entry that cannot be read was changed: its hash tells.
        let opening = opening.and_then(|entry| serde_json::from_str(&entry.detail).ok());
        Ok(opening.map_or_else(Vec::new, |opening: Opening| opening.heads))
    }

    async fn verify_chain(
        &self,
        chain: Uuid,
        named: &BTreeSet<NamedHead>,
        report: &mut TrailReport,
    ) -> Result<(), EngineError> {
        report.chains += 1;
        let mut named: BTreeMap<i64, Vec<&str>> =
            named.iter().fold(BTreeMap::new(), |mut by_number, head| {
                by_number.entry(head.number).or_default().push(&head.hash);
                by_number
            });
        let mut walk = Walk {
            chain,
            next: 1,
            previous_hash: vec![0; 32],
        };
        loop {
            let page = self.storage().audit_chain(chain, walk.next, CHECK_PAGE);
            let page = page.await?;
            for entry in &page {
                report.entries += 1;
                walk.step(
                    (entry, self.vault()),
                    named.remove(&entry.number).unwrap_or_default(),
                    report,
                );
            }
            if page.is_empty() {
                break;
            }
        }
        for number in named.into_keys() {
            report.find(chain, number, "an entry that is known elsewhere is missing");
        }
        Ok(())
    }
}

impl Walk {
    fn step(
        &mut self,
        (entry, vault): (&AuditEntry, &Vault),
        named: Vec<&str>,
        report: &mut TrailReport,
    ) {
        let (chain, number) = (self.chain, entry.number);
        if number == self.next {
            if entry.previous_hash != self.previous_hash {
                report.find(chain, number, "does not follow from the entry before it");
            }
        } else {
            let last = number.saturating_sub(1);
            let what = format!("entries are missing up to number {last}");
            report.find(chain, self.next, what);
        }
        if number == 1 && entry.action != "chain.opened" {
            report.find(chain, number, "does not open its chain");
        }
        if entry_hash(entry, vault) != entry.hash {
            report.find(chain, number, "was changed");
        }
        if named.iter().any(|hash| *hash != hex(&entry.hash)) {
            report.find(chain, number, "is another one than a later chain names");
        }
        self.next = number.saturating_add(1);
        self.previous_hash.clone_from(&entry.hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use altyn_domain::Timestamp;

    fn vault() -> Vault {
        Vault::try_new(&[7; Vault::KEY_LENGTH]).unwrap()
    }

    fn chain_of(count: i64) -> Vec<AuditEntry> {
        let mut previous_hash = vec![0; 32];
        let made = (1..=count).map(|number| {
            let mut entry = AuditEntry {
                chain: Uuid::from_u128(7),
                number,
                at: Timestamp::from_millis(number),
                actor: None,
                actor_name: "altyn".to_owned(),
                scope: None,
                action: if number == 1 {
                    "chain.opened"
                } else {
                    "user.locked"
                }
                .to_owned(),
                subject: String::new(),
                detail: "{}".to_owned(),
                previous_hash: previous_hash.clone(),
                hash: Vec::new(),
            };
            entry.hash = entry_hash(&entry, &vault());
            previous_hash.clone_from(&entry.hash);
            entry
        });
        made.collect()
    }

    fn found(entries: &[AuditEntry]) -> Vec<(i64, String)> {
        let mut report = TrailReport::default();
        let mut walk = Walk {
            chain: Uuid::from_u128(7),
            next: 1,
            previous_hash: vec![0; 32],
        };
        for entry in entries {
            walk.step((entry, &vault()), Vec::new(), &mut report);
        }
        let findings = report.findings.into_iter();
        findings.map(|one| (one.number, one.what)).collect()
    }

    #[test]
    fn row_103_an_edit_or_a_gap_is_found() {
        assert_eq!(found(&chain_of(5)), []);

        let mut edited = chain_of(5);
        edited[2].subject = "other".to_owned();
        assert_eq!(found(&edited), [(3, "was changed".to_owned())]);

        // Whoever makes the hash fit breaks the entry after it.
        edited[2].hash = entry_hash(&edited[2], &vault());
        assert_eq!(found(&edited)[0].0, 4);

        let mut gap = chain_of(5);
        gap.remove(2);
        assert_eq!(found(&gap)[0].0, 3);

        let headless = &chain_of(5)[1..];
        assert_eq!(found(headless)[0].0, 1);
    }
}
