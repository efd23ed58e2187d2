//! What follows a sale: 3-D Secure, capture, cancel, refund, status.

use std::time::{Duration, Instant};

use altyn_dialects::ecommpay::{SignedJson, signature};
use serde_json::{Value, json};

use crate::shop::{GOOD, SECURE, SILENT, SLOW, Shop};

const WALLET: &str = "/v2/payment/wallet-partner/sale";
const CARD: &str = "/v2/payment/card/sale";
const AUTH: &str = "/v2/payment/card/auth";
const CAPTURE: &str = "/v2/payment/card/capture";
const CANCEL: &str = "/v2/payment/card/cancel";
const REFUND: &str = "/v2/payment/card/refund";
const WALLET_REFUND: &str = "/v2/payment/wallet-partner/refund";

impl Shop {
    async fn held(&self, id: &str, amount: i64) {
        self.paid(AUTH, &self.card_sale(id, amount, GOOD), "awaiting capture")
            .await;
    }

    /// Posts a `payment` object and tells status and code.
    async fn ask(&self, path: &str, id: &str, payment: Value) -> (u16, String) {
        self.post(path, &self.about(id, payment)).await.told()
    }
}

fn taken() -> (u16, String) {
    (200, String::new())
}

fn refused(code: &str) -> (u16, String) {
    (400, code.to_owned())
}

