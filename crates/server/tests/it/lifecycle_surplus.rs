//! Rows 8 to 14, 18 to 20 of the life-cycle table, end to end on both databases: ends of tries that a payment
//! did not need, under each policy of the project.

use crate::gate::BOTH;
use crate::lifecycle_known::{Expected, HOLD, RETURNED, RETURNING, SALE, TO_BALANCE, TO_SUSPENSE};
use crate::lifecycle_stage::{AMOUNT, ASLEEP, NO_MONEY, PERIOD_S, Payer, Stage};

const CAME: (i64, i64) = (AMOUNT, 0);
const WENT_BACK: (i64, i64) = (AMOUNT, AMOUNT);
const NEVER_CAME: (i64, i64) = (0, 0);

/// A policy and what it does with one surplus beside the sale.
struct Policy {
    word: &'static str,
    postings: &'static [&'static str],
    money: (i64, i64),
    balance: i64,
    incidents: &'static [&'static str],
}

const POLICIES: [Policy; 3] = [
    Policy {
        word: "return",
        postings: &[TO_SUSPENSE, RETURNING, RETURNED],
        money: WENT_BACK,
        balance: 0,
        incidents: &[],
    },
    Policy {
        word: "manual",
        postings: &[TO_SUSPENSE],
        money: CAME,
        balance: 0,
        incidents: &["surplus"],
    },
    Policy {
        word: "balance",
        postings: &[TO_BALANCE],
        money: CAME,
        balance: AMOUNT,
        incidents: &[],
    },
];

const PAID: Expected<'_> = Expected {
    status: "success",
    sum: AMOUNT,
    operations: &[],
    shown: None,
    ledger: &[SALE],
    balance: 0,
    money: &[],
    told: &["sale success: success"],
    incidents: &[],
};

/// The payment is paid, and so many surpluses are where the policy says.
async fn paid_with(
    stage: &Stage,
    payer: &Payer,
    policy: &Policy,
    surpluses: usize,
    expected: Expected<'_>,
) {
    let mut ledger = vec![SALE];
    ledger.extend(policy.postings.repeat(surpluses));
    let times = i64::try_from(surpluses).expect("a few");
    let incidents = policy.incidents.repeat(surpluses);
    let expected = Expected {
        ledger: &ledger,
        balance: policy.balance * times,
        incidents: &incidents,
        ..expected
    };
    stage.stands(payer, expected).await;
}

#[tokio::test]
async fn row_8_the_second_try_succeeds_too() {
    for database in BOTH {
        let mut stage = Stage::open(database).await;
        for (policy, id) in POLICIES.iter().zip(["R-8-r", "R-8-m", "R-8-b"]) {
            stage.sets(&["--surplus", policy.word]).await;
            let payer = stage.begins_twice(id).await;
            stage.succeeds(&payer, 1).await;
            stage.succeeds(&payer, 2).await;
            let expected = Expected {
                operations: &["sale success"],
                money: &[CAME, policy.money],
                ..PAID
            };
            paid_with(&stage, &payer, policy, 1, expected).await;
        }
    }
}

#[tokio::test]
async fn row_9_the_second_try_fails_and_nobody_reads_it() {
    for database in BOTH {
        let mut stage = Stage::open(database).await;
        let payer = stage.begins_twice("R-9").await;
        stage.succeeds(&payer, 1).await;
        stage.ends(&payer, 2, NO_MONEY).await;
        let expected = Expected {
            operations: &["sale success", "sale decline"],
            money: &[CAME, NEVER_CAME],
            ..PAID
        };
        stage.stands(&payer, expected).await;
    }
}

#[tokio::test]
async fn row_10_the_first_try_succeeds_while_the_second_runs() {
    for database in BOTH {
        let mut stage = Stage::open(database).await;
        let payer = stage.begins_twice("R-10").await;
        stage.succeeds(&payer, 1).await;
        let expected = Expected {
            operations: &["sale success", "sale awaiting redirect result"],
            money: &[CAME, NEVER_CAME],
            ..PAID
        };
        stage.stands(&payer, expected).await;
    }
}

#[tokio::test]
async fn row_11_the_first_try_fails_while_the_second_runs() {
    for database in BOTH {
        let mut stage = Stage::open(database).await;
        let payer = stage.begins_twice("R-11").await;
        stage.ends(&payer, 1, NO_MONEY).await;
        let running = Expected {
            status: "awaiting redirect result",
            operations: &["sale decline", "sale awaiting redirect result"],
            ledger: &[],
            money: &[NEVER_CAME, NEVER_CAME],
            told: &["sale decline: awaiting redirect result"],
            ..PAID
        };
        stage.stands(&payer, running).await;
        stage.ends(&payer, 2, ASLEEP).await;
        let failed = Expected {
            status: "awaiting customer",
            operations: &["sale decline", "sale decline"],
            shown: Some(ASLEEP),
            told: &[running.told[0], "sale decline: awaiting customer"],
            ..running
        };
        stage.stands(&payer, failed).await;
    }
}

