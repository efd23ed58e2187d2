//! How SQLite carries lists out: along an index, never over a table.

use std::sync::{Arc, Mutex};

use altyn_domain::{
    BalanceKey, Bucket, Currency, CustomerId, PaymentId, PaymentStatus, ProjectId, Timestamp,
    TokenId, UserId,
};
use altyn_storage::{
    AuditSearch, CustomerSearch, IncidentSearch, PaymentSearch, TokenKind, TokenSearch, UserSearch,
};
use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use uuid::Uuid;

use crate::fault::Fault;
use crate::{connection, customers, people, requests, search, trail};

const START: Timestamp = Timestamp::from_millis(1_795_000_000_000);

/// What SQLite says of the statements that `work` runs.
fn plans_of<T>(
    db: &mut Connection,
    work: impl FnOnce(&mut Connection) -> Result<T, Fault>,
) -> Vec<String> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&heard);
    let listen = move |event: TraceEvent<'_>| {
        if let TraceEvent::Stmt(statement, _) = event {
            let sql = statement.sql().into_owned();
            listener.lock().expect("nobody panicked").push(sql);
        }
    };
    db.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(listen))
        .expect("it listens");
    work(db).unwrap_or_else(|fault| panic!("{fault:?}"));
    type Listener = fn(TraceEvent<'_>);
    db.trace_v2(TraceEventCodes::empty(), None::<Listener>)
        .expect("it stops");
    let statements = std::mem::take(&mut *heard.lock().expect("nobody panicked"));
    let is_question = |sql: &&String| {
        !["BEGIN", "COMMIT", "ROLLBACK"]
            .iter()
            .any(|w| sql.starts_with(w))
    };
    let mut plans = Vec::new();
    for sql in statements.iter().filter(is_question) {
        let explain = format!("EXPLAIN QUERY PLAN {sql}");
        let mut statement = db.prepare(&explain).expect("it is explained");
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().expect("there is a plan") {
            let line: String = row.get(3).expect("it is text");
            // The wanted values, unpacked from one parameter.
            let of_values = ["json_each", "LIST SUBQUERY", "BLOOM FILTER"];
            if !of_values.iter().any(|words| line.contains(words)) {
                plans.push(line);
            }
        }
    }
    plans
}

fn empty() -> (tempfile::TempDir, Connection) {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let path = directory.path().join("altyn.db");
    connection::prepare(&path).expect("the file opens");
    let db = connection::open_writer(&path).expect("it opens");
    (directory, db)
}

/// All that `work` reads is a range of this index with these columns of its key; what it sorts is only
/// rows of one instant.
fn reads<T>(
    db: &mut Connection,
    range: &str,
    work: impl FnOnce(&mut Connection) -> Result<T, Fault>,
) {
    let plans = plans_of(db, work);
    assert!(!plans.is_empty(), "{range}: nothing was read");
    for line in plans {
        let sorts_little = line.starts_with("USE TEMP B-TREE FOR LAST");
        assert!(sorts_little || line.contains(range), "{range}: {line}");
    }
}

#[test]
fn lists_of_payments_read_ranges_of_indexes() {
    let (_directory, mut db) = empty();
    let bucket = Bucket::new(7);
    let project = ProjectId::new(START, bucket, 1);
    let customer = CustomerId::of(project, "c-1");
    let payment = PaymentId::new(START, bucket, 1);
    let of = |statuses: &[PaymentStatus], customer_id, ascending| PaymentSearch {
        projects: vec![(bucket, project)],
        statuses: statuses.to_vec(),
        customer_id,
        ascending,
        after: Some((START, payment)),
        limit: 10,
        ..PaymentSearch::default()
    };
    let created = "payments_created (bucket=? AND project_id=? AND created_at>? AND created_at<?)";
    let status = "payments_status (bucket=? AND project_id=? AND status=? AND created_at>? AND \
                  created_at<?)";
    let of_customer =
        "payments_customer (bucket=? AND customer_id=? AND created_at>? AND created_at<?)";
    let some = [PaymentStatus::Captured, PaymentStatus::Declined];
    for ascending in [false, true] {
        for (statuses, customer, range) in [
            (&[][..], None, created),
            (&some, None, status),
            (&[], Some(customer), of_customer),
            (&some, Some(customer), of_customer),
        ] {
            let search = of(statuses, customer, ascending);
            reads(&mut db, range, |db| search::payments(db, &search));
        }
    }
    let keys = [(bucket, project)];
    let references = "PRIMARY KEY (bucket=? AND project_id=? AND dialect=? AND kind=? AND \
                      reference_key=?)";
    reads(&mut db, references, |db| {
        search::payments_by_order(db, &keys, "Order-1", 10)
    });
    for (with_resolved, range) in [
        (
            true,
            "incidents_project (bucket=? AND project_id=? AND opened_at<?)",
        ),
        (
            false,
            "incidents_project_open (bucket=? AND project_id=? AND opened_at<?)",
        ),
    ] {
        let search = IncidentSearch {
            projects: keys.to_vec(),
            payment_id: None,
            with_resolved,
            after: Some((START, payment, 1)),
            limit: 10,
        };
        reads(&mut db, range, |db| search::incidents(db, &search));
        let search = IncidentSearch {
            payment_id: Some(payment),
            ..search
        };
        let range = "(bucket=? AND payment_id=? AND number<?)";
        reads(&mut db, range, |db| search::incidents(db, &search));
    }
}

