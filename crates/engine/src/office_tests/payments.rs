//! What each caller sees of payments.

use altyn_domain::{
    BrowserFacts, CardDetails, CardNumber, Currency, CustomerId, DeclineCode, Expiry, Initiator,
    PaymentId, PaymentStatus, Role, Scope, SecurityCode, Way,
};

use super::database::BOTH;
use super::gate::{Gate, kzt, new_payment};
use crate::office::{Narrowing, NewPayment, NextStep, PaymentQuery, TryWish};
use crate::{OfficeError, PayRequest};

fn all() -> PaymentQuery {
    PaymentQuery {
        limit: 50,
        ..PaymentQuery::default()
    }
}

fn searched(text: impl std::fmt::Display) -> PaymentQuery {
    PaymentQuery {
        search: Some(text.to_string()),
        ..all()
    }
}

#[tokio::test]
async fn everybody_sees_what_is_in_reach_and_nothing_else() {
    for kind in BOTH {
        let gate = Gate::open(kind).await;
        let engine = &gate.engine;
        let here = gate.registered(gate.shop, "A-1", 100).await.line.id;
        let second = gate.registered(gate.manual, "A-2", 200).await.line.id;
        let there = gate.registered(gate.other, "A-1", 300).await.line.id;
        let mut of_another = new_payment(gate.shop, "A-3", 400);
        of_another.customer.id = Some("c-2".to_owned());
        let root = gate.root_operator();
        let third = engine.office_register_payment(&root, of_another).await;
        let third = third.expect("it is registered").line.id;

        let west = gate.caller(Role::ResellerOperator, Scope::Reseller(gate.west));
        let customer = gate.customer("c-1");
        let table = [
            (&root, vec![third, there, second, here]),
            (&gate.finance(), vec![third, second, here]),
            (&west, vec![there]),
            (&customer, vec![here]),
        ];
        for (caller, expected) in &table {
            let page = engine
                .office_payments(caller, &all())
                .await
                .expect("a page");
            let ids: Vec<_> = page.items.iter().map(|line| line.id).collect();
            assert_eq!(ids, *expected, "{}", caller.name());
            for id in [here, second, there, third] {
                let seen = expected.contains(&id);
                let card = engine.office_payment(caller, id).await;
                match card {
                    Ok(card) => assert!(seen && card.line.id == id, "{}", caller.name()),
                    Err(error) => assert!(!seen && matches!(error, OfficeError::NotFound)),
                }
                let found = engine.office_payments(caller, &searched(id)).await;
                assert_eq!(found.expect("a page").items.len(), usize::from(seen));
                let bare = engine.office_payments(caller, &searched(id.uuid())).await;
                assert_eq!(bare.expect("a page").items.len(), usize::from(seen));
            }
        }
        let by_order = engine.office_payments(&root, &searched("A-1")).await;
        let ids: Vec<_> = by_order
            .expect("a page")
            .items
            .iter()
            .map(|l| l.id)
            .collect();
        assert_eq!(ids, [there, here]);
        let narrowed = |narrowing| PaymentQuery { narrowing, ..all() };
        let east = Narrowing {
            reseller: Some(gate.east),
            ..Narrowing::default()
        };
        let page = engine.office_payments(&root, &narrowed(east)).await;
        assert_eq!(page.expect("a page").items.len(), 3);
        let outside = engine.office_payments(&west, &narrowed(east)).await;
        assert!(matches!(outside, Err(OfficeError::NotFound)));
        let foreign = PaymentQuery {
            customer_id: Some(CustomerId::of(gate.shop, "c-2")),
            ..all()
        };
        let none = engine.office_payments(&customer, &foreign).await;
        assert_eq!(none.expect("a page").items, []);
    }
}

#[tokio::test]
async fn a_list_goes_on_where_it_ended() {
    for kind in BOTH {
        let gate = Gate::open(kind).await;
        for number in 0..5 {
            gate.registered(gate.shop, &format!("P-{number}"), 100)
                .await;
        }
        for ascending in [false, true] {
            let (mut seen, mut after) = (Vec::new(), None);
            for _ in 0..3 {
                let query = PaymentQuery {
                    ascending,
                    after,
                    limit: 2,
                    ..PaymentQuery::default()
                };
                let page = gate.engine.office_payments(&gate.finance(), &query).await;
                let page = page.expect("a page");
                seen.extend(page.items.into_iter().map(|line| line.reference));
                after = page.next;
            }
            let mut expected: Vec<_> = (0..5).map(|number| format!("P-{number}")).collect();
            if !ascending {
                expected.reverse();
            }
            assert_eq!((seen, after), (expected, None));
        }
    }
}

/// Events, postings and deliveries of a payment are for staff, not for its customer.
async fn only_staff_sees_what_happened(gate: &Gate, id: PaymentId) {
    let (engine, finance) = (&gate.engine, gate.finance());
    assert!(matches!(
        engine.office_events(&gate.customer("c-1"), id).await,
        Err(OfficeError::NotFound)
    ));
    assert!(
        engine
            .office_postings(&gate.customer("c-1"), id)
            .await
            .is_err()
    );
    assert!(
        engine
            .office_deliveries(&gate.customer("c-1"), id)
            .await
            .is_err()
    );
    let events = engine.office_events(&finance, id).await.expect("in reach");
    assert_eq!(events.len(), 2);
    assert_eq!(events[1].status, PaymentStatus::Captured);
    let postings = engine.office_postings(&finance, id).await;
    assert_eq!(postings.expect("in reach").len(), 1);
}

