//! The program dies around the commit by which money is booked: row by row of the life-cycle table it is
//! booked once, and what the payment did not need is credited once or goes back once.

use altyn_domain::OperationState;

use crate::gate::Database;
use crate::lifecycle_far::End;
use crate::lifecycle_known::{Expected, HOLD, RETURNED, RETURNING, SALE, TO_BALANCE};
use crate::lifecycle_stage::{AMOUNT, PERIOD_S, Payer, Stage};

/// Before the commit, and right after it.
const WRITER: [&str; 2] = ["writer.loaded", "writer.saved"];
/// The same, and around the callback that tells of it.
const TOLD: [&str; 4] = [
    "writer.loaded",
    "writer.saved",
    "callback.answered",
    "callback.recorded",
];

const CAME: (i64, i64) = (AMOUNT, 0);
const WENT_BACK: (i64, i64) = (AMOUNT, AMOUNT);
const NEVER_CAME: (i64, i64) = (0, 0);

const PAID: Expected<'_> = Expected {
    status: "success",
    sum: AMOUNT,
    operations: &["sale success"],
    shown: None,
    ledger: &[SALE],
    balance: 0,
    money: &[CAME],
    told: &["sale success: success"],
    incidents: &[],
};
/// Paid, and one success more on the customer's balance.
const CREDITED: Expected<'_> = Expected {
    ledger: &[SALE, TO_BALANCE],
    balance: AMOUNT,
    money: &[CAME, CAME],
    ..PAID
};

/// A payment whose `news`-th try is about to succeed, and what is known of it afterwards.
struct Scene {
    payer: Payer,
    news: usize,
    known: Expected<'static>,
}

async fn scene(stage: &mut Stage, row: u32, id: &str) -> Scene {
    match row {
        2 => {
            let payer = stage.begins(id).await;
            let known = PAID;
            Scene {
                payer,
                news: 1,
                known,
            }
        }
        6 => {
            let payer = stage.begins(id).await;
            stage.advance(PERIOD_S).await;
            let known = PAID;
            Scene {
                payer,
                news: 1,
                known,
            }
        }
        8 => {
            let payer = stage.begins_twice(id).await;
            stage.succeeds(&payer, 1).await;
            let known = CREDITED;
            Scene {
                payer,
                news: 2,
                known,
            }
        }
        10 => {
            let payer = stage.begins_twice(id).await;
            let known = Expected {
                operations: &["sale success", "sale awaiting redirect result"],
                money: &[CAME, NEVER_CAME],
                ..PAID
            };
            Scene {
                payer,
                news: 1,
                known,
            }
        }
        12 => {
            let payer = stage.begins_twice(id).await;
            stage.succeeds(&payer, 2).await;
            let known = CREDITED;
            Scene {
                payer,
                news: 1,
                known,
            }
        }
        other => rare_scene(stage, other, id).await,
    }
}

async fn rare_scene(stage: &mut Stage, row: u32, id: &str) -> Scene {
    match row {
        13 => {
            let payer = stage.begins_twice(id).await;
            stage.advance(PERIOD_S).await;
            stage.tries_again(&payer).await;
            stage.succeeds(&payer, 2).await;
            stage.succeeds(&payer, 1).await;
            let known = Expected {
                ledger: &[SALE, TO_BALANCE, TO_BALANCE],
                balance: 2 * AMOUNT,
                money: &[CAME, CAME, CAME],
                ..PAID
            };
            Scene {
                payer,
                news: 3,
                known,
            }
        }
        18 => {
            let payer = stage.begins_with(id, 900, &[]).await;
            stage.advance(901).await;
            let known = Expected {
                status: "decline",
                operations: &["sale decline"],
                ledger: &[TO_BALANCE],
                balance: AMOUNT,
                told: &["sale decline: decline"],
                incidents: &["surplus"],
                ..PAID
            };
            Scene {
                payer,
                news: 1,
                known,
            }
        }
        20 => {
            let payer = stage.begins_order_twice("registerPreAuth.do", id).await;
            stage.succeeds(&payer, 2).await;
            let known = Expected {
                status: "1",
                operations: &["auth succeeded", "auth succeeded", "void succeeded"],
                ledger: &[HOLD],
                money: &[WENT_BACK, CAME],
                told: &["approved 1: -"],
                ..PAID
            };
            Scene {
                payer,
                news: 1,
                known,
            }
        }
        other => panic!("no row {other}"),
    }
}

