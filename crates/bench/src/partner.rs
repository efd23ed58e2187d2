//! What the wallet partner says that it did, to be compared with what the shop was told.

use std::collections::HashMap;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::gate::{AMOUNT, Sale};
use crate::http::Connection;

/// Lines of the log that are asked for at once.
const PAGE: u64 = 2_000;
/// More pages than any benchmark fills.
const PAGES_MAX: u32 = 1_000_000;

/// The gateway's id of a payment in front of a request's id, or of the partner's order: 32 hexadecimal
/// digits.
pub fn payment_of(name: &str) -> Option<u128> {
    u128::from_str_radix(name.get(..32)?, 16).ok()
}

#[derive(Deserialize)]
struct Page {
    lines: Vec<Line>,
    next: u64,
    more: bool,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    Payment(Payment),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Payment {
    order_id: String,
    status: String,
    amount: i64,
    currency: String,
}

/// Where the log ends now.
pub async fn end_of_log(partner: SocketAddr) -> Result<u64> {
    let mut connection = Connection::open(partner).await?;
    Ok(page(&mut connection, u64::MAX).await?.next)
}

/// Compares sales with all that the partner did since its log was `after` lines long: each sale is one
/// payment there, paid in full, and there is no other.
pub async fn compare(partner: SocketAddr, after: u64, sales: &[Sale]) -> Result<Vec<String>> {
    let mut connection = Connection::open(partner).await?;
    let mut ledger = Ledger::of(sales);
    let mut after = after;
    for _ in 0..PAGES_MAX {
        let page = page(&mut connection, after).await?;
        for line in &page.lines {
            if let Line::Payment(payment) = line {
                ledger.enter(payment);
            }
        }
        if !page.more {
            return Ok(ledger.differences());
        }
        ensure!(page.next > after, "the partner's log stands still");
        after = page.next;
    }
    anyhow::bail!("the partner's log has no end")
}

async fn page(connection: &mut Connection, after: u64) -> Result<Page> {
    let path = format!("/partner/log?after={after}&limit={PAGE}");
    serde_json::from_str(connection.get(&path).await?).context("the partner's log")
}

/// Sales on one side, payments at the partner on the other.
struct Ledger {
    /// How often each sale was paid.
    paid: HashMap<u128, u32>,
    strange: Vec<String>,
}

impl Ledger {
    fn of(sales: &[Sale]) -> Self {
        Self {
            paid: sales.iter().map(|sale| (sale.payment, 0)).collect(),
            strange: Vec::new(),
        }
    }

    fn enter(&mut self, payment: &Payment) {
        let sale = payment_of(&payment.order_id).and_then(|id| self.paid.get_mut(&id));
        let is_whole = payment.status == "SUCCESS"
            && (payment.amount, payment.currency.as_str()) == (AMOUNT, "INR");
        match sale {
            Some(times) if is_whole => *times += 1,
            Some(_) | None => self.strange.push(format!(
                "order {} is {} of {} {}",
                payment.order_id, payment.status, payment.amount, payment.currency
            )),
        }
    }

    fn differences(&self) -> Vec<String> {
        let count = |wanted: fn(u32) -> bool| self.paid.values().filter(|n| wanted(**n)).count();
        let mut differences = Vec::new();
        for (number, what) in [
            (count(|times| times == 0), "sales are not paid there"),
            (
                count(|times| times > 1),
                "sales are paid there more than once",
            ),
        ] {
            if number > 0 {
                differences.push(format!("the partner's log: {number} {what}"));
            }
        }
        if let Some(first) = self.strange.first() {
            let number = self.strange.len();
            differences.push(format!(
                "the partner's log: {number} payments are no sale of ours: {first}"
            ));
        }
        differences
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment(id: u128, status: &str, amount: i64) -> Payment {
        Payment {
            order_id: format!("{id:032x}-1"),
            status: status.to_owned(),
            amount,
            currency: "INR".to_owned(),
        }
    }

    fn differences(payments: &[Payment]) -> Vec<String> {
        let sales = [1, 2].map(|payment| Sale { number: 0, payment });
        let mut ledger = Ledger::of(&sales);
        for payment in payments {
            ledger.enter(payment);
        }
        ledger.differences()
    }

    #[test]
    fn every_sale_is_paid_once_and_nothing_else_is() {
        let paid = |id| payment(id, "SUCCESS", AMOUNT);
        assert!(differences(&[paid(2), paid(1)]).is_empty());
        for (payments, expected) in [
            (vec![paid(1)], "1 sales are not paid"),
            (
                vec![paid(1), paid(2), paid(1)],
                "1 sales are paid there more",
            ),
            (vec![paid(1), paid(2), paid(3)], "1 payments are no sale"),
            (
                vec![paid(1), paid(2), payment(2, "PENDING", AMOUNT)],
                "1 payments are no",
            ),
            (
                vec![paid(1), payment(2, "SUCCESS", AMOUNT + 1)],
                "1 sales are not",
            ),
        ] {
            let said = differences(&payments);
            assert!(said[0].contains(expected), "{said:?}");
        }
    }

    #[test]
    fn lines_of_other_kinds_are_passed_over() {
        let page: Page = serde_json::from_str(
            r#"{"lines":[{"number":1,"kind":"order","order_id":"a"},{"number":2,"kind":"payment",
            "order_id":"b","payment_id":"9","status":"SUCCESS","amount":5,"currency":"INR","ended_ms":null}],
            "next":2,"more":false}"#,
        )
        .unwrap();
        assert!(matches!(page.lines[..], [Line::Other, Line::Payment(_)]));
        assert_eq!(payment_of("short"), None);
    }
}
