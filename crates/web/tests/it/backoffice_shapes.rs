//! What callers send, in its shape: objects, parameters, tags; and what they hear if it is not.

use serde_json::{Value, json};

use super::backoffice_office::{Office, PASSWORD, ROOT};

/// The first place that is wrong, and the words.
fn wrong(body: &Value) -> (&str, &str) {
    let told = |name: &str| body["errors"][0][name].as_str().unwrap_or("nothing");
    (told("field"), told("message"))
}

#[tokio::test]
async fn a_list_stands_for_no_object() {
    let office = Office::open().await;
    let root = office.root().await;
    let me = office.ask("GET /me").token(&root).send().await.expect(200);
    let reseller = me.text("/place/id");
    let expires = "2027-05-22T00:00:00Z";
    let project = "prj_019f0e6b7c107a3f8b2c4d5e6f708192";
    for (line, body, field) in [
        ("POST /merchants", json!([reseller, "Shop"]), ""),
        ("POST /sign-in", json!([ROOT, PASSWORD, null, false]), ""),
        (
            "POST /tokens",
            json!([PASSWORD, "Export", ["users_view"], expires, []]),
            "",
        ),
        (
            "POST /payments",
            json!({"project_id": project, "amount": [555, "KZT"]}),
            "amount",
        ),
        (
            "POST /invitations",
            json!({"email": "a@shop.example", "role": "support", "place": ["reseller", reseller]}),
            "place",
        ),
        (
            "POST /methods",
            json!({"reseller_id": reseller, "connector": {"kind": "builtin", "id": "none"},
                   "name": ["Карта", "Карта", "Card"]}),
            "name",
        ),
    ] {
        let answer = office.ask(line).token(&root).json(&body).send().await;
        let answer = answer.expect_problem(422, "invalid");
        let (place, words) = wrong(&answer.body);
        assert_eq!(place, field, "{line}: {}", answer.body);
        assert!(words.contains("object"), "{line}: {words}");
        assert!(!words.contains("struct"), "{line}: {words}");
    }
}

#[tokio::test]
async fn unknown_parameters_are_refused_everywhere() {
    let office = Office::open().await;
    let root = office.root().await;
    for (line, field) in [
        ("GET /me?limt=2", "limt"),
        ("GET /openapi.json?x", "x"),
        ("POST /merchants?x=1", "x"),
        (
            "DELETE /tokens/tok_019f0e6b7c107a3f8b2c4d5e6f708192?now=1",
            "now",
        ),
        ("GET /users?limt=2", "limt"),
        ("GET /users?limit=many", "limit"),
    ] {
        let answer = office.ask(line).token(&root).send().await;
        let answer = answer.expect_problem(422, "invalid");
        assert_eq!(wrong(&answer.body).0, field, "{line}: {}", answer.body);
    }
    let many = office.ask("GET /users?limit=many").token(&root).send();
    let many = many.await.expect(422);
    assert_eq!(wrong(&many.body).1, "must be a whole number in its range");
    // Strangers learn nothing, and a mark alone asks for nothing.
    let stranger = office.ask("GET /me?limt=2").send().await;
    stranger.expect_problem(401, "unauthenticated");
    office.ask("GET /me?").token(&root).send().await.expect(200);
    office
        .ask("HEAD /users?limit=2")
        .token(&root)
        .send()
        .await
        .expect(200);
}

#[tokio::test]
async fn a_problem_is_explained_below_the_public_address() {
    let office = Office::open().await;
    for line in ["GET /me", "GET /nothing", "PUT /me"] {
        let answer = office.ask(line).send().await;
        let kind = format!("/base/backoffice/reference#{}", answer.text("/code"));
        assert_eq!(answer.text("/type"), kind, "{line}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
}

#[tokio::test]
async fn whoever_signs_out_is_out() {
    let office = Office::open().await;
    let root = office.root().await;
    let out = |cookie: &str| {
        let asking = office.ask("POST /sign-out").header("cookie", cookie);
        asking.header("x-altyn-csrf", "1").send()
    };
    let cookie = format!("altyn_session={root}");
    for cookie in [&*cookie, &*cookie, "altyn_session=nonsense", "other=1"] {
        let answer = out(cookie).await.expect(204);
        let set = answer.headers["set-cookie"].to_str().expect("it is plain");
        assert!(set.starts_with("altyn_session=;"), "{set}");
        assert!(set.contains("Max-Age=0"), "{set}");
    }
    let me = office.ask("GET /me").token(&root).send().await;
    me.expect_problem(401, "unauthenticated");
}
