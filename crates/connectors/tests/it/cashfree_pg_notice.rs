//! Notices of generation 2: the signature over the raw body, their age, and what they are about.

use altyn_domain::{DeclineCode, Notice, NoticeReading, NoticeRefusal, Outcome, Report, Timestamp};

use crate::cashfree::{Bench, NOW, rupees, sign};

/// The partner's own sample.
const SAMPLE: &str = "{\"data\":{\"order\":{\"order_id\":\"WP-1001\",\"order_amount\":150.00,\
    \"order_currency\":\"INR\"},\"payment\":{\"cf_payment_id\":\"201738090\",\
    \"payment_status\":\"SUCCESS\",\"payment_amount\":150.00,\"payment_currency\":\"INR\"}},\
    \"event_time\":\"2020-08-24T15:03:57+05:30\",\"type\":\"PAYMENT_SUCCESS_WEBHOOK\"}";
const SAMPLE_AT: &str = "1617695238078";
const SAMPLE_SIGNATURE: &str = "knJKhOpm5oJeXMaRcEklWf7iqjH/IfDy9FFlxU7TCdg=";

const TIME: &str = "x-webhook-timestamp";
const SIGNATURE: &str = "x-webhook-signature";

fn posted(headers: &[(&str, &str)], body: &str, at: Timestamp) -> Notice {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Notice {
        headers: headers.iter().map(owned).collect(),
        body: body.as_bytes().to_vec(),
        at,
    }
}

/// A genuine notice of `sent_ms`, which comes now.
fn signed_at(body: &str, sent_ms: i64) -> Notice {
    let time = sent_ms.to_string();
    let signature = sign(format!("{time}{body}").as_bytes());
    posted(&[(TIME, &time), (SIGNATURE, &signature)], body, NOW)
}

fn signed(body: &str) -> Notice {
    signed_at(body, NOW.as_millis())
}

fn payment(bench: &Bench, kind: &str, status: &str) -> String {
    SAMPLE
        .replace("WP-1001", &bench.id(1))
        .replace("PAYMENT_SUCCESS_WEBHOOK", kind)
        .replace("SUCCESS\",", &format!("{status}\","))
}

fn success(bench: &Bench) -> String {
    payment(bench, "PAYMENT_SUCCESS_WEBHOOK", "SUCCESS")
}

fn refund(bench: &Bench, status: &str) -> String {
    format!(
        "{{\"data\":{{\"refund\":{{\"cf_refund_id\":11325632,\"cf_payment_id\":201738090,\
         \"refund_id\":\"{}\",\"order_id\":\"{}\",\"refund_amount\":150.00,\"refund_currency\":\"INR\",\
         \"entity\":\"Refund\",\"refund_type\":\"MERCHANT_INITIATED\",\"refund_arn\":\"205907014017\",\
         \"refund_status\":\"{status}\",\"processed_at\":\"2020-08-24T15:03:56+05:30\"}}}},\
         \"event_time\":\"2020-08-24T15:03:57+05:30\",\"type\":\"REFUND_STATUS_WEBHOOK\"}}",
        bench.id(2),
        bench.id(1)
    )
}