#[tokio::test]
async fn a_payer_reads_the_gateways_words_while_they_are_the_newest() {
    for kind in BOTH {
        let gate = Gate::open(kind).await;
        let engine = &gate.engine;
        let (customer, finance) = (gate.customer("c-1"), gate.finance());
        let id = gate.registered(gate.shop, "E-1", 5_000).await.line.id;
        let card = engine
            .office_payment(&customer, id)
            .await
            .expect("it is own");
        assert!(card.abilities.payable && card.line.error.is_none());
        let checkout = format!("https://gate.example/checkout/{}", id.uuid());
        assert_eq!(card.pay_url.as_deref(), Some(checkout.as_str()));

        // Rows 4 and 7: nothing of a period that is over, then the late failure.
        let first = gate.begin(&customer, id).await;
        gate.period_over(id, first).await;
        let card = engine
            .office_payment(&customer, id)
            .await
            .expect("it is own");
        assert_eq!(card.line.error, None);
        gate.told(id, first, "declined Not enough money on the account")
            .await;
        let card = engine
            .office_payment(&customer, id)
            .await
            .expect("it is own");
        let error = card.line.error.clone().expect("it is told");
        assert_eq!(error.code, DeclineCode::InsufficientFunds);
        let words = "Not enough money on the account";
        assert_eq!(error.message.as_deref(), Some(words));
        assert_eq!((card.operations.len(), card.incidents.len()), (0, 0));
        assert_eq!(card.completed_by, None);
        let staff = engine.office_payment(&finance, id).await.expect("in reach");
        let inner = staff.operations[0].error.clone().expect("it failed");
        assert_eq!(inner.gateway_code.as_deref(), Some("51"));
        assert_eq!(staff.operations[0].initiator, Initiator::Payer);
        assert_eq!(staff.operations[0].method.title.as_deref(), Some("Wallet"));

        // Row 11: while another try runs, the card says nothing; row 9: nor once it is paid.
        let second = gate.begin(&customer, id).await;
        let card = engine
            .office_payment(&customer, id)
            .await
            .expect("it is own");
        assert_eq!((card.line.error, card.abilities.payable), (None, false));
        gate.told(id, second, "approved").await;
        let card = engine
            .office_payment(&customer, id)
            .await
            .expect("it is own");
        assert_eq!(card.line.error, None);
        assert_eq!(card.line.status, PaymentStatus::Captured);
        assert_eq!((card.pay_url, card.abilities.refundable), (None, 0));

        only_staff_sees_what_happened(&gate, id).await;
        gate.audit().await;
    }
}

/// By card, or to choose: Checkout, and nothing has begun.
async fn checkout_opens(gate: &Gate, own: PaymentId) {
    let (engine, customer) = (&gate.engine, gate.customer("c-1"));
    for method in [None, Some("card".to_owned())] {
        let wish = TryWish {
            method,
            from_balance: None,
        };
        let begun = engine.office_begin_try(&customer, own, &wish).await;
        let begun = begun.expect("it is own");
        assert_eq!(begun.operation, None);
        let NextStep::Open { url, .. } = begun.next else {
            panic!("{:?}", begun.next)
        };
        assert!(url.starts_with("https://gate.example/checkout/"), "{url}");
    }
}

/// Who has no right registers nothing, and an order's reference is used once.
async fn registering_is_refused(gate: &Gate) {
    let engine = &gate.engine;
    let support = gate.caller(Role::Support, Scope::Merchant(gate.merchant));
    let refused = engine
        .office_register_payment(&support, new_payment(gate.shop, "S-1", 1))
        .await;
    assert!(matches!(refused, Err(OfficeError::Forbidden(_))));
    let reference = new_payment(gate.shop, "F-1", 100);
    let taken = engine
        .office_register_payment(&gate.root_operator(), reference)
        .await;
    let Err(OfficeError::Conflict("reference_taken", words)) = taken else {
        panic!("{taken:?}")
    };
    assert!(words.contains("pay_"), "{words}");
}

