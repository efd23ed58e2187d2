//! A shop that signs links to the Payment Page, and a payer's browser that opens them.

use altyn_domain::PaymentId;
use axum::body::Body;
use axum::http::{Request, header};
use form_urlencoded::Serializer;
use serde_json::{Map, Value};

use crate::shop::{Reply, Shop};

/// What a shop puts into a link.
#[derive(Clone)]
pub struct Link(pub Map<String, Value>);

impl Link {
    pub fn of(shop: &Shop, payment_id: &str) -> Self {
        let mut link = Self(Map::new());
        for (name, value) in [
            ("project_id", shop.number.to_string().as_str()),
            ("payment_id", payment_id),
            ("payment_amount", "15000"),
            ("payment_currency", "INR"),
            ("customer_id", "customer1"),
            ("payment_description", "Чай + 2"),
            ("language_code", "en"),
        ] {
            link = link.with(name, value);
        }
        link
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// The query, signed.
    pub fn signed(&self, shop: &Shop) -> String {
        let signature = sign(&self.0, &shop.key);
        let mut query = Serializer::new(String::new());
        for (name, value) in &self.0 {
            query.append_pair(name, value.as_str().expect("a text"));
        }
        query.append_pair("signature", &signature).finish()
    }
}

pub fn sign(parameters: &Map<String, Value>, key: &str) -> String {
    altyn_dialects::ecommpay::signature::sign(&Value::Object(parameters.clone()), key)
}

pub async fn get(shop: &Shop, path: &str) -> Reply {
    get_in(shop, path, "").await
}

pub async fn get_in(shop: &Shop, path: &str, language: &str) -> Reply {
    let request = Request::get(path).header(header::ACCEPT_LANGUAGE, language);
    shop.send(request.body(Body::empty()).expect("a request"))
        .await
}

pub async fn open(shop: &Shop, link: &Link) -> Reply {
    get(shop, &format!("/payment?{}", link.signed(shop))).await
}

pub async fn post(shop: &Shop, path: &str, form: String) -> Reply {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form));
    shop.send(request.expect("a request")).await
}

/// The value of the hidden field that carries the link back.
pub fn request_of(page: &Reply) -> String {
    let (_, rest) = page
        .text
        .split_once("name=\"request\" value=\"")
        .expect("the page brings the request back");
    let (value, _) = rest.split_once('"').expect("it ends");
    value.replace("&#38;", "&")
}

pub fn card_form(request: &str, number: &str) -> String {
    Serializer::new(String::new())
        .extend_pairs([
            ("request", request),
            ("language", "en"),
            ("method", "bank-1"),
            ("cc-number", number),
            ("cc-exp", "12/30"),
            ("cc-csc", "123"),
            ("cc-name", "A B"),
        ])
        .finish()
}

pub fn wallet_form(request: &str, method: &str) -> String {
    let pairs = [("request", request), ("language", "en"), ("method", method)];
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

pub async fn pay_by_card(shop: &Shop, link: &Link, number: &str) -> Reply {
    let form = open(shop, link).await;
    assert_eq!(form.status, 200, "{}", form.text);
    post(
        shop,
        "/payment/confirm",
        card_form(&request_of(&form), number),
    )
    .await
}

/// Where the browser is sent, without the path that the installation has before all others.
pub fn location(reply: &Reply) -> &str {
    assert_eq!(reply.status, 303, "{}", reply.text);
    let location = reply.headers[header::LOCATION].to_str().expect("plain");
    location.strip_prefix("/base").expect("it is ours")
}

pub fn id_in(location: &str) -> PaymentId {
    let id = location.split('/').nth(2).expect("an id");
    PaymentId::parse(id).expect("an id")
}

pub async fn payment(shop: &Shop, id: PaymentId) -> altyn_domain::Payment {
    let found = shop.engine.open_payment(id).await.expect("it can be read");
    found.expect("it is there").1
}

pub fn policy(reply: &Reply) -> &str {
    reply.headers["content-security-policy"]
        .to_str()
        .expect("plain")
}

/// Nothing is registered under this id.
pub async fn assert_unknown(shop: &Shop, payment_id: &str) {
    let body = serde_json::json!({"general": shop.general(payment_id)});
    let reply = shop.post("/v2/payment/status", &body).await;
    let told = reply.json();
    assert_eq!(told["errors"][0]["code"], "3061", "{told}");
}
