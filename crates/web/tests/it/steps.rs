//! 3-D Secure: with script and without, and everything that may arrive twice or out of turn.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::gate::{GOOD, Gate, Page, SECURE, TRANSACTION, path};
use altyn_domain::PaymentId;

fn cres(transaction: &str) -> String {
    let text = format!(
        r#"{{"threeDSServerTransID":"{transaction}","transStatus":"Y","messageType":"CRes"}}"#
    );
    format!("cres={}&threeDSSessionData=", URL_SAFE_NO_PAD.encode(text))
}

fn at(page: &Page, id: PaymentId, place: &str) {
    assert_eq!(page.location(), format!("/base{}", path(id, place)));
}

fn policy(page: &Page) -> &str {
    page.headers["content-security-policy"]
        .to_str()
        .expect("it is plain")
}

#[tokio::test]
async fn with_script_the_frame_comes_first() {
    let gate = Gate::open().await;
    let id = gate.order().await;
    at(&gate.pay(id, SECURE, true).await, id, "/3ds");
    let steps = gate.get(&path(id, "/3ds")).await;
    assert!(
        steps
            .text
            .contains("name=\"threeDSMethodData\" value=\"e30\"")
    );
    assert!(policy(&steps).contains("frame-src 'self' https://acs.example;"));

    let frame = gate
        .post(&path(id, "/3ds/method"), "threeDSMethodData=e30")
        .await;
    assert!(policy(&frame).contains("frame-ancestors 'self'"));
    assert!(frame.text.contains("data-page=\"frame\""));

    let done = format!("transaction={TRANSACTION}&indicator=Y");
    at(
        &gate.post(&path(id, "/3ds/method-done"), &done).await,
        id,
        "/3ds",
    );
    assert_eq!(*gate.bank.last.lock().expect("it is free"), "checked Y");
    let steps = gate.get(&path(id, "/3ds")).await;
    assert!(
        steps
            .text
            .contains("action=\"https://acs.example/challenge\" data-auto")
    );
    assert!(policy(&steps).contains("form-action 'self' https://acs.example;"));

    // The report of the frame comes again: the page shows where things stand.
    at(
        &gate.post(&path(id, "/3ds/method-done"), &done).await,
        id,
        "/3ds",
    );
    at(
        &gate
            .post(&path(id, "/3ds/return"), &cres(TRANSACTION))
            .await,
        id,
        "/result",
    );
    at(
        &gate
            .post(&path(id, "/3ds/return"), &cres(TRANSACTION))
            .await,
        id,
        "/result",
    );
    assert!(
        gate.get(&path(id, "/result"))
            .await
            .text
            .contains("Оплачено")
    );
    assert_eq!(gate.charges(), 1);
    at(&gate.get(&path(id, "/3ds")).await, id, "/result");
}

#[tokio::test]
async fn without_script_the_issuers_page_has_a_button() {
    let gate = Gate::open().await;
    let id = gate.order().await;
    at(&gate.pay(id, SECURE, false).await, id, "/3ds");
    let steps = gate.get(&path(id, "/3ds")).await;
    assert!(!steps.text.contains("threeDSMethodData"));
    assert!(steps.text.contains("Перейти на страницу банка</button>"));
    at(
        &gate
            .post(&path(id, "/3ds/return"), &cres(TRANSACTION))
            .await,
        id,
        "/result",
    );
    assert!(
        gate.get(&path(id, "/result"))
            .await
            .text
            .contains("Оплачено")
    );
}

#[tokio::test]
async fn a_second_tab_joins_the_try_in_flight() {
    let gate = Gate::open().await;
    let id = gate.order().await;
    gate.pay(id, SECURE, true).await;
    at(&gate.pay(id, GOOD, true).await, id, "/3ds");
    at(&gate.get(&path(id, "")).await, id, "/3ds");
    at(&gate.get(&path(id, "/result")).await, id, "/3ds");
    assert!(gate.get(&path(id, "/state")).await.text.contains("/3ds"));
    assert_eq!(gate.charges(), 1);
}

#[tokio::test]
async fn a_broken_return_asks_for_a_click() {
    let gate = Gate::open().await;
    let id = gate.order().await;
    gate.pay(id, SECURE, false).await;
    for broken in ["", "cres=%25", "error=1", "cres=e30"] {
        let page = gate.post(&path(id, "/3ds/return"), broken).await;
        assert!(page.text.contains("закрылась без ответа"), "{broken}");
        assert!(!page.text.contains("data-auto"), "{broken}");
    }
    // Another transaction's answer leads back to the step that is asked for.
    at(
        &gate.post(&path(id, "/3ds/return"), &cres("another")).await,
        id,
        "/3ds",
    );
    assert_eq!(gate.charges(), 1);
}

#[tokio::test]
async fn an_abandoned_challenge_is_picked_up_after_its_period() {
    let gate = Gate::open().await;
    let id = gate.order().await;
    gate.engine.run_timers();
    gate.pay(id, SECURE, false).await;
    gate.advance_s(301);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let page = gate.get(&path(id, "")).await;
        if page.text.contains("Банк пока не ответил о прошлой попытке")
        {
            assert!(page.text.contains("cc-number"));
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{}", page.text);
        tokio::task::yield_now().await;
    }
    gate.engine.stop().await;
}
