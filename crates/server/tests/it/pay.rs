//! A card payment server to server: every behaviour of the bank, on both databases.

use crate::gate::{
    APPROVED, BOTH, CHALLENGE, DROPPED, Database, Gate, LATE_NO, LATE_YES, NO_FUNDS, Setup, card,
};

#[tokio::test]
async fn a_purchase_is_paid_and_stands_in_the_ledger() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database)).await;
        let order = gate.registered("A-1", 1_250_000).await;
        let fresh = gate.status(&order).await;
        assert_eq!(
            (&fresh["orderStatus"], &fresh["actionCode"]),
            (&0.into(), &(-100).into())
        );

        let answer = gate.pay(&order, APPROVED).await;
        assert_eq!(answer["errorCode"], "0", "{answer}");
        let status = gate.status(&order).await;
        assert_eq!(status["orderStatus"], 2, "{status}");
        assert_eq!(status["paymentAmountInfo"]["depositedAmount"], 1_250_000);
        assert_eq!(status["cardAuthInfo"]["pan"], "444455**3333");
        let audit = gate.audit().await;
        assert_eq!(
            (&audit["payments"], &audit["postings"]),
            (&1.into(), &1.into())
        );
        gate.reconcile(&[order]).await;
    }
}

#[tokio::test]
async fn a_hold_is_captured_in_part_and_the_rest_released() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database)).await;
        let order = gate.held("H-1", 10_000).await;
        assert_eq!(gate.status(&order).await["orderStatus"], 1);
        let more = gate
            .call("deposit.do", &[("orderId", &order), ("amount", "10001")])
            .await;
        assert_eq!(more["errorCode"], "5", "{more}");
        let part = gate
            .call("deposit.do", &[("orderId", &order), ("amount", "6000")])
            .await;
        assert_eq!(part["errorCode"], "0", "{part}");
        let status = gate.status(&order).await;
        assert_eq!(status["orderStatus"], 2);
        assert_eq!(status["paymentAmountInfo"]["depositedAmount"], 6_000);
        let again = gate
            .call("deposit.do", &[("orderId", &order), ("amount", "1000")])
            .await;
        assert_eq!(again["errorCode"], "7", "{again}");
        let reverse = gate.call("reverse.do", &[("orderId", &order)]).await;
        assert_eq!(reverse["errorCode"], "7", "{reverse}");
        gate.audit().await;
    }
}

#[tokio::test]
async fn a_hold_is_reversed() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database)).await;
        let order = gate.held("R-1", 10_000).await;
        let answer = gate.call("reverse.do", &[("orderId", &order)]).await;
        assert_eq!(answer["errorCode"], "0", "{answer}");
        assert_eq!(gate.status(&order).await["orderStatus"], 3);
        let again = gate.call("reverse.do", &[("orderId", &order)]).await;
        assert_eq!(again["errorCode"], "7", "{again}");
        gate.audit().await;
    }
}

#[tokio::test]
async fn a_refused_card_leaves_tries_and_then_none() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database)).await;
        let order = gate.registered("D-1", 700).await;
        for _ in 0..3 {
            let answer = gate.pay(&order, NO_FUNDS).await;
            assert_ne!(answer["errorCode"], "0", "{answer}");
        }
        let status = gate.status(&order).await;
        assert_eq!(
            (&status["orderStatus"], &status["actionCode"]),
            (&6.into(), &116.into())
        );
        let late = gate.pay(&order, APPROVED).await;
        assert_ne!(late["errorCode"], "0", "{late}");
        assert_eq!(gate.audit().await["postings"], 0);
    }
}

#[tokio::test]
async fn rows_13_14_a_silent_bank_is_asked_and_believed() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database).exchange_deadline_ms(300)).await;
        let table = [(LATE_YES, 2), (LATE_NO, 0), (DROPPED, 2)];
        for (pan, wanted) in table {
            let order = gate.registered(&format!("T-{}", &pan[12..]), 900).await;
            let answer = gate.pay(&order, pan).await;
            assert_ne!(answer["errorCode"], "0", "unknown is not success: {answer}");
            let meanwhile = gate.status(&order).await;
            if pan != DROPPED {
                assert_eq!(
                    meanwhile["orderStatus"], 0,
                    "unknown is not declined: {meanwhile}"
                );
            }
            if wanted == 2 {
                gate.until_status(&order, 2).await;
            } else {
                gate.drain().await;
                assert_eq!(gate.status(&order).await["actionCode"], 116);
            }
        }
        gate.drain().await;
    }
}

