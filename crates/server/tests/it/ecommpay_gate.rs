//! Cards at ECommPay's Gate, end to end: holds, 3-D Secure by the shop and by us, old clients, one id one
//! payment, a gateway that is silent or dies.

use std::time::{Duration, Instant};

use altyn_dialects::ecommpay::signature;
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::gate::{APPROVED, BOTH, CHALLENGE, Database, Gate, LATE_YES, NO_FUNDS, Setup};
use crate::india::{Shop, customer};
use crate::secrecy::found;

impl Shop<'_> {
    /// A sale or an authorization by card, with callbacks to this shop.
    fn card_body(&self, pan: &str, amount: i64) -> Value {
        json!({
            "general": { "merchant_callback_url": self.callback_url },
            "payment": { "amount": amount, "currency": "INR", "description": "Чай «Ассам»" },
            "customer": customer(),
            "card": {
                "pan": pan, "year": 2030, "month": 12, "card_holder": "MARY SMITH", "cvv": "123",
            },
        })
    }

    async fn card(&self, operation: &str, payment_id: &str, pan: &str, amount: i64) -> String {
        let body = self.card_body(pan, amount);
        self.accepted(&format!("card/{operation}"), payment_id, body)
            .await
    }

    /// The body of a request as it is sent.
    fn signed(&self, payment_id: &str, mut body: Value) -> String {
        let (number, key) = &self.gate.india;
        body["general"]["project_id"] = json!(number);
        body["general"]["payment_id"] = json!(payment_id);
        body["general"]["signature"] = json!(signature::sign(&body, key));
        body.to_string()
    }

    async fn until_status(&self, payment_id: &str, status: &'static str) -> Value {
        self.until(payment_id, |callback| {
            callback["payment"]["status"] == status
        })
        .await
    }

    /// Posts a form as a browser does and reads the page that comes.
    async fn form(&self, url: &str, fields: &[(&str, &str)]) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let request = self.gate.http.post(url).body(form.finish());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = request.send().await.expect("it answers");
        assert!(
            response.status().as_u16() < 400,
            "{url}: {}",
            response.status()
        );
        response.text().await.expect("all of it")
    }
}

/// The text between two others, without the escapes that a page of ours may have there.
fn between<'t>(page: &'t str, before: &str, after: &str) -> &'t str {
    let (_, rest) = page
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before} in {page}"));
    rest.split_once(after).expect("it ends").0
}

/// A field of a form.
fn field<'t>(page: &'t str, name: &str) -> &'t str {
    between(page, &format!("name=\"{name}\" value=\""), "\"")
}

/// The payer types the code that the issuer's page shows, or gives up; what the page then posts.
async fn at_issuer(shop: &Shop<'_>, url: &str, creq: &str, session: &str, pays: bool) -> String {
    let page = shop
        .form(url, &[("creq", creq), ("threeDSSessionData", session)])
        .await;
    let code = between(&page, "data-code=\"", "\"");
    let fields = [
        ("transaction", field(&page, "transaction")),
        ("threeDSSessionData", field(&page, "threeDSSessionData")),
        ("code", code),
        ("action", if pays { "submit" } else { "cancel" }),
    ];
    shop.form(&format!("{}/answer", url.trim_end_matches('/')), &fields)
        .await
}

