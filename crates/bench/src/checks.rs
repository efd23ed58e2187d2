//! What an installation has acknowledged, and whether all of it is there afterwards: stored once, told,
//! and at the partner as it is here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;

use crate::gate::Sale;
use crate::gateway::{Bank, Gateway};
use crate::load::count;
use crate::partner;
use crate::prefill::Database;
use crate::receiver::Receiver;
use crate::shop::Job;
use crate::visitor::{Task, Visitor};

/// How long callbacks may take to be delivered after a load.
const DRAIN_MAX: Duration = Duration::from_secs(300);
const DRAIN_POLL: Duration = Duration::from_millis(50);
/// Deliveries of the callback that tells of a paid payment, which the receiver took.
const TOLD: &str = "deliveries d JOIN events e ON e.bucket = d.bucket AND e.payment_id = d.payment_id \
                    AND e.number = d.event WHERE d.state = 2 AND e.kind = 'captured'";

/// What was found after a load, in words.
#[derive(Debug, Default)]
pub struct Findings {
    /// What is wrong: the benchmark fails.
    pub problems: Vec<String>,
    /// What may be, and is worth knowing.
    pub notes: Vec<String>,
}

impl Findings {
    /// Adds those of somebody else.
    pub fn extend(&mut self, others: Self) {
        self.problems.extend(others.problems);
        self.notes.extend(others.notes);
    }
}

/// What was there before the present program was started.
#[derive(Debug, Clone, Copy, Default)]
pub struct Before {
    /// Payments.
    pub payments: u64,
    /// Those that are paid.
    pub paid: u64,
    /// Callbacks that were delivered.
    pub callbacks: u64,
}

/// What an installation has acknowledged since its program was started.
pub struct Books {
    before: Before,
    registered: u64,
    paid: u64,
    /// Paid orders of register.do.
    pub orders: Arc<Vec<String>>,
    /// Sales at the Gate.
    pub sales: Arc<Vec<Sale>>,
    /// How long the partner's log was at the start.
    log_begins: u64,
}

impl Books {
    /// Empty ones.
    pub async fn open(before: Before, bank: &Bank) -> Result<Self> {
        Ok(Self {
            before,
            registered: 0,
            paid: 0,
            orders: Arc::default(),
            sales: Arc::default(),
            log_begins: partner::end_of_log(bank.partner).await?,
        })
    }

    /// Enters an order of register.do that is paid.
    pub fn enter_paid(&mut self, order: &str) {
        self.registered += 1;
        self.paid += 1;
        Arc::make_mut(&mut self.orders).push(order.to_owned());
    }

    /// Enters what the callers of a load have achieved.
    pub fn enter(&mut self, task: Task, visitors: &[Visitor]) {
        for visitor in visitors {
            match visitor {
                Visitor::Shop(shopper) if task == Task::Shop(Job::Pay) => {
                    for order in &shopper.orders {
                        self.enter_paid(order);
                    }
                }
                Visitor::Shop(shopper) => {
                    self.registered += u64::try_from(shopper.orders.len()).unwrap_or(u64::MAX);
                }
                Visitor::Gate(shopper) => {
                    Arc::make_mut(&mut self.sales).extend(&shopper.sales);
                }
            }
        }
    }

    fn sold(&self) -> u64 {
        u64::try_from(self.sales.len()).unwrap_or(u64::MAX)
    }

    /// What will have been before, once the program is stopped.
    pub fn closed(&self, receiver: &Receiver) -> Before {
        Before {
            payments: self.before.payments + self.registered + self.sold(),
            paid: self.before.paid + self.paid + self.sold(),
            callbacks: self.before.callbacks + receiver.counts().calls,
        }
    }

    /// Waits until all that is paid was told to the receiver, and every callback's delivery recorded.
    pub async fn until_delivered(&self, database: &Database, receiver: &Receiver) -> Result<()> {
        let began = Instant::now();
        let mut waiting = None;
        while began.elapsed() < DRAIN_MAX {
            let told = receiver.counts();
            if told.orders >= self.paid && told.sales >= self.sold() {
                let left = database.count("deliveries WHERE state = 1").await?;
                if left == 0 {
                    return Ok(());
                }
                waiting = Some(left);
            }
            tokio::time::sleep(DRAIN_POLL).await;
        }
        let told = receiver.counts();
        anyhow::bail!(
            "{} of {} paid orders and {} of {} sales were told of after {} s, {waiting:?} not recorded",
            told.orders,
            self.paid,
            told.sales,
            self.sold(),
            DRAIN_MAX.as_secs()
        )
    }