/// Dies at a point while it books the news, starts again, hears the news again, and knows it once.
async fn dies(stage: &mut Stage, point: &str, scene: Scene) {
    let Scene { payer, news, known } = scene;
    let at = format!("{} at {point}", payer.payment_id);
    stage.settles().await;
    let balance_before = stage.balance(&payer).await;
    let charge = stage.far.operation("charge", &payer.payment_id, news).await;
    stage.gate.kill().await;
    stage.boot(Some(&format!("{point}:0"))).await;
    stage.far.ends(&charge, End::Success);
    // Nobody may be there any more to answer it.
    let _ = stage.far.tells(&charge).await;
    assert!(stage.gate.died().await, "{at} was never reached");

    // All of it is on disk, or nothing.
    let payment = stage.payment(&payer).await;
    let number = u32::try_from(news).expect("a few");
    let state = payment.operation(number).expect("it is there").state;
    let booked = point != "writer.loaded";
    assert_eq!(
        state == OperationState::Succeeded,
        booked,
        "{at}: {state:?}"
    );
    let credited = if booked {
        (known.balance, 0)
    } else {
        balance_before
    };
    assert_eq!(stage.balance(&payer).await, credited, "{at}");

    stage.boot(None).await;
    // The far side got no answer and tells it again; and the payer comes back.
    assert_eq!(stage.far.tells(&charge).await, 200, "{at}");
    stage.comes_back(&payer).await;
    // What the dead program had leased is free after its lease.
    stage.advance(30).await;
    stage.stands(&payer, known).await;
    assert_eq!(stage.far.tells(&charge).await, 200, "{at}");
    stage.stands(&payer, known).await;
}

async fn rows(database: Database, rows: &[(u32, &[&str])]) {
    let mut stage = Stage::open(database).await;
    stage.sets(&["--surplus", "balance"]).await;
    for (row, points) in rows {
        for point in *points {
            let id = format!("C-{row}-{}", point.replace('.', "-"));
            let scene = scene(&mut stage, *row, &id).await;
            dies(&mut stage, point, scene).await;
        }
    }
}

const PAYING: [(u32, &[&str]); 3] = [(2, &TOLD), (6, &TOLD), (10, &TOLD)];
const CREDITING: [(u32, &[&str]); 4] = [(8, &WRITER), (12, &WRITER), (13, &WRITER), (18, &WRITER)];
/// The void of a hold that nobody needs is sent by a timer of the same commit.
const GIVING_UP: [&str; 4] = [
    "writer.loaded",
    "writer.saved",
    "capture.answered",
    "capture.outcome_committed",
];

#[tokio::test]
async fn rows_2_6_10_pay_once_sqlite() {
    rows(Database::Sqlite, &PAYING).await;
}

#[tokio::test]
async fn rows_2_6_10_pay_once_postgres() {
    rows(Database::Postgres, &PAYING).await;
}

#[tokio::test]
async fn rows_8_12_13_18_credit_once_sqlite() {
    rows(Database::Sqlite, &CREDITING).await;
}

#[tokio::test]
async fn rows_8_12_13_18_credit_once_postgres() {
    rows(Database::Postgres, &CREDITING).await;
}

#[tokio::test]
async fn row_20_gives_up_once_sqlite() {
    rows(Database::Sqlite, &[(20, &GIVING_UP)]).await;
}

#[tokio::test]
async fn row_20_gives_up_once_postgres() {
    rows(Database::Postgres, &[(20, &GIVING_UP)]).await;
}

/// By the policy `return`, under which the money goes back by a timer of the same commit.
async fn goes_back_once(database: Database) {
    let mut stage = Stage::open(database).await;
    for point in [
        "writer.loaded",
        "writer.saved",
        "refund.answered",
        "refund.outcome_committed",
    ] {
        let id = format!("C-8-back-{}", point.replace('.', "-"));
        let mut scene = scene(&mut stage, 8, &id).await;
        scene.known = Expected {
            ledger: &[
                SALE,
                crate::lifecycle_known::TO_SUSPENSE,
                RETURNING,
                RETURNED,
            ],
            balance: 0,
            money: &[CAME, WENT_BACK],
            ..PAID
        };
        dies(&mut stage, point, scene).await;
    }
}

#[tokio::test]
async fn row_8_goes_back_once_sqlite() {
    goes_back_once(Database::Sqlite).await;
}

#[tokio::test]
async fn row_8_goes_back_once_postgres() {
    goes_back_once(Database::Postgres).await;
}
