//! Around the page: frames, languages, the ways back, and what the shop's page is told.

use axum::http::header;
use form_urlencoded::Serializer;
use serde_json::Value;

use crate::link::*;
use crate::shop::{GOOD, SECURE, Shop};

#[tokio::test]
async fn the_ways_back_to_the_shop() {
    let shop = Shop::open().await;
    let urls = |payment_id: &str| {
        Link::of(&shop, payment_id)
            .with("merchant_success_url", "https://shop.example/thanks?id=1")
            .with("merchant_fail_url", "https://shop.example/sorry")
            .with("merchant_return_url", "https://shop.example/basket")
    };
    let open_form = open(&shop, &urls("b1")).await;
    assert!(
        open_form
            .text
            .contains("href=\"https://shop.example/basket\"")
    );
    assert!(open_form.text.contains("shop.example</span>"));
    let answer = pay_by_card(&shop, &urls("b1"), GOOD).await;
    let path = location(&answer).to_owned();
    let result = get(&shop, &path).await;
    assert!(result.text.contains("shop.example</p>") && !result.text.contains("id=\"leave\""));
    let back = get(&shop, &path.replace("/result", "/return")).await;
    assert_eq!(
        back.headers[header::LOCATION],
        "https://shop.example/thanks?id=1"
    );

    for (payment_id, enabled, button, automatic) in [
        ("b2", "0", false, false),
        ("b3", "1", true, false),
        ("b4", "2", true, true),
    ] {
        let link = Link::of(&shop, payment_id)
            .with("merchant_success_url", "https://shop.example/thanks")
            .with("merchant_success_enabled", enabled)
            .with("merchant_success_redirect_mode", "blank_page");
        let answer = pay_by_card(&shop, &link, GOOD).await;
        let result = get(&shop, location(&answer)).await;
        assert_eq!(
            result.text.contains("target=\"_blank\""),
            button,
            "{enabled}"
        );
        assert_eq!(result.text.contains("id=\"leave\""), automatic, "{enabled}");
    }
    let older = Link::of(&shop, "b5").with("redirect_success_url", "https://shop.example/old");
    let answer = pay_by_card(&shop, &older, GOOD).await;
    assert!(
        get(&shop, location(&answer))
            .await
            .text
            .contains("id=\"leave\"")
    );
}

#[tokio::test]
async fn row_68_frames_are_for_payments_opened_in_one() {
    let shop = Shop::open().await;
    let plain = Link::of(&shop, "f0");
    let answer = pay_by_card(&shop, &plain, SECURE).await;
    let steps = get(&shop, location(&answer)).await;
    assert!(policy(&steps).contains("frame-ancestors 'none'"));

    // Neither name is signed.
    let table = [
        (
            "f1",
            "frame_mode=iframe",
            "frame-ancestors 'self' http: https:;",
        ),
        (
            "f2",
            "_origin=https%3A%2F%2Fshop.example",
            "frame-ancestors 'self' https://shop.example;",
        ),
        (
            "f3",
            "frame_mode=embedded&_origin=https%3A%2F%2Fshop.example%3A444%2Fx",
            "frame-ancestors 'self' https://shop.example:444;",
        ),
        (
            "f4",
            "frame_mode=popup&_origin=javascript%3Aalert(1)",
            "frame-ancestors 'self' http: https:;",
        ),
    ];
    for (payment_id, added, expected) in table {
        let query = Link::of(&shop, payment_id).signed(&shop);
        let form = get(&shop, &format!("/payment?{query}&{added}")).await;
        assert_eq!(form.status, 200, "{}", form.text);
        assert!(policy(&form).contains(expected), "{}", policy(&form));
        assert!(form.headers.get("x-frame-options").is_none());
        let answer = post(
            &shop,
            "/payment/confirm",
            card_form(&request_of(&form), SECURE),
        )
        .await;
        let steps = location(&answer).to_owned();
        assert!(policy(&answer).contains(expected));
        for rest in ["/3ds", "", "/result", "/state"] {
            let path = steps.replace("/3ds", rest);
            let page = get(&shop, &path).await;
            if page.status == 200 && rest != "/state" {
                assert!(
                    policy(&page).contains(expected),
                    "{path}: {}",
                    policy(&page)
                );
            }
        }
        let frame = post(&shop, &format!("{steps}/method"), String::new()).await;
        assert!(policy(&frame).contains(expected), "{}", policy(&frame));
    }
    let bad = get(&shop, "/payment?project_id=101&frame_mode=iframe").await;
    assert_eq!(bad.status, 400);
    assert!(bad.headers.get("x-frame-options").is_none());
}

#[tokio::test]
async fn another_language_is_a_click_away() {
    let shop = Shop::open().await;
    let link = Link::of(&shop, "lang").without("language_code");
    let path = format!("/payment?{}", link.signed(&shop));
    for (language, words) in [
        ("kk", "Төлейтін сома"),
        ("ru", "К оплате"),
        ("en", "Amount to pay"),
    ] {
        let page = get_in(&shop, &path, language).await;
        assert!(page.text.contains(words), "{language}");
        let other = Serializer::new(String::new())
            .extend_pairs([("request", request_of(&page).as_str()), ("_lang", language)])
            .finish();
        let again = post(&shop, "/payment/form", other).await;
        assert!(again.text.contains(words), "{language}: {}", again.text);
        assert!(
            get(&shop, &format!("{path}&_lang={language}"))
                .await
                .text
                .contains(words)
        );
    }
    let page = open(&shop, &link.with("language_code", "kk")).await;
    assert!(page.text.contains("Төлейтін сома"));
}

#[tokio::test]
async fn the_shops_page_is_told_of_the_payment() {
    let shop = Shop::open().await;
    let query = Link::of(&shop, "told").signed(&shop);
    let form = get(
        &shop,
        &format!("/payment?{query}&_origin=https%3A%2F%2Fshop.example"),
    )
    .await;
    assert!(form.text.contains("data-parent=\"https://shop.example\""));
    assert!(form.text.contains("data-standing=\"draft\" data-told=\"\""));
    let answer = post(
        &shop,
        "/payment/confirm",
        card_form(&request_of(&form), GOOD),
    )
    .await;
    let result = get(&shop, location(&answer)).await;
    let (_, told) = result.text.split_once("data-told=\"").expect("it is told");
    let (told, _) = told.split_once('"').expect("it ends");
    let told: Value = serde_json::from_str(&told.replace("&#34;", "\"")).expect("JSON");
    assert_eq!(told["status"], "success");
    assert_eq!(told["payment_id"], "told");
    assert_eq!(
        (told["amount"].as_i64(), told["currency"].as_str()),
        (Some(15_000), Some("INR"))
    );
    assert_eq!(told["request_id"].as_str().map(str::len), Some(90));
    assert!(result.text.contains("data-standing=\"paid\""));
}
