//! Two servers on one PostgreSQL.

use std::time::Duration;

use futures::future::join_all;

use crate::gate::{APPROVED, Database, Gate, Setup};

#[tokio::test]
async fn row_29_parallel_refunds_through_two_servers() {
    let gate = Gate::start(Setup::on(Database::Postgres)).await;
    let second = gate.second_node().await;
    for (number, slow) in [("N-1", false), ("N-2", true)] {
        let order = gate.paid(number, 100).await;
        if slow {
            gate.bank.fault("refund", "delay", 2_000, 0).await;
        }
        let parameters = [("orderId", order.as_str()), ("amount", "60")];
        let answers = join_all((0..64).map(|n| {
            let rest = if n % 2 == 0 { &gate.rest } else { &second.rest };
            gate.call_at(rest, "refund.do", &parameters)
        }))
        .await;
        let succeeded = answers
            .iter()
            .filter(|answer| answer["errorCode"] == "0")
            .count();
        assert_eq!(succeeded, 1, "{answers:?}");
    }
    gate.drain().await;
}

#[tokio::test]
async fn one_number_through_two_servers_is_one_order() {
    let gate = Gate::start(Setup::on(Database::Postgres)).await;
    let second = gate.second_node().await;
    let parameters = [
        ("orderNumber", "TWO"),
        ("amount", "100"),
        ("returnUrl", "https://shop.example.kz/"),
    ];
    let answers = join_all((0..100).map(|n| {
        let rest = if n % 2 == 0 { &gate.rest } else { &second.rest };
        gate.call_at(rest, "register.do", &parameters)
    }))
    .await;
    let registered = answers
        .iter()
        .filter(|answer| answer.get("orderId").is_some())
        .count();
    assert_eq!(registered, 1, "{answers:?}");
}

#[tokio::test]
async fn row_11_each_timer_has_one_effect_with_two_servers() {
    let gate = Gate::start(Setup::on(Database::Postgres)).await;
    let _second = gate.second_node().await;
    let receiver = crate::callbacks::Receiver::start().await;
    let orders = join_all((0..40).map(|n| {
        let (gate, url) = (&gate, receiver.url.as_str());
        async move {
            let number = format!("T-{n}");
            let answer = gate
                .call(
                    "register.do",
                    &[
                        ("orderNumber", &number),
                        ("amount", "100"),
                        ("returnUrl", "https://shop.example.kz/"),
                        ("dynamicCallbackUrl", url),
                    ],
                )
                .await;
            let order = answer["orderId"].as_str().expect("registered").to_owned();
            gate.pay(&order, APPROVED).await;
            order
        }
    }))
    .await;
    receiver.until(40).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut seen: Vec<String> = receiver
        .all()
        .iter()
        .map(|callback| callback["mdOrder"].clone())
        .collect();
    seen.sort();
    let mut wanted = orders.clone();
    wanted.sort();
    assert_eq!(seen, wanted, "each callback once");
    gate.reconcile(&orders).await;
}

#[tokio::test]
async fn row_12_a_server_that_wakes_after_its_lease_changes_nothing() {
    let mut setup = Setup::on(Database::Postgres).exchange_deadline_ms(500);
    setup.bank_late_ms = 1_000;
    let gate = Gate::start(setup).await;
    let second = gate.second_node().await;
    let pid = second.id().to_string();
    let order = gate.registered("Z-1", 300).await;
    let answer = gate.pay(&order, crate::gate::LATE_YES).await;
    assert_ne!(answer["errorCode"], "0", "{answer}");
    let _ = std::process::Command::new("kill")
        .args(["-STOP", &pid])
        .status();
    let status = gate.until_status(&order, 2).await;
    assert_eq!(status["paymentAmountInfo"]["depositedAmount"], 300);
    let _ = std::process::Command::new("kill")
        .args(["-CONT", &pid])
        .status();
    gate.drain().await;
    assert_eq!(gate.audit().await["postings"], 1);
}
