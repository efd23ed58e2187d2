//! The demo shop's cashier for India against a small Gate: three ways to pay, callbacks, refunds.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use url::Url;

use crate::gate::{PROJECT, StubGate, sign, signed};
use crate::simulator::{Simulator, attribute, encode, form};

/// The Payment Page stands on another host than the Gate, as the vendor's does.
const PAGE: &str = "http://127.0.0.1:9/payment";

fn config(gate: &StubGate) -> Value {
    json!({"shop": {
        "gateway_base_url": "http://127.0.0.1:9/payment/rest/", "user_name": "u",
        "password": "p", "callback_secret": "c",
        "ecommpay": {
            "gate_url": gate.url, "payment_page_url": PAGE, "project_id": PROJECT,
            "secret": crate::gate::KEY,
        },
    }})
}

async fn start() -> (StubGate, Simulator) {
    let gate = StubGate::start().await;
    let simulator = Simulator::start_with(config(&gate));
    (gate, simulator)
}

struct Page {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Page {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().expect("text")
    }

    /// An attribute of the page's main part.
    fn fact(&self, name: &str) -> String {
        let (_, main) = self.text.split_once("<main").expect("a main part");
        attribute(main, &format!("data-{name}")).unwrap_or_else(|| panic!("{name}: {main}"))
    }
}

async fn open(simulator: &Simulator, path: &str) -> Page {
    let url = format!("{}{path}", simulator.shop_url);
    let response = simulator.client.get(url).send().await.expect("answered");
    Page {
        status: response.status(),
        headers: response.headers().clone(),
        text: response.text().await.expect("a page"),
    }
}

async fn press(simulator: &Simulator, path: &str, fields: &[(&str, &str)]) -> Page {
    let url = format!("{}{path}", simulator.shop_url);
    let request = simulator.client.post(url).body(encode(fields));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let response = request.send().await.expect("answered");
    Page {
        status: response.status(),
        headers: response.headers().clone(),
        text: response.text().await.expect("a page"),
    }
}

const PAYER: [(&str, &str); 4] = [
    ("first_name", "Test"),
    ("last_name", "Payer"),
    ("phone", "98765 43210"),
    ("email", "payer@example.com"),
];

/// Buys honey; gives the order's number.
async fn buy(simulator: &Simulator, way: &str) -> String {
    let mut fields = vec![
        ("good", "honey"),
        ("quantity", "2"),
        ("way", way),
        ("lang", "en"),
    ];
    fields.extend(PAYER);
    let page = press(simulator, "/india/buy", &fields).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
    let path = page.header("location").to_owned();
    let number = path.strip_prefix("/india/orders/").expect(&path);
    number.strip_suffix("/pay").expect(&path).to_owned()
}

/// Tells the shop something that is signed.
async fn tell(simulator: &Simulator, message: &Value) -> StatusCode {
    tell_raw(simulator, &signed(message.clone()).to_string()).await
}

async fn tell_raw(simulator: &Simulator, body: &str) -> StatusCode {
    let url = format!("{}/india/callback", simulator.shop_url);
    let request = simulator.client.post(url).body(body.to_owned());
    let request = request.header("content-type", "application/json");
    request.send().await.expect("answered").status()
}

/// A callback about an order of two pots of honey.
fn message(number: &str, status: &str, second: u32, operation: (&str, &str)) -> Value {
    let left = if status == "refunded" { 0 } else { 248_100 };
    let code = match operation.1 {
        "success" => ("0", "Success"),
        "decline" => ("20000", "General decline"),
        _ => ("9999", "Awaiting processing"),
    };
    json!({
        "project_id": PROJECT,
        "payment": {
            "id": number, "type": "purchase", "status": status, "method": "wallet-partner",
            "date": format!("2026-01-01T10:00:{second:02}+0000"),
            "sum": {"amount": left, "currency": "INR"},
        },
        "operation": {
            "type": operation.0, "status": operation.1, "code": code.0, "message": code.1,
            "request_id": "request-2", "sum_initial": {"amount": 248_100, "currency": "INR"},
        },
    })
}

const AWAITS: &str = "awaiting redirect result";

fn redirect(number: &str, data: Value) -> Value {
    let mut message = message(number, AWAITS, 1, ("sale", AWAITS));
    message["redirect_data"] = data;
    message
}