#[tokio::test]
async fn row_16_another_amount_is_never_booked() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    gate.bank.fault("authorization", "wrong_amount", 0, 1).await;
    let order = gate.registered("W-1", 5_000).await;
    let answer = gate.pay(&order, APPROVED).await;
    assert_ne!(answer["errorCode"], "0", "{answer}");
    assert_eq!(gate.status(&order).await["orderStatus"], 0);
    let audit = gate.audit().await;
    assert_eq!(audit["postings"], 0);
    let incidents = gate.altyn(&["incidents", "list"]).await;
    let text = String::from_utf8_lossy(&incidents.stdout).into_owned();
    assert!(text.contains("amount_mismatch"), "{text}");

    let id = text.split_whitespace().next().expect("an id");
    let note = [
        "incidents",
        "resolve",
        id,
        "--as",
        "approved",
        "--note",
        "the bank confirms",
    ];
    let resolved = gate.altyn(&note).await;
    assert!(
        resolved.status.success(),
        "{}",
        String::from_utf8_lossy(&resolved.stderr)
    );
    assert_eq!(gate.status(&order).await["orderStatus"], 2);
    let left = gate.altyn(&["incidents", "list"]).await;
    assert!(String::from_utf8_lossy(&left.stdout).contains("0 incidents"));
}

#[tokio::test]
async fn row_17_unusable_answers_leave_the_payment_open() {
    let gate = Gate::start(Setup::on(Database::Sqlite).exchange_deadline_ms(1_000)).await;
    for fault in ["malformed", "huge_body", "slow_body", "error_500"] {
        gate.bank.fault("authorization", fault, 5_000, 1).await;
        let order = gate.registered(&format!("F-{fault}"), 100).await;
        let answer = gate.pay(&order, APPROVED).await;
        assert_ne!(answer["errorCode"], "0", "{fault}: {answer}");
        assert_eq!(gate.status(&order).await["orderStatus"], 0, "{fault}");
    }
    gate.bank.clear_faults().await;
    gate.drain().await;
    gate.audit().await;
}

#[tokio::test]
async fn three_d_secure_is_told_server_to_server() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let order = gate.registered("3-1", 4_200).await;
    let method = gate.pay(&order, CHALLENGE).await;
    assert_eq!(method["is3DSVer2"], true, "{method}");
    let transaction = method["threeDSServerTransId"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert!(
        method["threeDSMethodURL"]
            .as_str()
            .is_some_and(|url| url.starts_with("http"))
    );
    let mut again = card(&order, CHALLENGE).to_vec();
    again.push(("threeDSServerTransId", &transaction));
    let challenge = gate.call("paymentorder.do", &again).await;
    assert!(
        challenge["acsUrl"]
            .as_str()
            .is_some_and(|url| url.starts_with("http")),
        "{challenge}"
    );
    assert!(challenge["packedCReq"].is_string(), "{challenge}");
    assert_eq!(gate.status(&order).await["orderStatus"], 5);
}

#[tokio::test]
async fn a_card_is_verified_without_money() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database)).await;
        let registered = gate
            .call(
                "register.do",
                &[
                    ("orderNumber", "V-1"),
                    ("amount", "0"),
                    ("features", "VERIFY"),
                    ("returnUrl", "https://shop.example.kz/"),
                ],
            )
            .await;
        let order = registered["orderId"]
            .as_str()
            .expect("registered")
            .to_owned();
        let answer = gate.pay(&order, APPROVED).await;
        assert_eq!(answer["errorCode"], "0", "{answer}");
        assert_eq!(gate.status(&order).await["orderStatus"], 3);
        assert_eq!(gate.audit().await["postings"], 0);
    }
}