#[tokio::test]
async fn row_12_the_second_try_has_paid_when_the_first_succeeds() {
    for database in BOTH {
        let mut stage = Stage::open(database).await;
        for (policy, id) in POLICIES.iter().zip(["R-12-r", "R-12-m", "R-12-b"]) {
            stage.sets(&["--surplus", policy.word]).await;
            let payer = stage.begins_twice(id).await;
            stage.succeeds(&payer, 2).await;
            stage.succeeds(&payer, 1).await;
            let expected = Expected {
                operations: &["sale success"],
                money: &[policy.money, CAME],
                ..PAID
            };
            paid_with(&stage, &payer, policy, 1, expected).await;
        }
    }
}

#[tokio::test]
async fn row_13_every_further_success_is_a_surplus_once() {
    for database in BOTH {
        let mut stage = Stage::open(database).await;
        for (policy, id) in POLICIES.iter().zip(["R-13-r", "R-13-m", "R-13-b"]) {
            stage.sets(&["--surplus", policy.word]).await;
            let payer = stage.begins_twice(id).await;
            stage.advance(PERIOD_S).await;
            stage.tries_again(&payer).await;
            // Each of them is told twice.
            for number in [2, 1, 3] {
                stage.succeeds(&payer, number).await;
                stage.settles().await;
                stage.succeeds(&payer, number).await;
            }
            let expected = Expected {
                operations: &["sale success"],
                money: &[policy.money, CAME, policy.money],
                ..PAID
            };
            paid_with(&stage, &payer, policy, 2, expected).await;
        }
    }
}

#[tokio::test]
async fn row_14_no_further_failure_is_read_by_anybody() {
    for database in BOTH {
        let mut stage = Stage::open(database).await;
        let payer = stage.begins_twice("R-14").await;
        stage.advance(PERIOD_S).await;
        stage.tries_again(&payer).await;
        stage.succeeds(&payer, 3).await;
        stage.ends(&payer, 1, NO_MONEY).await;
        stage.ends(&payer, 2, ASLEEP).await;
        let expected = Expected {
            operations: &["sale decline", "sale decline", "sale success"],
            money: &[NEVER_CAME, NEVER_CAME, CAME],
            ..PAID
        };
        stage.stands(&payer, expected).await;
    }
}

/// A payment whose first try is without an end, and that is over: what is known of it then.
struct Over {
    payer: Payer,
    known: Expected<'static>,
}

/// What the shop reads of a try without an end, in a payment that is not paid and over: there is no other
/// word for it in this family.
const DECLINE: &str = "sale decline";

/// It expired.
async fn expired(stage: &mut Stage, payment_id: &str) -> Over {
    let payer = stage.begins_with(payment_id, 900, &[]).await;
    stage.advance(901).await;
    let known = Expected {
        status: "decline",
        operations: &[DECLINE],
        ledger: &[],
        money: &[NEVER_CAME],
        told: &["sale decline: decline"],
        ..PAID
    };
    Over { payer, known }
}

/// All five tries are used up.
async fn declined(stage: &mut Stage, payment_id: &str) -> Over {
    let payer = stage.begins_twice(payment_id).await;
    for number in 2..=5 {
        stage.ends(&payer, number, ASLEEP).await;
        if number < 5 {
            stage.tries_again(&payer).await;
        }
    }
    let known = Expected {
        status: "decline",
        operations: &[DECLINE; 5],
        shown: Some(ASLEEP),
        ledger: &[],
        money: &[NEVER_CAME; 5],
        told: &[
            "sale decline: awaiting customer",
            "sale decline: awaiting customer",
            "sale decline: awaiting customer",
            "sale decline: decline",
        ],
        ..PAID
    };
    Over { payer, known }
}

const REFUNDING: &str = "refund pending merchant_payable <- connector_clearing 15000";
const REFUNDED: &str = "refund posted merchant_payable <- connector_clearing 15000";

/// The second try paid, and the shop gave all of it back.
async fn refunded(stage: &mut Stage, payment_id: &str) -> Over {
    let payer = stage.begins_twice(payment_id).await;
    stage.succeeds(&payer, 2).await;
    let body = serde_json::json!({ "payment": { "description": "all of it" } });
    let (status, answer) = stage.send("wallet-partner/refund", payment_id, body).await;
    assert_eq!(status, 200, "{answer}");
    stage.far.operation("refund", payment_id, 1).await;
    let known = Expected {
        status: "refunded",
        sum: 0,
        operations: &["sale processing", "sale success", "refund success"],
        ledger: &[SALE, REFUNDING, REFUNDED],
        money: &[NEVER_CAME, WENT_BACK],
        told: &["sale success: success", "refund success: refunded"],
        ..PAID
    };
    Over { payer, known }
}

/// The merchant withdrew it. ECommPay has no such request, the register.do family has.
async fn cancelled(stage: &mut Stage, number: &str) -> Over {
    let payer = stage.begins_order("register.do", number).await;
    stage.advance(PERIOD_S).await;
    stage.asks("decline.do", &payer).await;
    let known = Expected {
        status: "6",
        sum: 0,
        operations: &["sale pending"],
        ledger: &[],
        money: &[NEVER_CAME],
        told: &[],
        ..PAID
    };
    Over { payer, known }
}

