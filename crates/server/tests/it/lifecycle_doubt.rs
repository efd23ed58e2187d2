//! Rows 15, 16, 21 and 22 of the life-cycle table, end to end on both databases: the same result again, one
//! that contradicts a known end, and the word "declined" where an API must say something.

use serde_json::json;

use crate::gate::BOTH;
use crate::lifecycle_far::End;
use crate::lifecycle_known::{Expected, SALE, TO_BALANCE};
use crate::lifecycle_stage::{AMOUNT, ASLEEP, NO_MONEY, PERIOD_S, Stage};

const PAID: Expected<'_> = Expected {
    status: "success",
    sum: AMOUNT,
    operations: &["sale success"],
    shown: None,
    ledger: &[SALE],
    balance: 0,
    money: &[(AMOUNT, 0)],
    told: &["sale success: success"],
    incidents: &[],
};
const FAILED: Expected<'_> = Expected {
    status: "awaiting customer",
    operations: &["sale decline"],
    shown: Some(NO_MONEY),
    ledger: &[],
    money: &[(0, 0)],
    told: &["sale decline: awaiting customer"],
    ..PAID
};

#[tokio::test]
async fn row_15_the_same_result_again_changes_nothing() {
    for database in BOTH {
        let mut stage = Stage::open(database).await;
        stage.sets(&["--surplus", "balance"]).await;
        // By callback, by another, and by the answer to a question.
        let payer = stage.begins("R-15-success").await;
        for _ in 0..3 {
            stage.succeeds(&payer, 1).await;
        }
        stage.stands(&payer, PAID).await;

        let payer = stage.begins("R-15-failure").await;
        for _ in 0..3 {
            stage.ends(&payer, 1, NO_MONEY).await;
        }
        stage.comes_back(&payer).await;
        stage.stands(&payer, FAILED).await;

        // A surplus: the callback, and again hours later.
        let payer = stage.begins_twice("R-15-surplus").await;
        for number in [2, 1, 1] {
            stage.succeeds(&payer, number).await;
        }
        stage.advance(3 * 3_600).await;
        stage.succeeds(&payer, 1).await;
        stage.comes_back(&payer).await;
        let credited = Expected {
            ledger: &[SALE, TO_BALANCE],
            balance: AMOUNT,
            money: &[(AMOUNT, 0), (AMOUNT, 0)],
            ..PAID
        };
        stage.stands(&payer, credited).await;

        // The answer to a question first: the payer comes back before the far side tells anything.
        let payer = stage.begins("R-15-asked").await;
        let charge = stage.far.operation("charge", "R-15-asked", 1).await;
        stage.far.ends(&charge, End::Success);
        stage.comes_back(&payer).await;
        stage.stands(&payer, PAID).await;
        assert_eq!(stage.far.tells(&charge).await, 200);
        stage.stands(&payer, PAID).await;
    }
}

#[tokio::test]
async fn row_15_the_same_result_of_a_refund_again_changes_nothing() {
    for database in BOTH {
        let stage = Stage::open(database).await;
        let payer = stage.begins("R-15-refund").await;
        stage.succeeds(&payer, 1).await;
        stage.settles().await;
        let body = json!({ "payment": { "description": "all of it" } });
        let (status, answer) = stage
            .send("wallet-partner/refund", "R-15-refund", body)
            .await;
        assert_eq!(status, 200, "{answer}");
        let refund = stage.far.operation("refund", "R-15-refund", 1).await;
        let refunded = Expected {
            status: "refunded",
            sum: 0,
            operations: &["sale success", "refund success"],
            ledger: &[
                SALE,
                "refund pending merchant_payable <- connector_clearing 15000",
                "refund posted merchant_payable <- connector_clearing 15000",
            ],
            money: &[(AMOUNT, AMOUNT)],
            told: &["sale success: success", "refund success: refunded"],
            ..PAID
        };
        stage.stands(&payer, refunded).await;
        for _ in 0..2 {
            assert_eq!(stage.far.tells(&refund).await, 200);
        }
        stage.stands(&payer, refunded).await;
        // Row 16 for a refund.
        assert_eq!(stage.far.says(&refund, ASLEEP).await, 200);
        let doubted = Expected {
            incidents: &["contradiction"],
            ..refunded
        };
        stage.stands(&payer, doubted).await;
    }
}

