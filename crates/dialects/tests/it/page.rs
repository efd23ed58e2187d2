//! The Payment Page: opening a link, paying by its form, coming back to it.

use altyn_domain::{Language, PaymentStatus, Way};

use crate::link::*;
use crate::shop::{GOOD, NOW_MS, POOR, SECURE, Shop};

#[tokio::test]
async fn a_link_shows_a_form_and_registers_nothing() {
    let shop = Shop::open().await;
    let link = Link::of(&shop, "X03936");
    let query = link.signed(&shop);
    let by_post = post(&shop, "/payment", query.clone()).await;
    let spaced = query.replace('+', "%20");
    for page in [
        get(&shop, &format!("/payment?{query}")).await,
        get(&shop, &format!("/payment?{spaced}")).await,
        by_post,
    ] {
        assert_eq!(page.status, 200, "{}", page.text);
        for words in [
            "₹150.00",
            "X03936",
            "Чай + 2",
            "How to pay",
            "Wallets of India",
            "Bank card",
            "action=\"/base/payment/confirm\"",
        ] {
            assert!(page.text.contains(words), "{words}: {}", page.text);
        }
        assert!(policy(&page).contains("frame-ancestors 'none'"));
        assert_eq!(page.headers["x-frame-options"], "DENY");
    }
    assert_unknown(&shop, "X03936").await;
}

#[tokio::test]
async fn a_card_pays_what_the_link_says() {
    let shop = Shop::open().await;
    let link = Link::of(&shop, "Order-7")
        .with("customer_email", "mary@example.com")
        .with("customer_first_name", "Mary")
        .with("customer_phone", "+7 (701) 555-00-11")
        .with("merchant_data", "basket 9");
    let answer = pay_by_card(&shop, &link, GOOD).await;
    assert!(
        location(&answer).ends_with("/result"),
        "{}",
        location(&answer)
    );
    let payment = payment(&shop, id_in(location(&answer))).await;
    assert_eq!(payment.status(), PaymentStatus::Captured);
    assert_eq!(
        (payment.amount.minor(), payment.amount.currency().alpha()),
        (15_000, "INR")
    );
    assert_eq!(payment.order.reference, "Order-7");
    assert_eq!(payment.order.language, Language::En);
    assert_eq!(payment.tries_max, 5);
    assert_eq!(payment.expires_at.as_millis(), NOW_MS + 1_800_000);
    assert_eq!(payment.order.customer.name.as_deref(), Some("Mary"));
    assert_eq!(payment.order.attributes["merchant_data"], "basket 9");
    let told = shop.status("ORDER-7").await;
    assert_eq!(told["payment"]["status"], "success", "{told}");
}

#[tokio::test]
async fn a_wallet_leads_to_its_own_page_and_back() {
    let shop = Shop::open().await;
    let link = Link::of(&shop, "w-1").with("payment_amount", "15050");
    let form = open(&shop, &link).await;
    let answer = post(
        &shop,
        "/payment/confirm",
        wallet_form(&request_of(&form), "wallet-partner"),
    )
    .await;
    let go = location(&answer).to_owned();
    assert!(go.ends_with("/go"), "{go}");
    let page = get(&shop, &go).await;
    assert!(page.text.contains("href=\"https://partner.example/order\""));
    assert!(page.text.contains("data-auto") && page.text.contains("Go on at Wallets of India"));
    assert!(policy(&page).contains("form-action 'self' https://partner.example;"));

    // Back from there, nothing paid: no second journey without a word.
    let back = get(&shop, go.trim_end_matches("/go")).await;
    assert_eq!(back.status, 200);
    assert!(!back.text.contains("data-auto") && back.text.contains("Payment not finished"));
    let returned = get(&shop, &go.replace("/go", "/back")).await;
    assert_eq!(location(&returned), go.replace("/go", "/result"));
}