#[tokio::test]
async fn a_hold_is_captured_in_part_and_given_back() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database)).await;
        let shop = Shop::open(&gate).await;
        let auth = shop.card("auth", "H-1", APPROVED, 10_000).await;
        let held = shop.until_status("H-1", "awaiting capture").await;
        assert_eq!(held["operation"]["request_id"], json!(auth));
        assert_eq!(held["payment"]["method"], "card");
        assert_eq!(held["account"]["number"], "444455**3333");
        let wanted = json!({ "payment": { "amount": 6_000, "currency": "INR" } });
        let capture = shop.accepted("card/capture", "h-1", wanted).await;
        let captured = shop.until_status("H-1", "success").await;
        assert_eq!(captured["operation"]["request_id"], json!(capture));
        assert_eq!(captured["payment"]["sum"]["amount"], 6_000);
        let wanted = json!({ "payment": {
            "description": "half", "amount": 2_000, "currency": "INR", "merchant_refund_id": "half-1",
        } });
        let refund = shop.accepted("card/refund", "H-1", wanted.clone()).await;
        let refunded = shop.until_status("H-1", "partially refunded").await;
        assert_eq!(refunded["operation"]["request_id"], json!(refund));
        assert_eq!(refunded["payment"]["merchant_refund_id"], "half-1");
        let (status, again) = shop.send("card/refund", "H-1", wanted).await;
        assert_eq!((status, &again["code"]), (400, &json!("3230")), "{again}");
        let rest = json!({ "payment": { "description": "rest" } });
        shop.accepted("refund", "H-1", rest).await;
        shop.until_status("H-1", "refunded").await;
        shop.card("auth", "V-1", APPROVED, 10_000).await;
        shop.until_status("V-1", "awaiting capture").await;
        shop.accepted("card/cancel", "V-1", json!({})).await;
        shop.until_status("V-1", "canceled").await;
        shop.card("sale", "N-1", NO_FUNDS, 10_000).await;
        let declined = shop.until_status("N-1", "decline").await;
        assert_eq!(declined["operation"]["code"], "10105");
        gate.drain().await;
        gate.audit().await;
    }
}

#[tokio::test]
async fn a_shop_carries_3d_secure_out_by_itself() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let shop = Shop::open(&gate).await;
    for (payment_id, pays) in [("S-1", true), ("S-2", false)] {
        let mut body = shop.card_body(CHALLENGE, 10_000);
        body["acs_return_url"] = json!({
            "return_url": "https://shop.example/acs", "3ds_notification_url": "https://shop.example/frame",
        });
        let sale = shop.accepted("card/sale", payment_id, body).await;
        let first = shop
            .until(payment_id, |told| told["threeds2"]["iframe"].is_object())
            .await;
        assert_eq!(first["payment"]["status"], "awaiting 3ds result");
        let frame = &first["threeds2"]["iframe"];
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let data = text(&frame["params"]["threeDSMethodData"]);
        let page = shop
            .form(&text(&frame["url"]), &[("threeDSMethodData", &data)])
            .await;
        assert_eq!(
            between(&page, "action=\"", "\""),
            "https://shop.example/frame"
        );
        let done = json!({ "threeds_completion_indicator": true });
        let checked = shop
            .accepted("card/3ds_check_iframe", payment_id, done)
            .await;
        assert_eq!(checked, sale, "one operation, one request");
        let second = shop
            .until(payment_id, |told| told["threeds2"]["redirect"].is_object())
            .await;
        let redirect = &second["threeds2"]["redirect"];
        let (url, params) = (text(&redirect["url"]), &redirect["params"]);
        let session = text(&params["threeDSSessionData"]);
        let page = at_issuer(&shop, &url, &text(&params["creq"]), &session, pays).await;
        assert_eq!(
            between(&page, "action=\"", "\""),
            "https://shop.example/acs"
        );
        assert_eq!(field(&page, "threeDSSessionData"), session);
        let result = json!({ "cres": field(&page, "cres"), "md": session });
        shop.accepted("card/3ds_result", payment_id, result.clone())
            .await;
        if pays {
            let success = shop.until_status(payment_id, "success").await;
            assert_eq!(success["operation"]["request_id"], json!(sale));
        } else {
            let decline = shop.until_status(payment_id, "decline").await;
            assert_eq!(decline["operation"]["code"], "10114", "{decline}");
        }
        let (status, again) = shop.send("card/3ds_result", payment_id, result).await;
        assert_eq!((status, &again["code"]), (400, &json!("3060")), "{again}");
    }
    gate.audit().await;
}

