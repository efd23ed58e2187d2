//! The audit: recomputes everything that is stored twice and says where it differs.

use std::collections::{BTreeMap, BTreeSet};

use altyn_domain::{
    Account, AccountDelta, AccountKind, Balance, BalanceKey, Payment, PaymentId, Posting,
    replay_balances,
};
use altyn_storage::{AccountBalance, AuditedPayment};

use crate::{Engine, EngineError};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditFinding {
    /// The payment, if it is about one.
    pub payment_id: Option<PaymentId>,
    /// What differs.
    pub what: String,
}

/// What the audit saw.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditReport {
    /// Payments looked at.
    pub payments: u64,
    /// Postings looked at.
    pub postings: u64,
    /// Accounts looked at.
    pub accounts: u64,
    /// Operations whose end is not known yet.
    pub open_operations: u64,
    /// What differs; empty if all is well.
    pub findings: Vec<AuditFinding>,
}

/// Findings beyond this many are only counted by the first ones.
const FINDINGS_MAX: usize = 1_000;
const PAGE: u32 = 500;

impl Engine {
    /// Recomputes every payment, every account and every customer's balance.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn audit(&self) -> Result<AuditReport, EngineError> {
        let mut report = AuditReport::default();
        let mut from = None;
        loop {
            let page = self.storage().audit_page(from, PAGE).await?;
            for audited in &page.payments {
                report.payments += 1;
                report.postings += u64::try_from(audited.postings.len()).unwrap_or(0);
                audit_payment(audited, &mut report);
            }
            match page.next {
                Some(next) if report.findings.len() < FINDINGS_MAX => from = Some(next),
                Some(_) | None => break,
            }
        }
        let (stored, counted) = self.storage().audit_accounts().await?;
        audit_accounts(&stored, &counted, &mut report);
        let (stored, counted) = self.storage().audit_balances().await?;
        audit_balances(&stored, &counted, &mut report);
        Ok(report)
    }
}

fn audit_payment(audited: &AuditedPayment, report: &mut AuditReport) {
    let payment = &audited.payment;
    let mut find = |what: String| {
        report.findings.push(AuditFinding {
            payment_id: Some(payment.id),
            what,
        });
    };
    let checked = std::panic::catch_unwind(|| payment.assert_invariants());
    if let Err(panic) = checked {
        let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
        find(format!("an invariant is broken: {text}"));
    }
    if payment.status().word() != audited.stored_status {
        let (stored, counted) = (&audited.stored_status, payment.status().word());
        find(format!("stored status {stored}, counted {counted}"));
    }
    for (name, count, numbers) in [
        (
            "postings",
            payment.counters.postings,
            audited.postings.iter().map(|p| p.number).collect(),
        ),
        ("events", payment.counters.events, audited.events.clone()),
        (
            "deliveries",
            payment.counters.deliveries,
            audited.deliveries.clone(),
        ),
    ] {
        let numbers: Vec<u32> = numbers;
        if !numbers.iter().copied().eq(1..=count) {
            find(format!("{name}: {count} counted, stored are {numbers:?}"));
        }
    }
    if let Some(posting) = audited
        .postings
        .iter()
        .find(|p| !names_customer(p, payment))
    {
        let number = posting.number;
        find(format!(
            "posting {number} does not name the customer whose balance it moves"
        ));
    }
    match replay_balances(&audited.postings) {
        Ok(open) => {
            let reserved: i64 = open.values().sum();
            let expected = payment.reserved();
            if reserved != expected {
                find(format!(
                    "{reserved} is reserved in the ledger, {expected} should be"
                ));
            }
        }
        Err(what) => find(what),
    }
    let open = payment
        .operations
        .iter()
        .filter(|o| o.state.is_open())
        .count();
    report.open_operations += u64::try_from(open).unwrap_or(0);
}

/// Whether a posting on a balance, and no other, names a customer: the payment's own.
///
/// With accounts and balances both equal to what their postings sum to, this makes the account
/// `customer_balance` of a project equal to the sum of its customers' balances, although the two are never
/// read at one instant.
fn names_customer(posting: &Posting, payment: &Payment) -> bool {
    let balance = AccountKind::CustomerBalance;
    if posting.debit == balance || posting.credit == balance {
        posting.customer_id.is_some() && posting.customer_id == payment.customer_id
    } else {
        posting.customer_id.is_none()
    }
}

fn audit_balances(
    stored: &[(BalanceKey, Balance)],
    counted: &[(BalanceKey, Balance)],
    report: &mut AuditReport,
) {
    let stored: BTreeMap<_, _> = stored.iter().copied().collect();
    let counted: BTreeMap<_, _> = counted.iter().copied().collect();
    let keys: BTreeSet<_> = stored.keys().chain(counted.keys()).collect();
    for key in keys {
        let of = |sums: &BTreeMap<BalanceKey, Balance>| sums.get(key).copied().unwrap_or_default();
        let (kept, sum) = (of(&stored), of(&counted));
        let name = format!("balance {} {}", key.customer_id, key.currency);
        let mut find = |what| {
            report.findings.push(AuditFinding {
                payment_id: None,
                what,
            });
        };
        if kept != sum {
            find(format!("{name}: stored {kept:?}, postings sum to {sum:?}"));
        }
        if kept.reserved < 0 || kept.available() < 0 {
            find(format!(
                "{name}: more is given away than there is: {kept:?}"
            ));
        }
    }
}

fn audit_accounts(stored: &[AccountBalance], counted: &[AccountBalance], report: &mut AuditReport) {
    let by_account = |balances: &[AccountBalance]| -> BTreeMap<Account, AccountDelta> {
        balances
            .iter()
            .map(|balance| (balance.account, balance.sums))
            .collect()
    };
    let (stored, counted) = (by_account(stored), by_account(counted));
    report.accounts = u64::try_from(stored.len()).unwrap_or(0);
    let accounts: BTreeSet<_> = stored.keys().chain(counted.keys()).collect();
    let mut totals: BTreeMap<_, (i64, i64)> = BTreeMap::new();
    for account in accounts {
        let (kept, sum) = (stored.get(account), counted.get(account));
        if kept.copied().unwrap_or_default() != sum.copied().unwrap_or_default() {
            let name = format!(
                "{} {} {}",
                account.project_id,
                account.kind.word(),
                account.currency
            );
            let what = format!("account {name}: stored {kept:?}, postings sum to {sum:?}");
            report.findings.push(AuditFinding {
                payment_id: None,
                what,
            });
        }
        let total = totals
            .entry((account.project_id, account.currency))
            .or_default();
        let sums = sum.copied().unwrap_or_default();
        total.0 += sums.posted_debit + sums.pending_debit;
        total.1 += sums.posted_credit + sums.pending_credit;
    }
    for ((project, currency), (debit, credit)) in totals {
        if debit != credit {
            let what = format!("{project} {currency}: debits {debit}, credits {credit}");
            report.findings.push(AuditFinding {
                payment_id: None,
                what,
            });
        }
    }
}
