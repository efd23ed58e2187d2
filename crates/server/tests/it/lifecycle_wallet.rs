//! Rows 6 to 14 of the life-cycle table end to end: a payer tries a wallet more than once on the Payment
//! Page, and the partner tells the ends late. What the payer's page, the shop and the partner then know is
//! compared with the table.

use std::time::Instant;

use altyn_dialects::ecommpay::signature;
use serde_json::{Value, json};

use crate::gate::{BOTH, Gate, PATIENCE, Setup};
use crate::india::Shop;

/// What the payer reads when the service refused, by the code that the partner gave.
const NO_ANSWER: (&str, &str) = (
    "ISSUER_NOT_AVAILABLE",
    "The payment service does not answer",
);
const NO_REASON: (&str, &str) = (
    "TRANSACTION_DECLINED",
    "declined the payment and gave no reason",
);
/// What the payer reads while a try is without an answer.
const NOT_KNOWN: &str = "We do not know yet how your payment at";
const PAID: &str = "Your payment went through";
/// The processing period of the method, and a second.
const PERIOD_S: u32 = 601;

/// A payer with a link of the shop, who has begun one try.
struct Payer<'a> {
    shop: &'a Shop<'a>,
    payment_id: &'static str,
    /// The payment's id in addresses.
    place: String,
}

impl<'a> Payer<'a> {
    /// Opens the link and goes to the wallet: the first try.
    async fn begins(shop: &'a Shop<'a>, payment_id: &'static str) -> Self {
        let request = link(shop, payment_id);
        let pairs = [("request", request.as_str())];
        let location = post_form(shop.gate, "/payment/confirm", &pairs).await;
        let place = location.split('/').nth(2).expect("an id").to_owned();
        assert!(location.ends_with("/go"), "{location}");
        Self {
            shop,
            payment_id,
            place,
        }
    }

    /// Begins another try at the wallet.
    async fn tries_again(&self) {
        let path = format!("/checkout/{}/pay", self.place);
        let location = post_form(self.shop.gate, &path, &[]).await;
        assert!(location.ends_with("/go"), "{location}");
    }

    /// The payment stops waiting for the try in flight.
    async fn waits_too_long(&self) {
        self.shop.gate.advance(PERIOD_S).await;
    }

    /// Begins a try, waits for it in vain, and begins another.
    async fn begins_twice(shop: &'a Shop<'a>, payment_id: &'static str) -> Self {
        let payer = Self::begins(shop, payment_id).await;
        payer.waits_too_long().await;
        payer.tries_again().await;
        payer
    }

    /// The partner decides the order of a try, however late, and tells it.
    async fn at_partner(&self, try_number: u32, mut wish: Value) {
        wish["late"] = json!(true);
        wish["before_return"] = json!(true);
        let order = self.order(try_number);
        let url = &self.shop.gate.bank.partner_url;
        let url = format!("{url}/partner/control/orders/{order}");
        self.shop.post(&url, &wish).await;
    }

    async fn succeeds(&self, try_number: u32) {
        self.at_partner(try_number, json!({ "result": "SUCCESS" }))
            .await;
    }

    async fn fails(&self, try_number: u32, reason: (&str, &str)) {
        let wish = json!({ "result": "FAILED", "error_code": reason.0 });
        self.at_partner(try_number, wish).await;
    }

    /// The partner's name of a try: an order of its own.
    fn order(&self, try_number: u32) -> String {
        format!("{}-{try_number}", self.place.replace('-', ""))
    }

    /// What the payer's browser comes to from the result.
    async fn page(&self) -> String {
        let mut path = format!("/checkout/{}/result?lang=en", self.place);
        for _ in 0..5 {
            let url = format!("{}{path}", self.shop.gate.base_url);
            let response = self.shop.gate.http.get(url).send().await;
            let response = response.expect("it answers");
            match response.headers().get("location") {
                Some(next) => next.to_str().expect("plain").clone_into(&mut path),
                None => return response.text().await.expect("all of it"),
            }
        }
        panic!("sent round and round at {path}");
    }