#[tokio::test]
async fn a_notice_about_a_card_is_nobody_s_trouble() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let shop = Shop::open(&gate).await;
    let request = shop.card("sale", "J-1", APPROVED, 10_000).await;
    shop.until("J-1", |c| c["payment"]["status"] == "success")
        .await;
    let url = format!("{}/notices/{}/1", gate.base_url, &request[..32]);
    let answer = gate.http.post(url).body("junk").send().await;
    assert_eq!(answer.expect("it answers").status().as_u16(), 404);
    // A payer can make as many payments as he likes: none of them fills the list of people's work.
    let listed = gate.altyn(&["incidents", "list", "--json"]).await;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(!listed.contains("notice_refused"), "{listed}");
}

#[tokio::test]
async fn a_shop_may_leave_3d_secure_to_us() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let shop = Shop::open(&gate).await;
    let mut body = shop.card_body(CHALLENGE, 10_000);
    body["return_url"] = json!({ "success": "https://shop.example/thanks" });
    shop.accepted("card/sale", "L-1", body).await;
    let told = shop.until_redirect("L-1").await;
    let page_url = told["redirect_data"]["url"].as_str().expect("a text");
    assert!(page_url.starts_with(&gate.base_url), "{page_url}");
    // A payer without script: the frame is skipped by a button.
    let get = async |url: &str| {
        let response = gate.http.get(url).send().await.expect("it answers");
        response.text().await.expect("all of it")
    };
    let page = get(page_url).await;
    let transaction = field(&page, "transaction").to_owned();
    let done = format!("{page_url}/method-done");
    shop.form(&done, &[("transaction", &transaction), ("indicator", "N")])
        .await;
    let page = get(page_url).await;
    let form = between(&page, "id=\"challenge\"", "</form>");
    let issuer = between(form, "action=\"", "\"").to_owned();
    let creq = field(form, "creq").to_owned();
    let onward = at_issuer(&shop, &issuer, &creq, "", true).await;
    let back = between(&onward, "action=\"", "\"");
    assert_eq!(back, format!("{page_url}/return"));
    shop.form(back, &[("cres", field(&onward, "cres"))]).await;
    shop.until_status("L-1", "success").await;
    // The way back to the shop is the one it named.
    let checkout = page_url.trim_end_matches("/3ds");
    let response = gate.http.get(format!("{checkout}/return")).send().await;
    let response = response.expect("it answers");
    assert_eq!(
        response.headers()["location"],
        "https://shop.example/thanks"
    );
    gate.audit().await;
}

#[tokio::test]
async fn one_id_in_parallel_is_one_payment() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database)).await;
        let shop = Shop::open(&gate).await;
        let ids = ["One-1", "one-1", "ONE-1"];
        let sales =
            (0..60).map(|n| shop.send("card/sale", ids[n % 3], shop.card_body(APPROVED, 100)));
        let answers = join_all(sales).await;
        let with = |status: u16| answers.iter().filter(|answer| answer.0 == status).count();
        assert_eq!((with(200), with(400)), (1, 59), "{answers:?}");
        let refused = answers.iter().filter(|answer| answer.0 == 400);
        assert!(
            refused
                .into_iter()
                .all(|(_, answer)| answer["code"] == "3041")
        );
        gate.drain().await;
        assert_eq!(shop.status("one-1").await["payment"]["status"], "success");
        assert_eq!(gate.bank.log().await.len(), 1);
        // Each without an id of its own is a refund of its own, as far as the money goes.
        let refund = json!({ "payment": { "description": "x", "amount": 40, "currency": "INR" } });
        let refunds = (0..20).map(|_| shop.send("card/refund", "ONE-1", refund.clone()));
        assert!(join_all(refunds).await.iter().all(|answer| answer.0 == 200));
        gate.drain().await;
        let told = shop.status("one-1").await;
        assert_eq!(told["payment"]["sum"]["amount"], 20);
        let operations = told["operations"].as_array().expect("a list");
        let refused = operations.iter().filter(|o| o["code"] == "3283").count();
        assert_eq!((operations.len(), refused), (21, 18));
        gate.audit().await;
    }
}

