//! kill -9 at every named point and at random under load: nothing lost, nothing doubled.

use std::collections::BTreeMap;
use std::time::Duration;

use altyn_domain::{PaymentId, PaymentStatus};
use altyn_storage::Storage as _;
use altyn_storage_sqlite::SqliteStorage;
use futures::future::join_all;

use crate::gate::{APPROVED, Database, Gate, Setup};

fn full() -> bool {
    std::env::var_os("ALTYN_TEST_FULL").is_some()
}

/// What a shop does with one order; every answer it got is remembered, for it must stay true.
async fn story(gate: &Gate, number: &str, callback: &str) -> BTreeMap<&'static str, String> {
    let mut heard = BTreeMap::new();
    let registered = gate
        .try_call(
            "registerPreAuth.do",
            &[
                ("orderNumber", number),
                ("amount", "10000"),
                ("returnUrl", "https://shop.example.kz/"),
                ("dynamicCallbackUrl", callback),
            ],
        )
        .await;
    let Ok(answer) = registered else { return heard };
    let Some(order) = answer["orderId"].as_str().map(str::to_owned) else {
        return heard;
    };
    heard.insert("order", order.clone());
    let ok = |answer: &Result<serde_json::Value, String>| {
        answer
            .as_ref()
            .is_ok_and(|answer| answer["errorCode"] == "0")
    };
    let paid = gate
        .try_call("paymentorder.do", &crate::gate::card(&order, APPROVED))
        .await;
    if ok(&paid) {
        heard.insert("paid", "10000".to_owned());
    }
    let captured = gate
        .try_call("deposit.do", &[("orderId", &order), ("amount", "8000")])
        .await;
    if ok(&captured) {
        heard.insert("captured", "8000".to_owned());
    }
    let refund = [
        ("orderId", order.as_str()),
        ("amount", "3000"),
        ("externalRefundId", "r-1"),
    ];
    if ok(&gate.try_call("refund.do", &refund).await) {
        heard.insert("refunded", "3000".to_owned());
    }
    heard
}

/// Every answer that a shop got is still true.
async fn still_true(gate: &Gate, heard: &BTreeMap<&'static str, String>) {
    let Some(order) = heard.get("order") else {
        return;
    };
    let status = gate.status(order).await;
    assert_eq!(
        status["errorCode"], "0",
        "an answered order is lost: {status}"
    );
    let sums = &status["paymentAmountInfo"];
    if heard.contains_key("paid") {
        assert!(
            status["orderStatus"]
                .as_i64()
                .is_some_and(|s| (1..=4).contains(&s)),
            "{status}"
        );
    }
    if heard.contains_key("refunded") {
        assert_eq!(sums["refundedAmount"], 3_000, "{status}");
    } else if heard.contains_key("captured") {
        assert_eq!(
            sums["depositedAmount"].as_i64().unwrap_or(0)
                + sums["refundedAmount"].as_i64().unwrap_or(0),
            8_000,
            "{status}"
        );
    }
}

async fn die_at(database: Database, point: &str, passes: u32) {
    let receiver = crate::callbacks::Receiver::start().await;
    let mut gate = Gate::start(Setup::on(database)).await;
    gate.kill().await;
    gate.boot(Some(&format!("{point}:{passes}"))).await;
    // Each story passes each point at least once, so that one more than `passes` is enough.
    let mut all = Vec::new();
    for number in 0..=passes {
        all.push(story(&gate, &format!("C-{number}"), &receiver.url).await);
    }
    assert!(gate.died().await, "{point}:{passes} was never reached");
    gate.boot(None).await;
    gate.drain().await;
    for heard in &all {
        still_true(&gate, heard).await;
    }
    let orders: Vec<String> = all
        .iter()
        .filter_map(|heard| heard.get("order").cloned())
        .collect();
    gate.reconcile(&orders).await;
    // The shop asks again for what it got no answer to, and everything comes to its end once.
    let again = story(&gate, "AGAIN", &receiver.url).await;
    assert!(
        again.contains_key("refunded"),
        "{point}:{passes}: {again:?}"
    );
    gate.audit().await;
}

async fn die_everywhere(database: Database) {
    let seeds = if full() { 5 } else { 1 };
    for point in altyn_engine::crash::POINTS {
        for seed in 0..seeds {
            die_at(database, point, seed).await;
        }
    }
}

#[tokio::test]
async fn row_1_every_named_point_sqlite() {
    die_everywhere(Database::Sqlite).await;
}

