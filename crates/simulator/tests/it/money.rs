//! Money limits over the wire, and the reports that tests reconcile with.

use reqwest::StatusCode;
use serde_json::json;

use crate::simulator::Simulator;

#[tokio::test]
async fn capture_then_refunds_stop_at_the_limits() {
    let simulator = Simulator::start();
    simulator
        .authorize("a", "4444555511113333", json!({}))
        .await;
    let steps = [
        ("refunds", "r0", 1, "125"),
        ("captures", "c0", 50_001, "110"),
        ("captures", "c1", 30_000, "000"),
        ("captures", "c2", 1, "125"),
        ("voids", "v1", 1, "125"),
        ("refunds", "r1", 20_000, "000"),
        ("refunds", "r2", 10_001, "110"),
        ("refunds", "r3", 0, "110"),
        ("refunds", "r4", 10_000, "000"),
        ("refunds", "r5", 1, "125"),
    ];
    for (what, key, amount, code) in steps {
        let answer = simulator.follow("a", what, key, amount).await;
        assert_eq!(answer["code"], code, "{answer}");
        assert_eq!(answer["currency"], "KZT");
        assert_eq!(answer["masked_pan"], "444455**3333");
        assert_eq!(simulator.operation(key).await, answer);
    }
}

#[tokio::test]
async fn purchase_takes_money_at_once() {
    let simulator = Simulator::start();
    simulator
        .authorize("a", "4444555511113333", json!({"capture": true}))
        .await;

    assert_eq!(
        simulator.follow("a", "captures", "c", 1).await["code"],
        "125"
    );
    assert_eq!(simulator.follow("a", "voids", "v", 1).await["code"], "125");
    assert_eq!(
        simulator.follow("a", "refunds", "r", 50_000).await["code"],
        "000"
    );
}

#[tokio::test]
async fn void_in_parts_leaves_the_rest_to_capture() {
    let simulator = Simulator::start();
    simulator
        .authorize("a", "4444555511113333", json!({}))
        .await;

    assert_eq!(
        simulator.follow("a", "voids", "v1", 20_000).await["code"],
        "000"
    );
    assert_eq!(
        simulator.follow("a", "captures", "c1", 30_001).await["code"],
        "110"
    );
    assert_eq!(
        simulator.follow("a", "captures", "c2", 30_000).await["code"],
        "000"
    );
}

#[tokio::test]
async fn nothing_follows_what_is_declined_unknown_or_no_authorization() {
    let simulator = Simulator::start();
    simulator
        .authorize("a", "4000000000001166", json!({}))
        .await;
    simulator
        .authorize("b", "4444555511113333", json!({}))
        .await;
    simulator.follow("b", "captures", "c", 50_000).await;

    assert_eq!(
        simulator.follow("a", "captures", "c1", 1).await["code"],
        "125"
    );
    let orphan = simulator.follow("nobody", "refunds", "r1", 1).await;
    assert_eq!(
        (&orphan["code"], &orphan["currency"]),
        (&json!("914"), &json!("XXX"))
    );
    assert_eq!(
        simulator.follow("c", "refunds", "r2", 1).await["code"],
        "914"
    );
    let path = "operations/nobody/authentication";
    let (status, _) = simulator
        .post(path, &json!({"method_completed": "Y"}))
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn log_and_summary_agree_with_what_was_done() {
    let simulator = Simulator::start();
    simulator
        .authorize("a", "4444555511113333", json!({}))
        .await;
    simulator
        .authorize("b", "4000000000001166", json!({}))
        .await;
    simulator
        .authorize("d", "4242424242424242", json!({"currency": "USD"}))
        .await;
    simulator.follow("a", "captures", "c", 30_000).await;

    let (_, log) = simulator.get("log?after=1&limit=2").await;
    assert_eq!((&log["next"], &log["more"]), (&json!(3), &json!(true)));
    let (_, log) = simulator.get("log?after=3").await;
    let line = &log["operations"][0];
    assert_eq!((&line["key"], &line["parent"]), (&json!("c"), &json!("a")));
    assert_eq!(log["more"], json!(false));

    let (_, summary) = simulator.get("log/summary").await;
    assert_eq!(summary["money"]["KZT"]["captured"], 30_000);
    assert_eq!(summary["money"]["KZT"]["held"], 50_000);
    assert_eq!(summary["money"]["USD"]["held"], 50_000);
    let approved = json!({"kind": "authorization", "status": "approved", "currency": "KZT",
                          "count": 1, "amount": 50_000});
    let lines = summary["operations"].as_array().expect("a list");
    assert!(lines.contains(&approved), "{summary}");
    assert_eq!(lines.len(), 4);
}

#[tokio::test]
async fn reports_and_faults_need_the_key() {
    let simulator = Simulator::start();
    for path in ["log", "log/summary", "faults"] {
        let url = format!("{}/bank/v1/{path}", simulator.bank_url);
        let response = simulator.client.get(url).send().await.expect("answered");
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn page_for_people_shows_what_happened() {
    let simulator = Simulator::start();
    simulator
        .authorize("<i>key</i>", "4000000000001166", json!({}))
        .await;

    let url = format!("{}/bank", simulator.bank_url);
    let response = simulator.client.get(&url).send().await.expect("answered");
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .expect("text")
        .to_owned();
    let page = response.text().await.expect("a page");

    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(page.contains("400000**1166") && !page.contains("4000000000001166"));
    assert!(!page.contains("<i>key"), "texts are escaped");

    let form = [
        ("operation", "any"),
        ("fault", "error_500"),
        ("count", "3"),
        ("status_says", ""),
    ];
    let (status, _) = simulator.submit(&format!("{url}/faults"), &form).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let (_, faults) = simulator.get("faults").await;
    assert_eq!(faults["faults"][0]["fault"], "error_500");
    assert_eq!(faults["faults"][0]["count"], 3);

    let foreign = simulator.client.post(format!("{url}/faults/clear"));
    let foreign = foreign
        .header("sec-fetch-site", "cross-site")
        .send()
        .await
        .expect("answered");
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    let (status, _) = simulator.submit(&format!("{url}/faults/clear"), &[]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(simulator.get("faults").await.1, json!({"faults": []}));
}
