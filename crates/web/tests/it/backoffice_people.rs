//! People of the back office: signing in, own things, inviting and changing others.

use altyn_engine::EngineConfig;
use serde_json::{Value, json};

use super::backoffice_office::{Office, PASSWORD, ROOT};

/// The place at which the holder of this token stands.
async fn place(office: &Office, token: &str) -> Value {
    let me = office.ask("GET /me").token(token).send().await.expect(200);
    me.body["place"].clone()
}

fn code(secret: &str, at_s: i64) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).expect("base 32");
    let totp = totp_rs::Builder::new()
        .with_secret(secret)
        .build()
        .expect("an app");
    totp.generate(u64::try_from(at_s).expect("after 1970"))
        .to_string()
}

#[tokio::test]
async fn the_root_operator_must_put_own_things_in_order_first() {
    let office = Office::open_with(EngineConfig::default(), Vec::new()).await;
    let made = office.engine.create_root(ROOT, "Operator", false).await;
    let (_, first) = made.expect("the first person");
    let token = office.sign_in(ROOT, first.expose()).await;
    let users = || office.ask("GET /users").token(&token).send();
    users()
        .await
        .expect_problem(403, "password_change_required");
    let me = office.ask("GET /me").token(&token).send().await.expect(200);
    assert_eq!(me.body["menu"], json!(["account"]));
    assert_eq!(me.body["must_change_password"], true);

    let change = json!({"old_password": first.expose(), "password": PASSWORD});
    let changed = office.ask("POST /me/password").token(&token).json(&change);
    changed.send().await.expect(204);
    users().await.expect_problem(403, "second_factor_required");

    let begun = office
        .ask("POST /me/second-factor")
        .token(&token)
        .json(&json!({"password": PASSWORD}));
    let secret = begun.send().await.expect(200).text("/secret");
    let shown = json!({"code": code(&secret, office.now_s())});
    let confirm = || {
        let asking = office.ask("POST /me/second-factor/confirm").token(&token);
        asking.json(&shown).header("idempotency-key", "one").send()
    };
    let codes = confirm().await.expect(200);
    assert!(
        codes.body["recovery_codes"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    );
    let again = confirm().await.expect(200);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.body, codes.body);
    users().await.expect(200);

    // From now on a password alone lets nobody in.
    let body = json!({"email": ROOT, "password": PASSWORD});
    let alone = office.ask("POST /sign-in").json(&body).send().await;
    alone.expect_problem(401, "code_needed");
    office.advance_s(60);
    let body = json!({"email": ROOT, "password": PASSWORD, "code": code(&secret, office.now_s())});
    office
        .ask("POST /sign-in")
        .json(&body)
        .send()
        .await
        .expect(200);
    office
        .ask("POST /sign-in")
        .json(&body)
        .send()
        .await
        .expect_problem(401, "sign_in_denied");
}

