//! Captures, voids, refunds and withdrawals that staff asks for.

use altyn_domain::{
    DeclineCode, Initiator, OperationState, Outcome, PaymentId, PaymentStatus, Refusal, Role,
    Scope, Way,
};

use super::database::BOTH;
use super::gate::{Gate, kzt, new_payment, why};
use crate::office::{CaptureWish, NewPayment, Why};
use crate::{EngineError, OfficeError, PayRequest};

/// A hold of that much.
async fn held(gate: &Gate, reference: &str, minor: i64) -> PaymentId {
    let new = NewPayment {
        way: Way::Hold,
        ..new_payment(gate.shop, reference, minor)
    };
    let root = gate.root_operator();
    let made = gate.engine.office_register_payment(&root, new).await;
    let id = made.expect("it is registered").line.id;
    let owner = gate.engine.owner_of(gate.shop).unwrap();
    let request = PayRequest::by_method("wallet", Initiator::Payer);
    gate.engine
        .pay(&owner, id, request)
        .await
        .expect("it is held");
    id
}

fn part(minor: i64) -> CaptureWish {
    CaptureWish {
        amount: Some(kzt(minor)),
        release_rest: false,
    }
}

#[tokio::test]
async fn a_gateway_that_gives_the_rest_back_is_not_left_with_one() {
    for kind in BOTH {
        let gate = Gate::open(kind).await;
        let (engine, finance) = (&gate.engine, gate.finance());
        let id = held(&gate, "H-2", 1_000).await;
        gate.gateway.gives_rest_back();
        let refused = engine
            .office_capture(&finance, id, part(300), &why(Some("k")))
            .await;
        let cannot = EngineError::Refused(Refusal::MethodCannot(DeclineCode::OperationNotAllowed));
        match refused {
            Err(OfficeError::Engine(error)) => assert_eq!(error.to_string(), cannot.to_string()),
            other => panic!("{other:?}"),
        }
        // Nothing was sent: the whole hold is there, and a part can be taken if the rest may go.
        let wish = CaptureWish {
            release_rest: true,
            ..part(300)
        };
        let taken = engine
            .office_capture(&finance, id, wish, &why(Some("k")))
            .await
            .expect("it is captured");
        assert_eq!(taken.payment.sums.captured, 300);
        assert_eq!(taken.payment.sums.voided, 700);
        // All that is held leaves no rest.
        let whole = held(&gate, "H-3", 1_000).await;
        let taken = engine
            .office_capture(&finance, whole, part(1_000), &why(Some("k-2")))
            .await
            .expect("it is captured");
        assert_eq!(taken.payment.sums.captured, 1_000);
    }
}

#[tokio::test]
async fn a_repeated_capture_takes_nothing_more() {
    for kind in BOTH {
        let gate = Gate::open(kind).await;
        let (engine, finance) = (&gate.engine, gate.finance());
        let id = held(&gate, "H-1", 1_000).await;
        let card = engine.office_payment(&finance, id).await.expect("in reach");
        assert_eq!(card.abilities.capturable, 1_000);
        assert_eq!(card.abilities.voidable, 1_000);

        let first = engine
            .office_capture(&finance, id, part(300), &why(Some("k")))
            .await
            .expect("it is captured");
        assert!(!first.repeated);
        assert_eq!(first.operation.state, OperationState::Succeeded);
        assert_eq!(first.operation.initiator, Initiator::Operator);
        let reason = "the payer asked for it";
        assert_eq!(first.operation.description.as_deref(), Some(reason));
        let again = engine
            .office_capture(&finance, id, part(300), &why(Some("k")))
            .await
            .expect("a repeat");
        assert!(again.repeated && again.operation.number == first.operation.number);
        assert_eq!(again.payment.sums.captured, 300);
        // The same key for another sum.
        let other = engine
            .office_capture(&finance, id, part(200), &why(Some("k")))
            .await;
        assert!(matches!(other, Err(OfficeError::Conflict("key_used", _))));
        // The same key of another person is another key.
        let root = gate.root_operator();
        let other = engine
            .office_capture(&root, id, part(300), &why(Some("k")))
            .await
            .expect("it is captured");
        assert_eq!(other.payment.sums.captured, 600);
        let void = engine
            .office_void(&finance, id, None, &why(Some("k")))
            .await
            .expect("the rest is given up");
        assert_eq!(
            (void.operation.amount, void.payment.sums.voided),
            (400, 400)
        );
        let again = engine
            .office_void(&finance, id, None, &why(Some("k")))
            .await;
        assert!(again.expect("a repeat").repeated);

        let refund = engine
            .office_refund(&finance, id, Some(kzt(600)), &why(Some("k")))
            .await
            .expect("it goes back");
        assert_eq!(refund.payment.status, PaymentStatus::Refunded);
        let again = engine
            .office_refund(&finance, id, Some(kzt(600)), &why(Some("k")))
            .await;
        assert!(again.expect("a repeat").repeated);
        let card = engine.office_payment(&finance, id).await.expect("in reach");
        let able = card.abilities;
        assert_eq!((able.refundable, able.capturable, able.voidable), (0, 0, 0));
        gate.audit().await;
    }
}

#[tokio::test]
async fn what_was_asked_for_is_written_down_before_it_is_done() {
    for kind in BOTH {
        let gate = Gate::open(kind).await;
        let (engine, finance) = (&gate.engine, gate.finance());
        let id = held(&gate, "H-2", 1_000).await;
        gate.gateway.answers(Outcome::Unknown);
        let open = engine
            .office_capture(&finance, id, CaptureWish::default(), &why(None))
            .await
            .expect("it is asked for");
        // Silence is neither success nor refusal.
        assert_eq!(open.operation.state, OperationState::Pending);
        let busy = engine.office_void(&finance, id, None, &why(None)).await;
        assert!(matches!(
            busy,
            Err(OfficeError::Engine(EngineError::Refused(_)))
        ));
        let card = engine.office_payment(&finance, id).await.expect("in reach");
        assert_eq!((card.abilities.capturable, card.abilities.voidable), (0, 0));
        let support = gate.caller(Role::Support, Scope::Merchant(gate.merchant));
        let refused = engine.office_void(&support, id, None, &why(None)).await;
        assert!(matches!(refused, Err(OfficeError::Forbidden(_))));
        let west = gate.caller(Role::Finance, Scope::Reseller(gate.west));
        let unseen = engine.office_void(&west, id, None, &why(None)).await;
        assert!(matches!(unseen, Err(OfficeError::NotFound)));
        let wordless = Why {
            reason: " ".to_owned(),
            key: None,
        };
        let wordless = engine.office_void(&finance, id, None, &wordless).await;
        assert!(matches!(wordless, Err(OfficeError::Invalid(_))));
        assert_eq!(
            gate.trail(id).await,
            [
                "payment.register_asked",
                "payment.capture_asked",
                "payment.void_asked"
            ]
        );
        let id = gate.registered(gate.shop, "H-3", 100).await.line.id;
        let gone = engine.office_cancel(&finance, id, &why(None)).await;
        assert_eq!(gone.expect("withdrawn").status, PaymentStatus::Cancelled);
        assert!(
            engine
                .office_cancel(&finance, id, &why(None))
                .await
                .is_err()
        );
        gate.audit().await;
    }
}
