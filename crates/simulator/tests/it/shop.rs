//! The demo shop against a small gateway: buying, callbacks, holds, refunds, failures.

use reqwest::StatusCode;
use serde_json::json;

use crate::gateway::{StubGateway, order_id};
use crate::simulator::{Simulator, attribute, encode, form};

const SECRET: &str = "bereke-test-key-01";

fn config(gateway: &StubGateway, secret: &str) -> serde_json::Value {
    json!({"shop": {
        "gateway_base_url": gateway.base_url, "user_name": "dala-api", "password": "secret &1",
        "callback_secret": secret,
    }})
}

async fn start() -> (StubGateway, Simulator) {
    let gateway = StubGateway::start().await;
    let simulator = Simulator::start_with(config(&gateway, SECRET));
    (gateway, simulator)
}

/// Buys; gives the shop's order number.
async fn buy(simulator: &Simulator, gateway: &StubGateway, fields: &[(&str, &str)]) -> String {
    let request = simulator.client.post(format!("{}/buy", simulator.shop_url));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let response = request.body(encode(fields)).send().await.expect("answered");
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let target = response.headers()["location"].to_str().expect("text");
    assert!(target.contains("payment_ru.html?mdOrder="), "{target}");
    gateway.newest().parameters["orderNumber"].clone()
}

async fn page(simulator: &Simulator, path: &str) -> String {
    let url = format!("{}{path}", simulator.shop_url);
    let response = simulator.client.get(url).send().await.expect("answered");
    response.text().await.expect("a page")
}

/// `status`, `callback` and `source` that the page of an order shows.
async fn facts(simulator: &Simulator, number: &str) -> (String, String, String) {
    let page = page(simulator, &format!("/orders/{number}?orderId=x&lang=en")).await;
    let (_, main) = page.split_once("<main").expect("a main part");
    let fact = |name: &str| attribute(main, name).expect("a fact");
    (
        fact("data-status"),
        fact("data-callback"),
        fact("data-source"),
    )
}

fn expect(status: &str, callback: &str, source: &str) -> (String, String, String) {
    (status.to_owned(), callback.to_owned(), source.to_owned())
}

async fn act(
    simulator: &Simulator,
    number: &str,
    action: &str,
    fields: &[(&str, &str)],
) -> (StatusCode, String) {
    simulator
        .submit(
            &format!("{}/orders/{number}/{action}", simulator.shop_url),
            fields,
        )
        .await
}

/// A callback whose checksum is computed here, apart from the shop's own code.
async fn callback(simulator: &Simulator, parameters: &[(&str, &str)]) -> StatusCode {
    let mut sorted = parameters.to_vec();
    sorted.sort_unstable();
    let text: String = sorted
        .iter()
        .map(|(name, value)| format!("{name};{value};"))
        .collect();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = aws_lc_rs::hmac::sign(&key, text.as_bytes());
    let checksum: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    let mut all = parameters.to_vec();
    all.push(("checksum", &checksum));
    all.push(("sign_alias", "any"));
    let url = format!("{}/callback?{}", simulator.shop_url, encode(&all));
    simulator
        .client
        .get(url)
        .send()
        .await
        .expect("answered")
        .status()
}

#[tokio::test]
async fn purchase_is_paid_by_callback_and_status() {
    let (gateway, simulator) = start().await;
    let fields = [("good", "taqiya"), ("quantity", "2"), ("lang", "kk")];
    let number = buy(&simulator, &gateway, &fields).await;

    let sent = gateway.newest().parameters;
    assert_eq!(sent["amount"], "2500000");
    assert_eq!(sent["currency"], "398");
    assert_eq!(sent["language"], "kk");
    assert_eq!(
        sent["returnUrl"],
        format!("{}/orders/{number}", simulator.shop_url)
    );
    assert_eq!(
        sent["dynamicCallbackUrl"],
        format!("{}/callback", simulator.shop_url)
    );
    assert!(number.len() <= 32 && sent["description"].contains("Тақия"));

    assert_eq!(
        facts(&simulator, &number).await,
        expect("registered", "none", "status")
    );
    gateway.pay();
    assert_eq!(
        facts(&simulator, &number).await,
        expect("paid", "none", "status")
    );
    let order = order_id(0);
    let parameters = [
        ("mdOrder", order.as_str()),
        ("orderNumber", number.as_str()),
        ("operation", "deposited"),
        ("status", "1"),
    ];
    assert_eq!(callback(&simulator, &parameters).await, StatusCode::OK);
    assert_eq!(
        facts(&simulator, &number).await,
        expect("paid", "deposited", "status")
    );
    let list = page(&simulator, "/orders?lang=en").await;
    assert!(
        list.contains(&format!("data-order=\"{number}\" data-status=\"paid\"")),
        "{list}"
    );
}

