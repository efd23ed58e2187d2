//! Customers' balances: credited, spent, given back, shown, audited.

use altyn_domain::{Balance, Currency, CustomerId, OperationState, Outcome, PaymentStatus};

use super::database::BOTH;
use super::gate::{Gate, kzt, why};
use crate::office::{
    BalanceReturn, CustomerQuery, MovementKind, NextStep, StatementEntry, SurplusPlace, TryWish,
};
use crate::{Caller, EngineError, OfficeError};

const KZT: Currency = Currency::KZT;

fn of(gate: &Gate) -> (altyn_domain::ProjectId, CustomerId) {
    (gate.shop, CustomerId::of(gate.shop, "c-1"))
}

fn give_back(minor: i64) -> BalanceReturn {
    BalanceReturn {
        amount: kzt(minor),
        surplus: None,
    }
}

/// The whole statement, line by line.
async fn statement(gate: &Gate) -> Vec<StatementEntry> {
    let (mut lines, mut after) = (Vec::new(), None);
    loop {
        let customer = gate.customer("c-1");
        let page = gate
            .engine
            .office_statement(&customer, of(gate), KZT, after, 1)
            .await
            .expect("it is own");
        lines.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => return lines,
        }
    }
}

/// A payment is paid wholly from the balance, once, and a part of it goes back there.
async fn whole_from_balance(gate: &Gate, customer: &Caller) {
    let (engine, finance) = (&gate.engine, gate.finance());
    let order = gate.registered(gate.shop, "B-2", 3_000).await.line.id;
    let open = engine.office_payment(customer, order).await.expect("own");
    assert_eq!(open.abilities.payable_from_balance, 3_000);
    let wish = |minor| TryWish {
        method: None,
        from_balance: Some(kzt(minor)),
    };
    let short = engine.office_begin_try(customer, order, &wish(1_000)).await;
    assert!(matches!(short, Err(OfficeError::Invalid(_))));
    let paid = engine.office_begin_try(customer, order, &wish(3_000)).await;
    let paid = paid.expect("it is paid");
    assert_eq!(paid.next, NextStep::Paid);
    assert_eq!(paid.payment.line.status, PaymentStatus::Captured);
    let twice = engine.office_begin_try(customer, order, &wish(3_000)).await;
    assert!(matches!(
        twice,
        Err(OfficeError::Engine(EngineError::Refused(_)))
    ));
    // A part of it back to the balance.
    let back = engine
        .office_refund(&finance, order, Some(kzt(1_000)), &why(None))
        .await
        .expect("it goes back");
    assert_eq!(back.operation.on_balance, 1_000);
}

#[tokio::test]
async fn a_balance_is_credited_spent_given_back_and_told_line_by_line() {
    for kind in BOTH {
        let gate = Gate::open(kind).await;
        let engine = &gate.engine;
        let (customer, finance) = (gate.customer("c-1"), gate.finance());
        let (first, surplus) = gate.paid_twice(gate.shop, "B-1", 10_000).await;
        let (project, id) = of(&gate);
        let card = engine.office_customer(&customer, project, id).await;
        let card = card.expect("it is own");
        let stands = |posted, reserved| vec![(KZT, Balance { posted, reserved })];
        assert_eq!(card.balances, stands(10_000, 0));

        whole_from_balance(&gate, &customer).await;
        // In part from it, the rest at the wallet: reserved while the payer is there.
        let order = gate.registered(gate.shop, "B-3", 9_000).await.line.id;
        let mixed = TryWish {
            method: Some("wallet".to_owned()),
            from_balance: Some(kzt(2_000)),
        };
        let begun = engine.office_begin_try(&customer, order, &mixed).await;
        let number = begun.expect("it begins").operation.expect("a number");
        let card = engine.office_customer(&finance, project, id).await;
        assert_eq!(card.expect("in reach").balances, stands(8_000, 2_000));
        gate.audit().await;
        gate.told(order, number, "approved").await;

        // What is left goes back the way it came.
        let sent = engine
            .office_refund_balance(&finance, (project, id), &give_back(4_000), &why(Some("x")))
            .await
            .expect("it goes back");
        assert_eq!(
            (sent.payment.id, sent.operation.parent),
            (first, Some(surplus))
        );
        assert_eq!(sent.operation.state, OperationState::Succeeded);
        let again = engine
            .office_refund_balance(&finance, (project, id), &give_back(4_000), &why(Some("x")))
            .await;
        assert!(again.expect("a repeat").repeated);

        let lines = statement(&gate).await;
        let told: Vec<_> = lines
            .iter()
            .map(|l| (l.kind, l.change, l.balance, l.order_reference.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (MovementKind::ReturnedThroughGateway, -4_000, 2_000, "B-1"),
                (MovementKind::PaidFromBalance, -2_000, 6_000, "B-3"),
                (MovementKind::RefundedToBalance, 1_000, 8_000, "B-2"),
                (MovementKind::PaidFromBalance, -3_000, 7_000, "B-2"),
                (MovementKind::SurplusCredited, 10_000, 10_000, "B-1"),
            ]
        );
        let whole = engine
            .office_statement(&customer, (project, id), KZT, None, 100)
            .await;
        assert_eq!(whole.expect("it is own").items, lines);
        gate.audit().await;
    }
}

