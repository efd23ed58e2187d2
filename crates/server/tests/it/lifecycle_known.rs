//! What everybody knows of a payment: the shop, the payer, the ledger, the customer's balance and the far
//! side; and what a row of the life-cycle table says that they must know.

use std::time::{Duration, Instant};

use altyn_domain::Payment;
use serde_json::{Value, json};

use crate::gate::PATIENCE;
use crate::lifecycle_far::End;
use crate::lifecycle_stage::{ASLEEP, NO_MONEY, Payer, Stage};

/// What is in the ledger after a payment, or money that it did not need.
pub const SALE: &str = "sale posted connector_clearing <- merchant_payable 15000";
pub const HOLD: &str = "hold pending connector_clearing <- merchant_payable 15000";
pub const TO_BALANCE: &str = "surplus posted connector_clearing <- customer_balance 15000";
pub const TO_SUSPENSE: &str = "surplus posted connector_clearing <- suspense 15000";
pub const RETURNING: &str = "surplus_return pending suspense <- connector_clearing 15000";
pub const RETURNED: &str = "surplus_return posted suspense <- connector_clearing 15000";

/// What a row says must be known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expected<'a> {
    /// The payment's status and sum, as the shop reads it.
    pub status: &'a str,
    pub sum: i64,
    /// Type and status of its operations, as the shop reads them.
    pub operations: &'a [&'a str],
    /// The failure that the payer reads.
    pub shown: Option<End>,
    pub ledger: &'a [&'a str],
    /// What is on the customer's balance.
    pub balance: i64,
    /// What came and what went back at the far side, by try.
    pub money: &'a [(i64, i64)],
    /// What the shop was told: operation, its status, the payment's.
    pub told: &'a [&'a str],
    pub incidents: &'a [&'a str],
}

impl Expected<'_> {
    fn known(&self) -> Known {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let shown = match self.shown {
            Some(End::Failure(_, words)) => vec![words.to_owned()],
            Some(End::Success) | None => Vec::new(),
        };
        Known {
            status: self.status.to_owned(),
            sum: self.sum,
            operations: own(self.operations),
            shown,
            ledger: own(self.ledger),
            balance: (self.balance, 0),
            money: self.money.to_vec(),
            told: own(self.told),
        }
    }
}

/// What all sides know of a payment.
#[derive(Debug, PartialEq, Eq)]
struct Known {
    status: String,
    sum: i64,
    operations: Vec<String>,
    shown: Vec<String>,
    ledger: Vec<String>,
    balance: (i64, i64),
    money: Vec<(i64, i64)>,
    told: Vec<String>,
}

impl Stage {
    /// What the payer's browser comes to from the result.
    pub async fn page(&self, payer: &Payer) -> String {
        let mut path = format!("/checkout/{}/result?lang=en", payer.place);
        for _ in 0..5 {
            let url = format!("{}{path}", self.gate.base_url);
            let response = self.gate.http.get(url).send().await;
            let response = response.expect("it answers");
            match response.headers().get("location") {
                Some(next) => next.to_str().expect("plain").clone_into(&mut path),
                None => return response.text().await.expect("all of it"),
            }
        }
        panic!("sent round and round at {path}");
    }

    /// What the shop was told about a payment, in order: operation, its status, the payment's.
    pub fn told(&self, payer: &Payer) -> Vec<String> {
        let all = self.heard.lock().expect("whole");
        let mut mine: Vec<&Value> = all
            .iter()
            .filter(|body| body["payment"]["id"] == payer.payment_id)
            .collect();
        if self.died {
            mine.dedup();
        }
        let line = mine.iter().map(|body| {
            let operation = &body["operation"];
            let texts = [
                &operation["type"],
                &operation["status"],
                &body["payment"]["status"],
            ];
            let [kind, status, payment] = texts.map(|text| text.as_str().unwrap_or("-"));
            format!("{kind} {status}: {payment}")
        });
        line.collect()
    }

