//! Rows 1 to 7 and 17 of the life-cycle table, end to end on both databases: ends of tries in time, late
//! or never, while nobody has paid.

use crate::gate::BOTH;
use crate::lifecycle_known::{Expected, SALE};
use crate::lifecycle_stage::{AMOUNT, ASLEEP, NO_MONEY, PERIOD_S, Payer, Stage};

/// A payment with one try that runs, and nothing known of its end.
const RUNS: Expected<'_> = Expected {
    status: "awaiting redirect result",
    sum: AMOUNT,
    operations: &["sale awaiting redirect result"],
    shown: None,
    ledger: &[],
    balance: 0,
    money: &[(0, 0)],
    told: &[],
    incidents: &[],
};
/// The same after its period.
const WAITS: Expected<'_> = Expected {
    status: "awaiting customer",
    operations: &["sale processing"],
    ..RUNS
};
/// A payment whose only try has paid it.
const PAID: Expected<'_> = Expected {
    status: "success",
    operations: &["sale success"],
    ledger: &[SALE],
    money: &[(AMOUNT, 0)],
    told: &["sale success: success"],
    ..RUNS
};
/// A payment whose only try has failed.
const FAILED: Expected<'_> = Expected {
    status: "awaiting customer",
    operations: &["sale decline"],
    shown: Some(NO_MONEY),
    told: &["sale decline: awaiting customer"],
    ..RUNS
};

#[tokio::test]
async fn row_1_a_try_begins_and_nothing_is_said_or_booked() {
    for database in BOTH {
        let stage = Stage::open(database).await;
        let payer = stage.begins("R-1").await;
        stage.stands(&payer, RUNS).await;
        // The reason of an earlier try is gone when another begins.
        stage.ends(&payer, 1, NO_MONEY).await;
        stage.tries_again(&payer).await;
        let again = Expected {
            operations: &["sale decline", "sale awaiting redirect result"],
            money: &[(0, 0), (0, 0)],
            told: FAILED.told,
            ..RUNS
        };
        stage.stands(&payer, again).await;
    }
}

#[tokio::test]
async fn row_2_a_success_in_time_pays() {
    for database in BOTH {
        let stage = Stage::open(database).await;
        let payer = stage.begins("R-2").await;
        stage.succeeds(&payer, 1).await;
        stage.stands(&payer, PAID).await;
    }
}

#[tokio::test]
async fn row_3_a_failure_in_time_is_shown_and_another_try_may_pay() {
    for database in BOTH {
        let stage = Stage::open(database).await;
        let payer = stage.begins("R-3").await;
        stage.ends(&payer, 1, NO_MONEY).await;
        stage.stands(&payer, FAILED).await;
        stage.tries_again(&payer).await;
        stage.succeeds(&payer, 2).await;
        let paid = Expected {
            operations: &["sale decline", "sale success"],
            money: &[(0, 0), (AMOUNT, 0)],
            told: &["sale decline: awaiting customer", "sale success: success"],
            ..PAID
        };
        stage.stands(&payer, paid).await;
    }
}

#[tokio::test]
async fn row_4_the_period_ends_and_nothing_is_said() {
    for database in BOTH {
        let mut stage = Stage::open(database).await;
        let payer = stage.begins("R-4").await;
        stage.advance(PERIOD_S - 10).await;
        stage.stands(&payer, RUNS).await;
        stage.advance(10).await;
        stage.stands(&payer, WAITS).await;

        // The period of a try is that with which it began; without one there is no timer.
        stage.tries_again(&payer).await;
        stage.set_method(0).await;
        stage.advance(PERIOD_S).await;
        let waits = Expected {
            operations: &["sale processing", "sale processing"],
            money: &[(0, 0), (0, 0)],
            ..WAITS
        };
        stage.stands(&payer, waits).await;
        stage.tries_again(&payer).await;
        stage.advance(10 * 3_600).await;
        let runs = Expected {
            operations: &[
                "sale processing",
                "sale processing",
                "sale awaiting redirect result",
            ],
            money: &[(0, 0), (0, 0), (0, 0)],
            ..RUNS
        };
        stage.stands(&payer, runs).await;
        // Nobody begins another try meanwhile.
        stage.tries_again(&payer).await;
        stage.stands(&payer, runs).await;
        stage.succeeds(&payer, 3).await;
        let paid = Expected {
            operations: &["sale processing", "sale processing", "sale success"],
            money: &[(0, 0), (0, 0), (AMOUNT, 0)],
            ..PAID
        };
        stage.stands(&payer, paid).await;
    }
}