#[tokio::test]
async fn balance_money_goes_back_from_one_surplus_that_is_enough() {
    for kind in BOTH {
        let gate = Gate::open(kind).await;
        let (engine, finance, whose) = (&gate.engine, gate.finance(), of(&gate));
        let (older, of_older) = gate.paid_twice(gate.shop, "R-1", 5_000).await;
        let (newer, _) = gate.paid_twice(gate.shop, "R-2", 3_000).await;
        let several = engine
            .office_refund_balance(&finance, whose, &give_back(6_000), &why(None))
            .await;
        let Err(OfficeError::Conflict("several_needed", words)) = several else {
            panic!("{several:?}")
        };
        for part in [older.to_string(), newer.to_string(), "50.00 KZT".to_owned()] {
            assert!(words.contains(&part), "{words}");
        }
        // The newest that is enough: an unknown end keeps its money reserved.
        gate.gateway.answers(Outcome::Unknown);
        let sent = engine
            .office_refund_balance(&finance, whose, &give_back(2_000), &why(Some("a")))
            .await
            .expect("it is asked for");
        assert_eq!(sent.payment.id, newer);
        assert_eq!(sent.operation.state, OperationState::Pending);
        let card = engine.office_customer(&finance, whose.0, whose.1).await;
        assert_eq!(card.expect("in reach").balances[0].1.available(), 6_000);
        // The older one would be enough for a second return, but it is the same request.
        let again = engine
            .office_refund_balance(&finance, whose, &give_back(2_000), &why(Some("a")))
            .await
            .expect("a repeat");
        assert!(again.repeated && again.payment.id == newer);
        let other = engine
            .office_refund_balance(&finance, whose, &give_back(2_000), &why(Some("b")))
            .await
            .expect("another one");
        assert_eq!(other.payment.id, older);
        let named = BalanceReturn {
            amount: kzt(3_000),
            surplus: Some(SurplusPlace {
                payment_id: older,
                operation: of_older,
            }),
        };
        let named = engine
            .office_refund_balance(&finance, whose, &named, &why(None))
            .await
            .expect("the rest of it");
        assert_eq!(named.payment.id, older);
        let customer = gate.customer("c-1");
        let refused = engine
            .office_refund_balance(&customer, whose, &give_back(1), &why(None))
            .await;
        assert!(matches!(refused, Err(OfficeError::Forbidden(_))));
        gate.audit().await;
    }
}

#[tokio::test]
async fn a_customer_sees_one_customer_and_staff_those_in_reach() {
    for kind in BOTH {
        let gate = Gate::open(kind).await;
        let engine = &gate.engine;
        gate.registered(gate.shop, "C-1", 100).await;
        gate.registered(gate.other, "C-2", 100).await;
        let query = CustomerQuery {
            limit: 10,
            ..CustomerQuery::default()
        };
        let (customer, finance) = (gate.customer("c-1"), gate.finance());
        for (caller, count) in [(&customer, 1), (&finance, 1), (&gate.root_operator(), 2)] {
            let page = engine.office_customers(caller, &query).await;
            assert_eq!(
                page.expect("a page").items.len(),
                count,
                "{}",
                caller.name()
            );
        }
        let there = CustomerId::of(gate.other, "c-1");
        for caller in [&customer, &finance] {
            let unseen = engine.office_customer(caller, gate.other, there).await;
            assert!(matches!(unseen, Err(OfficeError::NotFound)));
            let unseen = engine
                .office_statement(caller, (gate.other, there), KZT, None, 5)
                .await;
            assert!(matches!(unseen, Err(OfficeError::NotFound)));
        }
        let of_shop = engine.office_customer(&finance, gate.shop, there).await;
        assert!(matches!(of_shop, Err(OfficeError::NotFound)));
    }
}

#[tokio::test]
async fn the_audit_finds_a_balance_that_was_changed_by_hand() {
    for kind in BOTH {
        let gate = Gate::open(kind).await;
        gate.paid_twice(gate.shop, "X-1", 10_000).await;
        gate.audit().await;
        let change = "UPDATE customer_balances SET posted = posted + 1";
        gate.database.raw_sql(change).await;
        let report = gate.engine.audit().await.expect("the audit runs");
        assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
        let what = &report.findings[0].what;
        assert!(
            what.contains("balance cus_") && what.contains("10001"),
            "{what}"
        );
    }
}