async fn paid(simulator: &Simulator, way: &str) -> String {
    let number = buy(simulator, way).await;
    let success = message(&number, "success", 2, ("sale", "success"));
    assert_eq!(tell(simulator, &success).await, StatusCode::OK);
    number
}

async fn order(simulator: &Simulator, number: &str) -> Page {
    open(simulator, &format!("/india/orders/{number}?lang=en")).await
}

#[tokio::test]
async fn gate_leads_to_the_wallet_and_a_callback_pays() {
    let (gate, simulator) = start().await;
    let number = buy(&simulator, "gate").await;

    let (path, sent) = gate.requests().pop().expect("a sale");
    assert_eq!(path, "wallet-partner/sale");
    assert_eq!(sent["general"]["payment_id"], json!(number));
    let payment = json!({"amount": 248_100, "currency": "INR", "description": "Altai honey × 2"});
    assert_eq!(sent["payment"], payment);
    let customer = json!({
        "id": "buyer-9876543210", "ip_address": "127.0.0.1", "first_name": "Test",
        "last_name": "Payer", "phone": "9876543210", "email": "payer@example.com",
        "language": "en_US",
    });
    assert_eq!(sent["customer"], customer);
    let back = format!("{}/india/orders/{number}", simulator.shop_url);
    assert_eq!(sent["return_url"]["success"], json!(back));
    let callback = format!("{}/india/callback", simulator.shop_url);
    assert_eq!(sent["general"]["merchant_callback_url"], json!(callback));
    assert_eq!(
        order(&simulator, &number).await.fact("status"),
        "registered"
    );

    // The page waits for the callback that says where to go.
    let path = format!("/india/orders/{number}/pay");
    let data = json!({"method": "GET", "url": "http://wallet.example/o/1?a=1&b=2", "body": []});
    let redirect = redirect(&number, data);
    let began = Instant::now();
    let (going, told) = tokio::join!(open(&simulator, &path), tell(&simulator, &redirect));
    assert_eq!(told, StatusCode::OK);
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "it goes on at once"
    );
    assert_eq!(going.fact("ready"), "true");
    assert!(
        going
            .text
            .contains("content=\"0;url=http://wallet.example/o/1?a=1&#38;b=2\"")
    );

    let success = message(&number, "success", 2, ("sale", "success"));
    gate.broken(StatusCode::BAD_GATEWAY, "<html>");
    assert_eq!(tell(&simulator, &success).await, StatusCode::OK);
    let page = order(&simulator, &number).await;
    assert_eq!(page.fact("status"), "paid");
    assert_eq!(page.fact("source"), "callback");
    assert_eq!(page.fact("callback"), "sale success");
    assert_eq!(page.fact("method"), "wallet-partner");
    let list = open(&simulator, "/orders?lang=en").await.text;
    let line =
        format!("href=\"/india/orders/{number}\" data-order=\"{number}\" data-status=\"paid\"");
    assert!(list.contains(&line) && list.contains("₹2,481"), "{list}");
    let pay = open(&simulator, &path).await;
    assert_eq!(pay.status, StatusCode::SEE_OTHER, "nothing is left to pay");
}

#[tokio::test]
async fn payer_is_sent_by_the_method_and_with_the_body_that_were_told() {
    let (_gate, simulator) = start().await;
    let number = buy(&simulator, "gate").await;
    let body = json!({"token": "a&\"b\"", "count": 7});
    let url = "https://wallet.example/billpay";
    let data = json!({"method": "POST", "url": url, "body": body});
    tell(&simulator, &redirect(&number, data)).await;
    let page = open(&simulator, &format!("/india/orders/{number}/pay")).await;
    let (action, fields) = form(&page.text);
    assert_eq!(action, url);
    let expected = [("token", "a&\"b\""), ("count", "7")];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(fields, HashMap::from(expected));
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("form-action 'self' https://wallet.example"),
        "{policy}"
    );
    assert!(policy.contains("script-src 'self'"), "{policy}");

    let number = buy(&simulator, "gate").await;
    let data = json!({"method": "GET", "url": "javascript:alert(1)", "body": {}});
    tell(&simulator, &redirect(&number, data)).await;
    let page = open(&simulator, &format!("/india/orders/{number}/pay")).await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(!page.text.contains("javascript:"), "{}", page.text);
}

