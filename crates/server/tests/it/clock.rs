//! What happens by itself, driven by the clock of a test.

use crate::gate::{BOTH, Database, Gate, LATE_YES, Setup};

async fn registered_with(gate: &Gate, number: &str, more: &[(&str, &str)]) -> String {
    let mut parameters = vec![
        ("orderNumber", number),
        ("amount", "4000"),
        ("returnUrl", "https://shop.example.kz/"),
    ];
    parameters.extend_from_slice(more);
    let answer = gate.call("registerPreAuth.do", &parameters).await;
    answer["orderId"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"))
        .to_owned()
}

/// A date-time of the register.do family, that many seconds from now.
pub fn in_seconds(seconds: u64) -> String {
    let output = std::process::Command::new("date")
        .args([
            "-u",
            "-d",
            &format!("+{seconds} seconds"),
            "+%Y-%m-%dT%H:%M:%S",
        ])
        .output()
        .expect("date runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[tokio::test]
async fn an_unpaid_order_expires() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database).manual_clock()).await;
        let order = gate.registered("E-1", 100).await;
        gate.advance(1_190).await;
        assert_eq!(gate.status(&order).await["orderStatus"], 0);
        gate.advance(11).await;
        let status = gate.status(&order).await;
        assert_eq!(
            (&status["orderStatus"], &status["actionCode"]),
            (&6.into(), &(-2007).into())
        );
        let late = gate.pay(&order, crate::gate::APPROVED).await;
        assert_ne!(late["errorCode"], "0", "{late}");
    }
}

#[tokio::test]
async fn a_hold_is_captured_at_its_date() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database).manual_clock()).await;
        let date = in_seconds(3_600);
        let order = registered_with(&gate, "AC-1", &[("autocompletionDate", &date)]).await;
        gate.pay(&order, crate::gate::APPROVED).await;
        assert_eq!(gate.status(&order).await["orderStatus"], 1);
        gate.advance(3_700).await;
        gate.until_status(&order, 2).await;
        gate.audit().await;
    }
}

#[tokio::test]
async fn a_hold_is_released_at_its_date() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database).manual_clock()).await;
        let date = in_seconds(3_600);
        let order = registered_with(&gate, "AR-1", &[("autoReverseDate", &date)]).await;
        gate.pay(&order, crate::gate::APPROVED).await;
        assert_eq!(gate.status(&order).await["orderStatus"], 1);
        gate.advance(3_700).await;
        gate.until_status(&order, 3).await;
        gate.audit().await;
    }
}

#[tokio::test]
async fn row_27_a_success_after_the_end_goes_back() {
    let mut setup = Setup::on(Database::Sqlite)
        .manual_clock()
        .exchange_deadline_ms(200);
    setup.bank_late_ms = 1_500;
    let gate = Gate::start(setup).await;
    let order = gate.registered("LS-1", 700).await;
    let answer = gate.pay(&order, LATE_YES).await;
    assert_ne!(answer["errorCode"], "0", "{answer}");
    // The processing period and then the order's own time pass before the bank says yes.
    gate.advance(301).await;
    gate.advance(1_200).await;
    let status = gate.status(&order).await;
    assert_eq!(status["orderStatus"], 6, "{status}");
    gate.drain().await;
    let log = gate.bank.log().await;
    let refunds = log.iter().filter(|entry| entry["kind"] == "refund").count();
    assert_eq!(refunds, 1, "{log:?}");
    assert_eq!(gate.status(&order).await["orderStatus"], 6);
    gate.audit().await;
}