#[tokio::test]
async fn row_5_the_period_of_a_try_that_nobody_waits_for_changes_nothing() {
    for database in BOTH {
        let mut stage = Stage::open(database).await;
        let paid = stage.begins("R-5-paid").await;
        let failed = stage.begins("R-5-failed").await;
        stage.succeeds(&paid, 1).await;
        stage.ends(&failed, 1, NO_MONEY).await;
        // Paid by the first, which nobody waited for any more, while the second ran.
        let both = stage.begins_twice("R-5-both").await;
        stage.succeeds(&both, 1).await;
        stage.advance(PERIOD_S).await;
        stage.stands(&paid, PAID).await;
        stage.stands(&failed, FAILED).await;
        let running = Expected {
            operations: &["sale success", "sale processing"],
            money: &[(AMOUNT, 0), (0, 0)],
            ..PAID
        };
        stage.stands(&both, running).await;
    }
}

#[tokio::test]
async fn row_6_a_late_success_pays() {
    for database in BOTH {
        let mut stage = Stage::open(database).await;
        let payer = stage.begins("R-6").await;
        stage.advance(PERIOD_S).await;
        stage.succeeds(&payer, 1).await;
        stage.stands(&payer, PAID).await;
    }
}

#[tokio::test]
async fn row_7_a_late_failure_is_shown() {
    for database in BOTH {
        let mut stage = Stage::open(database).await;
        let payer = stage.begins("R-7").await;
        stage.advance(PERIOD_S).await;
        stage.ends(&payer, 1, NO_MONEY).await;
        stage.stands(&payer, FAILED).await;
    }
}

/// A payment for a quarter of an hour whose second try runs when its time ends.
async fn at_the_end(stage: &mut Stage, payment_id: &str) -> Payer {
    let payer = stage.begins_with(payment_id, 900, &[]).await;
    stage.ends(&payer, 1, NO_MONEY).await;
    stage.advance(600).await;
    stage.tries_again(&payer).await;
    stage.advance(301).await;
    // No new tries, and the end of this one decides.
    stage.tries_again(&payer).await;
    payer
}

#[tokio::test]
async fn row_17_the_payment_s_time_ends_while_a_try_runs() {
    for database in BOTH {
        let mut stage = Stage::open(database).await;
        let failed_first = "sale decline: awaiting customer";
        let runs = Expected {
            operations: &["sale decline", "sale awaiting redirect result"],
            money: &[(0, 0), (0, 0)],
            told: &[failed_first],
            ..RUNS
        };
        let payer = at_the_end(&mut stage, "R-17-success").await;
        stage.stands(&payer, runs).await;
        stage.succeeds(&payer, 2).await;
        let paid = Expected {
            operations: &["sale decline", "sale success"],
            money: &[(0, 0), (AMOUNT, 0)],
            told: &[failed_first, "sale success: success"],
            ..PAID
        };
        stage.stands(&payer, paid).await;

        let payer = at_the_end(&mut stage, "R-17-failure").await;
        stage.ends(&payer, 2, ASLEEP).await;
        // The payer reads that the time is over, and why the try failed: by row 3.
        let expired = Expected {
            status: "decline",
            operations: &["sale decline", "sale decline"],
            shown: Some(ASLEEP),
            told: &[failed_first, "sale decline: decline"],
            ..runs
        };
        stage.stands(&payer, expired).await;
        let page = stage.page(&payer).await;
        assert!(page.contains("Time to pay is over"), "{page}");

        let payer = at_the_end(&mut stage, "R-17-period").await;
        stage.advance(300).await;
        let expired = Expected {
            operations: &["sale decline", "sale decline"],
            shown: None,
            ..expired
        };
        stage.stands(&payer, expired).await;

        // Without a period the payment waits for its try past its own time.
        stage.set_method(0).await;
        let payer = stage.begins_with("R-17-never", 900, &[]).await;
        stage.advance(3 * 3_600).await;
        stage.stands(&payer, RUNS).await;
        stage.succeeds(&payer, 1).await;
        stage.stands(&payer, PAID).await;
    }
}
