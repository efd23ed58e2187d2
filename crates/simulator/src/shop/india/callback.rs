//! The gateway's callbacks: believed only if they are signed with the shop's key.

use axum::extract::State;
use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::Value;

use super::Desk;
use super::told::Told;
use crate::clock;

/// `POST /india/callback`.
pub async fn receive(State(desk): State<Desk>, body: Bytes) -> (StatusCode, &'static str) {
    let Ok(message) = serde_json::from_slice::<Value>(&body) else {
        return (StatusCode::BAD_REQUEST, "not JSON\n");
    };
    if !desk.india.gate.is_genuine(&message) {
        return (StatusCode::BAD_REQUEST, "wrong signature\n");
    }
    // What is not about an order of ours is no reason to make the gateway repeat itself.
    if let Some(told) = Told::read(&message) {
        let signature = [&message["signature"], &message["general"]["signature"]];
        let signature = signature.into_iter().find_map(Value::as_str);
        let number = told.payment_id.clone();
        desk.india.orders.change(&number, |order| {
            let signature = signature.unwrap_or_default();
            order.learn_from_callback(&told, signature, clock::now_ms());
        });
        desk.india.news.send_modify(|count| *count += 1);
    }
    (StatusCode::OK, "OK\n")
}
