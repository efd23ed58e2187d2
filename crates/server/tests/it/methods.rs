//! Payment methods as data: shown, changed, and in force at the next request of a running gateway.

use serde_json::{Value, json};

use crate::gate::{Database, Gate, Setup};
use crate::india::Shop;

pub async fn slug(gate: &Gate) -> String {
    let url = std::fs::read_to_string(gate.data.join("database-url")).expect("it is there");
    let path = url
        .trim()
        .strip_prefix("sqlite:")
        .expect("the embedded one");
    let sql = "SELECT slug FROM projects WHERE slug LIKE 'india-%'";
    let script =
        "import sqlite3,sys;print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])";
    let output = std::process::Command::new("python3")
        .args(["-c", script, path, sql])
        .output()
        .expect("python3 runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

async fn methods(gate: &Gate, slug: &str) -> Vec<Value> {
    let output = gate.altyn(&["method", "list", "--project", slug]).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    let all: Value = serde_json::from_str(&text).expect("JSON");
    all.as_array().expect("a list").clone()
}

pub async fn set(gate: &Gate, slug: &str, method: &Value) -> std::process::Output {
    let arguments = ["method", "set", "--project", slug];
    gate.altyn_reading(&arguments, &method.to_string()).await
}

#[tokio::test]
async fn a_changed_method_is_in_force_and_its_secrets_are_never_shown() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let slug = slug(&gate).await;
    let shown = methods(&gate, &slug).await;
    let mut wallet = shown[1].clone();
    assert_eq!(wallet["id"], "wallet-partner");
    assert_eq!(wallet["settings"]["secret"], "***");
    assert_eq!(wallet["settings"]["base_url"], json!(gate.bank.partner_url));
    let ranges = json!([{ "currency": "INR", "min": 100, "max": 40_000_000 }]);
    assert_eq!(wallet["ranges"], ranges);

    // The first generation of the partner, and a smaller limit.
    wallet["settings"]["generation"] = json!("1");
    wallet["ranges"][0]["max"] = json!(50_000);
    let output = set(&gate, &slug, &wallet).await;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let changed = methods(&gate, &slug).await;
    assert_eq!(changed[1], wallet, "its place is the same");

    let shop = Shop::open(&gate).await;
    in_force(&shop).await;
    let request = shop.wallet_sale("G-1", 50_000).await;
    let redirect = shop.until_redirect("G-1").await;
    let data = &redirect["redirect_data"];
    assert_eq!(
        (&data["method"], &data["body"]),
        (&json!("POST"), &json!({}))
    );
    let url = data["url"].as_str().expect("a text");
    assert!(url.contains("/billpay/order/"), "{url}");
    shop.at_partner(&request, json!({ "result": "SUCCESS", "duplicate": 1 }))
        .await;
    shop.until("G-1", |c| c["payment"]["status"] == "success")
        .await;
    shop.refund("G-1", None).await;
    shop.until("G-1", |c| c["payment"]["status"] == "refunded")
        .await;

    let request = shop.wallet_sale("G-2", 50_000).await;
    shop.until_redirect("G-2").await;
    shop.at_partner(&request, json!({ "result": "FAILED" }))
        .await;
    let decline = shop
        .until("G-2", |c| c["payment"]["status"] == "decline")
        .await;
    assert_eq!(decline["operation"]["code"], "20000");
    gate.audit().await;
}

/// Waits until the running gateway knows the new limit: it looks for new settings every second.
pub async fn in_force(shop: &Shop<'_>) {
    for number in 0..200 {
        let payment_id = format!("L-{number}");
        shop.wallet_sale(&payment_id, 50_001).await;
        let told = shop
            .until(&payment_id, |c| c["payment"]["status"] != "processing")
            .await;
        if told["operation"]["code"] == "2642" {
            return;
        }
    }
    panic!("the old limit is still in force");
}

#[tokio::test]
async fn a_lying_notice_of_the_first_generation_changes_nothing() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let slug = slug(&gate).await;
    let mut wallet = methods(&gate, &slug).await[1].clone();
    wallet["settings"]["generation"] = json!("1");
    wallet["ranges"][0]["max"] = json!(50_000);
    assert!(set(&gate, &slug, &wallet).await.status.success());
    let shop = Shop::open(&gate).await;
    in_force(&shop).await;
    let lies = [
        (
            json!({ "result": "SUCCESS", "amount": "499.00" }),
            "amount_mismatch",
        ),
        (
            json!({ "result": "SUCCESS", "currency": "USD" }),
            "amount_mismatch",
        ),
        (
            json!({ "result": "SUCCESS", "bad_signature": true }),
            "notice_refused",
        ),
    ];
    for (number, (lie, kind)) in lies.into_iter().enumerate() {
        let payment_id = format!("N-{number}");
        let request = shop.wallet_sale(&payment_id, 50_000).await;
        shop.until_redirect(&payment_id).await;
        shop.at_partner(&request, lie.clone()).await;
        let incident = crate::wallet::until_incident_of(&gate, &request).await;
        assert_eq!(incident["kind"], kind, "{lie}");
        if kind == "amount_mismatch" {
            let status = shop.status(&payment_id).await;
            assert_ne!(status["payment"]["status"], "success", "{lie}");
        }
    }
    gate.audit().await;
}

