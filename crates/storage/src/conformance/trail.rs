//! The audit trail.

use altyn_domain::{Bucket, Timestamp, UserId};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::Fixture;
use super::fixture::{START, all};
use super::races::two_handles;
use crate::{AuditEntry, AuditPlace, AuditSearch, Storage, StorageError};

/// An entry of the chain with this number.
pub fn entry(chain: u8, number: i64) -> AuditEntry {
    let byte = u8::try_from(number % 251).expect("it is small");
    AuditEntry {
        chain: Uuid::from_bytes([chain; 16]),
        number,
        at: START.plus_millis(number),
        actor: None,
        actor_name: "operator@altyn.example".to_owned(),
        scope: None,
        action: "project.changed".to_owned(),
        subject: format!("prj_{number}"),
        detail: r#"{"name":"Чай «Тау»"}"#.to_owned(),
        previous_hash: vec![byte; 32],
        hash: vec![byte + 1; 32],
    }
}

fn place(entry: &AuditEntry) -> AuditPlace {
    AuditPlace {
        at: entry.at,
        chain: entry.chain,
        number: entry.number,
    }
}

async fn found(storage: &dyn Storage, search: &AuditSearch) -> Vec<AuditEntry> {
    storage.audit_entries(search).await.expect("it reads")
}

fn everything() -> AuditSearch {
    AuditSearch {
        limit: 100,
        ..AuditSearch::default()
    }
}

fn is_conflict<T>(answer: &Result<T, StorageError>) -> bool {
    matches!(answer, Err(StorageError::Conflict))
}

/// Entries come back with every field, chain by chain; the heads are the last ones.
pub async fn audit_entries_come_back(fixture: &dyn Fixture) {
    let storage = fixture.fresh().await;
    assert_eq!(storage.audit_heads().await.expect("it reads"), []);
    assert_eq!(found(&*storage, &everything()).await, []);
    let user = UserId::new(START, Bucket::new(1), 5);
    let mut one: Vec<_> = (1..=5).map(|number| entry(1, number)).collect();
    one[1].actor = Some(user);
    one[2].scope = Some(Uuid::from_u128(77));
    let other = [entry(0xff, 1), entry(0xff, 2)];
    storage.append_audit(&one[..2]).await.expect("it appends");
    storage.append_audit(&other).await.expect("it appends");
    storage.append_audit(&one[2..]).await.expect("it appends");
    storage.append_audit(&[]).await.expect("nothing is nothing");

    let reader = fixture.another().await;
    let chain = |from, limit| reader.audit_chain(one[0].chain, from, limit);
    assert_eq!(chain(1, 100).await.expect("it reads"), one);
    assert_eq!(chain(2, 2).await.expect("it reads"), one[1..3]);
    assert_eq!(chain(6, 2).await.expect("it reads"), []);
    let heads = reader.audit_heads().await.expect("it reads");
    assert_eq!(heads, [one[4].clone(), other[1].clone()]);
}

