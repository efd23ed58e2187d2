//! What waits for a person: surplus money in suspense.

use altyn_domain::{IncidentKind, PaymentId, PaymentStatus, Role, Scope};

use super::database::BOTH;
use super::gate::{Gate, kzt, why};
use crate::office::{IncidentQuery, SurplusPlace};
use crate::{Caller, IncidentVerdict, OfficeError};

/// A part of the surplus goes back, once, and only from an operation that is one.
async fn part_of_surplus_goes_back(gate: &Gate, id: PaymentId, surplus: u32) {
    let (engine, finance) = (&gate.engine, gate.finance());
    let card = engine.office_payment(&finance, id).await.expect("in reach");
    assert_eq!((card.incidents.len(), card.incidents_open), (1, Some(1)));
    assert_eq!(card.abilities.surplus_returns, [(surplus, 5_000)]);
    let place = SurplusPlace {
        payment_id: id,
        operation: surplus,
    };
    let amount = Some(kzt(2_000));
    let back = engine
        .office_return_surplus(&finance, place, amount, &why(Some("s")))
        .await
        .expect("it goes back");
    assert!(back.operation.surplus && !back.operation.credited);
    assert_eq!(back.payment.status, PaymentStatus::Captured);
    let again = engine
        .office_return_surplus(&finance, place, amount, &why(Some("s")))
        .await;
    assert!(again.expect("a repeat").repeated);
    let card = engine.office_payment(&finance, id).await.expect("in reach");
    assert_eq!(card.abilities.surplus_returns, [(surplus, 3_000)]);
    let not_one = SurplusPlace {
        payment_id: id,
        operation: 1,
    };
    let refused = engine
        .office_return_surplus(&finance, not_one, None, &why(None))
        .await;
    assert!(matches!(refused, Err(OfficeError::NotFound)));
}

/// Those of one payment are found by it, by whoever reaches it.
async fn incidents_of_one_payment(gate: &Gate, id: PaymentId, west: &Caller) {
    let query = IncidentQuery {
        payment_id: Some(id),
        limit: 10,
        ..IncidentQuery::default()
    };
    let page = gate.engine.office_incidents(&gate.finance(), &query).await;
    let page = page.expect("a page");
    let found: Vec<_> = page.items.iter().map(|one| one.payment_id).collect();
    assert_eq!((found, page.next), (vec![id], None));
    let nothing = gate.engine.office_incidents(west, &query).await;
    assert_eq!(nothing.expect("a page").items, []);
}

/// Only who may closes the incident, and only once.
async fn incident_is_closed_once(gate: &Gate, id: PaymentId, west: &Caller) {
    let (engine, finance) = (&gate.engine, gate.finance());
    let (root, noted) = (gate.root_operator(), IncidentVerdict::Noted);
    let note = || "given back in part".to_owned();
    let forbidden = engine
        .office_resolve_incident(&finance, id, 1, noted, note())
        .await;
    assert!(matches!(forbidden, Err(OfficeError::Forbidden(_))));
    let unseen = engine
        .office_resolve_incident(west, id, 1, noted, note())
        .await;
    assert!(matches!(unseen, Err(OfficeError::NotFound)));
    let decided = engine
        .office_resolve_incident(&root, id, 1, IncidentVerdict::Approved, note())
        .await;
    assert!(matches!(
        decided,
        Err(OfficeError::Conflict("nothing_to_decide", _))
    ));
    let unknown = engine
        .office_resolve_incident(&root, id, 7, noted, note())
        .await;
    assert!(matches!(unknown, Err(OfficeError::NotFound)));
    engine
        .office_resolve_incident(&root, id, 1, noted, note())
        .await
        .expect("it is closed");
    let card = engine.office_payment(&root, id).await.expect("in reach");
    assert_eq!((card.incidents.len(), card.incidents_open), (1, Some(0)));
    let twice = engine
        .office_resolve_incident(&root, id, 1, noted, note())
        .await;
    assert!(matches!(
        twice,
        Err(OfficeError::Conflict("incident_closed", _))
    ));
}

#[tokio::test]
async fn a_surplus_in_suspense_is_seen_given_back_and_closed() {
    for kind in BOTH {
        let gate = Gate::open(kind).await;
        let (engine, finance) = (&gate.engine, gate.finance());
        let (id, surplus) = gate.paid_twice(gate.manual, "I-1", 5_000).await;
        let (second, _) = gate.paid_twice(gate.manual, "I-2", 5_000).await;
        let query = IncidentQuery {
            limit: 1,
            ..IncidentQuery::default()
        };
        let page = engine.office_incidents(&finance, &query).await;
        let page = page.expect("a page");
        assert_eq!(page.items[0].payment_id, second);
        let next = IncidentQuery {
            after: page.next,
            ..query.clone()
        };
        let page = engine.office_incidents(&finance, &next).await;
        let page = page.expect("a page");
        assert_eq!((page.items[0].payment_id, page.next), (id, None));
        assert_eq!(page.items[0].incident.kind, IncidentKind::Surplus);
        let west = gate.caller(Role::ResellerOperator, Scope::Reseller(gate.west));
        let nothing = engine.office_incidents(&west, &query).await;
        assert_eq!(nothing.expect("a page").items, []);

        incidents_of_one_payment(&gate, id, &west).await;
        part_of_surplus_goes_back(&gate, id, surplus).await;

        incident_is_closed_once(&gate, id, &west).await;
        assert!(
            gate.trail(id)
                .await
                .contains(&"incident.resolve_asked".to_owned())
        );
        gate.audit().await;
    }
}
