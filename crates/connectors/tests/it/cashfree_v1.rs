//! Generation 1 of the wallet partner: forms, and answers that say OK or ERROR.

use std::collections::BTreeMap;

use altyn_domain::{
    ConnectorError, DeclineCode, HttpMethod, HttpRequest, Notice, NoticeReading, NoticeRefusal,
    Outcome, PayerAction, Step, Timestamp,
};

use crate::cashfree::{Bench, NOW, SECRET, ask, begin, rupees, sign};

fn form(request: &HttpRequest) -> BTreeMap<String, String> {
    assert_eq!(request.method, HttpMethod::Post);
    let content_type = "application/x-www-form-urlencoded".to_owned();
    assert_eq!(request.headers, vec![("content-type", content_type)]);
    form_urlencoded::parse(&request.body).into_owned().collect()
}

fn fields<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    let credentials = [("appId", "demo-app-1"), ("secretKey", SECRET)];
    let all = credentials.into_iter().chain(pairs);
    all.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn an_order_is_a_form_with_the_credentials() {
    let bench = Bench::new("1");
    let request = bench.request(&begin(), 1).unwrap();
    assert_eq!(
        request.url,
        "https://test.partner.example/api/v1/order/create"
    );
    let expected = fields([
        ("orderId", &bench.id(1)),
        ("orderAmount", "150.00"),
        ("orderCurrency", "INR"),
        ("orderNote", "Tea & cups"),
        ("customerName", "Mary Smith"),
        ("customerEmail", "mary@shop.example"),
        ("customerPhone", "9876543210"),
        ("returnUrl", "https://gate.example/checkout/p/back?a=b&c=d"),
        ("notifyUrl", "https://gate.example/notices/p/1"),
    ]);
    assert_eq!(form(&request), expected);
}

#[test]
fn a_payer_who_is_not_known_is_still_let_in() {
    let mut bench = Bench::new("1");
    bench.payment.order = std::sync::Arc::default();
    let sent = form(&bench.request(&begin(), 1).unwrap());
    let of = |name: &str| sent.get(name).map(String::as_str);
    assert_eq!(of("customerName"), Some("Customer"));
    assert_eq!(of("customerEmail"), Some("no-reply@example.com"));
    assert_eq!(of("customerPhone"), Some("9999999999"));
    assert_eq!(of("orderNote"), Some(""));
}

#[test]
fn a_payment_link_is_a_post_without_fields() {
    let bench = Bench::new("1");
    let link = "https://test.partner.example/billpay/order/3k9x";
    let body = format!("{{\"status\":\"OK\",\"paymentLink\":\"{link}\"}}");
    let report = bench.report((&begin(), 1, 0), 200, &body);
    let redirect = PayerAction::Redirect {
        url: link.to_owned(),
        method: HttpMethod::Post,
        fields: BTreeMap::new(),
    };
    assert_eq!(
        (report.outcome, report.action),
        (Outcome::Pending, Some(redirect))
    );
}

#[test]
fn an_error_declines_only_if_nothing_can_have_been_made() {
    let bench = Bench::new("1");
    let table = [
        (
            200,
            "{\"status\":\"ERROR\",\"reason\":\"orderAmount is invalid\"}",
            Outcome::Declined(DeclineCode::Technical),
        ),
        (
            200,
            "{\"status\":\"ERROR\",\"message\":\"VALIDATION_ERROR\"}",
            Outcome::Declined(DeclineCode::Technical),
        ),
        (
            200,
            "{\"status\":\"ERROR\",\"reason\":\"orderId already exists\"}",
            Outcome::Unknown,
        ),
        (
            200,
            "{\"status\":\"ERROR\",\"reason\":\"please wait\"}",
            Outcome::Unknown,
        ),
        (200, "{\"status\":\"ERROR\"}", Outcome::Unknown),
        (200, "{\"status\":\"OK\"}", Outcome::Unknown),
        (
            200,
            "{\"status\":\"OK\",\"paymentLink\":\"\"}",
            Outcome::Unknown,
        ),
        (
            200,
            "{\"status\":\"OK\",\"paymentLink\":\"javascript:alert(1)\"}",
            Outcome::Unknown,
        ),
        (
            200,
            "{\"status\":\"FINE\",\"paymentLink\":\"https://a.example\"}",
            Outcome::Unknown,
        ),
        (200, "", Outcome::Unknown),
        (200, "<html>", Outcome::Unknown),
        (200, "[]", Outcome::Unknown),
        (
            500,
            "{\"status\":\"OK\",\"paymentLink\":\"https://a.example\"}",
            Outcome::Unknown,
        ),
        (
            429,
            "{\"status\":\"ERROR\",\"reason\":\"invalid\"}",
            Outcome::Unknown,
        ),
        (
            401,
            "{\"status\":\"ERROR\",\"reason\":\"invalid\"}",
            Outcome::Unknown,
        ),
    ];
    for (status, body, expected) in table {
        assert_eq!(
            bench.outcome((&begin(), 1, 0), status, body),
            expected,
            "{status} {body}"
        );
    }
}