/// A taken place is a conflict, and none of the entries of that call are written. Of many writers that
/// append to one chain at once each place is taken by exactly one.
pub async fn a_taken_place_of_a_chain_is_a_conflict(fixture: &dyn Fixture) {
    const WRITERS: i64 = 6;
    const PLACES: i64 = 5;
    let handles = two_handles(fixture).await;
    let storage = handles[0].clone();
    storage
        .append_audit(&[entry(1, 1)])
        .await
        .expect("it appends");
    let mut rival = entry(1, 1);
    rival.action = "rival".to_owned();
    for entries in [
        vec![rival.clone()],
        vec![entry(1, 2), rival],
        vec![entry(2, 1), entry(2, 1)],
    ] {
        let appended = storage.append_audit(&entries).await;
        assert!(is_conflict(&appended), "{appended:?}");
    }
    let heads = storage.audit_heads().await.expect("it reads");
    assert_eq!(heads, [entry(1, 1)]);

    let mut tasks = JoinSet::new();
    for writer in 0..WRITERS {
        let storage = handles[usize::from(writer % 2 == 1)].clone();
        tasks.spawn(async move {
            let mut taken = Vec::new();
            for number in 2..2 + PLACES {
                let mut ours = entry(1, number);
                ours.subject = format!("writer {writer}");
                match storage.append_audit(std::slice::from_ref(&ours)).await {
                    Ok(()) => taken.push(ours),
                    Err(StorageError::Conflict) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            taken
        });
    }
    let mut taken: Vec<_> = all(tasks).await.into_iter().flatten().collect();
    taken.sort_by_key(|entry| entry.number);
    let chain = storage.audit_chain(entry(1, 1).chain, 2, 100).await;
    assert_eq!(chain.expect("it reads"), taken);
    let numbers: Vec<_> = taken.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, Vec::from_iter(2..2 + PLACES));
}

/// Twelve entries of each of two chains: of either user or of nobody, at either scope or at none.
fn various_entries(users: [UserId; 2], scopes: [Uuid; 2]) -> Vec<AuditEntry> {
    let mut entries = Vec::new();
    for number in 1..=12_i64 {
        for chain in [1, 2] {
            let mut entry = entry(chain, number);
            // Four of each instant: the chain and the number decide.
            entry.at = START.plus_millis(number / 2);
            let index = usize::try_from(number).expect("it is small");
            entry.actor = (number % 3 != 0).then(|| users[index % 2]);
            entry.scope = (number % 4 != 0).then(|| scopes[usize::from(chain == 2)]);
            if number % 5 == 0 {
                entry.action = "user.signed_in".to_owned();
            }
            entries.push(entry);
        }
    }
    entries
}

/// Entries are listed newest first, page by page, and only those that are asked for.
pub async fn audit_entries_are_searched(fixture: &dyn Fixture) {
    let storage = fixture.fresh().await;
    let users = [1, 2].map(|number| UserId::new(START, Bucket::new(1), number));
    let scopes = [Uuid::from_u128(7), Uuid::from_u128(8)];
    let mut entries = various_entries(users, scopes);
    storage.append_audit(&entries).await.expect("it appends");
    entries.sort_by_key(|entry| std::cmp::Reverse(place(entry)));

    type Wanted<'a> = Box<dyn Fn(&AuditEntry) -> bool + 'a>;
    let of = |change: fn(&mut AuditSearch)| {
        let mut search = everything();
        change(&mut search);
        search
    };
    let mut searches: Vec<(AuditSearch, Wanted<'_>)> = vec![
        (everything(), Box::new(|_| true)),
        (
            of(|s| s.action = Some("user.signed_in".to_owned())),
            Box::new(|e| e.number % 5 == 0),
        ),
        (of(|s| s.scopes = Some(Vec::new())), Box::new(|_| false)),
        (
            of(|s| s.scopes = Some(vec![Uuid::from_u128(99)])),
            Box::new(|_| false),
        ),
    ];
    for user in users {
        let mut search = everything();
        search.actor = Some(user);
        searches.push((search.clone(), Box::new(move |e| e.actor == Some(user))));
        search.scopes = Some(vec![scopes[1]]);
        let both = move |e: &AuditEntry| e.actor == Some(user) && e.scope == Some(scopes[1]);
        searches.push((search, Box::new(both)));
    }
    for wanted in [vec![scopes[0]], vec![scopes[1], scopes[0], scopes[1]]] {
        let mut search = everything();
        search.scopes = Some(wanted.clone());
        let within = move |e: &AuditEntry| e.scope.is_some_and(|scope| wanted.contains(&scope));
        searches.push((search, Box::new(within)));
    }
    for (search, wanted) in &searches {
        let wanted: Vec<_> = entries.iter().filter(|e| wanted(e)).cloned().collect();
        assert_eq!(found(&*storage, search).await, wanted, "{search:?}");
        let mut paged = Vec::new();
        let mut search = search.clone();
        search.limit = 5;
        loop {
            let page = found(&*storage, &search).await;
            assert!(page.len() <= 5);
            search.after = page.last().map(place);
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(paged, wanted);
    }
}

/// Entries are append-only for everybody.
pub async fn audit_entries_never_change(fixture: &dyn Fixture) {
    let storage = fixture.fresh().await;
    let entries = [entry(1, 1), entry(1, 2)];
    storage.append_audit(&entries).await.expect("it appends");
    for sql in [
        "UPDATE audit_entries SET actor_name = 'nobody'",
        "UPDATE audit_entries SET at = at + 1 WHERE number = 2",
        "DELETE FROM audit_entries WHERE number = 2",
        "DELETE FROM audit_entries",
    ] {
        let answer = fixture.raw_sql(sql).await;
        assert!(answer.is_err(), "the database accepted {sql}");
    }
    let chain = storage.audit_chain(entries[0].chain, 1, 10).await;
    assert_eq!(chain.expect("it reads"), entries);
    let place = Timestamp::from_micros(i64::MAX);
    let mut search = everything();
    search.after = Some(AuditPlace {
        at: place,
        chain: Uuid::max(),
        number: i64::MAX,
    });
    assert_eq!(found(&*storage, &search).await.len(), 2);
}