#[tokio::test]
async fn a_customer_registers_and_pays_for_nobody_else() {
    for kind in BOTH {
        let gate = Gate::open(kind).await;
        let engine = &gate.engine;
        let customer = gate.customer("c-1");
        let own = NewPayment {
            return_url: None,
            key: Some("k-1".to_owned()),
            reference: None,
            ..new_payment(gate.shop, "", 700)
        };
        // The shop does not know the customer before the first payment.
        let unknown = engine.office_register_payment(&customer, own.clone()).await;
        assert!(matches!(unknown, Err(OfficeError::NotFound)));
        gate.registered(gate.shop, "F-1", 100).await;
        let mut claimed = own.clone();
        claimed.customer.id = Some("c-2".to_owned());
        let card = engine.office_register_payment(&customer, claimed).await;
        let card = card.expect("it is registered");
        assert_eq!(card.line.customer_reference.as_deref(), Some("c-1"));
        assert_eq!(card.line.dialect, "backoffice");
        let again = engine.office_register_payment(&customer, own.clone()).await;
        assert_eq!(again.expect("a repeat").line.id, card.line.id);
        let more = NewPayment {
            amount: kzt(800),
            ..own.clone()
        };
        let differs = engine.office_register_payment(&customer, more).await;
        assert!(matches!(differs, Err(OfficeError::Conflict("key_used", _))));
        let held = NewPayment {
            way: Way::Hold,
            ..own.clone()
        };
        let held = engine.office_register_payment(&customer, held).await;
        assert!(matches!(held, Err(OfficeError::Invalid(_))));
        let abroad = NewPayment {
            project_id: gate.other,
            ..own
        };
        let abroad = engine.office_register_payment(&customer, abroad).await;
        assert!(matches!(abroad, Err(OfficeError::NotFound)));

        let mut foreign = new_payment(gate.shop, "F-2", 100);
        foreign.customer.id = Some("c-2".to_owned());
        let foreign = engine
            .office_register_payment(&gate.root_operator(), foreign)
            .await;
        let foreign = foreign.expect("it is registered").line.id;
        let wish = TryWish::default();
        let begun = engine.office_begin_try(&customer, foreign, &wish).await;
        assert!(matches!(begun, Err(OfficeError::NotFound)));
        checkout_opens(&gate, card.line.id).await;
        registering_is_refused(&gate).await;
        assert_eq!(gate.trail(card.line.id).await, ["payment.register_asked"]);
    }
}

#[tokio::test]
async fn wrong_payments_are_refused_place_by_place() {
    let gate = Gate::open(super::database::Kind::Sqlite).await;
    let good = || new_payment(gate.shop, "W-1", 100);
    let mut table = Vec::new();
    let mut wrong = |field: &'static str, change: &dyn Fn(&mut NewPayment)| {
        let mut new = good();
        change(&mut new);
        table.push((field, new));
    };
    wrong("amount", &|new| new.amount = kzt(0));
    wrong("reference", &|new| new.reference = Some(" ".to_owned()));
    wrong("reference", &|new| new.reference = Some("key/x".to_owned()));
    wrong("description", &|new| {
        new.description = Some("a\nb".to_owned())
    });
    wrong("payer.email", &|new| {
        new.customer.email = Some("x".to_owned())
    });
    wrong("payer.country", &|new| {
        new.customer.country = Some("kz".to_owned());
    });
    wrong("return_url", &|new| {
        new.return_url = Some("javascript:alert(1)".to_owned());
    });
    let past = altyn_domain::Timestamp::from_millis(1);
    wrong("expires_at", &|new| new.expires_at = Some(past));
    wrong("amount.currency", &|new| {
        let currency = Currency::from_alpha("USD").unwrap();
        new.amount = altyn_domain::Money::new(1, currency).unwrap();
    });
    let caller = gate.root_operator();
    for (field, new) in table {
        let refused = gate.engine.office_register_payment(&caller, new).await;
        let Err(OfficeError::Invalid(flaws)) = refused else {
            panic!("{field}: {refused:?}")
        };
        assert_eq!(flaws[0].field, field);
    }
}

#[tokio::test]
async fn who_looks_at_a_card_is_written_down_once_an_hour() {
    for kind in BOTH {
        let gate = Gate::open(kind).await;
        let engine = &gate.engine;
        let id = gate.registered(gate.shop, "K-1", 5_000).await.line.id;
        let number = "4111111111111111";
        let card = CardDetails {
            number: CardNumber::parse(number).unwrap(),
            expiry: Expiry::try_new(2030, 12).unwrap(),
            security_code: SecurityCode::parse("123", altyn_domain::CardBrand::Visa).unwrap(),
            holder: String::new(),
        };
        let owner = engine.owner_of(gate.shop).unwrap();
        let request = PayRequest::by_card(card, None::<BrowserFacts>, Initiator::Payer);
        engine.pay(&owner, id, request).await.expect("it is paid");
        let before = gate.trail(id).await.len();
        let finance = gate.finance();
        for _ in 0..3 {
            let seen = engine.office_payment(&finance, id).await.expect("in reach");
            let shown = seen.operations[0].card.clone().expect("by card");
            assert_eq!(shown.masked, "411111**1111");
            assert!(!format!("{seen:?}").contains(number));
        }
        engine
            .office_payments(&finance, &all())
            .await
            .expect("a page");
        let own = engine.office_payment(&gate.customer("c-1"), id).await;
        assert_eq!(own.expect("it is own").operations, []);
        let written = gate.trail(id).await.split_off(before);
        assert_eq!(written, ["payment.card_read"]);
        gate.advance_ms(3_600_000);
        engine.office_payment(&finance, id).await.expect("in reach");
        let other = gate.root_operator();
        engine.office_payment(&other, id).await.expect("in reach");
        assert_eq!(gate.trail(id).await.len(), before + 3);
    }
}