/// Sends bytes over a socket of its own and reads until the other side ends.
async fn raw(gate: &Gate, bytes: &[u8]) -> (String, Duration) {
    let address = gate.base_url.trim_start_matches("http://");
    let mut socket = TcpStream::connect(address).await.expect("it listens");
    let began = Instant::now();
    socket.write_all(bytes).await.expect("it reads");
    let mut answer = Vec::new();
    let reading = socket.read_to_end(&mut answer);
    let ended = tokio::time::timeout(Duration::from_secs(5), reading).await;
    ended
        .expect("it ends within five seconds")
        .expect("it is readable");
    (String::from_utf8(answer).expect("text"), began.elapsed())
}

#[tokio::test]
async fn an_old_client_gets_a_whole_answer_while_the_bank_is_slow() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let shop = Shop::open(&gate).await;
    let mut times = Vec::new();
    for n in 0..10 {
        // The bank takes two seconds for this card.
        let body = shop.signed(&format!("old-{n}"), shop.card_body(LATE_YES, 100));
        let request = format!(
            "POST /v2/payment/card/sale HTTP/1.0\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let (answer, took) = raw(&gate, request.as_bytes()).await;
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let head = head.to_ascii_lowercase();
        assert!(
            head.starts_with("http/1.0 200") || head.starts_with("http/1.1 200"),
            "{head}"
        );
        assert!(!head.contains("transfer-encoding"), "{head}");
        assert!(
            head.contains(&format!("content-length: {}", body.len())),
            "{head}"
        );
        let told: Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(told["status"], "success");
        times.push(took);
    }
    times.sort_unstable();
    assert!(times[5] < Duration::from_millis(500), "{times:?}");
    gate.drain().await;
}

#[tokio::test]
async fn row_82_odd_framing_is_refused_and_changes_nothing() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let shop = Shop::open(&gate).await;
    let body = shop.signed("odd", shop.card_body(APPROVED, 100));
    let head = "POST /v2/payment/card/sale HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    let length = body.len();
    let table = [
        format!("{head}Content-Length: {length}\r\nContent-Length: 5\r\n\r\n{body}"),
        format!("{head}Content-Length: -1\r\n\r\n{body}"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{body}\r\n0\r\n\r\n"),
        format!("{head}Transfer-Encoding: gzip, x\r\nContent-Length: {length}\r\n\r\n{body}"),
        format!("{head}X:\u{1}y\r\nContent-Length: {length}\r\n\r\n{body}"),
        format!("{head}\r\n"),
        format!(
            "{head}Content-Length: 100000000\r\n\r\n{}",
            " ".repeat(5 << 20)
        ),
    ];
    for request in table {
        let (answer, _) = raw(&gate, request.as_bytes()).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(status.starts_with('4'), "{:.200}: {answer}", request);
    }
    let told = shop.status("odd").await;
    assert_eq!(told["errors"][0]["code"], "3061", "{told}");
}

#[tokio::test]
async fn texts_of_every_script_are_kept_as_they_came() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database)).await;
        let shop = Shop::open(&gate).await;
        let longest = "я".repeat(255);
        let signs = "x' OR 1=1; -- \"\\\u{301}\u{202e}<b>&amp;%00\u{fffd}";
        for (n, id) in ["Заказ №7/«А»", "注文😀", longest.as_str(), signs]
            .into_iter()
            .enumerate()
        {
            let mut body = shop.card_body(APPROVED, 100 + i64::try_from(n).expect("small"));
            body["customer"]["first_name"] = json!(signs);
            body["surprise"] = json!({ "deep": [signs, null, 1.5] });
            shop.accepted("card/sale", id, body).await;
            let told = shop.until_status(id, "success").await;
            assert_eq!(told["payment"]["id"], json!(id));
            assert_eq!(
                shop.status(id).await["customer"]["first_name"],
                json!(signs)
            );
        }
        for id in ["a\u{0}b", "\u{200b}\u{0}"] {
            let (status, told) = shop
                .send("card/sale", id, shop.card_body(APPROVED, 100))
                .await;
            assert_eq!((status, &told["code"]), (400, &json!("3024")), "{told}");
        }
        gate.drain().await;
    }
}