#[tokio::test]
async fn who_is_declined_at_once_is_not_sent_anywhere() {
    let (_gate, simulator) = start().await;
    let number = buy(&simulator, "gate").await;
    let path = format!("/india/orders/{number}/pay");
    let waiting = open(&simulator, &path).await;
    assert_eq!(waiting.fact("ready"), "false");
    assert!(
        waiting.text.contains("http-equiv=\"refresh\""),
        "it looks again"
    );
    let decline = message(&number, "decline", 2, ("sale", "decline"));
    tell(&simulator, &decline).await;
    assert_eq!(open(&simulator, &path).await.status, StatusCode::SEE_OTHER);
    let page = order(&simulator, &number).await;
    assert_eq!(page.fact("status"), "declined");
    assert!(page.text.contains("20000 General decline"), "{}", page.text);
}

#[tokio::test]
async fn payment_page_is_opened_with_signed_parameters() {
    let (gate, simulator) = start().await;
    let number = buy(&simulator, "page").await;
    assert!(gate.requests().is_empty(), "nobody has confirmed anything");
    let page = open(&simulator, &format!("/india/orders/{number}/pay")).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let url = Url::parse(page.header("location")).expect("an address");
    assert!(url.as_str().starts_with(&format!("{PAGE}?")), "{url}");
    let parameters: HashMap<String, String> = url.query_pairs().into_owned().collect();
    let message = json!(parameters);
    assert_eq!(message["signature"], json!(sign(&message)));
    let expected = [
        ("project_id", "101"),
        ("payment_id", &number),
        ("payment_amount", "248100"),
        ("payment_currency", "INR"),
        ("payment_description", "Altai honey × 2"),
        ("customer_id", "buyer-9876543210"),
        ("customer_phone", "9876543210"),
        ("language_code", "en"),
    ];
    for (name, value) in expected {
        assert_eq!(parameters[name], value, "{name}");
    }
    let back = format!("{}/india/orders/{number}", simulator.shop_url);
    for name in [
        "merchant_success_url",
        "merchant_fail_url",
        "merchant_return_url",
    ] {
        assert_eq!(parameters[name], back, "{name}");
    }
    let callback = format!("{}/india/callback", simulator.shop_url);
    assert_eq!(parameters["merchant_callback_url"], callback);

    let basket = open(&simulator, "/goods/honey?currency=INR&lang=en").await;
    let policy = basket.header("content-security-policy");
    assert!(
        policy.ends_with("form-action 'self' http://127.0.0.1:9"),
        "{policy}"
    );
}

#[tokio::test]
async fn window_gets_the_same_parameters_and_may_show_the_gateway() {
    let (_gate, simulator) = start().await;
    let number = buy(&simulator, "widget").await;
    let page = open(&simulator, &format!("/india/orders/{number}/pay")).await;
    assert_eq!(page.status, StatusCode::OK);
    let config: Value = serde_json::from_str(&page.fact("config")).expect("JSON");
    assert_eq!(config["payment_id"], json!(number));
    assert_eq!(config["signature"], json!(sign(&config)));
    assert_eq!(config["merchant_success_url_redirect_mode"], "parent_page");
    for part in ["shared/merchant.css", "shared/merchant.js"] {
        assert!(
            page.text
                .contains(&format!("\"http://127.0.0.1:9/{part}\"")),
            "{part}"
        );
    }
    let policy = page.header("content-security-policy");
    for source in [
        "script-src 'self' http://127.0.0.1:9;",
        "style-src 'self' http://127.0.0.1:9;",
    ] {
        assert!(policy.contains(source), "{policy}");
    }
    let script = open(&simulator, "/india/window.js").await;
    assert_eq!(script.header("content-type"), "text/javascript");
    assert!(script.text.contains("EPayWidget.run("));
}