#[test]
fn an_enquiry_reads_every_status() {
    let bench = Bench::new("1");
    let request = bench.request(&ask(), 1).unwrap();
    assert_eq!(
        request.url,
        "https://test.partner.example/api/v1/order/info/status"
    );
    assert_eq!(form(&request), fields([("orderId", &bench.id(1))]));
    let cancelled = Outcome::Declined(DeclineCode::CancelledByPayer);
    let table = [
        ("PAID", "SUCCESS", Outcome::Approved),
        ("ACTIVE", "FAILED", Outcome::Declined(DeclineCode::General)),
        ("ACTIVE", "CANCELLED", cancelled.clone()),
        ("ACTIVE", "USER_DROPPED", cancelled),
        ("ACTIVE", "PENDING", Outcome::Pending),
        ("PROCESSED", "FLAGGED", Outcome::Pending),
        ("ACTIVE", "INCOMPLETE", Outcome::Pending),
        ("ACTIVE", "VOID", Outcome::Voided),
        // A paid order has no failed end.
        ("PAID", "FAILED", Outcome::Unknown),
        ("PAID", "CANCELLED", Outcome::Unknown),
        ("PAID", "VOID", Outcome::Unknown),
        ("PAID", "", Outcome::Unknown),
        ("ACTIVE", "", Outcome::Pending),
        ("EXPIRED", "", Outcome::Declined(DeclineCode::TimeOver)),
        ("TERMINATED", "", Outcome::Declined(DeclineCode::TimeOver)),
        ("TERMINATION_REQUESTED", "", Outcome::Unknown),
        ("", "", Outcome::Unknown),
        ("ACTIVE", "success", Outcome::Unknown),
        ("ACTIVE", "WHAT", Outcome::Unknown),
    ];
    for (order, tx, expected) in table {
        let body = format!(
            "{{\"status\":\"OK\",\"orderStatus\":\"{order}\",\"orderAmount\":\"150.00\",\"txStatus\":\"{tx}\"}}"
        );
        assert_eq!(
            bench.outcome((&ask(), 1, 0), 200, &body),
            expected,
            "{order} {tx}"
        );
        assert_eq!(bench.step((&ask(), 1, 0), 500, &body), Step::unknown());
        assert_eq!(bench.step((&ask(), 1, 0), 201, &body), Step::unknown());
    }
}

#[test]
fn a_success_comes_with_its_facts() {
    let bench = Bench::new("1");
    let body = "{\"orderStatus\":\"PAID\",\"orderAmount\":\"150.00\",\"status\":\"OK\",\
        \"txStatus\":\"SUCCESS\",\"txTime\":\"2020-08-24 15:03:56\",\"txMsg\":null,\
        \"referenceId\":201738090,\"paymentMode\":\"Wallet\",\"orderCurrency\":\"INR\",\
        \"paymentDetails\":{\"paymentMode\":\"Wallet\"}}";
    let facts = bench.report((&ask(), 1, 0), 200, body).facts;
    assert_eq!(facts.connector_reference.as_deref(), Some("201738090"));
    assert_eq!(facts.gateway_code.as_deref(), Some("SUCCESS"));
    assert_eq!(
        facts.happened_at,
        Some(Timestamp::from_millis(1_598_261_636_000))
    );
    assert_eq!(facts.amount, rupees(15_000));
}

