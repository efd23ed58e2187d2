//! Wallets beside cards: the choice, the visit to the wallet's page, and coming back from it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use altyn_domain::PaymentStatus;
use axum::http::StatusCode;

use crate::gate::{GOOD, Gate, Page, path};

const AWAY: &str = "href=\"https://wallet.example/pay?a=1&#38;b=2\"";

fn at(page: &Page, expected: &str) {
    assert_eq!(page.location(), format!("/base{expected}"));
}

#[tokio::test]
async fn what_is_chosen_is_open() {
    let gate = Gate::with_wallet().await;
    let id = gate.order().await;
    let open = |page: &Page, method: &str| {
        page.text
            .contains(&format!("data-method=\"{method}\" open"))
    };
    for (query, method) in [
        ("", "card"),
        ("?method=wallet", "wallet"),
        ("?method=card", "card"),
        ("?method=%3Cb%3E", "card"),
        ("?method=wallet&lang=kk", "wallet"),
    ] {
        let page = gate.get(&(path(id, "") + query)).await;
        assert!(open(&page, method), "{query}");
        assert!(page.text.contains("Dala Wallet"), "{query}");
    }
    let page = gate
        .post(&path(id, "/pay"), "method=card&cc-number=4111&language=ru")
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(open(&page, "card"));
    at(
        &gate.post(&path(id, "/pay"), "method=nothing").await,
        &path(id, ""),
    );
    assert_eq!(gate.charges(), 0);
}

#[tokio::test]
async fn the_way_to_the_wallet_and_back() {
    let gate = Gate::with_wallet().await;
    let id = gate.order().await;
    let pay = gate.post(&path(id, "/pay"), "method=wallet").await;
    at(&pay, &path(id, "/go"));
    let go = gate.get(&path(id, "/go")).await;
    assert!(go.text.contains(AWAY) && go.text.contains("data-auto"));
    assert!(go.text.contains("«Dala Wallet»"));

    // Back with nothing done: the page waits for news and offers the way again.
    at(&gate.get(&path(id, "/back")).await, &path(id, "/result"));
    let front = gate.get(&path(id, "")).await;
    assert!(front.text.contains(AWAY) && !front.text.contains("data-auto"));
    assert!(front.text.contains("data-poll") && front.text.contains("data-now=\"asked\""));
    at(&gate.get(&path(id, "/result")).await, &path(id, ""));
    assert!(
        gate.get(&path(id, "/state"))
            .await
            .text
            .contains("\"asked\"")
    );
    // Another click while the first try is open begins no second one.
    at(
        &gate.post(&path(id, "/pay"), "method=wallet").await,
        &path(id, "/go"),
    );
    at(&gate.pay(id, GOOD, true).await, &path(id, "/go"));
    assert_eq!(gate.charges(), 1);

    gate.bank.wallet_paid.store(true, Ordering::SeqCst);
    at(
        &gate.post(&path(id, "/back"), "anything=1").await,
        &path(id, "/result"),
    );
    let result = gate.get(&path(id, "/result")).await;
    assert!(result.text.contains("Оплачено") && result.text.contains("Dala Wallet"));
    assert_eq!(gate.payment(id).await.status(), PaymentStatus::Captured);
    at(&gate.get(&path(id, "/go")).await, &path(id, "/result"));
}

/// Life-cycle rows 4 and 6: the payment waits again without the gateway's words, and a late success pays it.
#[tokio::test]
async fn a_try_that_is_no_longer_waited_for() {
    let gate = Gate::with_wallet().await;
    let id = gate.order().await;
    gate.engine.run_timers();
    gate.post(&path(id, "/pay"), "method=wallet").await;
    gate.advance_s(301);
    let deadline = Instant::now() + Duration::from_secs(20);
    let front = loop {
        let page = gate.get(&path(id, "")).await;
        if page.text.contains("чем закончилась оплата") {
            break page;
        }
        assert!(Instant::now() < deadline, "{}", page.text);
        tokio::task::yield_now().await;
    };
    gate.engine.stop().await;
    assert!(front.text.contains("class=\"pay-form") && !front.text.contains("не удалась"));
    assert!(front.text.contains("data-method=\"wallet\" open"));
    let again = gate.get(&path(id, "/go")).await;
    assert!(
        again.text.contains(AWAY),
        "the first try may still be ended"
    );

    gate.bank.wallet_paid.store(true, Ordering::SeqCst);
    at(&gate.get(&path(id, "/back")).await, &path(id, "/result"));
    assert!(
        gate.get(&path(id, "/result"))
            .await
            .text
            .contains("Оплачено")
    );
}