fn news(reading: Result<NoticeReading, NoticeRefusal>, number: u32) -> Report {
    match reading {
        Ok(NoticeReading::Report(about, report)) if about == number => *report,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_signature_of_the_vector_is_accepted() {
    assert_eq!(SAMPLE.len(), 276);
    let bench = Bench::new("2");
    let at = Timestamp::from_millis(1_617_695_238_078);
    let headers = [(TIME, SAMPLE_AT), (SIGNATURE, SAMPLE_SIGNATURE)];
    // The signature is right, the order is not ours.
    let reading = bench.notice(1, &posted(&headers, SAMPLE, at));
    assert_eq!(reading, Err(NoticeRefusal::OtherOrder));
    let respelt = SAMPLE.replace("150.00", "150");
    let reading = bench.notice(1, &posted(&headers, &respelt, at));
    assert_eq!(reading, Err(NoticeRefusal::Signature));
    for place in 0..SAMPLE.len() {
        let mut notice = posted(&headers, SAMPLE, at);
        notice.body[place] ^= 1;
        assert_eq!(
            bench.notice(1, &notice),
            Err(NoticeRefusal::Signature),
            "{place}"
        );
    }
    let dotted = sign(format!("{SAMPLE_AT}.{SAMPLE}").as_bytes());
    let notice = posted(&[(TIME, SAMPLE_AT), (SIGNATURE, &dotted)], SAMPLE, at);
    assert_eq!(
        bench.notice(1, &notice),
        Err(NoticeRefusal::Signature),
        "no dot between"
    );
}

#[test]
fn a_notice_without_one_right_signature_is_refused() {
    let bench = Bench::new("2");
    let body = success(&bench);
    let genuine = signed(&body);
    let (time, signature) = (genuine.headers[0].1.as_str(), genuine.headers[1].1.as_str());
    let other = sign(b"something else");
    let later = (NOW.as_millis() + 1).to_string();
    let table: [&[(&str, &str)]; 13] = [
        &[],
        &[(TIME, time)],
        &[(SIGNATURE, signature)],
        &[(TIME, time), (SIGNATURE, "")],
        &[(TIME, ""), (SIGNATURE, signature)],
        &[(TIME, time), (SIGNATURE, &other)],
        &[(TIME, &later), (SIGNATURE, signature)],
        &[(TIME, time), (SIGNATURE, &signature[..signature.len() - 1])],
        &[(TIME, time), (SIGNATURE, "not base64!")],
        &[(TIME, time), (SIGNATURE, signature), (SIGNATURE, signature)],
        &[(TIME, time), (SIGNATURE, signature), (SIGNATURE, &other)],
        &[(TIME, time), (SIGNATURE, &other), (SIGNATURE, signature)],
        &[(TIME, time), (TIME, &later), (SIGNATURE, signature)],
    ];
    for headers in table {
        let reading = bench.notice(1, &posted(headers, &body, NOW));
        assert_eq!(reading, Err(NoticeRefusal::Signature), "{headers:?}");
    }
    let mut other_secret = Bench::new("2");
    other_secret.set("secret", "cf_demo_secret_0002");
    assert_eq!(
        other_secret.notice(1, &genuine),
        Err(NoticeRefusal::Signature)
    );
    // Digits moved from the time to the body are signed alike, and no JSON.
    let (short, moved) = (&time[..12], format!("{}{body}", &time[12..]));
    let notice = posted(&[(TIME, short), (SIGNATURE, signature)], &moved, NOW);
    assert_eq!(bench.notice(1, &notice), Err(NoticeRefusal::Unreadable));
    assert!(bench.notice(1, &genuine).is_ok());
}

#[test]
fn a_success_is_news() {
    let bench = Bench::new("2");
    for body in [
        success(&bench),
        success(&bench).replace("\"201738090\"", "201738090"),
    ] {
        let report = news(bench.notice(1, &signed(&body)), 1);
        assert_eq!(report.outcome, Outcome::Approved);
        assert_eq!(
            report.facts.connector_reference.as_deref(),
            Some("201738090")
        );
        assert_eq!(report.facts.amount, rupees(15_000));
        assert_eq!(report.facts.gateway_code.as_deref(), Some("SUCCESS"));
    }
    let twice = [
        bench.notice(1, &signed(&success(&bench))),
        bench.notice(1, &signed(&success(&bench))),
    ];
    assert_eq!(twice[0], twice[1], "the same again says the same");
}

#[test]
fn amounts_come_from_the_raw_text() {
    let bench = Bench::new("2");
    let with = |amount: &str| {
        let amount = format!("\"payment_amount\":{amount}");
        let body = success(&bench).replace("\"payment_amount\":150.00", &amount);
        bench.notice(1, &signed(&body))
    };
    for (amount, minor) in [
        ("150", 15_000),
        ("150.5", 15_050),
        ("150.00", 15_000),
        ("150.000", 15_000),
        ("\"150.00\"", 15_000),
        ("1.5e2", 15_000),
        ("1.5E+2", 15_000),
        ("90071992547409.93", 9_007_199_254_740_993),
    ] {
        assert_eq!(
            news(with(amount), 1).facts.amount,
            rupees(minor),
            "{amount}"
        );
    }
    for amount in [
        "150.001",
        "150.009999999999999999",
        "1e-3",
        "-150.00",
        "\"\"",
        "null",
        "1e99",
    ] {
        assert_eq!(with(amount), Ok(NoticeReading::Enquire(1)), "{amount}");
    }
    for amount in ["", "1.", "0150", "+150", "NaN", "[150]"] {
        assert_eq!(with(amount), Err(NoticeRefusal::Unreadable), "{amount}");
    }
    let tenge = success(&bench).replace(
        "\"payment_currency\":\"INR\"",
        "\"payment_currency\":\"KZT\"",
    );
    let told = news(bench.notice(1, &signed(&tenge)), 1).facts.amount;
    assert_eq!(told.map(|money| money.currency().alpha()), Some("KZT"));
}

#[test]
fn row_49_an_old_or_early_notice_is_a_question() {
    let bench = Bench::new("2");
    let (payment, refund) = (success(&bench), refund(&bench, "SUCCESS"));
    let now = NOW.as_millis();
    let minutes = 60_000;
    for away in [0, 1, -1, 5 * minutes, -5 * minutes] {
        news(bench.notice(1, &signed_at(&payment, now + away)), 1);
        news(bench.notice(1, &signed_at(&refund, now + away)), 2);
    }
    for away in [
        5 * minutes + 1,
        -5 * minutes - 1,
        30 * minutes,
        -now,
        now * 1_000,
        -now + 1_617,
    ] {
        let payment = bench.notice(1, &signed_at(&payment, now + away));
        assert_eq!(payment, Ok(NoticeReading::Enquire(1)), "{away}");
        let refund = bench.notice(1, &signed_at(&refund, now + away));
        assert_eq!(refund, Ok(NoticeReading::Enquire(2)), "{away}");
    }
    for sent_ms in [i64::MAX, i64::MAX / 1_000] {
        let reading = bench.notice(1, &signed_at(&payment, sent_ms));
        assert_eq!(reading, Ok(NoticeReading::Enquire(1)));
    }
    for sent_ms in [-1, i64::MIN] {
        let reading = bench.notice(1, &signed_at(&payment, sent_ms));
        assert_eq!(reading, Err(NoticeRefusal::Unreadable));
    }
}

#[test]
fn a_failure_is_a_question_for_only_the_order_knows() {
    let bench = Bench::new("2");
    let table = [
        ("PAYMENT_FAILED_WEBHOOK", "FAILED"),
        ("PAYMENT_USER_DROPPED_WEBHOOK", "USER_DROPPED"),
        ("PAYMENT_SUCCESS_WEBHOOK", "PENDING"),
        ("PAYMENT_SUCCESS_WEBHOOK", "FAILED"),
        ("PAYMENT_FAILED_WEBHOOK", "WHAT"),
    ];
    for (kind, status) in table {
        let reading = bench.notice(1, &signed(&payment(&bench, kind, status)));
        assert_eq!(reading, Ok(NoticeReading::Enquire(1)), "{kind} {status}");
    }
}

#[test]
fn other_events_say_nothing_to_us() {
    let bench = Bench::new("2");
    for kind in [
        "PAYMENT_CHARGES_WEBHOOK",
        "AUTO_REFUND_STATUS_WEBHOOK",
        "SETTLEMENT_SUCCESS",
        "",
    ] {
        let reading = bench.notice(1, &signed(&payment(&bench, kind, "SUCCESS")));
        assert_eq!(reading, Ok(NoticeReading::Nothing), "{kind}");
    }
    let bare = "{\"type\":\"AUTO_REFUND_STATUS_WEBHOOK\"}";
    assert_eq!(bench.notice(1, &signed(bare)), Ok(NoticeReading::Nothing));
    for kind in ["PAYMENT_AUTO_REFUND", "UNRECONCILED_AUTO_REFUND"] {
        let body = refund(&bench, "SUCCESS").replace("MERCHANT_INITIATED", kind);
        assert_eq!(
            bench.notice(1, &signed(&body)),
            Ok(NoticeReading::Nothing),
            "{kind}"
        );
    }
    let by_hand = refund(&bench, "SUCCESS").replace(&bench.id(2), "by-hand-17");
    assert_eq!(
        bench.notice(1, &signed(&by_hand)),
        Ok(NoticeReading::Nothing)
    );
}

#[test]
fn a_refund_s_status_is_news_about_the_refund() {
    let bench = Bench::new("2");
    let table = [
        ("SUCCESS", Outcome::Approved),
        ("PENDING", Outcome::Pending),
        ("ONHOLD", Outcome::Pending),
        ("CANCELLED", Outcome::Declined(DeclineCode::General)),
        ("FAILED", Outcome::Declined(DeclineCode::General)),
    ];
    for (status, expected) in table {
        // The partner knows one address of the order; the refund's own is accepted too.
        for address in [1, 2, 3] {
            let report = news(bench.notice(address, &signed(&refund(&bench, status))), 2);
            assert_eq!(report.outcome, expected, "{status}");
            assert_eq!(
                report.facts.connector_reference.as_deref(),
                Some("11325632")
            );
            assert_eq!(report.facts.rrn.as_deref(), Some("205907014017"));
            assert_eq!(report.facts.amount, rupees(15_000));
        }
    }
    let unclear = bench.notice(1, &signed(&refund(&bench, "ACTIVE")));
    assert_eq!(unclear, Ok(NoticeReading::Enquire(2)));
    let no_amount = refund(&bench, "SUCCESS").replace("150.00", "null");
    assert_eq!(
        bench.notice(1, &signed(&no_amount)),
        Ok(NoticeReading::Enquire(2))
    );
}

#[test]
fn a_notice_about_something_else_is_refused() {
    let bench = Bench::new("2");
    let refused = Err(NoticeRefusal::OtherOrder);
    assert_eq!(
        bench.notice(4, &signed(&success(&bench))),
        refused,
        "the second try"
    );
    for (kind, status) in [
        ("PAYMENT_FAILED_WEBHOOK", "FAILED"),
        ("PAYMENT_SUCCESS_WEBHOOK", "SUCCESS"),
    ] {
        let body = payment(&bench, kind, status).replace(&bench.id(1), "WP-1001");
        assert_eq!(bench.notice(1, &signed(&body)), refused, "{kind}");
    }
    let good = refund(&bench, "SUCCESS");
    let strange_payment = format!("{:0>32}-2", "1");
    for body in [
        good.replace(&bench.id(1), &bench.id(4)),
        good.replace(&bench.id(1), "WP-1001"),
        // No such operation, no refund, and a refund of another payment.
        good.replace(&bench.id(2), &bench.id(9)),
        good.replace(&bench.id(2), &bench.id(4)),
        good.replace(&bench.id(2), &strange_payment),
    ] {
        assert_eq!(bench.notice(1, &signed(&body)), refused, "{body}");
    }
    assert_eq!(bench.notice(4, &signed(&good)), refused);
}

#[test]
fn a_genuine_notice_that_cannot_be_read_is_refused() {
    let bench = Bench::new("2");
    let good = success(&bench);
    for body in [
        "",
        "{}",
        "[]",
        "null",
        "\u{feff}{}",
        "{\"type\":\"PAYMENT_SUCCESS_WEBHOOK\"}",
        "{\"type\":\"PAYMENT_SUCCESS_WEBHOOK\",\"data\":{}}",
        "{\"type\":\"REFUND_STATUS_WEBHOOK\",\"data\":{\"refund\":{}}}",
        &good[..good.len() - 1],
        &good.replace("\"type\"", "\"type\":\"x\",\"type\""),
        &good.replace(
            "\"payment_status\"",
            "\"payment_status\":\"FAILED\",\"payment_status\"",
        ),
    ] {
        assert_eq!(
            bench.notice(1, &signed(body)),
            Err(NoticeRefusal::Unreadable),
            "{body}"
        );
    }
}
