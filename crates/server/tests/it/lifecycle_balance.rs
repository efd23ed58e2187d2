//! Tries that the customer's balance pays a part of, or all of, end to end on both databases: begun by an
//! operator in the back office, ended by the far side, also when the program dies meanwhile.

use serde_json::{Value, json};

use crate::gate::{BOTH, Database};
use crate::lifecycle_far::End;
use crate::lifecycle_known::{Expected, SALE};
use crate::lifecycle_stage::{AMOUNT, NO_MONEY, PERIOD_S, Payer, Stage, customer_of};

/// What the balance pays of a try, and what is left for the far side.
const PART: i64 = 5_000;
const REST: i64 = AMOUNT - PART;

const RESERVED: &str = "sale pending customer_balance <- merchant_payable 5000";
const SPENT: &str = "sale posted customer_balance <- merchant_payable 5000";
const FREE: &str = "sale released customer_balance <- merchant_payable 5000";
const SALE_OF_REST: &str = "sale posted connector_clearing <- merchant_payable 10000";
const REST_TO_BALANCE: &str = "surplus posted connector_clearing <- customer_balance 10000";

const PAID: Expected<'_> = Expected {
    status: "2",
    sum: AMOUNT,
    operations: &["sale succeeded"],
    shown: None,
    ledger: &[RESERVED, SPENT, SALE_OF_REST],
    balance: REST,
    money: &[(REST, 0)],
    told: &["deposited 1: -"],
    incidents: &[],
};

/// An operator of the back office.
struct Operator {
    token: String,
}

impl Operator {
    async fn signs_in(stage: &Stage) -> Self {
        let file = std::fs::read_to_string(stage.gate.data.join("demo.json"));
        let demo: Value = serde_json::from_str(&file.expect("it is there")).expect("JSON");
        let operator = &demo["panels"]["operator"];
        let (status, answer) = post(stage, "sign-in", operator, None)
            .await
            .expect("an answer");
        assert_eq!(status, 200, "{answer}");
        let token = answer["token"].as_str().expect("a token").to_owned();
        Self { token }
    }

    /// Begins a try of which the balance pays so much; nothing if the program died meanwhile.
    async fn begins(
        &self,
        stage: &Stage,
        payer: &Payer,
        from_balance: i64,
    ) -> Option<(u16, Value)> {
        let mut wish = json!({ "from_balance": { "amount": from_balance, "currency": "KZT" } });
        if from_balance < AMOUNT {
            wish["method"] = json!("wallet-partner");
        }
        let path = format!("payments/{}/tries", payer.id());
        let key = format!("try-of-{}", payer.payment_id);
        post(stage, &path, &wish, Some((&self.token, &key))).await
    }
}