#[tokio::test]
async fn a_hold_is_captured_or_given_up() {
    let shop = Shop::open().await;
    for id in ["all", "part", "void", "part-void"] {
        shop.held(id, 1_000).await;
    }
    let general_only = json!({"general": shop.general("ALL")});
    assert_eq!(shop.post(CAPTURE, &general_only).await.told(), taken());
    let told = shop.until("all", "success").await;
    assert_eq!(told["operations"][1]["type"], "capture");
    assert_eq!(told["payment"]["sum"]["amount"], 1_000);
    let amount = json!({"amount": 400, "currency": "INR", "description": "part"});
    assert_eq!(shop.ask(CAPTURE, "part", amount).await, taken());
    // The rest went back to the payer.
    assert_eq!(
        shop.until("part", "success").await["payment"]["sum"]["amount"],
        400
    );
    assert_eq!(
        shop.ask(CAPTURE, "part", json!({"amount": 1})).await,
        refused("3060")
    );
    assert_eq!(shop.ask(CANCEL, "void", json!({})).await, taken());
    let told = shop.until("void", "canceled").await;
    assert_eq!(told["operations"][1]["type"], "cancel");
    assert_eq!(
        shop.ask(
            CANCEL,
            "part-void",
            json!({"amount": 300, "currency": "INR"})
        )
        .await,
        taken()
    );
    shop.until("part-void", "awaiting capture").await;
    assert_eq!(
        shop.ask(CAPTURE, "part-void", json!({"amount": 701})).await,
        refused("2642")
    );
    assert_eq!(shop.ask(CAPTURE, "part-void", json!({})).await, taken());
    assert_eq!(
        shop.until("part-void", "success").await["payment"]["sum"]["amount"],
        700
    );
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused() {
    let shop = Shop::open().await;
    shop.held("h", 1_000).await;
    shop.paid(CARD, &shop.card_sale("paid", 1_000, GOOD), "success")
        .await;
    for path in [CAPTURE, CANCEL] {
        assert_eq!(shop.ask(path, "nobody", json!({})).await, refused("3061"));
        assert_eq!(shop.ask(path, "paid", json!({})).await, refused("3060"));
        assert_eq!(
            shop.ask(path, "h", json!({"amount": 1_001})).await,
            refused("2642")
        );
        assert_eq!(
            shop.ask(path, "h", json!({"amount": 0})).await,
            refused("702")
        );
        assert_eq!(
            shop.ask(path, "h", json!({"amount": "5"})).await,
            refused("702")
        );
        assert_eq!(
            shop.ask(path, "h", json!({"amount": i64::MAX})).await,
            refused("702")
        );
        assert_eq!(
            shop.ask(path, "h", json!({"currency": "EUR"})).await,
            refused("3121")
        );
        assert_eq!(shop.ask(path, "h", json!("all")).await, refused("702"));
        let by_wallet = path.replace("card", "wallet-partner");
        assert_eq!(
            shop.ask(&by_wallet, "h", json!({})).await,
            (403, "310".to_owned())
        );
    }
    // One at a time.
    assert_eq!(
        shop.ask(CAPTURE, "h", json!({"amount": SLOW})).await,
        taken()
    );
    assert_eq!(
        shop.ask(CAPTURE, "h", json!({"amount": 1})).await,
        refused("3060")
    );
    assert_eq!(shop.ask(CANCEL, "h", json!({})).await, refused("3060"));
    assert_eq!(
        shop.ask(REFUND, "h", json!({"description": "x"})).await,
        refused("3060")
    );
}

#[tokio::test]
async fn refunds_are_taken_whole_or_in_part() {
    let shop = Shop::open().await;
    shop.paid(CARD, &shop.card_sale("P-1", 1_000, GOOD), "success")
        .await;
    let part = json!({
        "description": "part", "amount": 300, "currency": "INR", "merchant_refund_id": "r-1",
    });
    let reply = shop.post(REFUND, &shop.about("p-1", part.clone())).await;
    assert_eq!(reply.told(), taken());
    let told = shop.until("P-1", "partially refunded").await;
    let refund = &told["operations"][1];
    assert_eq!(refund["request_id"], reply.json()["request_id"]);
    assert_eq!(reply.json()["payment_id"], "p-1");
    assert_eq!(told["payment"]["sum"]["amount"], 700);
    // The same id again, whatever else is asked for.
    assert_eq!(shop.ask(REFUND, "P-1", part).await, refused("3230"));
    let other = json!({"description": "x", "merchant_refund_id": "r-1"});
    assert_eq!(shop.ask(REFUND, "P-1", other).await, refused("3230"));
    // Too much is accepted and declined, and changes nothing.
    let more =
        json!({"description": "x", "amount": 701, "currency": "INR", "merchant_refund_id": "r-2"});
    assert_eq!(shop.ask(REFUND, "P-1", more.clone()).await, taken());
    let told = shop.status("P-1").await;
    assert_eq!(told["operations"][2]["code"], "3283");
    assert_eq!(told["operations"][2]["status"], "decline");
    assert_eq!(told["payment"]["sum"]["amount"], 700);
    assert_eq!(shop.ask(REFUND, "P-1", more).await, refused("3230"));
    // Without a method in the address; all that is left.
    let rest = json!({"description": "rest", "merchant_refund_id": "r-3"});
    assert_eq!(shop.ask("/v2/payment/refund", "P-1", rest).await, taken());
    let told = shop.until("P-1", "refunded").await;
    assert_eq!(told["operations"][3]["sum_initial"]["amount"], 700);
    assert_eq!(told["payment"]["sum"]["amount"], 0);
    // Nothing is left.
    assert_eq!(
        shop.ask(REFUND, "P-1", json!({"description": "x"})).await,
        taken()
    );
    assert_eq!(shop.status("P-1").await["operations"][4]["code"], "3283");
}

#[tokio::test]
async fn what_cannot_be_refunded_is_refused() {
    let shop = Shop::open().await;
    shop.paid(CARD, &shop.card_sale("p", 1_000, GOOD), "success")
        .await;
    shop.paid(WALLET, &shop.wallet_sale("w", 15_000), "success")
        .await;
    shop.held("h", 1_000).await;
    let long = "x".repeat(256);
    #[rustfmt::skip]
    let table = [
        (json!({}), "2004"),
        (json!({"description": ""}), "2004"),
        (json!({"description": 5}), "702"),
        (json!({"description": long}), "702"),
        (json!({"description": "x", "amount": 0, "currency": "INR"}), "702"),
        (json!({"description": "x", "amount": -1, "currency": "INR"}), "702"),
        (json!({"description": "x", "amount": 1.5, "currency": "INR"}), "702"),
        (json!({"description": "x", "amount": "5", "currency": "INR"}), "702"),
        (json!({"description": "x", "amount": u64::MAX, "currency": "INR"}), "702"),
        (json!({"description": "x", "amount": 5}), "3287"),
        (json!({"description": "x", "amount": 5, "currency": "EUR"}), "3284"),
        (json!({"description": "x", "currency": "EUR"}), "3284"),
        (json!({"description": "x", "amount": 5, "currency": "eur"}), "3121"),
        (json!({"description": "x", "merchant_refund_id": 5}), "702"),
        (json!({"description": "x", "merchant_refund_id": long}), "702"),
    ];
    for (payment, code) in table {
        for (path, id) in [
            (REFUND, "p"),
            ("/v2/payment/refund", "p"),
            (WALLET_REFUND, "w"),
        ] {
            assert_eq!(
                shop.ask(path, id, payment.clone()).await,
                refused(code),
                "{payment}"
            );
        }
    }
    let plain = || json!({"description": "x"});
    assert_eq!(
        shop.post(REFUND, &json!({"general": shop.general("p")}))
            .await
            .told(),
        refused("2004")
    );
    assert_eq!(shop.ask(REFUND, "nobody", plain()).await, refused("3061"));
    assert_eq!(shop.ask(REFUND, "h", plain()).await, refused("3060"));
    // The address must name the payment's own method.
    assert_eq!(shop.ask(WALLET_REFUND, "p", plain()).await, refused("3061"));
    assert_eq!(shop.ask(REFUND, "w", plain()).await, refused("3061"));
    assert_eq!(
        shop.ask("/v2/payment/banks/india/refund", "w", plain())
            .await,
        refused("3061")
    );
    assert_eq!(
        shop.ask("/v2/payment/blik/refund", "w", plain()).await,
        refused("2541")
    );
    for id in ["p", "w", "h"] {
        assert_eq!(
            shop.status(id).await["operations"].as_array().map(Vec::len),
            Some(1)
        );
    }
}

#[tokio::test]
async fn a_method_of_full_refunds_declines_others() {
    let shop = Shop::open().await;
    shop.paid(WALLET, &shop.wallet_sale("w", 15_000), "success")
        .await;
    let part = json!({"description": "x", "amount": 1_000, "currency": "INR"});
    assert_eq!(shop.ask(WALLET_REFUND, "w", part).await, taken());
    assert_eq!(shop.status("w").await["operations"][1]["code"], "3609");
    let more = json!({"description": "x", "amount": 15_001, "currency": "INR"});
    assert_eq!(shop.ask(WALLET_REFUND, "w", more).await, taken());
    assert_eq!(shop.status("w").await["operations"][2]["code"], "3283");
    let currency = json!({"description": "x", "currency": "INR"});
    assert_eq!(shop.ask(WALLET_REFUND, "w", currency).await, taken());
    let told = shop.until("w", "refunded").await;
    assert_eq!(told["operations"][3]["sum_initial"]["amount"], 15_000);
}

#[tokio::test]
async fn a_shop_carries_3d_secure_out_by_itself() {
    let shop = Shop::open().await;
    let frame = "/v2/payment/card/3ds_check_iframe";
    let result = "/v2/payment/card/3ds_result";
    let mut body = shop.card_sale("S-1", 1_000, SECURE);
    body["acs_return_url"] = json!({
        "return_url": "https://shop.in/acs", "3ds_notification_url": "https://shop.in/frame",
    });
    let reply = shop.post(CARD, &body).await;
    assert_eq!(reply.told(), taken());
    shop.until("S-1", "awaiting 3ds result").await;
    let payment = shop.payment("S-1").await;
    // The issuer's hidden page posts to the shop.
    let asked = format!("{:?}", payment.operations[0].action);
    assert!(asked.contains("https://shop.in/frame"), "{asked}");
    let with = |name: &str, value: Value| {
        let mut body = json!({"general": shop.general("s-1")});
        body[name] = value;
        body
    };
    // Not asked for yet.
    assert_eq!(
        shop.post(result, &with("cres", json!("good"))).await.told(),
        refused("3060")
    );
    let wrong = with("threeds_completion_indicator", json!("true"));
    assert_eq!(shop.post(frame, &wrong).await.told(), refused("702"));
    let checked = shop
        .post(frame, &with("threeds_completion_indicator", json!(true)))
        .await;
    assert_eq!(checked.told(), taken());
    // One operation, one request.
    assert_eq!(checked.json()["request_id"], reply.json()["request_id"]);
    shop.until_asked("S-1", "challenge").await;
    let again = shop
        .post(frame, &with("threeds_completion_indicator", json!(true)))
        .await;
    assert_eq!(again.told(), refused("3060"));
    assert_eq!(
        shop.post(result, &with("md", json!("x"))).await.told(),
        refused("2004")
    );
    assert_eq!(
        shop.post(result, &with("cres", json!(5))).await.told(),
        refused("702")
    );
    assert_eq!(
        shop.post(result, &with("cres", json!("good"))).await.told(),
        taken()
    );
    shop.until("S-1", "success").await;
    assert_eq!(
        shop.post(result, &with("cres", json!("good"))).await.told(),
        refused("3060")
    );
}

#[tokio::test]
async fn without_addresses_of_its_own_a_shop_s_payer_comes_to_checkout() {
    let shop = Shop::open().await;
    shop.post(CARD, &shop.card_sale("s", 1_000, SECURE)).await;
    shop.until("s", "awaiting redirect result").await;
    let payment = shop.payment("s").await;
    let asked = format!("{:?}", payment.operations[0].action);
    let page = format!(
        "http://gate.test/base/checkout/{}/3ds/method",
        payment.id.uuid()
    );
    assert!(asked.contains(&page), "{asked}");
    // The older result is handed on like the newer one; the gateway decides.
    let body = json!({"general": shop.general("s")});
    assert_eq!(
        shop.post("/v2/payment/card/3ds_check_iframe", &body)
            .await
            .told(),
        taken()
    );
    shop.until_asked("s", "challenge?U").await;
    let mut body = json!({"general": shop.general("s")});
    body["pares"] = "bad".into();
    assert_eq!(
        shop.post("/v2/payment/card/3ds_result", &body).await.told(),
        taken()
    );
    shop.until("s", "decline").await;
}

#[tokio::test]
async fn a_payment_by_wallet_awaits_the_partner() {
    let shop = Shop::open().await;
    let reply = shop.post(WALLET, &shop.wallet_sale("w", 501)).await;
    assert_eq!(reply.told(), taken());
    let told = shop.until("w", "awaiting redirect result").await;
    assert_eq!(told["operations"][0]["code"], "9999");
    assert_eq!(
        shop.ask(WALLET_REFUND, "w", json!({"description": "x"}))
            .await,
        refused("3060")
    );
}

#[tokio::test]
async fn status_is_signed_and_knows_every_request() {
    let shop = Shop::open().await;
    let is_signed = |text: &str| {
        let message = SignedJson::parse(text.as_bytes()).expect("it is JSON");
        let given = signature::signature_of(&message).expect("it is signed");
        signature::verify(&message, given, &shop.key, signature::Source::Gate)
    };
    let body = json!({"general": shop.general("nobody"), "destination": "merchant"});
    let unknown = shop.post("/v2/payment/status", &body).await;
    assert_eq!(unknown.status, 200);
    assert!(is_signed(&unknown.text), "{}", unknown.text);
    let told = unknown.json();
    assert_eq!(told["payment"], json!({"id": "nobody", "status": "error"}));
    assert_eq!(
        told["errors"][0],
        json!({"code": "3061", "message": "Transaction not found"})
    );
    let odd = json!({"general": shop.general("nobody"), "destination": "moon"});
    assert_eq!(
        shop.post("/v2/payment/status", &odd).await.told(),
        refused("702")
    );
    let sale = shop
        .post(CARD, &shop.card_sale("p", 1_000, GOOD))
        .await
        .json();
    shop.until("p", "success").await;
    let about = shop.about("p", json!({"description": "x"}));
    let refund = shop.post(REFUND, &about).await.json();
    shop.until("p", "refunded").await;
    for (request, kind) in [(&sale, "sale"), (&refund, "refund")] {
        let body = json!({"project_id": "101", "request_id": request["request_id"]});
        let reply = shop.post("/v2/payment/status/request", &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert!(is_signed(&reply.text), "{}", reply.text);
        assert_eq!(reply.json()["transaction"]["type"], kind);
        assert_eq!(reply.json()["status"], "success");
    }
    let known = sale["request_id"].as_str().expect("an id");
    let changed = format!("{}0", &known[..known.len() - 1]);
    let other = format!("{}1", &known[..known.len() - 1]);
    let changed = if changed == known { other } else { changed };
    let table = [
        (json!(changed), (404, "3061")),
        (json!("x"), (404, "3061")),
        (json!("x".repeat(101)), (400, "702")),
        (json!(5), (400, "702")),
        (json!(null), (400, "2004")),
    ];
    for (request, (status, code)) in table {
        let body = json!({"project_id": 101, "request_id": request});
        let reply = shop.post("/v2/payment/status/request", &body).await;
        assert_eq!(reply.told(), (status, code.to_owned()), "{request}");
    }
    let nobody = json!({"request_id": known, "signature": "x"}).to_string();
    assert_eq!(
        shop.raw("/v2/payment/status/request", nobody).await.told(),
        refused("2004")
    );
}

#[tokio::test]
async fn a_shop_may_ask_about_its_project() {
    let shop = Shop::open().await;
    let forms = [
        json!({"general": {"project_id": 101}}),
        json!({"general": shop.general("any")}),
        json!({"project_id": 101}),
    ];
    for body in forms {
        let banks = shop
            .post("/v2/info/banks/banks/india/sale/list", &body)
            .await;
        assert_eq!((banks.status, banks.text.as_str()), (200, "[]"));
        let checked = shop.post("/v2/info/check/signature", &body).await;
        assert_eq!((checked.status, checked.text.as_str()), (200, ""));
        let methods = shop
            .post("/v2/info/available_methods_for_merchant/list", &body)
            .await;
        let expected = json!([
            {
                "code": "wallet-partner", "name": "Wallets of India", "currencies": ["INR"],
                "operations": ["sale", "refund"],
            },
            {
                "code": "banks/india", "name": "banks/india", "currencies": ["INR", "EUR", "JPY"],
                "operations": ["sale", "refund"],
            },
            {
                "code": "bank-1", "name": "bank-1", "currencies": ["INR", "EUR", "JPY"],
                "operations": ["sale", "auth", "capture", "cancel", "refund"],
            },
        ]);
        assert_eq!(methods.json(), expected);
        let mut wrong = shop.signed(&body);
        wrong["x"] = 1.into();
        let refused_ = shop
            .raw("/v2/info/check/signature", wrong.to_string())
            .await;
        assert_eq!(refused_.told(), refused("3261"));
    }
}

#[tokio::test]
async fn nobody_waits_for_a_gateway() {
    let shop = Shop::open().await;
    let began = Instant::now();
    for number in 0..20 {
        let id = format!("s-{number}");
        let reply = shop.post(CARD, &shop.card_sale(&id, 1_000, SILENT)).await;
        assert_eq!(reply.told(), taken());
        assert_eq!(shop.status(&id).await["payment"]["status"], "processing");
    }
    shop.held("h", 1_000).await;
    assert_eq!(
        shop.ask(CAPTURE, "h", json!({"amount": SLOW})).await,
        taken()
    );
    // The gateway has fifteen seconds for each of them.
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
}