#[tokio::test]
async fn callbacks_are_believed_only_with_the_shop_s_signature() {
    let (_gate, simulator) = start().await;
    let number = buy(&simulator, "gate").await;
    let success = message(&number, "success", 2, ("sale", "success"));
    let mut forged = signed(success.clone());
    forged["payment"]["sum"]["amount"] = json!(248_101);
    let mut foreign = success.clone();
    foreign["project_id"] = json!(102);
    for wrong in [
        "not JSON".to_owned(),
        "[1]".to_owned(),
        success.to_string(),
        forged.to_string(),
        signed(foreign).to_string(),
    ] {
        let status = tell_raw(&simulator, &wrong).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    assert_eq!(order(&simulator, &number).await.fact("callback"), "none");

    let unknown = message("DALA-0", "success", 2, ("sale", "success"));
    assert_eq!(tell(&simulator, &unknown).await, StatusCode::OK);
    let no_payment = json!({"project_id": PROJECT, "token": "t"});
    assert_eq!(tell(&simulator, &no_payment).await, StatusCode::OK);
    let mut general = success.clone();
    general["general"] = json!({"signature": sign(&success)});
    assert_eq!(
        tell_raw(&simulator, &general.to_string()).await,
        StatusCode::OK
    );
    assert_eq!(order(&simulator, &number).await.fact("status"), "paid");
}

#[tokio::test]
async fn repeats_are_counted_and_the_newest_stays() {
    let (gate, simulator) = start().await;
    let number = buy(&simulator, "gate").await;
    gate.broken(StatusCode::BAD_GATEWAY, "");
    let data = json!({"method": "GET", "url": "http://wallet.example/", "body": {}});
    let waits = redirect(&number, data);
    let success = message(&number, "success", 3, ("sale", "success"));
    let decline = message(&number, "decline", 2, ("sale", "decline"));
    for told in [&success, &waits, &success, &decline, &success] {
        assert_eq!(tell(&simulator, told).await, StatusCode::OK);
        assert_eq!(order(&simulator, &number).await.fact("status"), "paid");
    }
    let page = order(&simulator, &number).await;
    let heard = format!("sale success 3;sale {AWAITS} 1;sale decline 1;");
    assert_eq!(page.fact("callbacks"), heard);
    assert!(page.text.contains("sale success ×3"), "{}", page.text);
}

#[tokio::test]
async fn status_alone_is_enough_when_no_callback_comes() {
    let (gate, simulator) = start().await;
    let number = buy(&simulator, "page").await;
    let page = order(&simulator, &number).await;
    assert_eq!(
        (page.fact("told"), page.fact("status")),
        ("error".into(), "registered".into())
    );
    assert!(page.text.contains("does not know the payment yet"));
    let told = message(&number, "success", 2, ("sale", "success"));
    gate.knows(told["payment"].clone(), json!([told["operation"]]));
    let page = order(&simulator, &number).await;
    assert_eq!(
        (page.fact("source"), page.fact("status")),
        ("status".into(), "paid".into())
    );

    let number = buy(&simulator, "page").await;
    gate.knows(told["payment"].clone(), json!([told["operation"]]));
    let page = order(&simulator, &number).await;
    assert_eq!(
        page.fact("status"),
        "mismatch",
        "it tells of another payment"
    );
    let unsigned = json!({"project_id": PROJECT, "payment": told["payment"], "operations": []});
    gate.broken(StatusCode::OK, &unsigned.to_string());
    let number = buy(&simulator, "page").await;
    let page = order(&simulator, &number).await;
    assert_eq!(
        (page.fact("told"), page.fact("status")),
        (String::new(), "registered".into())
    );
}

#[tokio::test]
async fn refund_is_sent_once_and_ends_by_callback() {
    let (gate, simulator) = start().await;
    let number = paid(&simulator, "gate").await;
    let (action, fields) = form(&order(&simulator, &number).await.text);
    assert_eq!(action, format!("/india/orders/{number}/refund"));
    let token = [("token", fields["token"].as_str())];
    for _ in 0..2 {
        let pressed = press(&simulator, &action, &token).await;
        assert_eq!(pressed.status, StatusCode::SEE_OTHER);
    }
    let (path, sent) = gate.requests().pop().expect("a refund");
    assert_eq!(path, "wallet-partner/refund");
    assert_eq!(gate.requests().len(), 2, "one sale and one refund");
    assert_eq!(sent["payment"]["merchant_refund_id"], json!(token[0].1));
    assert!(sent["payment"]["description"].is_string() && sent["payment"]["amount"].is_null());

    let page = order(&simulator, &number).await;
    assert_eq!(
        (page.fact("refund"), page.fact("status")),
        ("accepted".into(), "paid".into())
    );
    assert!(
        !page.text.contains("data-action=\"refund\""),
        "one at a time"
    );
    assert!(
        page.text.contains("http-equiv=\"refresh\""),
        "it waits for the callback"
    );
    let again = press(&simulator, &action, &[("token", "another")]).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);

    let done = message(&number, "refunded", 4, ("refund", "success"));
    tell(&simulator, &done).await;
    let page = order(&simulator, &number).await;
    assert_eq!(
        (page.fact("refund"), page.fact("status")),
        ("done".into(), "refunded".into())
    );
    assert_eq!(page.fact("callback"), "refund success");
}

