//! Paying, and everything that a payer may click besides.

use altyn_domain::PaymentStatus;
use altyn_web::checkout::{OpenRequest, open};
use axum::http::StatusCode;

use crate::gate::{GOOD, Gate, POOR, SLOW, card, path};

#[tokio::test]
async fn a_good_card_pays() {
    let gate = Gate::open().await;
    let id = gate.order().await;
    let form = gate.get(&path(id, "")).await;
    assert_eq!(form.status, StatusCode::OK);
    assert!(form.text.contains("12\u{a0}500,00\u{a0}₸"));
    assert!(form.text.contains("Tea &#38; &#60;b&#62;Co"));

    let answer = gate.pay(id, GOOD, true).await;
    assert_eq!(answer.location(), format!("/base{}", path(id, "/result")));
    let result = gate.get(&path(id, "/result")).await;
    assert!(result.text.contains("Оплачено") && result.text.contains("•••• 3333"));
    assert_eq!(gate.payment(id).await.status(), PaymentStatus::Captured);
    assert!(
        gate.get(&path(id, ""))
            .await
            .text
            .contains("Заказ уже оплачен")
    );
}

#[tokio::test]
async fn two_clicks_and_two_tabs_make_one_charge() {
    let gate = Gate::open().await;
    let id = gate.order().await;
    let clicks = futures::future::join_all((0..8).map(|_| gate.pay(id, GOOD, true))).await;
    for click in &clicks {
        assert!(
            click
                .location()
                .starts_with(&format!("/base{}", path(id, "")))
        );
    }
    assert_eq!(gate.charges(), 1);
    // The back button brings the form back, and with it the same post.
    let again = gate.pay(id, GOOD, true).await;
    assert_eq!(again.location(), format!("/base{}", path(id, "/result")));
    assert_eq!(gate.charges(), 1);
}

#[tokio::test]
async fn a_declined_payer_reads_why_and_pays_again() {
    let gate = Gate::open().await;
    let id = gate.order().await;
    let answer = gate.pay(id, POOR, true).await;
    assert_eq!(answer.location(), format!("/base{}", path(id, "/result")));
    let result = gate.get(&path(id, "/result")).await;
    assert!(result.text.contains("недостаточно денег"));
    assert!(result.text.contains("Попробовать ещё раз"));
    assert!(
        gate.get(&path(id, ""))
            .await
            .text
            .contains("недостаточно денег")
    );

    gate.pay(id, GOOD, true).await;
    assert!(
        gate.get(&path(id, "/result"))
            .await
            .text
            .contains("Оплачено")
    );
}

#[tokio::test]
async fn after_the_last_try_there_is_no_form() {
    let gate = Gate::open().await;
    let id = gate.order().await;
    for _ in 0..3 {
        gate.pay(id, POOR, true).await;
    }
    for place in ["", "/result"] {
        let page = gate.get(&path(id, place)).await;
        assert!(page.text.contains("Попыток больше не осталось"), "{place}");
        assert!(!page.text.contains("cc-number"));
    }
    gate.pay(id, GOOD, true).await;
    assert_eq!(gate.charges(), 3);
}

#[tokio::test]
async fn a_slow_bank_is_waited_for() {
    let gate = Gate::open().await;
    let id = gate.order().await;
    gate.pay(id, SLOW, true).await;
    for place in ["", "/result"] {
        let page = gate.get(&path(id, place)).await;
        assert!(page.text.contains("Ждём ответа банка"), "{place}");
        assert!(page.text.contains("<noscript><meta http-equiv=\"refresh\""));
    }
    let state = gate.get(&path(id, "/state")).await;
    assert_eq!(state.text, r#"{"next":null,"status":"waiting"}"#);
    gate.pay(id, GOOD, true).await;
    assert_eq!(gate.charges(), 1);
}

#[tokio::test]
async fn time_ends_by_the_engines_clock() {
    let gate = Gate::open().await;
    let id = gate.order().await;
    gate.advance_s(1_201);
    assert!(
        gate.get(&path(id, ""))
            .await
            .text
            .contains("Время на оплату истекло")
    );
    let late = gate.pay(id, GOOD, true).await;
    assert_eq!(late.location(), format!("/base{}", path(id, "/result")));
    assert_eq!(gate.charges(), 0);
}

#[tokio::test]
async fn mistakes_come_back_with_reasons_and_without_the_card() {
    let gate = Gate::open().await;
    let id = gate.order().await;
    let form = "language=en&cc-number=4444555511113334&cc-exp=10%2F26&cc-csc=12&cc-name=A+B";
    let page = gate.post(&path(id, "/pay"), form).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text.contains("A digit is wrong") && page.text.contains("Card has expired."));
    assert!(page.text.contains("value=\"10/26\"") && page.text.contains("value=\"A B\""));
    assert!(!page.text.contains("44445555"));
    for broken in ["", "cc-number=1&cc-number=2", "%ff%fe"] {
        let page = gate.post(&path(id, "/pay"), broken).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{broken}");
    }
    assert_eq!(gate.charges(), 0);
}

#[tokio::test]
async fn the_language_is_kept_along_the_way() {
    let gate = Gate::open().await;
    let id = gate.order().await;
    let page = gate.get(&path(id, "?lang=kk")).await;
    assert!(page.text.contains("<html lang=\"kk\">"));
    assert!(page.text.contains("name=\"language\" value=\"kk\""));
    let form = card(GOOD, true).replace("language=ru", "language=kk");
    let answer = gate.post(&path(id, "/pay"), &form).await;
    assert_eq!(
        answer.location(),
        format!("/base{}", path(id, "/result?lang=kk"))
    );
    assert!(
        gate.get(&path(id, "/result?lang=kk"))
            .await
            .text
            .contains("Төленді")
    );
    assert!(
        gate.get(&path(id, "/result?lang=zz"))
            .await
            .text
            .contains("Оплачено")
    );
}

#[tokio::test]
async fn a_dialects_address_shows_the_same_page() {
    let gate = Gate::open().await;
    let id = gate.order().await;
    let request = OpenRequest {
        payment_id: Some(id),
        ..OpenRequest::default()
    };
    assert_eq!(open(&gate.checkout, request).await.status(), StatusCode::OK);
    let nothing = open(&gate.checkout, OpenRequest::default()).await;
    assert_eq!(nothing.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        gate.checkout.url(id),
        format!("http://gate.test/base{}", path(id, ""))
    );
}
