//! The frame around every request that changes something: bodies, limits, and repeats with a key.

use serde_json::json;

use super::backoffice_office::{Office, PASSWORD, ROOT};

#[tokio::test]
async fn bodies_are_json_of_a_bounded_size() {
    let office = Office::open().await;
    let root = office.root().await;
    let post = || office.ask("POST /tokens").token(&root);
    let json = || post().header("content-type", "application/json");
    json()
        .raw("{")
        .send()
        .await
        .expect_problem(400, "malformed");
    json()
        .raw("{} {}")
        .send()
        .await
        .expect_problem(422, "invalid");
    json().raw("[]").send().await.expect_problem(422, "invalid");
    json().send().await.expect_problem(400, "malformed");
    let form = post().header("content-type", "application/x-www-form-urlencoded");
    form.raw("name=x")
        .send()
        .await
        .expect_problem(415, "unsupported_media_type");
    let untold = post().raw("{}").send().await;
    untold.expect_problem(415, "unsupported_media_type");
    let large = json().raw(vec![b' '; 64 * 1024 + 1]).send().await;
    large.expect_problem(413, "body_too_large");
    // Nobody makes us read a body before he is known.
    let unknown = office
        .ask("POST /tokens")
        .raw(vec![b' '; 64 * 1024 + 1])
        .send()
        .await;
    unknown.expect_problem(401, "unauthenticated");
    let id = office
        .ask("DELETE /tokens/nonsense")
        .token(&root)
        .send()
        .await;
    id.expect_problem(400, "malformed");
    let path = "DELETE /tokens/019f0000-0000-7000-8000-000000000000";
    office
        .ask(path)
        .token(&root)
        .send()
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_and_makes_nothing() {
    let office = Office::open().await;
    let root = office.root().await;
    let body = json!({
        "password": PASSWORD,
        "name": "Export",
        "permissions": ["users_view"],
        "expires_at": "2027-05-22T00:00:00Z",
    });
    let make = |key: &str, body: &serde_json::Value| {
        let asking = office.ask("POST /tokens").token(&root).json(body);
        asking.header("idempotency-key", key).send()
    };
    let first = make("k1", &body).await.expect(201);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    let again = make("k1", &body).await.expect(201);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.headers["content-type"], "application/json");
    assert_eq!(again.body, first.body);
    let mut other = body.clone();
    other["name"] = json!("Another");
    make("k1", &other)
        .await
        .expect_problem(422, "idempotency_key_reused");
    let elsewhere = office
        .ask("POST /me/recovery-codes")
        .token(&root)
        .header("idempotency-key", "k1");
    elsewhere
        .send()
        .await
        .expect_problem(422, "idempotency_key_reused");

    // A refusal frees the key.
    let mut wrong = body.clone();
    wrong["permissions"] = json!(["own"]);
    make("k2", &wrong).await.expect_problem(422, "invalid");
    make("k2", &body).await.expect(201);
    let list = office
        .ask("GET /tokens")
        .token(&root)
        .send()
        .await
        .expect(200);
    assert_eq!(list.body["data"].as_array().map(Vec::len), Some(2));
    for key in ["", &"k".repeat(256)] {
        make(key, &body).await.expect_problem(400, "malformed");
    }
}

#[tokio::test]
async fn a_key_belongs_to_its_person() {
    let office = Office::open().await;
    let root = office.root().await;
    let me = office.ask("GET /me").token(&root).send().await.expect(200);
    let other = office
        .invited(
            &root,
            "second@altyn.example",
            "root_operator",
            &me.body["place"],
        )
        .await;
    let body = json!({
        "password": PASSWORD,
        "name": "Export",
        "permissions": ["users_view"],
        "expires_at": "2027-05-22T00:00:00Z",
    });
    let mut secrets = Vec::new();
    for token in [&root, &other] {
        let asking = office.ask("POST /tokens").token(token).json(&body);
        let made = asking
            .header("idempotency-key", "same")
            .send()
            .await
            .expect(201);
        assert!(!made.headers.contains_key("idempotency-replayed"));
        secrets.push(made.text("/secret"));
    }
    assert_ne!(secrets[0], secrets[1]);
}

#[tokio::test]
async fn two_at_once_with_one_key_make_one() {
    let office = Office::open().await;
    let root = office.root().await;
    let body = json!({
        "password": PASSWORD,
        "name": "Export",
        "permissions": ["users_view"],
        "expires_at": "2027-05-22T00:00:00Z",
    });
    let make = || {
        let asking = office.ask("POST /tokens").token(&root).json(&body);
        asking.header("idempotency-key", "same").send()
    };
    for answer in futures::future::join_all((0..8).map(|_| make())).await {
        match answer.status.as_u16() {
            201 => {}
            409 => drop(answer.expect_problem(409, "request_in_progress")),
            other => panic!("{other}: {}", answer.body),
        }
    }
    let list = office
        .ask("GET /tokens")
        .token(&root)
        .send()
        .await
        .expect(200);
    assert_eq!(list.body["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn what_was_begun_is_done_even_if_the_caller_goes_away() {
    let office = Office::open().await;
    let root = office.root().await;
    let body = json!({
        "password": PASSWORD,
        "name": "Export",
        "permissions": ["users_view"],
        "expires_at": "2027-05-22T00:00:00Z",
    });
    let asking = || {
        let asking = office.ask("POST /tokens").token(&root).json(&body);
        asking.header("idempotency-key", "left").send()
    };
    {
        // Polled until it is under way, and dropped.
        let mut sending = Box::pin(asking());
        for _ in 0..64 {
            if futures::poll!(sending.as_mut()).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    office.engine.stop().await;
    let list = office
        .ask("GET /tokens")
        .token(&root)
        .send()
        .await
        .expect(200);
    assert!(
        list.body["data"]
            .as_array()
            .is_some_and(|all| all.len() <= 1)
    );
    let again = asking().await;
    let again = again.expect(201);
    let list = office
        .ask("GET /tokens")
        .token(&root)
        .send()
        .await
        .expect(200);
    assert_eq!(
        list.body["data"].as_array().map(Vec::len),
        Some(1),
        "{}",
        again.body
    );
}

#[tokio::test]
async fn after_a_crash_a_request_is_never_carried_out_again_until_it_is_forgotten() {
    let office = Office::open().await;
    let root = office.root().await;
    let body = json!({
        "password": PASSWORD,
        "name": "Export",
        "permissions": ["users_view"],
        "expires_at": "2027-05-22T00:00:00Z",
    });
    let me = office.ask("GET /me").token(&root).send().await.expect(200);
    let id = me.text("/id").parse().expect("an id");
    let text = body.to_string();
    // What a request leaves behind whose program died before it was answered.
    let parts: [&[u8]; 3] = [b"POST", b"/tokens", text.as_bytes()];
    let begun = office.engine.begin_repeatable(id, "lost", &parts).await;
    assert!(matches!(begun, Ok(altyn_engine::Repeat::First(_))));
    let make = |token: String| {
        let asking = office.ask("POST /tokens").token(&token).json(&body);
        asking.header("idempotency-key", "lost").send()
    };
    let first = make(root.clone()).await;
    first.expect_problem(409, "request_in_progress");

    office.advance_s(31 * 24 * 3_600);
    let token = office.sign_in(ROOT, PASSWORD).await;
    let late = make(token.clone()).await;
    late.expect_problem(409, "request_in_progress");
    office.engine.run_timers();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while make(token.clone()).await.status != 201 {
        assert!(std::time::Instant::now() < deadline, "it is not forgotten");
    }
}
