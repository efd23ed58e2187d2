//! Idempotency records.

use altyn_domain::Timestamp;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::Fixture;
use super::fixture::{START, all};
use super::races::two_handles;
use crate::{IdempotencyRecord, Storage};

fn record(owner: u128, key: u8) -> IdempotencyRecord {
    IdempotencyRecord {
        owner: Uuid::from_u128(owner),
        key_hash: vec![key; 32],
        digest: vec![key + 1; 32],
        at: START.plus_millis(i64::from(key)),
        answer: None,
    }
}

async fn begin(storage: &dyn Storage, record: &IdempotencyRecord) -> Option<IdempotencyRecord> {
    storage.begin_request(record).await.expect("it begins")
}

async fn finish(storage: &dyn Storage, record: &IdempotencyRecord, answer: &str) {
    let finished = storage.finish_request(record.owner, &record.key_hash, answer);
    finished.await.expect("it finishes");
}

async fn forget(storage: &dyn Storage, record: &IdempotencyRecord) {
    let forgotten = storage.forget_request(record.owner, &record.key_hash);
    forgotten.await.expect("it forgets");
}

/// The first record of an owner and a key stays, with its first answer; one without an answer can be
/// forgotten.
pub async fn requests_are_recorded_once(fixture: &dyn Fixture) {
    let (storage, other) = (fixture.fresh().await, fixture.another().await);
    let first = record(1, 1);
    assert_eq!(begin(&*storage, &first).await, None);
    let mut second = record(1, 1);
    second.digest = vec![9; 32];
    second.at = START.plus_millis(500);
    assert_eq!(begin(&*other, &second).await, Some(first.clone()));
    // Of another owner, or under another key, it is another one.
    assert_eq!(begin(&*other, &record(2, 1)).await, None);
    assert_eq!(begin(&*other, &record(1, 2)).await, None);

    finish(&*other, &first, "sealed «1»").await;
    finish(&*storage, &first, "too late").await;
    let answered = IdempotencyRecord {
        answer: Some("sealed «1»".to_owned()),
        ..first.clone()
    };
    assert_eq!(begin(&*storage, &second).await, Some(answered.clone()));
    forget(&*storage, &first).await;
    assert_eq!(begin(&*storage, &second).await, Some(answered));
    forget(&*storage, &record(1, 2)).await;
    assert_eq!(begin(&*storage, &record(1, 2)).await, None);
    // What is not there is neither finished nor forgotten, and that is no error.
    finish(&*storage, &record(3, 3), "nobody asked").await;
    forget(&*storage, &record(3, 3)).await;
    assert_eq!(begin(&*storage, &record(3, 3)).await, None);
}

/// Of many that begin the same request at once exactly one may go on; all others are shown its record.
pub async fn of_equal_requests_one_goes_on(fixture: &dyn Fixture) {
    let handles = two_handles(fixture).await;
    for key in 1..=8 {
        let mut tasks = JoinSet::new();
        for rival in 0..6 {
            let storage = handles[usize::from(rival % 2 == 1)].clone();
            tasks.spawn(async move {
                let mut ours = record(1, key);
                ours.digest = vec![100 + rival; 32];
                (begin(&*storage, &ours).await, ours)
            });
        }
        let answers = all(tasks).await;
        let winners: Vec<_> = answers
            .iter()
            .filter(|(found, _)| found.is_none())
            .collect();
        assert_eq!(winners.len(), 1);
        let winner = &winners[0].1;
        for (found, _) in &answers {
            assert!(found.as_ref().is_none_or(|found| found == winner));
        }
    }
}

/// Records older than an instant are forgotten, answered or not.
pub async fn old_requests_are_forgotten(fixture: &dyn Fixture) {
    let storage = fixture.fresh().await;
    for key in 1..=4 {
        begin(&*storage, &record(1, key)).await;
    }
    finish(&*storage, &record(1, 1), "done").await;
    let before: Timestamp = record(1, 3).at;
    storage.forget_requests(before).await.expect("it forgets");
    for key in 1..=4 {
        let found = begin(&*storage, &record(1, key)).await;
        assert_eq!(found.is_some(), key >= 3, "{key}");
    }
}