#[tokio::test]
async fn callbacks_wait_or_stay_away_as_the_shop_wants() {
    let gate = Gate::start(Setup::on(Database::Sqlite).manual_clock()).await;
    let shop = Shop::open(&gate).await;
    let mut later = shop.card_body(APPROVED, 100);
    later["callback"] = json!({ "delay": 600 });
    shop.accepted("card/sale", "later", later).await;
    let mut never = shop.card_body(APPROVED, 100);
    never["callback"] = json!({ "force_disable": true });
    shop.accepted("card/sale", "never", never).await;
    gate.drain().await;
    gate.advance(590).await;
    assert!(shop.heard("later").is_empty());
    gate.advance(20).await;
    shop.until_status("later", "success").await;
    assert!(shop.heard("never").is_empty());
    assert_eq!(shop.status("never").await["payment"]["status"], "success");
}

#[tokio::test]
async fn a_sale_that_was_cut_off_before_the_bank_heard_of_it_is_told_declined() {
    for database in BOTH {
        let mut gate = Gate::start(Setup::on(database)).await;
        assert!(gate.stop().await);
        gate.boot(Some("pay.intent_committed")).await;
        let body = {
            let shop = Shop::open(&gate).await;
            let body = shop.card_body(APPROVED, 100);
            let cut = shop.try_send("card/sale", "cut", body.clone()).await;
            assert!(cut.is_err(), "{cut:?}");
            body
        };
        assert!(gate.died().await);
        gate.boot(None).await;
        let shop = Shop::open(&gate).await;
        // It is on disk: the id is taken, and the shop hears the end of it.
        let (status, told) = shop.send("card/sale", "CUT", body).await;
        assert_eq!((status, &told["code"]), (400, &json!("3041")), "{told}");
        gate.drain().await;
        let told = shop.status("cut").await;
        assert_eq!(told["payment"]["status"], "decline", "{told}");
        assert_eq!(told["operations"][0]["code"], "100");
        assert!(gate.bank.log().await.is_empty());
        gate.audit().await;
    }
}

#[tokio::test]
async fn row_72_the_gate_keeps_no_card_number() {
    let mut gate = Gate::start(Setup {
        log: "debug",
        ..Setup::on(Database::Sqlite)
    })
    .await;
    let mistyped = "4444555511113334";
    {
        let shop = Shop::open(&gate).await;
        let ends = [
            (APPROVED, "success"),
            (NO_FUNDS, "decline"),
            (CHALLENGE, "awaiting redirect result"),
        ];
        for (pan, status) in ends {
            shop.card("sale", status, pan, 100).await;
            shop.until_status(status, status).await;
        }
        let mut wrong = shop.card_body(mistyped, 100);
        for name in ["cvv", "month"] {
            let (status, told) = shop.send("card/sale", "wrong", wrong.clone()).await;
            assert_eq!((status, &told["code"]), (400, &json!("3101")), "{told}");
            assert!(!told.to_string().contains(mistyped));
            wrong["card"][name] = json!(APPROVED);
        }
        // Unsigned, and signed wrongly: it is read before anybody is known.
        let body = shop.signed("wrong", shop.card_body(APPROVED, 100));
        for body in [
            body.replace("MARY", "MARIA"),
            body.replace("signature", "sign"),
        ] {
            let url = format!("{}/v2/payment/card/sale", gate.base_url);
            let response = gate
                .http
                .post(url)
                .body(body)
                .send()
                .await
                .expect("it answers");
            assert_eq!(response.status(), 400);
        }
    }
    assert!(gate.stop().await);
    for file in gate.files() {
        // The list of test cards for the person at the demo is meant to hold them.
        if file.ends_with("demo.json") {
            continue;
        }
        let bytes = std::fs::read(&file).expect("it is there");
        for pan in [APPROVED, NO_FUNDS, CHALLENGE, mistyped] {
            assert!(!found(&bytes, pan), "{pan} stands in {}", file.display());
        }
    }
}