#[tokio::test]
async fn refused_and_unanswered_refunds_may_be_pressed_again() {
    let (gate, simulator) = start().await;
    let number = paid(&simulator, "gate").await;
    let token_of = async || {
        let (action, fields) = form(&order(&simulator, &number).await.text);
        (action, fields["token"].clone())
    };
    let (action, first) = token_of().await;
    gate.broken(StatusCode::INTERNAL_SERVER_ERROR, "");
    let pressed = press(&simulator, &action, &[("token", &first)]).await;
    assert_eq!(pressed.status, StatusCode::BAD_GATEWAY);
    assert_eq!(pressed.fact("refund"), "sent");
    gate.mended();
    let (_, second) = token_of().await;
    assert_eq!(first, second, "the gateway shall know it again");
    let pressed = press(&simulator, &action, &[("token", &second)]).await;
    assert_eq!(pressed.status, StatusCode::SEE_OTHER);
    let mut declined = message(&number, "success", 5, ("refund", "decline"));
    declined["operation"]["request_id"] = json!("request-3");
    tell(&simulator, &declined).await;
    let page = order(&simulator, &number).await;
    assert_eq!(
        (page.fact("refund"), page.fact("status")),
        ("declined".into(), "paid".into())
    );
    let (_, third) = token_of().await;
    assert_ne!(third, second);
    gate.broken(
        StatusCode::BAD_REQUEST,
        r#"{"status":"error","code":"3060","message":"Not <now>"}"#,
    );
    let pressed = press(&simulator, &action, &[("token", &third)]).await;
    assert_eq!(
        (pressed.status, pressed.fact("refund")),
        (StatusCode::BAD_GATEWAY, "declined".into())
    );
    assert!(pressed.text.contains("3060") && !pressed.text.contains("<now>"));
}

#[tokio::test]
async fn what_was_paid_by_card_goes_back_to_the_card() {
    let (gate, simulator) = start().await;
    let number = buy(&simulator, "page").await;
    let mut success = message(&number, "success", 2, ("sale", "success"));
    success["payment"]["method"] = json!("card");
    tell(&simulator, &success).await;
    let (action, fields) = form(&order(&simulator, &number).await.text);
    press(&simulator, &action, &[("token", &fields["token"])]).await;
    assert_eq!(gate.requests().pop().expect("a refund").0, "card/refund");
}

#[tokio::test]
async fn refused_sales_and_wrong_payers_are_told_in_plain_words() {
    let (gate, simulator) = start().await;
    let fields = |change: (&'static str, &'static str)| {
        let mut fields = vec![("good", "honey"), ("way", "gate"), ("lang", "en")];
        fields.extend(PAYER);
        fields.retain(|(name, _)| *name != change.0);
        fields.push(change);
        fields
    };
    for wrong in [
        ("phone", "?"),
        ("email", "nobody"),
        ("first_name", "a;b"),
        ("last_name", ""),
    ] {
        let page = press(&simulator, "/india/buy", &fields(wrong)).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{wrong:?}");
        assert!(
            page.text.contains("Check name, phone and e-mail"),
            "{}",
            page.text
        );
    }
    for wrong in [("good", "nothing"), ("way", "barter")] {
        let page = press(&simulator, "/india/buy", &fields(wrong)).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{wrong:?}");
    }
    assert!(gate.requests().is_empty());
    gate.broken(
        StatusCode::BAD_REQUEST,
        r#"{"status":"error","code":"3261","message":"Invalid"}"#,
    );
    let page = press(&simulator, "/india/buy", &fields(("quantity", "1"))).await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(
        page.text.contains("refused: Invalid (3261)"),
        "{}",
        page.text
    );
    gate.broken(StatusCode::OK, r#"{"status":"success"}"#);
    let page = press(&simulator, "/india/buy", &fields(("quantity", "1"))).await;
    assert!(
        page.text.contains("an answer we do not understand"),
        "{}",
        page.text
    );
    let list = open(&simulator, "/orders").await.text;
    assert_eq!(list.matches("data-status=\"not_registered\"").count(), 2);
}

#[tokio::test]
async fn orders_of_both_cashiers_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let gate = StubGate::start().await;
    let mut settings = config(&gate);
    settings["journal"] = json!(folder.path().join("bank.journal"));
    let first = Simulator::start_with(settings.clone());
    let number = paid(&first, "gate").await;
    // The other cashier's gateway is away; its order is kept all the same.
    press(&first, "/buy", &[("good", "piala")]).await;
    assert_eq!(first.stop(), 0);

    gate.broken(StatusCode::BAD_GATEWAY, "");
    let second = Simulator::start_with(settings);
    let page = order(&second, &number).await;
    assert_eq!(
        (page.fact("status"), page.fact("source")),
        ("paid".into(), "callback".into())
    );
    assert_eq!(page.fact("callback"), "sale success");
    let list = open(&second, "/orders").await.text;
    assert_eq!(list.matches("data-order=").count(), 2, "{list}");
}