#[tokio::test]
async fn callback_alone_is_enough_when_the_gateway_is_silent() {
    let (gateway, simulator) = start().await;
    let number = buy(&simulator, &gateway, &[("good", "honey")]).await;
    gateway.broken(StatusCode::BAD_GATEWAY, "<html>");

    assert_eq!(
        facts(&simulator, &number).await,
        expect("registered", "none", "registration")
    );
    let order = order_id(0);
    let parameters = [
        ("mdOrder", order.as_str()),
        ("orderNumber", number.as_str()),
        ("operation", "deposited"),
        ("status", "1"),
        ("amount", "720000"),
    ];
    assert_eq!(callback(&simulator, &parameters).await, StatusCode::OK);
    assert_eq!(
        facts(&simulator, &number).await,
        expect("paid", "deposited", "callback")
    );
}

#[tokio::test]
async fn forged_callback_pays_nothing() {
    let (gateway, simulator) = start().await;
    let number = buy(&simulator, &gateway, &[("good", "honey")]).await;
    let forged = [
        ("mdOrder", order_id(0)),
        ("orderNumber", number.clone()),
        ("operation", "deposited".to_owned()),
        ("status", "1".to_owned()),
        ("checksum", "0".repeat(64)),
    ];
    let fields: Vec<(&str, &str)> = forged
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let url = format!("{}/callback", simulator.shop_url);

    assert_eq!(
        simulator.submit(&url, &fields).await.0,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        simulator.submit(&url, &fields[..4]).await.0,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(simulator.submit(&url, &[]).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(
        facts(&simulator, &number).await,
        expect("registered", "none", "status")
    );

    let foreign = [
        ("mdOrder", "01491d0b-c848-7dd6-a20d-999999999999"),
        ("orderNumber", number.as_str()),
        ("operation", "deposited"),
        ("status", "1"),
    ];
    assert_eq!(callback(&simulator, &foreign).await, StatusCode::OK);
    assert_eq!(
        facts(&simulator, &number).await,
        expect("registered", "none", "status"),
        "a callback about another order of the gateway"
    );
}

/// Secret, parameters and the checksum that belongs to them.
const PUBLISHED: [(&str, &str, &str); 6] = [
    (
        "ooc7slpvc61k7sf7ma7p4hrefr",
        "mdOrder=06cf5599-3f17-7c86-bdbc-bd7d00a8b38b&operation=approved&orderNumber=2003&status=1",
        "EAF2FB72CAB99FD5067F4BA493DD84F4D79C1589FDE8ED29622F0F07215AA972",
    ),
    (
        SECRET,
        "mdOrder=01491d0b-c848-7dd6-a20d-e96900a7d8c0&operation=deposited&orderNumber=ORD-1001\
         &status=1",
        "3DD5DA49325BAD2666FC118F0C83DB4DBFB64BB1F08F33A76739225F4BA7CCBA",
    ),
    (
        SECRET,
        "mdOrder=01491d0b-c848-7dd6-a20d-e96900a7d8c0&orderNumber=ORD-1001&operation=refunded\
         &status=1&amount=200000&operationRefundedAmount=50000\
         &callbackCreationDate=Mon+Jan+31+21%3A46%3A52+UTC+2022",
        "83C9910E8A836EB27981ED980E8F308535E356E198C54CA347E278875E178321",
    ),
    (
        "ключ",
        "mdOrder=01491d0b-c848-7dd6-a20d-e96900a7d8c0&operation=approved\
         &orderNumber=%D0%97%D0%B0%D0%BA%D0%B0%D0%B7+7&status=0",
        "42CF2F028B70D823DAC09B14119F2E9F2D2A03C9C89DBACFF39F637D971DD481",
    ),
    (
        SECRET,
        "mdOrder=01491d0b-c848-7dd6-a20d-e96900a7d8c0&operation=declinedByTimeout\
         &orderNumber=ORD-1001&status=1",
        "96C3E1365C47079F4ED7592FBA369751792EF77A17B39A94D78822F7442ADC9E",
    ),
    (
        SECRET,
        "bindingId=44779116-41a5-7798-b072-c0a30760e2b0&clientId=cust-7\
         &mdOrder=01491d0b-c848-7dd6-a20d-e96900a7d8c0&operation=bindingCreated\
         &orderNumber=ORD-1001&status=1",
        "4461D213EA47D4A43D18C8127366F547ADF3C4568EF4179DFA7E6BEB08601946",
    ),
];

#[tokio::test]
async fn published_checksums_are_accepted_both_ways() {
    let gateway = StubGateway::start().await;
    for (secret, signed, checksum) in PUBLISHED {
        let simulator = Simulator::start_with(config(&gateway, secret));
        let send = async |method: &str, parameters: String| {
            let url = format!("{}/callback", simulator.shop_url);
            let request = match method {
                "GET" => simulator.client.get(format!("{url}?{parameters}")),
                _ => simulator.client.post(url).body(parameters),
            };
            request.send().await.expect("answered").status()
        };
        for method in ["GET", "POST"] {
            let right = format!("{signed}&sign_alias=any&checksum={checksum}");
            assert_eq!(
                send(method, right).await,
                StatusCode::OK,
                "{method} {signed}"
            );
            let changed = format!("{signed}0&checksum={checksum}");
            assert_eq!(
                send(method, changed).await,
                StatusCode::BAD_REQUEST,
                "{signed}"
            );
            let more = format!("{signed}&amount=1&amount=2&checksum={checksum}");
            assert_eq!(
                send(method, more).await,
                StatusCode::BAD_REQUEST,
                "{signed}"
            );
        }
    }
}

#[tokio::test]
async fn hold_is_captured_in_part_and_refunded() {
    let (gateway, simulator) = start().await;
    let number = buy(&simulator, &gateway, &[("good", "taqiya"), ("hold", "1")]).await;
    assert!(
        gateway.newest().parameters.contains_key("hold"),
        "registerPreAuth.do"
    );
    gateway.pay();
    assert_eq!(facts(&simulator, &number).await.0, "held");

    let (status, _) = act(&simulator, &number, "capture", &[("amount", "10 000,50")]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(gateway.newest().deposited, 1_000_050);
    assert_eq!(facts(&simulator, &number).await.0, "paid");

    let (status, _) = act(&simulator, &number, "refund", &[("amount", "10000")]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(gateway.newest().refunded, 1_000_000);
    assert_eq!(facts(&simulator, &number).await.0, "partially_refunded");
    let (status, _) = act(&simulator, &number, "refund", &[("amount", "")]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(facts(&simulator, &number).await.0, "refunded");
    let again = act(&simulator, &number, "refund", &[("amount", "1")]).await;
    assert_eq!(again.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn pressing_refund_twice_refunds_once() {
    let (gateway, simulator) = start().await;
    let number = buy(&simulator, &gateway, &[("good", "taqiya")]).await;
    gateway.pay();
    let path = format!("/orders/{number}");
    let (action, fields) = form(&page(&simulator, &path).await);
    assert_eq!(action, format!("{path}/refund"));
    let refund = [("token", fields["token"].as_str()), ("amount", "100")];

    for _ in 0..2 {
        assert_eq!(
            act(&simulator, &number, "refund", &refund).await.0,
            StatusCode::SEE_OTHER
        );
    }

    assert_eq!(gateway.newest().refunded, 10_000);
}

#[tokio::test]
async fn hold_is_released() {
    let (gateway, simulator) = start().await;
    let number = buy(&simulator, &gateway, &[("good", "piala"), ("hold", "1")]).await;
    gateway.pay();
    facts(&simulator, &number).await;

    assert_eq!(
        act(&simulator, &number, "release", &[]).await.0,
        StatusCode::SEE_OTHER
    );

    assert_eq!(facts(&simulator, &number).await.0, "released");
}

#[tokio::test]
async fn refusals_and_silence_are_told_in_plain_words() {
    let (gateway, simulator) = start().await;
    let number = buy(&simulator, &gateway, &[("good", "piala"), ("lang", "en")]).await;
    gateway.pay();
    facts(&simulator, &number).await;

    let (status, answer) = act(&simulator, &number, "refund", &[("amount", "1000000")]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(answer.contains("data-problem"), "{answer}");

    gateway.broken(
        StatusCode::OK,
        r#"{"errorCode":"7","errorMessage":"<b>System</b>"}"#,
    );
    let (status, answer) = act(&simulator, &number, "refund", &[("amount", "1")]).await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert!(
        answer.contains("System") && !answer.contains("<b>System"),
        "{answer}"
    );

    let url = format!("{}/buy", simulator.shop_url);
    let fields = [("good", "piala"), ("lang", "en")];
    let (status, answer) = simulator.submit(&url, &fields).await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert!(answer.contains("The payment gateway refused"), "{answer}");
    gateway.broken(StatusCode::OK, "not JSON");
    let (_, answer) = simulator.submit(&url, &fields).await;
    assert!(
        answer.contains("an answer we do not understand"),
        "{answer}"
    );
    assert!(!answer.contains("secret"), "no credentials on pages");
}

#[tokio::test]
async fn status_about_another_sum_is_no_payment() {
    let (gateway, simulator) = start().await;
    let number = buy(&simulator, &gateway, &[("good", "piala")]).await;
    gateway.pay();
    gateway.change(|order| {
        order.parameters.insert("amount".to_owned(), "1".to_owned());
    });

    assert_eq!(facts(&simulator, &number).await.0, "mismatch");
}

#[tokio::test]
async fn declined_order_shows_why() {
    let (gateway, simulator) = start().await;
    let number = buy(&simulator, &gateway, &[("good", "piala")]).await;
    gateway.change(|order| order.status = 6);

    let page = page(&simulator, &format!("/orders/{number}")).await;

    assert!(page.contains("data-status=\"declined\""), "{page}");
    assert!(
        page.contains("Not enough") && !page.contains("<money>"),
        "{page}"
    );
}

#[tokio::test]
async fn pages_speak_three_languages_and_keep_strict_headers() {
    let (_gateway, simulator) = start().await;
    for (language, word) in [("ru", "Купить"), ("kk", "Сатып алу"), ("en", "Buy")] {
        let url = format!("{}/?lang={language}", simulator.shop_url);
        let response = simulator.client.get(url).send().await.expect("answered");
        let headers = response.headers().clone();
        let text = response.text().await.expect("a page");
        assert!(text.contains(&format!("<html lang=\"{language}\">")) && text.contains(word));
        assert!(text.contains("12\u{a0}500\u{a0}₸"), "prices");
        let policy = headers["content-security-policy"].to_str().expect("text");
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert!(
            headers["set-cookie"]
                .to_str()
                .expect("text")
                .contains(language)
        );
    }
    let good = page(&simulator, "/goods/dombra?lang=en").await;
    assert!(
        good.contains("5555 5555 5555 5599") && good.contains("name=\"hold\""),
        "{good}"
    );
    for path in ["/goods/nothing", "/orders/nothing", "/nothing"] {
        let url = format!("{}{path}", simulator.shop_url);
        let response = simulator.client.get(url).send().await.expect("answered");
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
    }
    let picture = page(&simulator, "/pictures/dombra.svg").await;
    assert!(picture.starts_with("<svg"));
}

#[tokio::test]
async fn orders_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = StubGateway::start().await;
    let mut settings = config(&gateway, SECRET);
    settings["journal"] = json!(folder.path().join("bank.journal"));
    let first = Simulator::start_with(settings.clone());
    let number = buy(&first, &gateway, &[("good", "piala")]).await;
    gateway.pay();
    assert_eq!(facts(&first, &number).await.0, "paid");
    assert_eq!(first.stop(), 0);

    let second = Simulator::start_with(settings);

    gateway.broken(StatusCode::BAD_GATEWAY, "");
    assert_eq!(
        facts(&second, &number).await,
        expect("paid", "none", "status")
    );
}

#[tokio::test]
async fn foreign_pages_cannot_press_the_buttons() {
    let (_gateway, simulator) = start().await;
    let request = simulator.client.post(format!("{}/buy", simulator.shop_url));
    let request = request
        .header("sec-fetch-site", "cross-site")
        .body("good=piala");
    assert_eq!(
        request.send().await.expect("answered").status(),
        StatusCode::FORBIDDEN
    );
}