#[test]
fn a_success_without_a_clear_amount_or_about_another_order_is_not_believed() {
    let bench = Bench::new("1");
    let with = |more: &str| {
        format!("{{\"status\":\"OK\",\"orderStatus\":\"PAID\",\"txStatus\":\"SUCCESS\"{more}}}")
    };
    for more in [
        "",
        ",\"orderAmount\":\"150.001\"",
        ",\"orderAmount\":\"\"",
        ",\"orderAmount\":\"-150\"",
        ",\"orderAmount\":\"150,00\"",
        ",\"orderAmount\":150.00,\"orderCurrency\":\"???\"",
        ",\"orderAmount\":150.00,\"orderId\":\"WP-1001\"",
        ",\"orderAmount\":150.00,\"orderAmount\":150.00",
    ] {
        assert_eq!(
            bench.step((&ask(), 1, 0), 200, &with(more)),
            Step::unknown(),
            "{more}"
        );
    }
    for (more, amount) in [
        (",\"orderAmount\":150", rupees(15_000)),
        (",\"orderAmount\":150.0", rupees(15_000)),
        (",\"orderAmount\":\"150.000\"", rupees(15_000)),
        (",\"orderAmount\":1.5E2", rupees(15_000)),
        (",\"orderAmount\":149.99", rupees(14_999)),
    ] {
        let report = bench.report((&ask(), 1, 0), 200, &with(more));
        assert_eq!(
            (report.outcome, report.facts.amount),
            (Outcome::Approved, amount),
            "{more}"
        );
    }
}

#[test]
fn an_order_that_is_not_there() {
    let bench = Bench::new("1");
    let body = "{\"status\":\"ERROR\",\"reason\":\"Order Id does not exist\"}";
    assert_eq!(bench.step((&ask(), 1, 0), 200, body), Step::NotFound);
    let other = "{\"status\":\"ERROR\",\"reason\":\"Authentication failed\"}";
    assert_eq!(bench.step((&ask(), 1, 0), 200, other), Step::unknown());
}

#[test]
fn a_refund_names_the_partner_s_number() {
    let mut bench = Bench::new("1");
    assert_eq!(
        bench.request(&begin(), 2),
        Err(ConnectorError::Unsupported),
        "no number yet"
    );
    bench.facts_of(1).connector_reference = Some("201738090".to_owned());
    bench.payment.operations[1].description = Some("changed their mind ".repeat(9));
    let request = bench.request(&begin(), 2).unwrap();
    assert_eq!(
        request.url,
        "https://test.partner.example/api/v1/order/refund"
    );
    let sent = form(&request);
    assert_eq!(sent.get("refundNote").map(|note| note.len()), Some(90));
    let expected = fields([
        ("referenceId", "201738090"),
        ("refundAmount", "150.00"),
        ("refundNote", "refund"),
        ("merchantRefundId", &bench.id(3)),
    ]);
    assert_eq!(form(&bench.request(&begin(), 3).unwrap()), expected);
    assert!(bench.id(99).len() <= 35, "the partner takes no longer one");
}

#[test]
fn a_refund_that_was_taken_is_pending() {
    let bench = Bench::new("1");
    let taken =
        "{\"status\":\"OK\",\"message\":\"Refund has been initiated.\",\"refundId\":7654321}";
    let report = bench.report((&begin(), 2, 0), 200, taken);
    assert_eq!(report.outcome, Outcome::Pending);
    assert_eq!(report.facts.connector_reference.as_deref(), Some("7654321"));
    let table = [
        (
            "refundAmount should be less than 150",
            Outcome::Declined(DeclineCode::General),
        ),
        ("merchantRefundId already exists", Outcome::Unknown),
        ("try later", Outcome::Unknown),
    ];
    for (reason, expected) in table {
        let body = format!("{{\"status\":\"ERROR\",\"reason\":\"{reason}\"}}");
        assert_eq!(
            bench.outcome((&begin(), 2, 0), 200, &body),
            expected,
            "{reason}"
        );
    }
    assert_eq!(bench.step((&begin(), 2, 0), 500, taken), Step::unknown());
}