#[tokio::test]
async fn rupees_are_chosen_by_a_switch_and_remembered() {
    let (_gate, simulator) = start().await;
    for (language, words) in [
        ("ru", ["Платёжная страница", "Кто платит"]),
        ("kk", ["Төлем беті", "Кім төлейді"]),
        ("en", ["Payment Page", "Who pays"]),
    ] {
        let path = format!("/goods/honey?currency=INR&lang={language}");
        let page = open(&simulator, &path).await;
        assert!(page.text.contains(&format!("<html lang=\"{language}\">")));
        assert!(
            words.iter().all(|word| page.text.contains(word)),
            "{}",
            page.text
        );
        assert!(page.text.contains("₹1,240.50") && !page.text.contains("7\u{a0}200"));
        for way in ["page", "widget", "gate"] {
            assert!(page.text.contains(&format!("name=\"way\" value=\"{way}\"")));
        }
        let cookies = page.headers.get_all("set-cookie").iter();
        let cookies: Vec<_> = cookies.map(|it| it.to_str().expect("text")).collect();
        assert!(
            cookies
                .iter()
                .any(|cookie| cookie.starts_with("currency=INR;")),
            "{cookies:?}"
        );
    }
    let tenge = open(&simulator, "/goods/honey").await;
    assert!(
        tenge.text.contains("7\u{a0}200\u{a0}₸") && tenge.text.contains("data-currency=\"INR\"")
    );
    let front = open(&simulator, "/?currency=INR").await;
    assert!(front.text.contains("₹14,499"), "{}", front.text);
}

#[tokio::test]
async fn without_an_account_there_is_no_second_cashier() {
    let gate = StubGate::start().await;
    let mut settings = config(&gate);
    settings["shop"]
        .as_object_mut()
        .expect("an object")
        .remove("ecommpay");
    let simulator = Simulator::start_with(settings);
    let page = open(&simulator, "/goods/honey?currency=INR").await;
    assert!(page.text.contains("7\u{a0}200\u{a0}₸") && !page.text.contains("data-currency"));
    let bought = press(&simulator, "/india/buy", &[("good", "honey")]).await;
    assert_eq!(bought.status, StatusCode::NOT_FOUND);
    assert_eq!(
        order(&simulator, "DALA-1").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn foreign_pages_cannot_buy_or_give_back() {
    let (gate, simulator) = start().await;
    let number = paid(&simulator, "gate").await;
    for path in [
        "/india/buy".to_owned(),
        format!("/india/orders/{number}/refund"),
    ] {
        let request = simulator
            .client
            .post(format!("{}{path}", simulator.shop_url));
        let request = request
            .header("sec-fetch-site", "cross-site")
            .body("token=1");
        let answer = request.send().await.expect("answered");
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(gate.requests().len(), 1);
    for path in ["/india/orders/nothing", "/india/orders/nothing/pay"] {
        assert_eq!(open(&simulator, path).await.status, StatusCode::NOT_FOUND);
    }
}
