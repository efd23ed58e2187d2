//! Unknown orders, the way back, and the headers of every answer.

use altyn_domain::{Bucket, PaymentId, Timestamp};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};

use crate::gate::{GOOD, Gate, SHOP, path};

#[tokio::test]
async fn unknown_orders_all_look_alike() {
    let gate = Gate::open().await;
    let foreign = PaymentId::new(Timestamp::from_millis(1_795_305_600_000), Bucket::new(9), 9);
    let foreign = foreign.uuid().to_string();
    let expected = gate.get("/checkout/nothing").await;
    assert_eq!(expected.status, StatusCode::NOT_FOUND);
    let ids = [
        foreign.as_str(),
        "1",
        "..%2f..%2fetc",
        "%00",
        "%ff",
        "a'%20or%201=1--",
        "%D0%B0",
    ];
    for id in ids {
        for rest in ["", "/result", "/state", "/3ds", "/return"] {
            let page = gate.get(&format!("/checkout/{id}{rest}")).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{id}{rest}");
            assert_eq!(page.text, expected.text, "{id}{rest}");
            assert_eq!(page.headers, expected.headers, "{id}{rest}");
        }
        for rest in ["/pay", "/3ds/return", "/3ds/method-done"] {
            let page = gate
                .post(&format!("/checkout/{id}{rest}"), "language=ru")
                .await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{id}{rest}");
            assert_eq!(page.text, expected.text, "{id}{rest}");
        }
    }
    let request = Request::get("/checkout/nothing").header(header::ACCEPT_LANGUAGE, "kk,ru;q=0.5");
    let page = gate
        .ask(request.body(Body::empty()).expect("a request"))
        .await;
    assert!(page.text.contains("Тапсырыс табылмады"));
}

#[tokio::test]
async fn the_way_back_is_the_shops_and_nobody_elses() {
    let gate = Gate::open().await;
    let id = gate.order().await;
    let wishes = [
        "?url=https://evil.example",
        "?return_url=//evil.example",
        "?next=https:%5C%5Cevil.example",
        "?returnUrl=javascript:alert(1)",
        "?lang=https://evil.example",
        "?lang=ru%0d%0aLocation:%20https://evil.example",
        "?redirect=%2f%2fevil.example&redirect_uri=https://evil.example",
    ];
    for wish in wishes {
        let request = Request::get(path(id, "/return") + wish)
            .header(header::HOST, "evil.example")
            .header(header::REFERER, "https://evil.example/")
            .header("x-forwarded-host", "evil.example")
            .body(Body::empty());
        let page = gate.ask(request.expect("a request")).await;
        assert_eq!(page.location(), SHOP, "{wish}");
    }
}

#[tokio::test]
async fn an_address_that_is_none_of_the_web_is_not_gone_to() {
    let gate = Gate::open().await;
    let named = [
        None,
        Some("javascript:alert(1)"),
        Some("JaVaScRiPt:alert(1)"),
        Some("data:text/html,<script>alert(1)</script>"),
        Some("vbscript:x"),
        Some("file:///etc/passwd"),
        Some("//evil.example"),
        Some("/relative"),
        Some(""),
        Some("https://"),
    ];
    for url in named {
        let id = gate.order_to(url).await;
        let page = gate.get(&path(id, "/return")).await;
        assert_eq!(page.location(), format!("/base{}", path(id, "")), "{url:?}");
        assert!(
            !gate.get(&path(id, "")).await.text.contains("/return"),
            "{url:?}"
        );
    }
    // Line breaks are part of no address, and so of no header.
    let id = gate
        .order_to(Some("https://shop.example/a\r\nSet-Cookie: b=c"))
        .await;
    let page = gate.get(&path(id, "/return")).await;
    assert!(page.headers.get(header::SET_COOKIE).is_none());
    assert!(page.location().starts_with("https://shop.example/a"));
}

