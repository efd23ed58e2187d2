//! kill -9 at every named point of a sale and a refund by wallet: the partner, the ledger and what the shop
//! was told agree.

use serde_json::{Value, json};

use crate::gate::{Database, Gate, Setup};
use crate::india::{Shop, customer, order_of};

/// The points that a sale and a refund by wallet pass.
const POINTS: [&str; 10] = [
    "writer.loaded",
    "writer.saved",
    "pay.intent_committed",
    "pay.answered",
    "pay.outcome_committed",
    "refund.intent_committed",
    "refund.answered",
    "refund.outcome_committed",
    "callback.answered",
    "callback.recorded",
];

/// The partner lets payers with this phone pay at once.
const PAYS_AT_ONCE: &str = "9000000001";

/// What the shop asks for; broken connections and unanswered questions included.
async fn ask(shop: &Shop<'_>, payment_id: &str) -> Option<String> {
    let mut payer = customer();
    payer["phone"] = json!(PAYS_AT_ONCE);
    let sale = json!({
        "general": { "merchant_callback_url": shop.callback_url },
        "payment": { "amount": 35_000, "currency": "INR" },
        "customer": payer,
        "return_url": { "success": "http://127.0.0.1:9/success" },
    });
    let answer = shop.try_send("wallet-partner/sale", payment_id, sale).await;
    let request = answer.ok()?.1["request_id"].as_str()?.to_owned();
    if shop.is_paid_or_gone(payment_id).await {
        let refund =
            json!({ "payment": { "description": "back", "merchant_refund_id": payment_id } });
        let _ = shop
            .try_send("wallet-partner/refund", payment_id, refund)
            .await;
    }
    Some(request)
}

async fn die_at(database: Database, point: &str) {
    let mut gate = Gate::start(Setup::on(database)).await;
    gate.kill().await;
    gate.boot(Some(&format!("{point}:0"))).await;
    let request = {
        let shop = Shop::open(&gate).await;
        ask(&shop, "C-1").await
    };
    assert!(gate.died().await, "{point} was never reached");
    gate.boot(None).await;
    gate.drain().await;
    let shop = Shop::open(&gate).await;
    let log = shop.partner_log().await;
    let of = |kind: &str, status: &str| -> Vec<&Value> {
        let fits = |line: &&Value| line["kind"] == kind && line["status"] == status;
        log.iter().filter(fits).collect()
    };
    let payments = of("payment", "SUCCESS");
    let refunds = of("refund", "SUCCESS");
    assert!(
        payments.len() <= 1 && refunds.len() <= 1,
        "{point}: {log:#?}"
    );
    let status = shop.status("C-1").await["payment"]["status"].clone();
    let expected = match (payments.len(), refunds.len()) {
        (1, 0) => json!("success"),
        (1, _) => json!("refunded"),
        // The sale was answered and never reached the partner, or was never taken in at all.
        _ if request.is_some() => json!("decline"),
        _ => status.clone(),
    };
    assert_eq!(status, expected, "{point}: {log:#?}");
    if let (Some(request), Some(payment)) = (&request, payments.first()) {
        assert_eq!(payment["order_id"], json!(order_of(request)), "{point}");
    }
    let again = ask(&shop, "AGAIN").await;
    assert!(again.is_some(), "{point}");
    shop.until("AGAIN", |callback| {
        callback["payment"]["status"] == "refunded"
    })
    .await;
    gate.audit().await;
}

#[tokio::test]
async fn row_1_every_point_of_a_wallet_payment_sqlite() {
    for point in POINTS {
        die_at(Database::Sqlite, point).await;
    }
}

#[tokio::test]
async fn row_1_every_point_of_a_wallet_payment_postgres() {
    for point in POINTS {
        die_at(Database::Postgres, point).await;
    }
}
