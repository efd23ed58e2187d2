//! What the bank remembers across restarts.

use reqwest::StatusCode;
use serde_json::json;

use crate::simulator::{Simulator, authorization, browser};

#[tokio::test]
async fn operations_survive_a_restart_and_card_numbers_are_not_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bank.journal");
    let config = json!({"journal": path});

    let first = Simulator::start_with(config.clone());
    first.authorize("a", "4444555511113333", json!({})).await;
    first.follow("a", "captures", "c", 30_000).await;
    first.follow("a", "refunds", "r", 10_000).await;
    let asked = first
        .authorize("b", "5555555555555599", browser(true, "ru"))
        .await;
    let before = first.log_line("a").await;
    assert_eq!(first.stop(), 0);

    let text = std::fs::read_to_string(&path).expect("kept");
    assert!(!text.contains("4444555511113333") && !text.contains("5555555555555599"));
    assert!(text.contains("444455**3333"));

    let second = Simulator::start_with(config.clone());
    assert_eq!(second.log_line("a").await, before);
    let repeated = second.authorize("a", "4444555511113333", json!({})).await;
    assert_eq!(repeated["status"], "approved");
    let other = authorization("a", "4242424242424242", json!({}));
    assert_eq!(
        second.post("authorizations", &other).await.0,
        StatusCode::CONFLICT
    );
    assert_eq!(
        second.follow("a", "refunds", "r2", 20_001).await["code"],
        "110"
    );
    let still = second.operation("b").await;
    assert_eq!(
        still["authentication"]["transaction_id"],
        asked["authentication"]["transaction_id"]
    );
    let fresh = second.authorize("n", "4242424242424242", json!({})).await;
    assert_eq!(fresh["bank_id"], "bnk_000006");
    let path = "operations/b/authentication";
    let (_, answer) = second.post(path, &json!({"method_completed": "N"})).await;
    assert_eq!(answer["authentication"]["step"], "challenge");
    assert_eq!(second.stop(), 0);

    let third = Simulator::start_with(config);
    assert_eq!(
        third.operation("b").await["authentication"]["step"],
        "challenge"
    );
    assert_eq!(third.log_line("a").await["received"], 2);
}
