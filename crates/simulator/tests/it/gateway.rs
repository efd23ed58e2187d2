//! A small register.do gateway inside the test, over real HTTP: enough of it for the shop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// One order as the stub knows it.
#[derive(Clone, Default)]
pub struct StubOrder {
    pub parameters: HashMap<String, String>,
    pub status: i64,
    pub approved: i64,
    pub deposited: i64,
    pub refunded: i64,
}

#[derive(Default)]
struct Inner {
    orders: Vec<StubOrder>,
    refund_names: Vec<String>,
    /// What every call is answered with instead.
    broken: Option<(StatusCode, String)>,
}

/// The stub; it serves until the test ends.
#[derive(Clone)]
pub struct StubGateway {
    inner: Arc<Mutex<Inner>>,
    pub base_url: String,
}

impl StubGateway {
    /// Starts serving.
    pub async fn start() -> StubGateway {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let base_url = format!("http://{address}/payment/rest/");
        let gateway = StubGateway {
            inner: Arc::default(),
            base_url,
        };
        let routes = Router::new()
            .route("/payment/rest/{method}", post(answer))
            .with_state(gateway.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        gateway
    }

    /// The newest order.
    pub fn newest(&self) -> StubOrder {
        self.inner
            .lock()
            .expect("lock")
            .orders
            .last()
            .expect("an order")
            .clone()
    }

    /// Plays the payer and the bank on the newest order.
    pub fn pay(&self) {
        let mut inner = self.inner.lock().expect("lock");
        let order = inner.orders.last_mut().expect("an order");
        let amount = order.parameters["amount"].parse().expect("a number");
        order.approved = amount;
        let hold = order.parameters.contains_key("hold");
        (order.status, order.deposited) = if hold { (1, 0) } else { (2, amount) };
    }

    /// Changes the newest order at will.
    pub fn change(&self, change: impl FnOnce(&mut StubOrder)) {
        change(
            self.inner
                .lock()
                .expect("lock")
                .orders
                .last_mut()
                .expect("an order"),
        );
    }

    /// Answers everything with this from now on.
    pub fn broken(&self, status: StatusCode, body: &str) {
        self.inner.lock().expect("lock").broken = Some((status, body.to_owned()));
    }
}

/// The orderId of the stub's order at an index.
pub fn order_id(index: usize) -> String {
    format!("01491d0b-c848-7dd6-a20d-{index:012}")
}

async fn answer(
    State(gateway): State<StubGateway>,
    Path(method): Path<String>,
    body: String,
) -> Response {
    let fields: HashMap<String, String> = form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let mut inner = gateway.inner.lock().expect("lock");
    if let Some((status, body)) = &inner.broken {
        return (*status, body.clone()).into_response();
    }
    let answer = if fields["userName"] != "dala-api" || fields["password"] != "secret &1" {
        refusal("5", "Access denied")
    } else {
        match method.as_str() {
            "register.do" => register(&mut inner, fields, false, &gateway.base_url),
            "registerPreAuth.do" => register(&mut inner, fields, true, &gateway.base_url),
            "getOrderStatusExtended.do" => status(&inner, &fields),
            other => manage(&mut inner, other, &fields),
        }
    };
    answer.to_string().into_response()
}

fn refusal(code: &str, message: &str) -> Value {
    json!({"errorCode": code, "errorMessage": message})
}

fn register(
    inner: &mut Inner,
    mut fields: HashMap<String, String>,
    hold: bool,
    base_url: &str,
) -> Value {
    let order_id = order_id(inner.orders.len());
    if hold {
        fields.insert("hold".to_owned(), String::new());
    }
    inner.orders.push(StubOrder {
        parameters: fields,
        ..StubOrder::default()
    });
    let page = base_url.replace("/rest/", "/merchants/payment_ru.html");
    json!({"orderId": order_id, "formUrl": format!("{page}?mdOrder={order_id}")})
}

fn find(inner: &Inner, fields: &HashMap<String, String>) -> Option<usize> {
    (0..inner.orders.len()).find(|index| {
        fields.get("orderId") == Some(&order_id(*index))
            || fields.get("orderNumber") == inner.orders[*index].parameters.get("orderNumber")
    })
}

fn status(inner: &Inner, fields: &HashMap<String, String>) -> Value {
    let Some(index) = find(inner, fields) else {
        return refusal("6", "Order not found");
    };
    let order = &inner.orders[index];
    json!({
        "errorCode": "0", "errorMessage": "Success",
        "orderNumber": order.parameters["orderNumber"],
        "orderStatus": order.status,
        "actionCode": if order.status == 6 { 116 } else { 0 },
        "actionCodeDescription": if order.status == 6 { "Not enough <money>" } else { "" },
        "amount": order.parameters["amount"].parse::<i64>().expect("a number"),
        "currency": order.parameters["currency"],
        "cardAuthInfo": {"maskedPan": "444455**3333"},
        "paymentAmountInfo": {"approvedAmount": order.approved,
                              "depositedAmount": order.deposited,
                              "refundedAmount": order.refunded},
    })
}

fn manage(inner: &mut Inner, method: &str, fields: &HashMap<String, String>) -> Value {
    let Some(index) = find(inner, fields) else {
        return refusal("6", "Order not found");
    };
    let amount: i64 = fields
        .get("amount")
        .map_or(0, |text| text.parse().expect("a number"));
    let name = fields.get("externalRefundId").cloned().unwrap_or_default();
    let repeated = !name.is_empty() && inner.refund_names.contains(&name);
    let order = &mut inner.orders[index];
    match (method, order.status) {
        ("deposit.do", 1) if amount <= order.approved => {
            (order.status, order.deposited) = (2, amount);
        }
        ("reverse.do", 1) => (order.status, order.approved) = (3, 0),
        ("refund.do", 2 | 4) if repeated => {}
        ("refund.do", 2 | 4) if amount <= order.deposited => {
            order.status = 4;
            order.deposited -= amount;
            order.refunded += amount;
            inner.refund_names.push(name);
        }
        _ => return refusal("7", "Payment must be in another state"),
    }
    json!({"errorCode": "0", "errorMessage": "Success"})
}
