//! Row 20 of the life-cycle table with a bank of its own: the sandbox bank says yes to a hold when another has
//! paid, and the hold is given up there.

use crate::gate::{APPROVED, BOTH, Gate, LATE_YES, Setup};

#[tokio::test]
async fn row_20_a_late_hold_at_the_bank_is_given_up() {
    for database in BOTH {
        let mut setup = Setup::on(database).manual_clock().exchange_deadline_ms(200);
        setup.bank_late_ms = 1_500;
        let gate = Gate::start(setup).await;
        let order = gate.registered_by("registerPreAuth.do", "B-20", 700).await;
        let answer = gate.pay(&order, LATE_YES).await;
        assert_ne!(answer["errorCode"], "0", "{answer}");
        // The bank's answer is lost, and the payment waits for it no more.
        gate.advance(301).await;
        let answer = gate.pay(&order, APPROVED).await;
        assert_eq!(answer["errorCode"], "0", "{answer}");
        gate.until_status(&order, 1).await;
        // Hours later all is known, and one hold stays.
        gate.advance(3 * 3_600).await;
        gate.drain().await;
        let log = gate.bank.log().await;
        let done = |kind: &str| -> Vec<i64> {
            let of_kind = log.iter().filter(|entry| entry["kind"] == kind);
            let done = of_kind.filter(|entry| entry["status"] == "approved");
            done.filter_map(|entry| entry["amount"].as_i64()).collect()
        };
        assert_eq!(done("authorization"), [700, 700], "{log:?}");
        assert_eq!(done("void"), [700], "{log:?}");
        let status = gate.status(&order).await;
        assert_eq!(status["orderStatus"], 1, "{status}");
        let sums = &status["paymentAmountInfo"];
        assert_eq!(sums["approvedAmount"], 700, "{status}");
        gate.audit().await;
    }
}