async fn post(
    stage: &Stage,
    path: &str,
    body: &Value,
    by: Option<(&str, &str)>,
) -> Option<(u16, Value)> {
    let url = format!("{}/backoffice/v1/{path}", stage.gate.base_url);
    let mut request = stage.gate.http.post(url).body(body.to_string());
    request = request.header("content-type", "application/json");
    if let Some((token, key)) = by {
        request = request.header("authorization", format!("Bearer {token}"));
        request = request.header("idempotency-key", key);
    }
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    let text = response.text().await.ok()?;
    Some((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
}

/// An order of a customer whose balance holds one surplus.
async fn order(stage: &mut Stage, number: &str) -> Payer {
    let first = format!("{number}-first");
    let payer = stage.begins_order_twice("register.do", &first).await;
    stage.succeeds(&payer, 1).await;
    stage.succeeds(&payer, 2).await;
    stage.settles().await;
    assert_eq!(stage.balance(&payer).await, (AMOUNT, 0));
    stage
        .registers("register.do", number, &customer_of(&first))
        .await
}

async fn open(database: Database) -> Stage {
    let stage = Stage::open(database).await;
    stage.sets(&["--surplus", "balance"]).await;
    stage
}

/// Begins a try of which the balance pays a part. Hours may be between two of them, and a session that
/// nobody uses ends.
async fn begun(stage: &Stage, payer: &Payer) {
    let operator = Operator::signs_in(stage).await;
    let answer = operator
        .begins(stage, payer, PART)
        .await
        .expect("an answer");
    assert_eq!(answer.0, 200, "{}", answer.1);
}

#[tokio::test]
async fn rows_2_7_8_with_a_part_from_the_balance() {
    for database in BOTH {
        let mut stage = open(database).await;
        let payer = order(&mut stage, "P-2").await;
        begun(&stage, &payer).await;
        assert_eq!(stage.balance(&payer).await, (AMOUNT, PART));
        stage.succeeds(&payer, 1).await;
        stage.stands(&payer, PAID).await;

        // Row 7: the part stays reserved until the end is known.
        let payer = order(&mut stage, "P-7").await;
        begun(&stage, &payer).await;
        stage.advance(PERIOD_S).await;
        assert_eq!(stage.balance(&payer).await, (AMOUNT, PART));
        stage.ends(&payer, 1, NO_MONEY).await;
        let failed = Expected {
            status: "0",
            sum: 0,
            operations: &["sale declined"],
            shown: Some(NO_MONEY),
            ledger: &[RESERVED, FREE],
            balance: AMOUNT,
            money: &[(0, 0)],
            told: &["deposited 0: -"],
            ..PAID
        };
        stage.stands(&payer, failed).await;

        // Rows 10 and 8: the first pays, and the second brings its rest to the balance.
        let payer = order(&mut stage, "P-8").await;
        stage.tries_again(&payer).await;
        stage.advance(PERIOD_S).await;
        begun(&stage, &payer).await;
        stage.succeeds(&payer, 1).await;
        stage.succeeds(&payer, 2).await;
        let surplus = Expected {
            operations: &["sale succeeded", "sale succeeded"],
            ledger: &[RESERVED, SALE, FREE, REST_TO_BALANCE],
            balance: AMOUNT + REST,
            money: &[(AMOUNT, 0), (REST, 0)],
            ..PAID
        };
        stage.stands(&payer, surplus).await;
    }
}

async fn paid_once_by_both(database: Database) {
    let mut stage = open(database).await;
    for (point, number) in [("writer.loaded", "P-C-1"), ("writer.saved", "P-C-2")] {
        let payer = order(&mut stage, number).await;
        begun(&stage, &payer).await;
        stage.settles().await;
        let charge = stage.far.operation("charge", number, 1).await;
        stage.gate.kill().await;
        stage.boot(Some(&format!("{point}:0"))).await;
        stage.far.ends(&charge, End::Success);
        let _ = stage.far.tells(&charge).await;
        assert!(stage.gate.died().await, "{point} was never reached");
        let expected = if point == "writer.saved" {
            (REST, 0)
        } else {
            (AMOUNT, PART)
        };
        assert_eq!(stage.balance(&payer).await, expected, "{point}");
        stage.boot(None).await;
        for _ in 0..2 {
            assert_eq!(stage.far.tells(&charge).await, 200, "{point}");
        }
        stage.advance(30).await;
        stage.stands(&payer, PAID).await;
    }
}

#[tokio::test]
async fn row_2_with_a_part_from_the_balance_pays_once_sqlite() {
    paid_once_by_both(Database::Sqlite).await;
}

#[tokio::test]
async fn row_2_with_a_part_from_the_balance_pays_once_postgres() {
    paid_once_by_both(Database::Postgres).await;
}

async fn paid_once_by_balance(database: Database) {
    let mut stage = open(database).await;
    for (point, number) in [("writer.loaded", "P-W-1"), ("writer.saved", "P-W-2")] {
        let payer = order(&mut stage, number).await;
        stage.gate.kill().await;
        stage.boot(Some(&format!("{point}:0"))).await;
        let operator = Operator::signs_in(&stage).await;
        let answer = operator.begins(&stage, &payer, AMOUNT).await;
        assert!(
            stage.gate.died().await,
            "{point} was never reached: {answer:?}"
        );
        let left = if point == "writer.saved" { 0 } else { AMOUNT };
        assert_eq!(stage.balance(&payer).await, (left, 0), "{point}");
        stage.boot(None).await;
        // A request whose end is not known is never carried out again under its key; under another it is
        // decided by what is on disk.
        let again = Payer {
            payment_id: format!("{number}-again"),
            place: payer.place.clone(),
            is_order: true,
        };
        let by_another_key = if point == "writer.saved" { 409 } else { 200 };
        for (wish, expected) in [(&payer, 409), (&again, by_another_key)] {
            let answer = operator.begins(&stage, wish, AMOUNT).await;
            let (status, answer) = answer.expect("an answer");
            assert_eq!(status, expected, "{point}: {answer}");
        }
        stage.advance(30).await;
        let paid = Expected {
            ledger: &["sale posted customer_balance <- merchant_payable 15000"],
            balance: 0,
            money: &[],
            ..PAID
        };
        stage.stands(&payer, paid).await;
    }
}

#[tokio::test]
async fn a_try_by_the_balance_alone_pays_once_sqlite() {
    paid_once_by_balance(Database::Sqlite).await;
}

#[tokio::test]
async fn a_try_by_the_balance_alone_pays_once_postgres() {
    paid_once_by_balance(Database::Postgres).await;
}
