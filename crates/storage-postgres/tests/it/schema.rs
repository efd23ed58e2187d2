//! The tables: made once by whoever comes first, and on guard when the program is wrong.

use altyn_domain::Way;
use altyn_storage::StorageError;
use altyn_storage::conformance::Fixture as _;
use altyn_storage::conformance::fixture::Gate;
use altyn_storage_postgres::{PostgresOptions, PostgresStorage};
use tokio::task::JoinSet;

use crate::database::Database;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_together_migrate_once() {
    let database = Database::create().await;
    let mut tasks = JoinSet::new();
    for _ in 0..6 {
        let url = database.url().to_owned();
        tasks.spawn(async move {
            PostgresStorage::connect(&url, PostgresOptions::default())
                .await
                .map(drop)
        });
    }
    for connected in tasks.join_all().await {
        connected.expect("it connects");
    }
    let client = database.client().await;
    let sql = "SELECT count(*) FROM refinery_schema_history";
    let applied: i64 = client.query_one(sql, &[]).await.expect("it counts").get(0);
    let files = std::fs::read_dir("migrations").expect("the folder").count();
    assert_eq!(usize::try_from(applied).ok(), Some(files));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_a_newer_version_is_not_touched() {
    let database = Database::create().await;
    database.open().await;
    let sql = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) \
               SELECT 9999, 'from_the_future', applied_on, checksum FROM refinery_schema_history \
               WHERE version = 1";
    database.raw_sql(sql).await.expect("it is newer now");
    let opened = PostgresStorage::connect(database.url(), PostgresOptions::default()).await;
    assert!(matches!(opened.err(), Some(StorageError::Unusable(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postings_cannot_be_emptied_and_pending_sums_cannot_fall_below_zero() {
    let database = Database::create().await;
    let mut gate = Gate::open(database.open().await, 1).await;
    gate.held().await;
    let statements = [
        "TRUNCATE postings",
        "TRUNCATE postings, accounts",
        "UPDATE accounts SET pending_credit = pending_credit - 10001",
        "INSERT INTO accounts SELECT bucket, project_id, 'suspense', currency, 0, 0, -1, 0 \
         FROM accounts LIMIT 1",
    ];
    for sql in statements {
        let refused = database.raw_sql(sql).await;
        assert!(refused.is_err(), "the database accepted {sql}");
    }
}

/// What a broken program could write is refused by name, and the caller hears that it is a bug.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_of_the_database_is_told_as_a_bug() {
    let database = Database::create().await;
    let mut gate = Gate::open(database.open().await, 1).await;
    let paid = gate.paid().await;
    let refund = gate.refund(paid.id, 1_000, None);
    let request = gate.request(refund);
    let (_, mut changes) = gate.begin(std::slice::from_ref(&request)).await;
    changes.operations[0].row.amount = 20_000;
    let saved = gate.writer.save(&changes).await;
    let Err(StorageError::Refused(text)) = saved else {
        panic!("{saved:?}");
    };
    assert!(text.contains("over-committed"), "{text}");
    // A text that PostgreSQL cannot hold is the fault of the one command that brings it.
    let mut order = gate.register(Way::Purchase);
    order.order.description = Some("\0".to_owned());
    order.reference_key = "zero\0byte".to_owned();
    order.order.reference = order.reference_key.clone();
    let request = gate.request(altyn_domain::Command::Register(Box::new(order)));
    let loaded = gate.load(&[request]).await;
    assert!(
        matches!(loaded, Err(StorageError::Refused(_))),
        "{loaded:?}"
    );
    gate.registered(Way::Purchase).await;
}

/// What stood in the database before the back office came is there afterwards: rows without the new columns,
/// and the old table of changes as a chain of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_database_is_brought_up_to_date() {
    let database = Database::create().await;
    let client = database.client().await;
    let older = [
        include_str!("../../migrations/V1__foundation.sql"),
        include_str!("../../migrations/V2__serials.sql"),
        "INSERT INTO projects SELECT '00000000-0000-0000-0000-000000000007', 7, 'Shop', 'shop', '', 1; \
         INSERT INTO settings_audit VALUES (1, 10, 'two \"shops\"'), (2, 20, 'a key');",
        include_str!("../../migrations/V3__back_office.sql"),
    ];
    for sql in older {
        client.batch_execute(sql).await.expect("it is applied");
    }
    let sql = "SELECT number, at, actor_id IS NULL AND scope_id IS NULL, actor_name, action, \
               detail::json ->> 'what' FROM audit_entries \
               WHERE chain = '00000000-0000-0000-0000-000000000000' AND length(hash) = 0 ORDER BY number";
    let rows = client.query(sql, &[]).await.expect("it reads");
    let rows: Vec<(i64, i64, String)> = rows
        .iter()
        .map(|row| {
            assert!(row.get::<_, bool>(2));
            assert_eq!(row.get::<_, &str>(3), "altyn");
            assert_eq!(row.get::<_, &str>(4), "settings.changed");
            (row.get(0), row.get(1), row.get(5))
        })
        .collect();
    let wanted = [
        (1, 10, "two \"shops\"".to_owned()),
        (2, 20, "a key".to_owned()),
    ];
    assert_eq!(rows, wanted);
    let sql = "SELECT count(*) FROM projects WHERE merchant_id IS NULL";
    let kept: i64 = client.query_one(sql, &[]).await.expect("it counts").get(0);
    assert_eq!(kept, 1);
    for sql in ["TRUNCATE audit_entries", "DELETE FROM audit_entries"] {
        let refused = client.batch_execute(sql).await;
        assert!(refused.is_err(), "the database accepted {sql}");
    }
}