#[tokio::test]
async fn row_16_a_contradiction_changes_nothing_and_a_person_looks() {
    for database in BOTH {
        let mut stage = Stage::open(database).await;
        stage.sets(&["--surplus", "balance"]).await;
        let payer = stage.begins("R-16").await;
        let charge = stage.far.operation("charge", "R-16", 1).await;
        stage.succeeds(&payer, 1).await;
        stage.settles().await;
        let doubted = Expected {
            incidents: &["contradiction"],
            ..PAID
        };
        // The same doubt about the same operation opens no second incident.
        for _ in 0..3 {
            assert_eq!(stage.far.says(&charge, NO_MONEY).await, 200);
            stage.stands(&payer, doubted).await;
        }
        // About a surplus that stands on a balance: the balance stays.
        let payer = stage.begins_twice("R-16-surplus").await;
        stage.succeeds(&payer, 1).await;
        stage.succeeds(&payer, 2).await;
        stage.settles().await;
        let charge = stage.far.operation("charge", "R-16-surplus", 2).await;
        assert_eq!(stage.far.says(&charge, NO_MONEY).await, 200);
        let doubted = Expected {
            ledger: &[SALE, TO_BALANCE],
            balance: AMOUNT,
            money: &[(AMOUNT, 0), (AMOUNT, 0)],
            ..doubted
        };
        stage.stands(&payer, doubted).await;
    }
}

#[tokio::test]
async fn row_21_the_api_says_declined_and_the_try_stays_open() {
    for database in BOTH {
        let mut stage = Stage::open(database).await;
        let leads = "sale awaiting redirect result: awaiting redirect result";
        let success = stage.sale("R-21-success").await;
        let failure = stage.sale("R-21-failure").await;
        let running = Expected {
            status: "awaiting redirect result",
            operations: &["sale awaiting redirect result"],
            told: &[leads],
            shown: None,
            ..FAILED
        };
        stage.stands(&success, running).await;
        stage.stands(&failure, running).await;
        stage.advance(PERIOD_S).await;
        let declined = Expected {
            status: "decline",
            operations: &["sale decline"],
            told: &[leads, "sale decline: decline"],
            ..running
        };
        stage.stands(&success, declined).await;
        stage.stands(&failure, declined).await;
        let open = stage.gate.audit().await;
        assert_eq!(open["open_operations"], 2, "the tries stay open: {open}");

        stage.succeeds(&success, 1).await;
        let paid = Expected {
            told: &[leads, "sale decline: decline", "sale success: success"],
            ..PAID
        };
        stage.stands(&success, paid).await;
        stage.ends(&failure, 1, NO_MONEY).await;
        let failed = Expected {
            shown: Some(NO_MONEY),
            told: &[leads, "sale decline: decline", "sale decline: decline"],
            ..declined
        };
        stage.stands(&failure, failed).await;
    }
}

#[tokio::test]
async fn row_22_a_success_after_a_decline_is_booked_by_nobody() {
    for database in BOTH {
        let stage = Stage::open(database).await;
        stage.sets(&["--surplus", "balance"]).await;
        let payer = stage.begins("R-22").await;
        let charge = stage.far.operation("charge", "R-22", 1).await;
        stage.ends(&payer, 1, NO_MONEY).await;
        stage.settles().await;
        let doubted = Expected {
            incidents: &["contradiction"],
            ..FAILED
        };
        for _ in 0..2 {
            assert_eq!(stage.far.says(&charge, End::Success).await, 200);
            stage.stands(&payer, doubted).await;
        }
        // Another try pays as ever, and then too nothing of the first is booked.
        stage.tries_again(&payer).await;
        stage.succeeds(&payer, 2).await;
        stage.settles().await;
        assert_eq!(stage.far.says(&charge, End::Success).await, 200);
        let paid = Expected {
            operations: &["sale decline", "sale success"],
            money: &[(0, 0), (AMOUNT, 0)],
            told: &["sale decline: awaiting customer", "sale success: success"],
            incidents: &["contradiction"],
            ..PAID
        };
        stage.stands(&payer, paid).await;
    }
}