    /// Waits until the page says this, and returns it.
    async fn until_page(&self, words: &str) -> String {
        let began = Instant::now();
        loop {
            let page = self.page().await;
            if page.contains(words) {
                return page;
            }
            assert!(began.elapsed() < PATIENCE, "not {words:?}: {page}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// The states of the operations that the shop may see, and the payment's.
    async fn status(&self) -> (String, Vec<(String, String)>) {
        let answer = self.shop.status(self.payment_id).await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let operations = answer["operations"].as_array().expect("a list");
        let operations = operations
            .iter()
            .map(|o| (text(&o["type"]), text(&o["status"])));
        (text(&answer["payment"]["status"]), operations.collect())
    }

    /// Waits until the shop sees these states.
    async fn until_status(&self, payment: &str, sales: &[&str]) {
        let sales = sales
            .iter()
            .map(|state| ("sale".to_owned(), (*state).to_owned()));
        let wanted = (payment.to_owned(), sales.collect::<Vec<_>>());
        let began = Instant::now();
        loop {
            let status = self.status().await;
            if status == wanted {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "not {wanted:?}: {status:?}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// The states of the payment that the shop was told, in order.
    fn told(&self) -> Vec<String> {
        let heard = self.shop.heard(self.payment_id);
        let status = |body: &Value| body["payment"]["status"].as_str().map(str::to_owned);
        heard.iter().filter_map(status).collect()
    }

    /// Waits until the shop has heard that it is paid.
    async fn until_told_paid(&self) {
        let paid = |body: &Value| body["payment"]["status"] == "success";
        self.shop.until(self.payment_id, paid).await;
    }

    /// The orders of this payment with what came in and went back of them at the partner, by try.
    async fn money_at_partner(&self) -> Vec<(i64, i64)> {
        let log = self.shop.partner_log().await;
        let sum = |kind: &str, status: &str, order: &str| -> i64 {
            let of_order = log.iter().filter(|line| line["kind"] == kind);
            let of_order = of_order.filter(|line| line["order_id"] == order);
            let done = of_order.filter(|line| line["status"] == status);
            done.filter_map(|line| line["amount"].as_i64()).sum()
        };
        let tries = (1..=3).map(|number| self.order(number));
        let known = |order: &String| {
            log.iter()
                .any(|line| line["kind"] == "order" && line["order_id"] == order.as_str())
        };
        tries
            .filter(known)
            .map(|order| {
                let paid = sum("payment", "SUCCESS", &order);
                (paid, sum("refund", "SUCCESS", &order))
            })
            .collect()
    }

    /// It is paid once, whatever else has come: the page, the shop and the partner say so.
    async fn is_paid_once(&self, sales: &[&str], money: &[(i64, i64)]) {
        self.shop.gate.drain().await;
        let page = self.page().await;
        assert!(page.contains(PAID), "{page}");
        for words in [NO_ANSWER.1, NO_REASON.1, NOT_KNOWN] {
            assert!(!page.contains(words), "{words}: {page}");
        }
        self.until_told_paid().await;
        let successes = self.told().iter().filter(|s| *s == "success").count();
        assert_eq!(successes, 1, "{:?}", self.told());
        self.until_status("success", sales).await;
        assert_eq!(self.money_at_partner().await, money, "{}", self.payment_id);
    }
}

/// A signed link for 150 rupees that can be paid for twenty hours: a page that says nothing of it gives the
/// payer no more time than the wallet's period, and then no second try could begin.
fn link(shop: &Shop<'_>, payment_id: &str) -> String {
    let (number, key) = &shop.gate.india;
    let best_before = crate::clock::in_seconds(20 * 3_600);
    let mut parameters = json!({
        "project_id": number.to_string(),
        "payment_id": payment_id,
        "payment_amount": "15000",
        "payment_currency": "INR",
        "customer_id": "customer1",
        "customer_phone": "9876543210",
        "customer_country": "IN",
        "language_code": "en",
        "best_before": format!("{best_before}Z"),
        "merchant_callback_url": shop.callback_url,
    });
    parameters["signature"] = json!(signature::sign(&parameters, key));
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters.as_object().expect("an object") {
        query.append_pair(name, value.as_str().expect("a text"));
    }
    query.finish()
}

/// Posts a form that chooses the wallet, and returns where the browser is sent.
async fn post_form(gate: &Gate, path: &str, pairs: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs([("method", "wallet-partner"), ("language", "en")]);
    form.extend_pairs(pairs);
    let url = format!("{}{path}", gate.base_url);
    let request = gate.http.post(url).body(form.finish());
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let response = request.send().await.expect("it answers");
    let location = response.headers().get("location").cloned();
    let text = response.text().await.unwrap_or_default();
    let location = location.unwrap_or_else(|| panic!("it sends nobody on: {text}"));
    location.to_str().expect("plain").to_owned()
}

/// All of it happens by itself: nothing is left for a person, and the books are right.
async fn nobody_must_look(gate: &Gate) {
    let output = gate.altyn(&["incidents", "list", "--json"]).await;
    let incidents = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && incidents.trim().is_empty(),
        "{incidents}"
    );
    gate.audit().await;
}

/// 150 rupees came and stayed; came and went back; never came.
const STAYED: (i64, i64) = (15_000, 0);
const WENT_BACK: (i64, i64) = (15_000, 15_000);
const NEVER_CAME: (i64, i64) = (0, 0);

#[tokio::test]
async fn lifecycle_rows_6_and_7_by_wallet_a_late_end_of_the_only_try() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database).manual_clock()).await;
        let shop = Shop::open(&gate).await;

        // Row 6, and before it row 4: nothing is said.
        let payer = Payer::begins(&shop, "L-6").await;
        payer.waits_too_long().await;
        let page = payer.until_page(NOT_KNOWN).await;
        assert!(!page.contains(NO_REASON.1), "{page}");
        payer
            .until_status("awaiting customer", &["processing"])
            .await;
        assert!(payer.told().is_empty(), "{:?}", payer.told());
        payer.succeeds(1).await;
        payer.until_page(PAID).await;
        payer.is_paid_once(&["success"], &[STAYED]).await;

        // Row 7, after which another try may pay.
        let payer = Payer::begins(&shop, "L-7").await;
        payer.waits_too_long().await;
        payer.fails(1, NO_ANSWER).await;
        payer.until_page(NO_ANSWER.1).await;
        payer.until_status("awaiting customer", &["decline"]).await;
        payer.tries_again().await;
        payer.succeeds(2).await;
        payer
            .is_paid_once(&["decline", "success"], &[NEVER_CAME, STAYED])
            .await;
        nobody_must_look(&gate).await;
    }
}

#[tokio::test]
async fn lifecycle_rows_8_to_11_by_wallet_a_late_end_while_a_second_try_runs() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database).manual_clock()).await;
        let shop = Shop::open(&gate).await;

        // Rows 10 and 8: the first pays, and what the second brings goes back.
        let payer = Payer::begins_twice(&shop, "L-8").await;
        payer.succeeds(1).await;
        payer.until_page(PAID).await;
        payer
            .until_status("success", &["success", "awaiting redirect result"])
            .await;
        payer.succeeds(2).await;
        payer.is_paid_once(&["success"], &[STAYED, WENT_BACK]).await;

        // Rows 10 and 9: the second fails, and nobody who has paid reads that.
        let payer = Payer::begins_twice(&shop, "L-9").await;
        payer.succeeds(1).await;
        payer.until_told_paid().await;
        payer.fails(2, NO_REASON).await;
        payer.until_status("success", &["success", "decline"]).await;
        payer
            .is_paid_once(&["success", "decline"], &[STAYED, NEVER_CAME])
            .await;
        assert_eq!(payer.told().last().map(String::as_str), Some("success"));

        // Row 11: the first fails while the second runs; only the newest failure is ever read.
        let payer = Payer::begins_twice(&shop, "L-11").await;
        payer.fails(1, NO_ANSWER).await;
        let running = ["decline", "awaiting redirect result"];
        payer
            .until_status("awaiting redirect result", &running)
            .await;
        let page = payer.page().await;
        assert!(!page.contains(NO_ANSWER.1), "{page}");
        payer.fails(2, NO_REASON).await;
        let page = payer.until_page(NO_REASON.1).await;
        assert!(!page.contains(NO_ANSWER.1), "{page}");
        payer
            .until_status("awaiting customer", &["decline", "decline"])
            .await;
        assert!(!payer.told().iter().any(|status| status == "success"));
        gate.drain().await;
        assert_eq!(payer.money_at_partner().await, [NEVER_CAME, NEVER_CAME]);
        nobody_must_look(&gate).await;
    }
}