#[tokio::test]
async fn a_cookie_changes_nothing_without_its_header() {
    let office = Office::open().await;
    office.root().await;
    let body = json!({"email": ROOT, "password": PASSWORD, "cookie": true});
    let answer = office
        .ask("POST /sign-in")
        .json(&body)
        .send()
        .await
        .expect(200);
    assert_eq!(answer.body["token"], Value::Null);
    let set = answer.headers["set-cookie"]
        .to_str()
        .expect("it is plain")
        .to_owned();
    for part in [
        "HttpOnly",
        "SameSite=Strict",
        "Secure",
        "Path=/base/backoffice",
        "Max-Age=",
    ] {
        assert!(set.contains(part), "{part} in {set}");
    }
    let cookie = set.split(';').next().expect("a cookie").to_owned();
    let by_cookie = |line: &str| office.ask(line).header("cookie", &cookie);
    by_cookie("GET /me").send().await.expect(200);
    by_cookie("POST /sign-out")
        .send()
        .await
        .expect_problem(403, "csrf");
    let wrong = by_cookie("POST /sign-out").header("x-altyn-csrf", "0");
    wrong.send().await.expect_problem(403, "csrf");
    by_cookie("GET /me").send().await.expect(200);
    let out = by_cookie("POST /sign-out").header("x-altyn-csrf", "1");
    let out = out.send().await.expect(204);
    assert!(
        out.headers["set-cookie"]
            .to_str()
            .expect("plain")
            .contains("Max-Age=0")
    );
    by_cookie("GET /me")
        .send()
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn an_address_tries_so_often_whatever_it_claims_to_be() {
    let office = Office::open().await;
    let body = json!({"email": "nobody@altyn.example", "password": "x"});
    for n in 0..20 {
        let asked = office.ask("POST /sign-in").json(&body);
        let asked = asked.header("x-forwarded-for", &format!("198.51.100.{n}"));
        asked.send().await.expect_problem(401, "sign_in_denied");
    }
    let refused = office.ask("POST /sign-in").json(&body).send().await;
    let refused = refused.expect_problem(429, "too_many_attempts");
    assert!(refused.headers.contains_key("retry-after"));
    office.advance_s(61);
    let heard = office.ask("POST /sign-in").json(&body).send().await;
    heard.expect_problem(401, "sign_in_denied");
}

#[tokio::test]
async fn the_menu_shows_connectors_to_the_root_alone() {
    let office = Office::open().await;
    let root = office.root().await;
    let place = place(&office, &root).await;
    for (role, sees) in [
        ("reseller_operator", false),
        ("finance", false),
        ("read_only", false),
    ] {
        let email = format!("{role}@altyn.example").replace('_', "-");
        let token = office.invited(&root, &email, role, &place).await;
        let me = office.ask("GET /me").token(&token).send().await.expect(200);
        let menu = me.body["menu"].as_array().expect("a menu");
        assert_eq!(menu.contains(&json!("connectors")), sees, "{role}");
        assert!(menu.contains(&json!("payments")), "{role}");
        assert_eq!(
            me.body["permissions"]
                .to_string()
                .contains("\"connectors\""),
            sees
        );
    }
    let me = office.ask("GET /me").token(&root).send().await.expect(200);
    assert!(
        me.body["menu"]
            .as_array()
            .expect("a menu")
            .contains(&json!("connectors"))
    );
}

#[tokio::test]
async fn nobody_gives_more_than_he_has() {
    let office = Office::open().await;
    let root = office.root().await;
    let place = place(&office, &root).await;
    let finance = office
        .invited(&root, "finance@altyn.example", "finance", &place)
        .await;
    let reseller = office
        .invited(&root, "reseller@altyn.example", "reseller_operator", &place)
        .await;
    let invite = |token: &str, role: &str| {
        let body = json!({"email": "new@altyn.example", "role": role, "place": place});
        office
            .ask("POST /invitations")
            .token(token)
            .json(&body)
            .send()
    };
    invite(&finance, "finance")
        .await
        .expect_problem(403, "forbidden");
    invite(&reseller, "root_operator")
        .await
        .expect_problem(403, "forbidden");
    invite(&root, "emperor")
        .await
        .expect_problem(422, "invalid");
    let users = office.ask("GET /users").token(&finance).send().await;
    users.expect_problem(403, "forbidden");
    let invited = invite(&reseller, "support").await.expect(201);
    let list = office
        .ask("GET /invitations")
        .token(&root)
        .send()
        .await
        .expect(200);
    assert_eq!(list.body["data"], json!([invited.body["invitation"]]));
    let path = format!("DELETE /invitations/{}", invited.text("/invitation/id"));
    office.ask(&path).token(&root).send().await.expect(204);
    let body = json!({"token": invited.text("/secret"), "name": "New", "password": PASSWORD});
    let late = office
        .ask("POST /invitations/accept")
        .json(&body)
        .send()
        .await;
    late.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_change_of_an_older_state_is_refused() {
    let office = Office::open().await;
    let root = office.root().await;
    let place = place(&office, &root).await;
    let token = office
        .invited(&root, "support@altyn.example", "support", &place)
        .await;
    let id = office
        .ask("GET /me")
        .token(&token)
        .send()
        .await
        .expect(200)
        .text("/id");
    let path = format!("/users/{id}");
    let read = office
        .ask(&format!("GET {path}"))
        .token(&root)
        .send()
        .await
        .expect(200);
    let tag = read.headers["etag"].to_str().expect("plain").to_owned();
    let change = |body: Value, tag: &str| {
        let asking = office.ask(&format!("PATCH {path}")).token(&root);
        asking.header("if-match", tag).json(&body).send()
    };
    let changed = change(json!({"role": "finance"}), &tag).await.expect(200);
    assert_eq!(changed.body["role"], "finance");
    assert_ne!(changed.headers["etag"].to_str().expect("plain"), tag);
    change(json!({"role": "support"}), &tag)
        .await
        .expect_problem(412, "stale");
    change(json!({"revision": 9}), "*")
        .await
        .expect_problem(422, "invalid");
    change(json!({"disabled": true}), "*").await.expect(200);
    let out = office.ask("GET /me").token(&token).send().await;
    out.expect_problem(401, "unauthenticated");
    let me = office
        .ask("GET /me")
        .token(&root)
        .send()
        .await
        .expect(200)
        .text("/id");
    let own = office.ask(&format!("PATCH /users/{me}")).token(&root);
    own.json(&json!({"disabled": true}))
        .send()
        .await
        .expect_problem(409, "self");
}

/// A wrong field of a token is named.
async fn wrong_tokens_are_refused(office: &Office, root: &str, body: &Value) {
    for (field, value) in [
        ("permissions", json!(["own"])),
        ("permissions", json!([])),
        ("allow_list", json!(["here"])),
        ("expires_at", json!("2040-01-01T00:00:00Z")),
        ("name", json!(" ")),
    ] {
        let mut wrong = body.clone();
        wrong[field] = value;
        let asked = office.ask("POST /tokens").token(root).json(&wrong);
        let refused = asked.send().await.expect_problem(422, "invalid");
        assert!(
            refused.text("/errors/0/field").starts_with(field),
            "{}",
            refused.body
        );
    }
}

#[tokio::test]
async fn a_program_may_what_its_token_says() {
    let office = Office::open().await;
    let root = office.root().await;
    let body = json!({
        "password": PASSWORD,
        "name": "Export",
        "permissions": ["users_view"],
        "expires_at": "2027-05-22T00:00:00Z",
        "allow_list": ["192.0.2.0/24"],
    });
    let make = |body: &Value| office.ask("POST /tokens").token(&root).json(body).send();
    let made = make(&body).await.expect(201);
    let program = made.text("/secret");
    office
        .ask("GET /users")
        .token(&program)
        .send()
        .await
        .expect(200);
    let me = office
        .ask("GET /me")
        .token(&program)
        .send()
        .await
        .expect(200);
    assert_eq!(me.body["permissions"], json!(["users_view"]));
    assert_eq!(me.body["is_token"], true);
    let list = office
        .ask("GET /tokens")
        .token(&program)
        .send()
        .await
        .expect(200);
    assert_eq!(list.body["data"][0]["id"], made.body["token"]["id"]);
    for line in [
        "GET /audit",
        "GET /me/sessions",
        "POST /tokens",
        "POST /sign-out",
    ] {
        let asked = office.ask(line).token(&program).json(&body).send().await;
        asked.expect_problem(403, "forbidden");
    }
    // A token is not a session: no browser carries it.
    let cookie = office
        .ask("GET /me")
        .header("cookie", &format!("altyn_session={program}"));
    cookie.send().await.expect_problem(401, "unauthenticated");
    let mut elsewhere = body.clone();
    elsewhere["allow_list"] = json!(["203.0.113.9"]);
    let elsewhere = make(&elsewhere).await.expect(201).text("/secret");
    let refused = office.ask("GET /me").token(&elsewhere).send().await;
    refused.expect_problem(401, "unauthenticated");
    wrong_tokens_are_refused(&office, &root, &body).await;
    let path = format!("DELETE /tokens/{}", made.text("/token/id"));
    office.ask(&path).token(&root).send().await.expect(204);
    let ended = office.ask("GET /users").token(&program).send().await;
    ended.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_session_alone_makes_nothing_that_outlives_it() {
    let office = Office::open().await;
    let root = office.root().await;
    let token = |password: &str| {
        json!({
            "password": password,
            "name": "Export",
            "permissions": ["users_view"],
            "expires_at": "2027-05-22T00:00:00Z",
        })
    };
    let ask = |line: &str, body: &Value| office.ask(line).token(&root).json(body).send();
    let mut without = token(PASSWORD);
    without.as_object_mut().expect("members").remove("password");
    for (line, body) in [
        ("POST /tokens", without),
        ("POST /me/second-factor", json!({})),
        ("POST /me/recovery-codes", json!({"code": "000000"})),
        ("POST /me/second-factor/remove", json!({"code": "000000"})),
    ] {
        ask(line, &body).await.expect_problem(422, "invalid");
    }
    // Six wrong ones lock, and the session goes on: it may be the person's own.
    let wrong = json!({"password": "wrong horses 1"});
    for n in 0..6 {
        let refused = match n % 2 {
            0 => ask("POST /tokens", &token("wrong horses 1")).await,
            _ => ask("POST /me/second-factor", &wrong).await,
        };
        let refused = refused.expect_problem(422, "invalid");
        assert_eq!(refused.text("/errors/0/field"), "password");
    }
    let right = ask("POST /tokens", &token(PASSWORD)).await;
    right.expect_problem(409, "locked");
    let me = office.ask("GET /me").token(&root).send().await.expect(200);
    assert_eq!(me.body["second_factor"], false);
    let list = office.ask("GET /tokens").token(&root).send().await;
    assert_eq!(list.expect(200).body["data"], json!([]));
    office.advance_s(30 * 60);
    let later = office.sign_in(ROOT, PASSWORD).await;
    let made = office.ask("POST /tokens").token(&later);
    let made = made.json(&token(PASSWORD)).send().await.expect(201);

    // A new password ends the token if that is wanted.
    let program = made.text("/secret");
    for (old, new, end_tokens, status) in [
        (PASSWORD, "nine copper kettles 2", false, 200),
        ("nine copper kettles 2", "nine copper kettles 3", true, 401),
    ] {
        let change = json!({"old_password": old, "password": new, "end_tokens": end_tokens});
        let changed = office.ask("POST /me/password").token(&later).json(&change);
        changed.send().await.expect(204);
        let heard = office.ask("GET /me").token(&program).send().await;
        assert_eq!(heard.status, status);
    }
    office.ask("GET /me").token(&later).send().await.expect(200);
}

#[tokio::test]
async fn sessions_are_seen_and_ended() {
    let office = Office::open().await;
    let root = office.root().await;
    let other = office.sign_in(ROOT, PASSWORD).await;
    let list = office
        .ask("GET /me/sessions")
        .token(&root)
        .send()
        .await
        .expect(200);
    let all = list.body["data"].as_array().expect("sessions").clone();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0]["address"], "192.0.2.7");
    let second = all
        .iter()
        .find(|one| one["current"] == false)
        .expect("the other one");
    let path = format!(
        "DELETE /me/sessions/{}",
        second["id"].as_str().expect("an id")
    );
    office.ask(&path).token(&root).send().await.expect(204);
    office
        .ask(&path)
        .token(&root)
        .send()
        .await
        .expect_problem(404, "not_found");
    let ended = office.ask("GET /me").token(&other).send().await;
    ended.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn lists_lead_from_page_to_page_and_the_trail_tells_all() {
    let office = Office::open().await;
    let root = office.root().await;
    let place = place(&office, &root).await;
    for n in 0..4 {
        let email = format!("person-{n}@altyn.example");
        office.invited(&root, &email, "support", &place).await;
    }
    for (path, at_least) in [("/users", 5), ("/audit", 10)] {
        let mut seen = Vec::new();
        let mut query = "?limit=2".to_owned();
        for _ in 0..100 {
            let page = office.ask(&format!("GET {path}{query}")).token(&root);
            let page = page.send().await.expect(200);
            seen.extend(page.body["data"].as_array().expect("a page").clone());
            let Some(next) = page.body["next"].as_str() else {
                break;
            };
            query = format!("?limit=2&after={next}");
        }
        let whole = office.ask(&format!("GET {path}?limit=100")).token(&root);
        let whole = whole.send().await.expect(200);
        assert_eq!(whole.body["data"], json!(seen), "{path}");
        assert!(seen.len() >= at_least, "{path}: {}", seen.len());
    }
    let found = office.ask("GET /audit?action=user.signed_in").token(&root);
    let found = found.send().await.expect(200);
    assert!(
        found.body["data"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    );
    for wrong in [
        "?limit=0",
        "?limit=x",
        "?after=zzz",
        "?limits=2",
        "?actor=me",
    ] {
        let refused = office
            .ask(&format!("GET /audit{wrong}"))
            .token(&root)
            .send()
            .await;
        refused.expect_problem(422, "invalid");
    }
}
