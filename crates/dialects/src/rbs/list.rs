//! getLastOrdersForMerchants.do: a shop's orders, page by page.

use altyn_domain::PaymentStatus;
use altyn_engine::PaymentFilter;
use axum::response::Response;
use serde::Serialize;

use super::answer::Done;
use super::error::{Fault, Verb, of_engine};
use super::messages::Message;
use super::order_status::PaymentState;
use super::request::Params;
use super::status::Extended;
use super::{Call, DIALECT, answer, auth, dates};

const SIZE_MAX: u32 = 200;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(flatten)]
    done: Done,
    order_statuses: Vec<Extended>,
    total_count: u64,
    page: u32,
    page_size: u32,
}

/// getLastOrdersForMerchants.do
pub(super) async fn last_orders(call: &Call) -> Result<Response, Fault> {
    let foreign = |login: &str| !auth::is_own(&call.owner, &call.params, login);
    if call.params.list("merchants").any(foreign) {
        return Err(Fault::new("5", Message::MerchantLoginWrong));
    }
    let question = Question::read(&call.params)?;
    let found = call
        .rbs
        .engine()
        .payments(&call.owner, &question.filter)
        .await;
    let found = found.map_err(|failure| of_engine(failure, Verb::Read))?;
    let payments = found.payments.iter();
    Ok(answer::ok(&Page {
        done: Done::new(call.language),
        order_statuses: payments
            .map(|payment| Extended::of(payment, call.language))
            .collect(),
        total_count: found.total,
        page: question.page,
        page_size: question.filter.limit,
    }))
}

#[derive(Debug, PartialEq, Eq)]
struct Question {
    page: u32,
    filter: PaymentFilter,
}

impl Question {
    fn read(params: &Params) -> Result<Self, Fault> {
        let empty = |name| Fault::of("5", Message::ParameterEmpty, name);
        let out_of_range = || Fault::new("10", Message::SizeOutOfRange);
        let size = params.text("size").ok_or_else(|| empty("size"))?;
        let limit: u32 = size.parse().map_err(|_| out_of_range())?;
        if !(1..=SIZE_MAX).contains(&limit) {
            return Err(out_of_range());
        }
        let page: u32 = params
            .text("page")
            .unwrap_or("0")
            .parse()
            .map_err(|_| Fault::invalid("page"))?;
        let offset = page
            .checked_mul(limit)
            .ok_or_else(|| Fault::invalid("page"))?;
        let date = |name: &'static str| {
            let text = params.text(name).ok_or_else(|| empty(name))?;
            dates::parse_compact(text).ok_or_else(|| Fault::invalid(name))
        };
        // The last second belongs to the question.
        let (from, to) = (date("from")?, date("to")?.plus_millis(1_000));
        if from >= to {
            return Err(Fault::invalid("to"));
        }
        let by_registration = match params.text("searchByCreatedDate") {
            None => false,
            Some(word) if word.eq_ignore_ascii_case("true") => true,
            Some(word) if word.eq_ignore_ascii_case("false") => false,
            Some(_) => return Err(Fault::invalid("searchByCreatedDate")),
        };
        let statuses = statuses(params)?;
        let dialect = Some(DIALECT.to_owned());
        let filter = PaymentFilter {
            from,
            to,
            by_registration,
            statuses,
            dialect,
            offset,
            limit,
        };
        Ok(Self { page, filter })
    }
}

fn statuses(params: &Params) -> Result<Vec<PaymentStatus>, Fault> {
    const NAME: &str = "transactionStates";
    let mut statuses: Vec<PaymentStatus> = Vec::new();
    for word in params.list(NAME) {
        let state = PaymentState::ALL
            .into_iter()
            .find(|state| state.word() == word);
        for status in state.ok_or_else(|| Fault::invalid(NAME))?.statuses() {
            if !statuses.contains(status) {
                statuses.push(*status);
            }
        }
    }
    if statuses.is_empty() {
        Err(Fault::of("5", Message::ParameterEmpty, NAME))
    } else {
        Ok(statuses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(query: &str) -> Result<Question, &'static str> {
        Question::read(&Params::read(query, b"").unwrap()).map_err(|fault| fault.code)
    }

    const DATES: &str = "from=20261122000000&to=20261122235959";

    #[test]
    fn a_question_is_read() {
        let asked = question(&format!(
            "{DATES}&size=50&page=2&transactionStates=DEPOSITED,REFUNDED,DEPOSITED"
        ))
        .unwrap();
        assert_eq!(
            (asked.page, asked.filter.offset, asked.filter.limit),
            (2, 100, 50)
        );
        let expected = [
            PaymentStatus::Captured,
            PaymentStatus::PartiallyRefunded,
            PaymentStatus::Refunded,
        ];
        assert_eq!(asked.filter.statuses, expected);
        assert_eq!(asked.filter.to.millis_since(asked.filter.from), 86_400_000);
        assert!(!asked.filter.by_registration);
        let created = question(&format!(
            "{DATES}&size=1&transactionStates=CREATED&searchByCreatedDate=true"
        ));
        assert!(created.unwrap().filter.by_registration);
    }

    #[test]
    fn a_wrong_question_is_refused() {
        let states = "transactionStates=CREATED";
        for size in ["0", "201", "-1", "x", "99999999999"] {
            assert_eq!(
                question(&format!("{DATES}&{states}&size={size}")).err(),
                Some("10"),
                "{size}"
            );
        }
        let wrong = [
            format!("{DATES}&{states}"),
            format!("{DATES}&size=5"),
            format!("{states}&size=5"),
            format!("{DATES}&size=5&transactionStates=PAID"),
            format!("{DATES}&{states}&size=5&page=-1"),
            format!("{DATES}&{states}&size=200&page=4294967295"),
            format!("from=20261123000000&to=20261122000000&{states}&size=5"),
            format!("from=2026-11-22&to=20261122000000&{states}&size=5"),
            format!("{DATES}&{states}&size=5&searchByCreatedDate=maybe"),
        ];
        for query in wrong {
            assert_eq!(question(&query).err(), Some("5"), "{query}");
        }
    }
}