#[tokio::test]
async fn row_1_every_named_point_postgres() {
    die_everywhere(Database::Postgres).await;
}

async fn kills_under_load(database: Database) {
    let kills = if full() { 200 } else { 20 };
    let receiver = crate::callbacks::Receiver::start().await;
    let mut gate = Gate::start(Setup::on(database)).await;
    let mut all: Vec<BTreeMap<&'static str, String>> = Vec::new();
    // A fixed seed: the moments of the kills are the same in every run.
    let mut random: u64 = 0x5eed_0000_0000_0001;
    for kill in 0..kills {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let after = Duration::from_millis(20 + random % 300);
        let names: Vec<String> = (0..16).map(|n| format!("K-{kill}-{n}")).collect();
        let heard = {
            let stories = join_all(names.iter().map(|name| story(&gate, name, &receiver.url)));
            let pid = gate.process_id();
            let (heard, ()) = futures::join!(stories, async {
                tokio::time::sleep(after).await;
                crate::gate::kill_process(pid);
            });
            heard
        };
        assert!(gate.died().await);
        gate.boot(None).await;
        all.extend(heard);
    }
    gate.drain().await;
    for heard in &all {
        still_true(&gate, heard).await;
    }
    gate.audit().await;
    let orders: Vec<String> = all
        .iter()
        .filter_map(|heard| heard.get("order").cloned())
        .collect();
    assert!(!orders.is_empty());
    gate.reconcile_at_least(&orders).await;
}

#[tokio::test]
async fn row_2_random_kills_under_load_sqlite() {
    kills_under_load(Database::Sqlite).await;
}

#[tokio::test]
async fn row_2_random_kills_under_load_postgres() {
    kills_under_load(Database::Postgres).await;
}

#[tokio::test]
async fn row_96_a_graceful_stop_drops_no_answer() {
    let mut gate = Gate::start(Setup::on(Database::Sqlite)).await;
    gate.bank.fault("authorization", "delay", 500, 0).await;
    let orders = join_all((0..8).map(|n| {
        let gate = &gate;
        async move { gate.registered(&format!("G-{n}"), 100).await }
    }))
    .await;
    let pid = gate.process_id();
    let paying = join_all(orders.iter().map(|order| gate.pay(order, APPROVED)));
    let (answers, ()) = futures::join!(paying, async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        let _ = std::process::Command::new("kill")
            .arg(pid.to_string())
            .status();
    });
    assert!(
        answers.iter().all(|answer| answer["errorCode"] == "0"),
        "{answers:?}"
    );
    assert!(gate.died().await);
    gate.boot(None).await;
    gate.reconcile(&orders).await;
    assert!(gate.stop().await, "it ends with success");
}

/// How long the log beside the database's file is; 0 if there is none.
fn log_length(gate: &Gate) -> u64 {
    std::fs::metadata(gate.data.join("altyn.db-wal")).map_or(0, |data| data.len())
}

/// Every order is in a copy of the one file.
async fn file_alone_has(gate: &Gate, orders: &[String]) {
    let elsewhere = tempfile::tempdir().expect("a place");
    let copy = elsewhere.path().join("copy.db");
    std::fs::copy(gate.data.join("altyn.db"), &copy).expect("it is copied");
    let storage = SqliteStorage::open(&copy).expect("it opens");
    for order in orders {
        let id = order.parse().expect("an id");
        let payment = storage
            .payment_by_capability(PaymentId::from_uuid(id))
            .await;
        let payment = payment.expect("it reads").expect("it is in the file");
        assert_eq!(payment.status(), PaymentStatus::Captured, "{order}");
    }
}

#[tokio::test]
async fn a_stop_and_every_command_leave_one_whole_file() {
    let mut gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let mut orders = Vec::new();
    for n in 0..3 {
        orders.push(gate.paid(&format!("W-{n}"), 100).await);
    }
    assert!(
        log_length(&gate) > 0,
        "what was committed stands in the log"
    );
    let asked = std::process::Command::new("kill")
        .arg(gate.process_id().to_string())
        .status();
    assert!(asked.expect("kill runs").success());
    assert!(gate.died().await);
    assert_eq!(log_length(&gate), 0);
    file_alone_has(&gate, &orders).await;

    gate.boot(None).await;
    orders.push(gate.paid("W-3", 100).await);
    gate.kill().await;
    assert!(log_length(&gate) > 0, "nobody tidied up");
    // Whatever command comes next.
    let output = gate.altyn(&["incidents", "list"]).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(log_length(&gate), 0);
    file_alone_has(&gate, &orders).await;
}