#[test]
fn a_refund_is_processed_or_not_yet() {
    let mut bench = Bench::new("1");
    let request = bench.request(&ask(), 2).unwrap();
    assert_eq!(
        request.url,
        "https://test.partner.example/api/v1/refundStatus"
    );
    assert_eq!(form(&request), fields([("merchantRefundId", &bench.id(2))]));
    let refund = |processed: &str, more: &str| {
        let order = bench.id(1);
        format!(
            "{{\"refundId\":7654321,\"orderId\":\"{order}\",\"arn\":\"arn-1\",\"refernceId\":201738090,\
             \"txAmount\":150.00,\"refundAmount\":150.00,\"refundNote\":\"refund\",\
             \"processed\":\"{processed}\",\"initiatedOn\":\"2020-08-24 15:03:56\",\
             \"processedOn\":\"2020-08-24 15:03:56\"{more}}}"
        )
    };
    let answer = |refund: &str| format!("{{\"status\":\"OK\",\"refund\":{refund}}}");
    let outcome = |body: &str| bench.outcome((&ask(), 2, 0), 200, body);
    let (yes, no) = (refund("YES", ""), refund("NO", ""));
    assert_eq!(outcome(&answer(&yes)), Outcome::Approved);
    assert_eq!(outcome(&answer(&format!("[{yes}]"))), Outcome::Approved);
    assert_eq!(outcome(&answer(&no)), Outcome::Pending);
    let facts = bench.report((&ask(), 2, 0), 200, &answer(&yes)).facts;
    assert_eq!(facts.connector_reference.as_deref(), Some("7654321"));
    assert_eq!(facts.rrn.as_deref(), Some("arn-1"));
    assert_eq!(facts.amount, rupees(15_000));
    assert_eq!(
        facts.happened_at,
        Some(Timestamp::from_millis(1_598_261_636_000))
    );

    let ours = format!(",\"merchantRefundId\":\"{}\"", bench.id(2));
    let other = format!(",\"merchantRefundId\":\"{}\"", bench.id(3));
    let both = format!("[{},{}]", refund("NO", &other), refund("YES", &ours));
    assert_eq!(outcome(&answer(&both)), Outcome::Approved);
    for body in [
        answer(&refund("YES", &other)),
        answer(&format!("[{yes},{yes}]")),
        answer("[]"),
        answer("null"),
        answer(&refund("MAYBE", "")),
        answer(&refund("", "")),
        answer(&yes.replace(&bench.id(1), &bench.id(4))),
        answer(&yes.replace("\"refundAmount\":150.00,", "")),
        answer(&yes.replace("\"refundAmount\":150.00", "\"refundAmount\":\"much\"")),
        "{\"status\":\"OK\"}".to_owned(),
    ] {
        assert_eq!(outcome(&body), Outcome::Unknown, "{body}");
    }
    let gone = "{\"status\":\"ERROR\",\"message\":\"Refund does not exist\"}";
    assert_eq!(bench.step((&ask(), 2, 0), 200, gone), Step::NotFound);
    bench.facts_of(2).connector_reference = Some("1111111".to_owned());
    assert_eq!(
        bench.step((&ask(), 2, 0), 200, &answer(&yes)),
        Step::unknown()
    );
}

const NAMES: [&str; 7] = [
    "orderId",
    "orderAmount",
    "referenceId",
    "txStatus",
    "paymentMode",
    "txMsg",
    "txTime",
];

fn posted<V: AsRef<str>>(values: &[V; 7], signature: Option<&str>) -> Notice {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(NAMES.iter().zip(values));
    if let Some(signature) = signature {
        body.append_pair("signature", signature);
    }
    Notice {
        headers: Vec::new(),
        body: body.finish().into_bytes(),
        at: NOW,
    }
}

fn signed<V: AsRef<str>>(values: &[V; 7]) -> Notice {
    let text: String = values.iter().map(AsRef::as_ref).collect();
    posted(values, Some(&sign(text.as_bytes())))
}

fn told(order_id: &str, status: &str) -> [String; 7] {
    [
        order_id,
        "150.00",
        "201738090",
        status,
        "Wallet",
        "Transaction Successful",
        "2020-08-24 15:03:56",
    ]
    .map(str::to_owned)
}

#[test]
fn the_signature_of_the_vector_is_accepted() {
    let notice = posted(
        &told("WP-1001", "SUCCESS"),
        Some("zDdm96wXRSC+Fovq+aAbFkORfur+PS72etcgoM/kLpU="),
    );
    // The signature is right, the order is not ours.
    assert_eq!(
        Bench::new("1").notice(1, &notice),
        Err(NoticeRefusal::OtherOrder)
    );
}