#[tokio::test]
async fn the_link_opened_again_shows_how_the_payment_stands() {
    let shop = Shop::open().await;
    let link = Link::of(&shop, "again");
    let answer = pay_by_card(&shop, &link, GOOD).await;
    let id = id_in(location(&answer));
    for id_text in ["again", "AGAIN"] {
        let again = open(&shop, &link.clone().with("payment_id", id_text)).await;
        assert_eq!(location(&again), format!("/checkout/{}", id.uuid()));
    }
    let paid = get(&shop, &format!("/checkout/{}", id.uuid())).await;
    assert!(paid.text.contains("Already paid") || paid.text.contains("already paid"));
    for (name, value) in [("payment_amount", "15001"), ("payment_currency", "KZT")] {
        let other = open(&shop, &link.clone().with(name, value)).await;
        assert_eq!(other.status, 400, "{name}");
    }
}

#[tokio::test]
async fn row_25_clicks_and_windows_make_one_charge() {
    let shop = Shop::open().await;
    let link = Link::of(&shop, "clicks");
    let form = open(&shop, &link).await;
    let request = request_of(&form);
    let clicks = (0..8).map(|_| post(&shop, "/payment/confirm", card_form(&request, GOOD)));
    let answers = futures::future::join_all(clicks).await;
    let ids: Vec<_> = answers
        .iter()
        .map(|answer| id_in(location(answer)))
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    let payment = payment(&shop, ids[0]).await;
    assert_eq!(payment.operations.len(), 1);
    // And the form that is still open in another window.
    let late = post(&shop, "/payment/confirm", card_form(&request, SECURE)).await;
    assert_eq!(id_in(location(&late)), ids[0]);
}

#[tokio::test]
async fn mistakes_in_the_card_come_back_and_register_nothing() {
    let shop = Shop::open().await;
    let link = Link::of(&shop, "typo");
    let answer = pay_by_card(&shop, &link, "4444555511113334").await;
    assert_eq!(answer.status, 422);
    assert!(answer.text.contains("aria-invalid") && !answer.text.contains("4444555511113334"));
    assert_unknown(&shop, "typo").await;
    let again = card_form(&request_of(&answer), GOOD);
    assert!(location(&post(&shop, "/payment/confirm", again).await).ends_with("/result"));
}

#[tokio::test]
async fn a_declined_payer_tries_again_five_times() {
    let shop = Shop::open().await;
    let link = Link::of(&shop, "poor");
    let answer = pay_by_card(&shop, &link, POOR).await;
    let result = get(&shop, location(&answer)).await;
    assert!(result.text.contains("Try again") && result.text.contains("Attempts left: 4"));
    let told = shop.status("poor").await;
    assert_eq!(told["payment"]["status"], "awaiting customer", "{told}");

    // Who goes back to the shop by itself has no second try.
    let once = Link::of(&shop, "poor-once")
        .with("merchant_fail_url", "https://shop.example/sorry")
        .with("merchant_fail_enabled", "2");
    let answer = pay_by_card(&shop, &once, POOR).await;
    let result = get(&shop, location(&answer)).await;
    assert!(!result.text.contains("Try again"), "{}", result.text);
    assert!(result.text.contains("id=\"leave\""));
    assert_eq!(
        shop.status("poor-once").await["payment"]["status"],
        "decline"
    );
}

#[tokio::test]
async fn holds_and_checks_of_a_card() {
    let shop = Shop::open().await;
    let hold = Link::of(&shop, "hold").with("card_operation_type", "auth");
    let answer = pay_by_card(&shop, &hold, GOOD).await;
    let held = payment(&shop, id_in(location(&answer))).await;
    assert_eq!(
        (held.way, held.status()),
        (Way::Hold, PaymentStatus::Authorized)
    );
    let check = Link::of(&shop, "check")
        .with("mode", "card_verify")
        .with("payment_amount", "0");
    let form = open(&shop, &check).await;
    assert!(form.text.contains("No charge"), "{}", form.text);
}