    /// Compares what was acknowledged with what is stored, what was told and what the partner did, and lets
    /// the gateway audit itself.
    pub async fn check(
        &self,
        database: &Database,
        gateway: &Gateway,
        (bank, receiver): (&Bank, &Receiver),
    ) -> Result<Findings> {
        let mut findings = Findings::default();
        let all = self.closed(receiver);
        let counts = receiver.counts();
        let captured = database.count("payments WHERE status = 'captured'").await?;
        let delivered = database.count("deliveries WHERE state = 2").await?;
        for (what, expected, found) in [
            ("payments", all.payments, database.count("payments").await?),
            ("paid payments", all.paid, captured),
            (
                "paid payments that were told",
                all.paid,
                database.count(TOLD).await?,
            ),
            ("orders that callbacks came for", self.paid, counts.orders),
            ("sales that callbacks came for", self.sold(), counts.sales),
            ("callbacks that cannot be believed", 0, counts.doubtful),
            ("incidents", 0, database.count("incidents").await?),
        ] {
            findings.problems.extend(differ(what, expected, found));
        }
        self.compare_calls(delivered, all.callbacks, &mut findings);
        self.compare_successes(receiver, &mut findings);
        let differences = partner::compare(bank.partner, self.log_begins, &self.sales).await?;
        findings.problems.extend(differences);
        match gateway.audit().await {
            Ok(report) => findings.problems.extend(audited(&report, all.payments)),
            Err(error) => findings.problems.push(format!("{error:#}")),
        }
        Ok(findings)
    }

    /// Every delivery that is recorded was a call. There may be more calls than that, for callbacks come at
    /// least once; without a crash none should.
    fn compare_calls(&self, delivered: u64, calls: u64, findings: &mut Findings) {
        match differ("callbacks", delivered, calls) {
            Some(repeats) if calls > delivered && !self.sales.is_empty() => {
                findings.notes.push(format!("some came again: {repeats}"));
            }
            other => findings.problems.extend(other),
        }
    }

    fn compare_successes(&self, receiver: &Receiver, findings: &mut Findings) {
        let mut successes = receiver.successes();
        let (mut untold, mut repeated) = (0, 0);
        for sale in self.sales.iter() {
            match successes.remove(&sale.number) {
                None => untold += 1,
                Some(1) => {}
                Some(_) => repeated += 1,
            }
        }
        let strange = u64::try_from(successes.len()).unwrap_or(u64::MAX);
        let untold = differ("sales whose success was not told", 0, untold);
        let strange = differ("told successes that are no sale", 0, strange);
        findings.problems.extend(untold.into_iter().chain(strange));
        if repeated > 0 {
            let share = count(repeated) * 100.0 / count(self.sold());
            findings.notes.push(format!(
                "the success of {repeated} sales ({share:.2} %) was told more than once"
            ));
        }
    }
}

fn differ(what: &str, expected: u64, found: u64) -> Option<String> {
    (expected != found).then(|| format!("{what}: {expected} expected, {found} found"))
}

fn audited(report: &Value, payments: u64) -> Vec<String> {
    let number = |name: &str| report.get(name).and_then(Value::as_u64);
    let differences = [
        differ(
            "audited payments",
            payments,
            number("payments").unwrap_or(0),
        ),
        differ(
            "open operations",
            0,
            number("open_operations").unwrap_or(u64::MAX),
        ),
    ];
    differences.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn books(sales: &[u64]) -> Books {
        let sale = |number: &u64| Sale {
            number: *number,
            payment: u128::from(*number),
        };
        Books {
            before: Before::default(),
            registered: 0,
            paid: 0,
            orders: Arc::default(),
            sales: Arc::new(sales.iter().map(sale).collect()),
            log_begins: 0,
        }
    }

    #[test]
    fn repeats_are_worth_a_note_where_nothing_is_missing() {
        for (sales, delivered, calls, problems, notes) in [
            (&[1][..], 2, 2, 0, 0),
            (&[1], 2, 3, 0, 1),
            (&[1], 2, 1, 1, 0),
            (&[], 2, 3, 1, 0),
        ] {
            let mut findings = Findings::default();
            books(sales).compare_calls(delivered, calls, &mut findings);
            let found = (findings.problems.len(), findings.notes.len());
            assert_eq!(found, (problems, notes), "{sales:?} {delivered} {calls}");
        }
    }

    #[test]
    fn an_audit_must_see_every_payment_and_its_end() {
        let report = |payments: u64, open: u64| {
            let report = serde_json::json!({ "payments": payments, "open_operations": open });
            audited(&report, 7).len()
        };
        assert_eq!((report(7, 0), report(6, 0), report(6, 1)), (0, 1, 2));
        assert_eq!(audited(&Value::Null, 7).len(), 2);
    }
}