#[test]
fn row_49_everything_is_a_question_and_another_amount_is_told() {
    let bench = Bench::new("1");
    let mut values = told(&bench.id(1), "SUCCESS");
    // Nothing that is signed names the currency, so even the asked amount is only a reason to ask.
    assert_eq!(
        bench.notice(1, &signed(&values)),
        Ok(NoticeReading::Enquire(1))
    );
    values[1] = "149.00".to_owned();
    for _ in 0..2 {
        let Ok(NoticeReading::Report(1, report)) = bench.notice(1, &signed(&values)) else {
            panic!("no report")
        };
        assert_eq!(report.outcome, Outcome::Approved);
        assert_eq!(report.facts.amount, rupees(14_900));
        assert_eq!(
            report.facts.connector_reference.as_deref(),
            Some("201738090")
        );
        assert_eq!(
            report.facts.happened_at,
            Some(Timestamp::from_millis(1_598_261_636_000))
        );
    }
    for status in [
        "FAILED",
        "CANCELLED",
        "USER_DROPPED",
        "PENDING",
        "FLAGGED",
        "INCOMPLETE",
        "VOID",
        "VALIDATION_ERROR",
        "WHAT",
        "",
    ] {
        let notice = signed(&told(&bench.id(1), status));
        assert_eq!(
            bench.notice(1, &notice),
            Ok(NoticeReading::Enquire(1)),
            "{status}"
        );
    }
    for amount in ["150.001", "150", "150.0", "much", ""] {
        let mut values = told(&bench.id(1), "SUCCESS");
        values[1] = amount.to_owned();
        assert_eq!(
            bench.notice(1, &signed(&values)),
            Ok(NoticeReading::Enquire(1)),
            "{amount}"
        );
    }
    let mut other_amount = told(&bench.id(1), "SUCCESS");
    other_amount[1] = "149.99".to_owned();
    let Ok(NoticeReading::Report(1, report)) = bench.notice(1, &signed(&other_amount)) else {
        panic!("no report")
    };
    assert_eq!(
        report.facts.amount,
        rupees(14_999),
        "the engine sees that it is another amount"
    );
}

#[test]
fn a_notice_about_something_else_is_refused() {
    let bench = Bench::new("1");
    for (number, order) in [(1, 4), (4, 1), (1, 2), (2, 2)] {
        let notice = signed(&told(&bench.id(order), "SUCCESS"));
        let refused = Err(NoticeRefusal::OtherOrder);
        assert_eq!(
            bench.notice(number, &notice),
            refused,
            "{order} at {number}"
        );
    }
    // The address of a refund hears nothing in this generation.
    let at_refund = bench.notice(2, &signed(&told(&bench.id(1), "SUCCESS")));
    assert_eq!(at_refund, Err(NoticeRefusal::OtherOrder));
}

#[test]
fn a_notice_that_was_touched_is_refused() {
    let bench = Bench::new("1");
    let values = told(&bench.id(1), "SUCCESS");
    let genuine = signed(&values);
    assert!(bench.notice(1, &genuine).is_ok());
    for place in 0..genuine.body.len() {
        let mut notice = genuine.clone();
        notice.body[place] ^= 1;
        assert!(bench.notice(1, &notice).is_err(), "{place}");
    }
    let refused = Err(NoticeRefusal::Signature);
    assert_eq!(bench.notice(1, &posted(&values, None)), refused);
    assert_eq!(bench.notice(1, &posted(&values, Some(""))), refused);
    let mut twice = genuine.clone();
    twice.body.extend_from_slice(b"&signature=AAAA");
    assert_eq!(bench.notice(1, &twice), refused);
    for more in [&b"&txStatus=SUCCESS"[..], b"&orderId=WP-1"] {
        let mut notice = genuine.clone();
        notice.body.extend_from_slice(more);
        assert_eq!(bench.notice(1, &notice), Err(NoticeRefusal::Unreadable));
    }
    let mut more = genuine.clone();
    more.body.extend_from_slice(b"&orderNote=TEST");
    assert_eq!(
        bench.notice(1, &more),
        bench.notice(1, &genuine),
        "unsigned fields say nothing"
    );
    for body in [&b""[..], b"{}", b"\xff\xfe", b"signature=x"] {
        let notice = Notice {
            body: body.to_vec(),
            ..genuine.clone()
        };
        assert!(bench.notice(1, &notice).is_err());
    }
}

#[test]
fn moved_borders_make_no_success_of_a_failure() {
    let bench = Bench::new("1");
    let order = bench.id(1);
    let time = "2020-08-24 15:03:56";
    // Joined, the values are the same as those of the failure; the payer knows its signature.
    let failure = [
        &order,
        "150.00",
        "201738090",
        "FAILED",
        "Wallet",
        "UNSUCCESSFUL",
        time,
    ];
    let forged = [
        &order,
        "150.00",
        "201738090FAILEDWalletUN",
        "SUCCESS",
        "FUL",
        "",
        time,
    ];
    assert_eq!(failure.concat(), forged.concat());
    assert_eq!(
        bench.notice(1, &signed(&forged)),
        Ok(NoticeReading::Enquire(1))
    );
    let elsewhere = [&order, "150.0", "0201738090", "SUCCESS", "Wallet", "", time];
    assert_eq!(
        bench.notice(1, &signed(&elsewhere)),
        Ok(NoticeReading::Enquire(1))
    );
}