#[tokio::test]
async fn lifecycle_rows_12_to_14_by_wallet_late_ends_of_a_paid_payment() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database).manual_clock()).await;
        let shop = Shop::open(&gate).await;

        // Row 12: the second has paid when the first succeeds.
        let payer = Payer::begins_twice(&shop, "L-12").await;
        payer.succeeds(2).await;
        payer.until_told_paid().await;
        payer.succeeds(1).await;
        payer.is_paid_once(&["success"], &[WENT_BACK, STAYED]).await;

        // Row 13: two more successes, told three times each, go back once each.
        let payer = Payer::begins_twice(&shop, "L-13").await;
        payer.waits_too_long().await;
        payer.tries_again().await;
        payer.succeeds(2).await;
        payer.until_told_paid().await;
        for number in [1, 3] {
            let wish = json!({ "result": "SUCCESS", "duplicate": 2 });
            payer.at_partner(number, wish).await;
        }
        let money = [WENT_BACK, STAYED, WENT_BACK];
        payer.is_paid_once(&["success"], &money).await;

        // Row 14: two more failures, of which nobody reads.
        let payer = Payer::begins_twice(&shop, "L-14").await;
        payer.waits_too_long().await;
        payer.tries_again().await;
        payer.succeeds(3).await;
        payer.until_told_paid().await;
        payer.fails(1, NO_ANSWER).await;
        payer.fails(2, NO_REASON).await;
        let sales = ["decline", "decline", "success"];
        payer.until_status("success", &sales).await;
        let money = [NEVER_CAME, NEVER_CAME, STAYED];
        payer.is_paid_once(&sales, &money).await;
        assert_eq!(payer.told().last().map(String::as_str), Some("success"));
        nobody_must_look(&gate).await;
    }
}