/// The four ends of a payment that money can come to late, by their names.
async fn over(stage: &mut Stage, end: &str, payment_id: &str) -> Over {
    match end {
        "expired" => expired(stage, payment_id).await,
        "declined" => declined(stage, payment_id).await,
        "refunded" => refunded(stage, payment_id).await,
        "cancelled" => cancelled(stage, payment_id).await,
        other => panic!("no end {other}"),
    }
}

async fn row_18(end: &str, ids: [&str; 3]) {
    for database in BOTH {
        let mut stage = Stage::open(database).await;
        for (policy, id) in POLICIES.iter().zip(ids) {
            stage.sets(&["--surplus", policy.word]).await;
            let Over { payer, known } = over(&mut stage, end, id).await;
            stage.stands(&payer, known).await;
            stage.succeeds(&payer, 1).await;
            let mut ledger = known.ledger.to_vec();
            ledger.extend(policy.postings);
            let mut money = known.money.to_vec();
            money[0] = policy.money;
            let operations = match end {
                // What the payment did not need is hidden from the shop.
                "refunded" => known.operations[1..].to_vec(),
                "cancelled" if policy.word == "return" => {
                    vec!["sale succeeded", "reversal succeeded"]
                }
                "cancelled" => vec!["sale succeeded"],
                // The shop has been told "declined" and is told nothing else.
                _ => known.operations.to_vec(),
            };
            let expected = Expected {
                operations: &operations,
                ledger: &ledger,
                money: &money,
                balance: policy.balance,
                incidents: &["surplus"],
                ..known
            };
            stage.stands(&payer, expected).await;
        }
    }
}

#[tokio::test]
async fn row_18_a_success_of_an_expired_payment() {
    row_18("expired", ["R-18-e-r", "R-18-e-m", "R-18-e-b"]).await;
}

#[tokio::test]
async fn row_18_a_success_of_a_declined_payment() {
    row_18("declined", ["R-18-d-r", "R-18-d-m", "R-18-d-b"]).await;
}

#[tokio::test]
async fn row_18_a_success_of_a_refunded_payment() {
    row_18("refunded", ["R-18-r-r", "R-18-r-m", "R-18-r-b"]).await;
}

#[tokio::test]
async fn row_18_a_success_of_a_cancelled_payment() {
    row_18("cancelled", ["R-18-c-r", "R-18-c-m", "R-18-c-b"]).await;
}

#[tokio::test]
async fn row_19_a_failure_of_a_payment_that_is_over() {
    for database in BOTH {
        let mut stage = Stage::open(database).await;
        let ends = ["expired", "declined", "refunded", "cancelled"];
        let ids = ["R-19-e", "R-19-d", "R-19-r", "R-19-c"];
        for (end, id) in ends.into_iter().zip(ids) {
            let Over { payer, known } = over(&mut stage, end, id).await;
            stage.ends(&payer, 1, NO_MONEY).await;
            let mut operations = known.operations.to_vec();
            operations[0] = if end == "cancelled" {
                "sale declined"
            } else {
                DECLINE
            };
            let expected = Expected {
                operations: &operations,
                ..known
            };
            stage.stands(&payer, expected).await;
        }
    }
}

const RELEASED: &str = "void released connector_clearing <- merchant_payable 15000";

#[tokio::test]
async fn row_20_a_hold_that_nobody_needs_is_given_up_whatever_the_policy() {
    for database in BOTH {
        let mut stage = Stage::open(database).await;
        let paid = Expected {
            status: "1",
            ledger: &[HOLD],
            told: &["approved 1: -"],
            ..PAID
        };
        let ids = [
            ("return", "R-20-r", "R-20-rv"),
            ("manual", "R-20-m", "R-20-mv"),
            ("balance", "R-20-b", "R-20-bv"),
        ];
        for (policy, held, voided) in ids {
            stage.sets(&["--surplus", policy]).await;
            // Of a payment that is paid.
            let payer = stage.begins_order_twice("registerPreAuth.do", held).await;
            stage.succeeds(&payer, 2).await;
            stage.succeeds(&payer, 1).await;
            let expected = Expected {
                operations: &["auth succeeded", "auth succeeded", "void succeeded"],
                money: &[WENT_BACK, CAME],
                ..paid
            };
            stage.stands(&payer, expected).await;
            // Of one whose hold the merchant gave up: row 18 for a voided payment.
            let payer = stage.begins_order_twice("registerPreAuth.do", voided).await;
            stage.succeeds(&payer, 2).await;
            stage.settles().await;
            stage.asks("reverse.do", &payer).await;
            stage.succeeds(&payer, 1).await;
            let expected = Expected {
                status: "3",
                sum: 0,
                operations: &[
                    "auth succeeded",
                    "auth succeeded",
                    "void succeeded",
                    "void succeeded",
                ],
                ledger: &[HOLD, RELEASED],
                money: &[WENT_BACK, WENT_BACK],
                told: &["approved 1: -", "reversed 1: -"],
                incidents: &["surplus"],
                ..paid
            };
            stage.stands(&payer, expected).await;
        }
    }
}