#[tokio::test]
async fn lifecycle_row_22_a_success_after_a_decline_of_the_first_generation_is_an_incident() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let slug = slug(&gate).await;
    let mut wallet = methods(&gate, &slug).await[1].clone();
    wallet["settings"]["generation"] = json!("1");
    wallet["ranges"][0]["max"] = json!(50_000);
    assert!(set(&gate, &slug, &wallet).await.status.success());
    let shop = Shop::open(&gate).await;
    in_force(&shop).await;
    let request = shop.wallet_sale("S-22", 50_000).await;
    shop.until_redirect("S-22").await;
    shop.at_partner(&request, json!({ "result": "FAILED" }))
        .await;
    shop.until("S-22", |c| c["payment"]["status"] == "decline")
        .await;

    // The payer goes back to the wallet's page, which is still open, and pays there.
    let paid = json!({ "result": "SUCCESS", "duplicate": 2 });
    shop.at_partner(&request, paid).await;
    let incident = crate::wallet::until_incident_of(&gate, &request).await;
    assert_eq!(incident["kind"], "contradiction");
    let status = shop.status("S-22").await;
    assert_eq!(status["payment"]["status"], "decline");
    gate.audit().await;
}

#[tokio::test]
async fn what_is_no_method_is_refused_with_a_reason() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let slug = slug(&gate).await;
    let wallet = methods(&gate, &slug).await[1].clone();
    let mut unknown = wallet.clone();
    unknown["connector"] = json!("nobody");
    let mut upside_down = wallet.clone();
    upside_down["ranges"][0]["min"] = json!(50_000_000);
    let with = |pointer: &str, key: &str, value: Value| {
        let mut method = wallet.clone();
        method.pointer_mut(pointer).expect("it is there")[key] = value;
        method
    };
    let mut bare = with("", "id", json!("bare"));
    bare["settings"] = json!({ "base_url": "https://partner.example" });
    let mut emptied = wallet.clone();
    emptied["settings"]["app_id"] = json!("");
    let mut twice = wallet.clone();
    twice["ranges"] = json!([wallet["ranges"][0], wallet["ranges"][0]]);
    for (method, reason) in [
        (unknown, "there is no connector nobody"),
        (upside_down, "ranges[0].max: is less than min"),
        (twice, "ranges[1].currency: is there twice"),
        (with("", "zzz", json!(1)), "there is no field zzz"),
        (with("", "hold", json!(true)), "there is no field hold"),
        (
            with("/provider", "sale", json!(1)),
            "no field provider.sale",
        ),
        (with("", "refunds", json!("none")), "unknown variant"),
        (
            bare.clone(),
            "settings.app_id: required; settings.secret: required",
        ),
        (emptied, "settings.app_id: required"),
        (
            with("/settings", "appid", json!("a")),
            "settings.appid: no such setting",
        ),
        (
            with("/settings", "base_url", json!("partner.example")),
            "settings.base_url: must match",
        ),
        (
            with("/settings", "not_found_final_after_ms", json!("soon")),
            "settings.not_found_final_after_ms: must be whole milliseconds",
        ),
        (with("", "kind", json!("card")), "kind: this connector has"),
        (
            with("", "countries", json!(["in"])),
            "countries[0]: must be two capital letters",
        ),
        (with("", "id", json!("a b!")), "latin letters"),
        (with("", "id", json!("")), "latin letters"),
    ] {
        let output = set(&gate, &slug, &method).await;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains(reason), "{told}");
    }
    let kept = methods(&gate, &slug).await;
    assert_eq!((kept.len(), &kept[1]), (2, &wallet));
    bare["settings"]["app_id"] = json!("app-1");
    bare["settings"]["secret"] = json!("s-1");
    let output = set(&gate, &slug, &bare).await;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && told == "bare is set\n", "{told}");
    let output = gate.altyn(&["method", "list", "--project", "nobody"]).await;
    assert!(!output.status.success());
}
