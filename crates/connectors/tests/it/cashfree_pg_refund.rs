//! Generation 2 of the wallet partner: refunds.

use altyn_domain::{DeclineCode, HttpMethod, Outcome, Step, Timestamp};

use crate::cashfree::{Bench, NOW, ask, begin, rupees};
use crate::cashfree_pg::{body, header, problem};

fn refund(bench: &Bench, status: &str) -> String {
    format!(
        "{{\"entity\":\"refund\",\"cf_refund_id\":7654321,\"cf_payment_id\":201738090,\
         \"order_id\":\"{}\",\"refund_id\":\"{}\",\"refund_amount\":150.00,\
         \"refund_currency\":\"INR\",\"refund_status\":\"{status}\",\"refund_arn\":\"arn-1\",\
         \"refund_type\":\"MERCHANT_INITIATED\",\"processed_at\":\"2020-08-24T15:03:56+05:30\"}}",
        bench.id(1),
        bench.id(2)
    )
}

#[test]
fn a_refund_says_what_the_contract_wants() {
    let mut bench = Bench::new("2");
    let request = bench.request(&begin(), 2).unwrap();
    let url = format!(
        "https://test.partner.example/pg/orders/{}/refunds",
        bench.id(1)
    );
    assert_eq!(
        (request.method, request.url.as_str()),
        (HttpMethod::Post, url.as_str())
    );
    let key = |number: u32| Some(format!("{}-{number}", bench.id(2)));
    let sent = header(&request, "x-idempotency-key").map(str::to_owned);
    assert_eq!(
        sent,
        key(1),
        "a refund that was sent again has a new key, and the same name"
    );
    let text = String::from_utf8(request.body.clone()).unwrap();
    assert!(text.contains("\"refund_amount\":150.00,"), "{text}");
    let told = body(&request);
    assert_eq!(
        (&told["refund_id"], &told["refund_note"]),
        (&bench.id(2).into(), &"refund".into())
    );
    assert!((3..=40).contains(&bench.id(2).len()));
    bench.payment.operations[1].description = Some("SUCCESS".to_owned());
    bench.payment.operations[1].amount = 5;
    let told = body(&bench.request(&begin(), 2).unwrap());
    assert_eq!(
        (&told["refund_amount"], &told["refund_note"]),
        (&0.05.into(), &"SUCCESS".into())
    );
    let status = bench.request(&ask(), 2).unwrap();
    assert_eq!(
        (status.method, status.url),
        (HttpMethod::Get, format!("{url}/{}", bench.id(2)))
    );
}

#[test]
fn a_refund_has_these_statuses() {
    let bench = Bench::new("2");
    let declined = Outcome::Declined(DeclineCode::General);
    let table = [
        ("SUCCESS", Outcome::Approved),
        ("PENDING", Outcome::Pending),
        ("ONHOLD", Outcome::Pending),
        ("CANCELLED", declined.clone()),
        ("FAILED", declined),
        ("ACTIVE", Outcome::Unknown),
        ("", Outcome::Unknown),
    ];
    for (status, expected) in table {
        for kind in [begin(), ask()] {
            let outcome = bench.outcome((&kind, 2, 0), 200, &refund(&bench, status));
            assert_eq!(outcome, expected, "{status}");
            let late = bench.step((&kind, 2, 0), 500, &refund(&bench, status));
            assert_eq!(late, Step::unknown(), "a 500 may be an old answer");
        }
    }
    let facts = bench
        .report((&ask(), 2, 0), 200, &refund(&bench, "SUCCESS"))
        .facts;
    assert_eq!(facts.connector_reference.as_deref(), Some("7654321"));
    assert_eq!(facts.rrn.as_deref(), Some("arn-1"));
    assert_eq!(facts.gateway_code.as_deref(), Some("SUCCESS"));
    assert_eq!(facts.amount, rupees(15_000));
    assert_eq!(
        facts.happened_at,
        Some(Timestamp::from_millis(1_598_261_636_000))
    );
    assert!(facts.happened_at < Some(NOW));

    let good = refund(&bench, "SUCCESS");
    for spoilt in [
        good.replace(&bench.id(2), &bench.id(3)),
        good.replace(&bench.id(1), &bench.id(4)),
        good.replace("150.00", "150.001"),
        good.replace("150.00", "null"),
        good.replace("INR", "???"),
    ] {
        assert_eq!(bench.step((&ask(), 2, 0), 200, &spoilt), Step::unknown());
    }
}

#[test]
fn a_refused_refund_declines_only_if_nothing_was_made() {
    let bench = Bench::new("2");
    let table = [
        (
            400,
            "refund_amount_invalid",
            Outcome::Declined(DeclineCode::General),
        ),
        (400, "refund_already_exists", Outcome::Unknown),
        (401, "request_failed", Outcome::Unknown),
        (404, "order_not_found", Outcome::Unknown),
        (409, "refund_already_exists", Outcome::Unknown),
        (422, "request_invalid", Outcome::Unknown),
        (429, "too_many_requests", Outcome::Unknown),
        (500, "internal_error", Outcome::Unknown),
    ];
    for (status, code, expected) in table {
        let answer = problem(code, "invalid_request_error");
        assert_eq!(
            bench.outcome((&begin(), 2, 0), status, &answer),
            expected,
            "{status} {code}"
        );
    }
    assert_eq!(
        bench.step((&begin(), 2, 0), 400, "Bad Request"),
        Step::unknown()
    );
}
