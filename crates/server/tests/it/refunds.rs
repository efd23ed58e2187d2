//! Refunds: in part, repeated, in parallel, and while the bank is slow.

use futures::future::join_all;

use crate::gate::{BOTH, Database, Gate, Setup};

#[tokio::test]
async fn partial_refunds_add_up_and_stop_at_the_captured_sum() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database)).await;
        let order = gate.paid("P-1", 10_000).await;
        let refund = async |amount: &str, more: &[(&str, &str)]| {
            let mut parameters = vec![("orderId", order.as_str()), ("amount", amount)];
            parameters.extend_from_slice(more);
            gate.call("refund.do", &parameters).await["errorCode"].clone()
        };
        assert_eq!(refund("3000", &[]).await, "0");
        assert_ne!(
            refund("100", &[("expectedDepositedAmount", "10000")]).await,
            "0"
        );
        assert_eq!(
            refund("2000", &[("expectedDepositedAmount", "7000")]).await,
            "0"
        );
        assert_eq!(refund("1000", &[("externalRefundId", "e-1")]).await, "0");
        assert_eq!(
            refund("1000", &[("externalRefundId", "e-1")]).await,
            "0",
            "a repeat"
        );
        assert_eq!(refund("4001", &[]).await, "7", "more than is left");
        let status = gate.status(&order).await;
        assert_eq!(status["orderStatus"], 4);
        assert_eq!(status["paymentAmountInfo"]["depositedAmount"], 4_000);
        assert_eq!(status["paymentAmountInfo"]["refundedAmount"], 6_000);
        assert_eq!(refund("0", &[]).await, "0", "all that is left");
        assert_eq!(
            gate.status(&order).await["paymentAmountInfo"]["refundedAmount"],
            10_000
        );
        gate.audit().await;
        gate.reconcile(&[order]).await;
    }
}

async fn sixty_four_refunds(database: Database, slow: bool) {
    let gate = Gate::start(Setup::on(database)).await;
    let order = gate.paid("S-1", 100).await;
    if slow {
        gate.bank.fault("refund", "delay", 2_000, 0).await;
    }
    let parameters = [("orderId", order.as_str()), ("amount", "60")];
    let answers = join_all((0..64).map(|_| gate.call("refund.do", &parameters))).await;
    let succeeded = answers
        .iter()
        .filter(|answer| answer["errorCode"] == "0")
        .count();
    assert_eq!(succeeded, 1, "{answers:?}");
    gate.drain().await;
    let status = gate.status(&order).await;
    assert_eq!(status["paymentAmountInfo"]["refundedAmount"], 60);
    gate.reconcile(&[order]).await;
}

#[tokio::test]
async fn row_29_parallel_refunds_sqlite() {
    sixty_four_refunds(Database::Sqlite, false).await;
}

#[tokio::test]
async fn row_29_parallel_refunds_postgres() {
    sixty_four_refunds(Database::Postgres, false).await;
}

#[tokio::test]
async fn row_29_parallel_refunds_while_the_bank_is_slow_sqlite() {
    sixty_four_refunds(Database::Sqlite, true).await;
}

#[tokio::test]
async fn row_29_parallel_refunds_while_the_bank_is_slow_postgres() {
    sixty_four_refunds(Database::Postgres, true).await;
}

#[tokio::test]
async fn row_32_void_and_capture_race_and_one_wins() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database)).await;
        let order = gate.held("VC-1", 5_000).await;
        let parameters = [("orderId", order.as_str())];
        let deposit = [("orderId", order.as_str()), ("amount", "0")];
        let (void, capture) = futures::join!(
            gate.call("reverse.do", &parameters),
            gate.call("deposit.do", &deposit)
        );
        let won = [&void, &capture]
            .iter()
            .filter(|answer| answer["errorCode"] == "0")
            .count();
        assert_eq!(won, 1, "{void} {capture}");
        gate.drain().await;
        gate.audit().await;
    }
}

#[tokio::test]
async fn a_refund_whose_answer_is_lost_is_told_in_progress_and_ends_once() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database).exchange_deadline_ms(500)).await;
        let order = gate.paid("L-1", 800).await;
        gate.bank.fault("refund", "drop", 0, 1).await;
        let answer = gate
            .call("refund.do", &[("orderId", &order), ("amount", "300")])
            .await;
        assert_ne!(answer["errorCode"], "0", "unknown is not success: {answer}");
        gate.drain().await;
        let status = gate.status(&order).await;
        assert_eq!(
            status["paymentAmountInfo"]["refundedAmount"], 300,
            "{status}"
        );
        gate.reconcile(&[order]).await;
    }
}