    /// The payment's incidents, oldest first.
    pub async fn incidents(&self, payer: &Payer) -> Vec<String> {
        let output = self
            .gate
            .altyn(&["incidents", "list", "--all", "--json"])
            .await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
        let of_payment = payer.id().to_string();
        let mut kinds: Vec<(u32, String)> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
            .filter_map(|incident| {
                let id = incident["incident"].as_str()?.split_once('/')?;
                let kind = incident["kind"].as_str()?.to_owned();
                (id.0 == of_payment).then(|| (id.1.parse().expect("a number"), kind))
            })
            .collect();
        kinds.sort();
        kinds.into_iter().map(|(_, kind)| kind).collect()
    }

    /// The payment's postings as lines.
    async fn ledger(&self, payer: &Payer) -> Vec<String> {
        let postings = self.storage.postings(payer.id()).await.expect("postings");
        let line = postings.iter().map(|posting| {
            let phase = format!("{:?}", posting.phase).to_lowercase();
            let (entry, amount) = (posting.entry.word(), posting.amount);
            let (debit, credit) = (posting.debit.word(), posting.credit.word());
            format!("{entry} {phase} {debit} <- {credit} {amount}")
        });
        line.collect()
    }

    /// The payment as it is stored.
    pub async fn payment(&self, payer: &Payer) -> Payment {
        let payment = self.storage.payment_by_capability(payer.id()).await;
        payment.expect("it answers").expect("it is there")
    }

    /// What is owed to the payment's customer, and how much of it is reserved.
    pub async fn balance(&self, payer: &Payer) -> (i64, i64) {
        let customer = self.payment(payer).await.customer_id;
        let customer = customer.expect("it has a customer");
        let balances = self.storage.balances(customer).await.expect("balances");
        let sums = balances.iter().map(|(_, b)| (b.posted, b.reserved));
        sums.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
    }

    /// Status, sum and operations of a payment as the shop reads them.
    async fn read_by_shop(&self, payer: &Payer) -> (String, i64, Vec<String>) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let number = |value: &Value| value.as_i64().unwrap_or_default();
        if payer.is_order {
            let answer = self.gate.status(&payer.place).await;
            let sum = number(&answer["paymentAmountInfo"]["approvedAmount"]);
            // The family shows no list of operations.
            let payment = self.payment(payer).await;
            let operations = payment.operations.iter();
            let line = operations.map(|o| format!("{} {}", o.kind.word(), o.state.word()));
            return (answer["orderStatus"].to_string(), sum, line.collect());
        }
        let (_, answer) = self.send("status", &payer.payment_id, json!({})).await;
        let operations = answer["operations"].as_array().cloned();
        let operations = operations.unwrap_or_default();
        let lines = operations
            .iter()
            .map(|o| format!("{} {}", text(&o["type"]), text(&o["status"])));
        let payment = &answer["payment"];
        let sum = number(&payment["sum"]["amount"]);
        (text(&payment["status"]), sum, lines.collect())
    }

    /// All that is known of a payment.
    async fn known(&self, payer: &Payer) -> Known {
        let (status, sum, operations) = self.read_by_shop(payer).await;
        let page = self.page(payer).await;
        let shown = [NO_MONEY, ASLEEP].into_iter().filter_map(|end| match end {
            End::Failure(_, words) => page.contains(words).then_some(words),
            End::Success => None,
        });
        Known {
            status,
            sum,
            operations,
            shown: shown.map(str::to_owned).collect(),
            ledger: self.ledger(payer).await,
            balance: self.balance(payer).await,
            money: self.far.money(&payer.payment_id),
            told: self.told(payer),
        }
    }

    /// Waits until all that is known of a payment is this, and looks that the books are right.
    pub async fn stands(&self, payer: &Payer, expected: Expected<'_>) {
        self.settles().await;
        let wanted = expected.known();
        let began = Instant::now();
        loop {
            let known = self.known(payer).await;
            if known == wanted {
                break;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{}: not {wanted:#?}\nbut {known:#?}",
                payer.payment_id
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(
            self.incidents(payer).await,
            expected.incidents,
            "{}",
            payer.payment_id
        );
        self.gate.audit().await;
    }
}