#[test]
fn lists_of_customers_read_ranges_of_indexes() {
    let (_directory, mut db) = empty();
    let bucket = Bucket::new(7);
    let project = ProjectId::new(START, bucket, 1);
    let customer = CustomerId::of(project, "c-1");
    let payment = PaymentId::new(START, bucket, 1);
    let key = BalanceKey {
        customer_id: customer,
        currency: Currency::KZT,
    };
    let statement = plans_of(&mut db, |db| {
        customers::statement(db, key, Some((START, payment, 1)), 10)
    });
    assert_eq!(
        statement,
        [
            "SEARCH customer_balances USING PRIMARY KEY (bucket=? AND customer_id=? AND currency=?)",
            "SEARCH postings USING INDEX postings_customer (bucket=? AND customer_id=? AND currency=? \
             AND at<?)",
            "CORRELATED SCALAR SUBQUERY 1",
            "SEARCH p USING INDEX sqlite_autoindex_payments_1 (bucket=? AND payment_id=?)",
        ]
    );
    for after in [None, Some((project, "c-1".to_owned()))] {
        let search = CustomerSearch {
            projects: vec![(bucket, project)],
            reference_prefix: "c".to_owned(),
            after,
            limit: 10,
        };
        let range = "customers_reference (bucket=? AND project_id=? AND reference>?)";
        reads(&mut db, range, |db| customers::list(db, &search));
    }
    let range = "PRIMARY KEY (bucket=? AND customer_id=?)";
    reads(&mut db, range, |db| {
        customers::customer(db, project, customer)
    });
    reads(&mut db, range, |db| customers::balances(db, customer));
}

#[test]
fn lists_of_tokens_read_ranges_of_indexes() {
    let (_directory, mut db) = empty();
    let bucket = Bucket::new(7);
    let (user, token) = (
        UserId::new(START, bucket, 1),
        TokenId::new(START, bucket, 1),
    );
    let scopes = vec![Uuid::from_u128(1), Uuid::from_u128(2)];
    let tokens = |user_id, scopes, after| TokenSearch {
        kind: TokenKind::Invitation,
        user_id,
        alive_at: START,
        scopes,
        after,
        limit: 10,
    };
    for (user_id, scopes, range) in [
        (None, None, "tokens_kind (kind=? AND token_id<?)"),
        (
            Some(user),
            None,
            "tokens_user (user_id=? AND kind=? AND token_id<?)",
        ),
        (
            Some(user),
            Some(scopes.clone()),
            "tokens_user (user_id=? AND kind=? AND token_id<?)",
        ),
        (
            None,
            Some(scopes.clone()),
            "tokens_scope (scope_id=? AND kind=? AND token_id<?)",
        ),
    ] {
        for after in [None, Some(token)] {
            let search = tokens(user_id, scopes.clone(), after);
            reads(&mut db, range, |db| people::tokens(db, &search));
        }
    }
    let forget = plans_of(&mut db, |db| people::forget_tokens(db, START));
    assert!(
        forget.iter().all(|line| !line.starts_with("SCAN")),
        "{forget:?}"
    );
}

#[test]
fn lists_of_people_read_ranges_of_indexes() {
    let (_directory, mut db) = empty();
    let bucket = Bucket::new(7);
    let user = UserId::new(START, bucket, 1);
    let scopes = vec![Uuid::from_u128(1), Uuid::from_u128(2)];
    let users = |scopes: Option<Vec<Uuid>>, projects: &[ProjectId]| UserSearch {
        scopes,
        projects: projects.to_vec(),
        after: Some(user),
        limit: 10,
    };
    let project = ProjectId::new(START, bucket, 1);
    for (search, range) in [
        (users(None, &[]), "(user_id>?)"),
        (
            users(Some(scopes.clone()), &[]),
            "users_scope (scope_id=? AND user_id>?)",
        ),
        (
            users(Some(Vec::new()), &[project]),
            "users_project (project_id=? AND user_id>?)",
        ),
    ] {
        reads(&mut db, range, |db| people::users(db, &search));
    }
}

#[test]
fn lists_of_the_trail_and_of_requests_read_ranges_of_indexes() {
    let (_directory, mut db) = empty();
    let user = UserId::new(START, Bucket::new(7), 1);
    let scopes = vec![Uuid::from_u128(1), Uuid::from_u128(2)];
    let entries = |scopes: Option<Vec<Uuid>>, actor| AuditSearch {
        scopes,
        actor,
        action: Some("user.signed_in".to_owned()),
        after: None,
        limit: 10,
    };
    let every = AuditSearch {
        action: None,
        ..entries(None, None)
    };
    for (search, range) in [
        (every, "audit_entries_at (at<?)"),
        (
            entries(None, None),
            "audit_entries_action (action=? AND at<?)",
        ),
        (
            entries(Some(scopes.clone()), None),
            "audit_entries_scope (scope_id=? AND at<?)",
        ),
        (
            entries(None, Some(user)),
            "audit_entries_actor (actor_id=? AND at<?)",
        ),
        (
            entries(Some(scopes), Some(user)),
            "audit_entries_actor (actor_id=? AND at<?)",
        ),
    ] {
        reads(&mut db, range, |db| trail::list(db, &search));
    }
    reads(&mut db, "PRIMARY KEY (chain", |db| trail::heads(db));
    let range = "idempotency_records_at (at<?)";
    reads(&mut db, range, |db| requests::forget_before(db, START));
}