#[tokio::test]
async fn every_answer_is_guarded_and_sets_no_cookie() {
    let gate = Gate::open().await;
    let id = gate.order().await;
    let mut pages = Vec::new();
    for rest in ["", "/result", "/state", "/3ds", "/return"] {
        pages.push(gate.get(&path(id, rest)).await);
    }
    pages.push(gate.pay(id, GOOD, true).await);
    pages.push(gate.get("/checkout/nothing").await);
    for page in pages {
        let policy = page.headers["content-security-policy"]
            .to_str()
            .expect("it is plain");
        assert!(policy.contains("default-src 'none'") && policy.contains("base-uri 'none'"));
        assert_eq!(page.headers["cache-control"], "no-store");
        assert_eq!(page.headers["x-content-type-options"], "nosniff");
        assert!(page.headers.get(header::SET_COOKIE).is_none());
    }
}

#[tokio::test]
async fn assets_are_kept_for_ever_and_sent_small() {
    let gate = Gate::open().await;
    let id = gate.order().await;
    let page = gate.get(&path(id, "")).await;
    let names: Vec<&str> = page
        .text
        .split('"')
        .filter_map(|part| part.strip_prefix("/base/checkout/assets/"))
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    for name in names {
        let mut sizes = Vec::new();
        for (accepted, encoding) in [
            ("gzip, deflate, br", Some("br")),
            ("gzip", Some("gzip")),
            ("br;q=0, gzip;q=0.5", Some("gzip")),
            ("", None),
        ] {
            let request = Request::get(format!("/checkout/assets/{name}"))
                .header(header::ACCEPT_ENCODING, accepted)
                .body(Body::empty());
            let asset = gate.ask(request.expect("a request")).await;
            let sent = asset.headers.get(header::CONTENT_ENCODING);
            assert_eq!(
                sent.map(|value| value.to_str().expect("it is plain")),
                encoding
            );
            assert!(
                asset.headers["cache-control"]
                    .to_str()
                    .expect("plain")
                    .contains("immutable")
            );
            let length = asset.headers[header::CONTENT_LENGTH]
                .to_str()
                .expect("plain");
            sizes.push(length.parse::<usize>().expect("a number"));
        }
        assert!(sizes[0] < sizes[1] && sizes[1] < sizes[3] / 2, "{sizes:?}");
    }
    let missing = gate
        .get("/checkout/assets/checkout-0000000000000000.js")
        .await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_widget_is_for_shops_everywhere_and_asked_for_again() {
    let gate = Gate::open().await;
    for (name, kind) in [
        ("merchant.js", "text/javascript"),
        ("merchant.css", "text/css"),
    ] {
        let path = format!("/shared/{name}");
        let asset = gate.get(&path).await;
        assert_eq!(asset.status, StatusCode::OK);
        let header = |name: &str| asset.headers[name].to_str().expect("plain");
        assert!(header("content-type").starts_with(kind));
        assert_eq!(header("cross-origin-resource-policy"), "cross-origin");
        assert_eq!(header("access-control-allow-origin"), "*");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(!header("cache-control").contains("immutable"));
        let known = Request::get(&path).header(header::IF_NONE_MATCH, header("etag"));
        let again = gate
            .ask(known.body(Body::empty()).expect("a request"))
            .await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED);
        assert!(again.text.is_empty());
        let small = Request::get(&path).header(header::ACCEPT_ENCODING, "gzip");
        let small = gate
            .ask(small.body(Body::empty()).expect("a request"))
            .await;
        assert_eq!(small.headers[header::CONTENT_ENCODING], "gzip");
    }
    let missing = gate.get("/shared/merchant.map").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn pages_are_compressed_for_those_who_take_it() {
    let gate = Gate::open().await;
    let id = gate.order().await;
    let request = Request::get(path(id, "")).header(header::ACCEPT_ENCODING, "gzip");
    let page = gate
        .ask(request.body(Body::empty()).expect("a request"))
        .await;
    assert_eq!(page.headers[header::CONTENT_ENCODING], "gzip");
}
