//! States of things: what was changed meanwhile is changed and deleted by nobody who has not seen it, and what is
//! there already changes nothing.

use std::sync::Arc;

use altyn_domain::{
    Connector, ConnectorError, ConnectorSettings, Description, ExchangeRequest, HttpMethod,
    HttpRequest, HttpResponse, NotDescribed, NotFoundRule, Step, Timestamp,
};
use altyn_engine::EngineConfig;
use serde_json::{Value, json};

use super::backoffice_office::{Office, PASSWORD};

/// A gateway of the registry at an address where nobody listens.
struct Nobody;

impl Connector for Nobody {
    fn name(&self) -> &'static str {
        "remote"
    }

    fn describe(
        &self,
        _: &ConnectorSettings,
        _: &str,
        _: Timestamp,
    ) -> Result<HttpRequest, ConnectorError> {
        Ok(HttpRequest {
            method: HttpMethod::Post,
            url: "http://127.0.0.1:1/".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        })
    }

    fn description(
        &self,
        _: &ConnectorSettings,
        _: &str,
        _: Timestamp,
        _: &HttpResponse,
    ) -> Result<Description, NotDescribed> {
        Err(NotDescribed("nobody".to_owned()))
    }

    fn request(&self, _: &ExchangeRequest<'_>) -> Result<HttpRequest, ConnectorError> {
        Err(ConnectorError::Unsupported)
    }

    fn step(&self, _: &ExchangeRequest<'_>, _: &HttpResponse) -> Step {
        unreachable!("nobody pays")
    }

    fn not_found_rule(&self, _: &ConnectorSettings) -> NotFoundRule {
        NotFoundRule::Never
    }
}

/// A back office with one of each thing.
struct Tree {
    office: Office,
    root: String,
    reseller: String,
    merchant: String,
    project: String,
    connector: String,
    method: String,
}

impl Tree {
    async fn grow() -> Self {
        let config = EngineConfig {
            second_factor_required: false,
            ..EngineConfig::default()
        };
        let office = Office::open_with(config, vec![Arc::new(Nobody)]).await;
        let root = office.root().await;
        let me = office.ask("GET /me").token(&root).send().await.expect(200);
        let reseller = me.text("/place/id");
        let mut tree = Self {
            office,
            root,
            merchant: String::new(),
            project: String::new(),
            connector: String::new(),
            method: String::new(),
            reseller,
        };
        let of = json!({"reseller_id": tree.reseller, "name": "Tea"});
        tree.merchant = tree.made("/merchants", &of).await.text("/id");
        let shop = json!({"merchant_id": tree.merchant, "name": "Shop", "slug": "shop",
                          "currencies": ["KZT"]});
        tree.project = tree.made("/projects", &shop).await.text("/id");
        let gateway = json!({"name": "Gateway", "url": "https://gateway.example/", "schema": []});
        let gateway = tree.made("/connectors", &gateway).await;
        tree.connector = gateway.text("/connector/id");
        let wallet = json!({
            "reseller_id": tree.reseller, "name": "Wallet", "settings": {},
            "connector": {"kind": "registered", "id": tree.connector},
            "abilities": {"refunds": "full", "holds": false, "saved_card": false, "payout": false},
        });
        tree.method = tree.made("/methods", &wallet).await.text("/id");
        tree
    }

    async fn made(&self, path: &str, body: &Value) -> super::backoffice_office::Answer {
        let line = format!("POST {path}");
        let made = self.office.ask(&line).token(&self.root).json(body).send();
        made.await.expect(201)
    }

    /// The tag of what is read there.
    async fn tag(&self, path: &str) -> String {
        let line = format!("GET {path}");
        let read = self.office.ask(&line).token(&self.root).send().await;
        let read = read.expect(200);
        read.headers["etag"]
            .to_str()
            .expect("it is plain")
            .to_owned()
    }

    /// The numbers of lines of the audit trail.
    async fn lines(&self) -> usize {
        let read = self.office.ask("GET /audit?limit=100").token(&self.root);
        let read = read.send().await.expect(200);
        read.body["data"].as_array().map_or(0, Vec::len)
    }

    /// With a stale tag nothing happens, with the right one or none it does.
    async fn is_guarded(&self, line: &str, body: Option<&Value>, path: &str, change: &Value) {
        let ask = |tag: Option<&str>| {
            let mut asking = self.office.ask(line).token(&self.root);
            if let Some(body) = body {
                asking = asking.json(body);
            }
            if let Some(tag) = tag {
                asking = asking.header("if-match", tag);
            }
            asking.send()
        };
        let old = self.tag(path).await;
        let patch = format!("PATCH {path}");
        let patch = self.office.ask(&patch).token(&self.root).json(change);
        patch.send().await.expect(200);
        let (now, lines) = (self.tag(path).await, self.lines().await);
        assert_ne!(old, now, "{line}");
        ask(Some(&old)).await.expect_problem(412, "stale");
        ask(Some("W/\"x\"")).await.expect_problem(412, "stale");
        assert_eq!(self.tag(path).await, now, "{line}");
        assert_eq!(self.lines().await, lines, "{line}");
        let done = ask(Some(&now)).await;
        assert!(done.status.is_success(), "{line}: {}", done.body);
        assert_eq!(self.lines().await, lines + 1, "{line}");
    }
}

#[tokio::test]
async fn whoever_saw_an_older_state_deletes_and_rotates_nothing() {
    let tree = Tree::grow().await;
    let method = format!("/methods/{}", tree.method);
    let connector = format!("/connectors/{}", tree.connector);
    let line = format!("POST {connector}/rotate-key");
    let overlap = json!({"overlap_hours": 1});
    let renamed = json!({"name": "Gateway of ours"});
    tree.is_guarded(&line, Some(&overlap), &connector, &renamed)
        .await;
    let line = format!("POST {connector}/describe");
    let asked = tree.office.ask(&line).token(&tree.root);
    let asked = asked.header("if-match", "\"older\"").send().await;
    asked.expect_problem(412, "stale");
    let line = format!("DELETE {method}");
    tree.is_guarded(&line, None, &method, &json!({"position": 7}))
        .await;
    let line = format!("DELETE {connector}");
    let renamed = json!({"name": "Gateway of theirs"});
    tree.is_guarded(&line, None, &connector, &renamed).await;

    let place = json!({"kind": "merchant", "id": tree.merchant});
    let email = "support@shop.example";
    let person = tree
        .office
        .invited(&tree.root, email, "support", &place)
        .await;
    let me = tree.office.ask("GET /me").token(&person).send().await;
    let user = format!("/users/{}", me.expect(200).text("/id"));
    let line = format!("POST {user}/reset-second-factor");
    tree.is_guarded(&line, None, &user, &json!({"name": "Anew"}))
        .await;
}

#[tokio::test]
async fn what_has_no_tag_takes_none() {
    let tree = Tree::grow().await;
    let keys = format!("/projects/{}/credentials", tree.project);
    let key = json!({"dialect": "rbs", "kind": "password", "login": "shop-api"});
    let key = tree.made(&keys, &key).await.text("/credential/id");
    let line = format!("DELETE {keys}/{key}");
    let ask = |tag: &str| {
        let asking = tree.office.ask(&line).token(&tree.root);
        asking.header("if-match", tag).send()
    };
    ask("\"any\"").await.expect_problem(412, "stale");
    ask("*").await.expect(204);
}

#[tokio::test]
async fn a_patch_to_what_is_there_already_changes_nothing() {
    let tree = Tree::grow().await;
    let place = json!({"kind": "merchant", "id": tree.merchant});
    let email = "support@shop.example";
    let person = tree
        .office
        .invited(&tree.root, email, "support", &place)
        .await;
    let me = tree.office.ask("GET /me").token(&person).send().await;
    let user = me.expect(200).text("/id");
    for (path, same) in [
        (format!("/resellers/{}", tree.reseller), None),
        (format!("/merchants/{}", tree.merchant), None),
        (
            format!("/projects/{}", tree.project),
            Some(json!({"tries_max": 3})),
        ),
        (format!("/connectors/{}", tree.connector), None),
        (format!("/methods/{}", tree.method), None),
        (format!("/users/{user}"), None),
    ] {
        let line = format!("GET {path}");
        let read = tree.office.ask(&line).token(&tree.root).send().await;
        let same = same.unwrap_or_else(|| json!({"name": read.body["name"]}));
        let (tag, lines) = (tree.tag(&path).await, tree.lines().await);
        let line = format!("PATCH {path}");
        let patch = tree.office.ask(&line).token(&tree.root).json(&same);
        let patched = patch.send().await.expect(200);
        assert_eq!(patched.headers["etag"], *tag, "{path}");
        assert_eq!(tree.lines().await, lines, "{path}");
    }
}

#[tokio::test]
async fn what_is_refused_is_said_in_plain_words() {
    let tree = Tree::grow().await;
    let (office, root) = (&tree.office, &tree.root);
    let described = format!("POST /connectors/{}/describe", tree.connector);
    let described = office.ask(&described).token(root).send().await;
    let described = described.expect_problem(409, "not_described");
    let words = described.text("/detail");
    assert!(
        words.contains("refused") && !words.contains("os error"),
        "{words}"
    );

    let keys = format!("POST /projects/{}/credentials", tree.project);
    let key = json!({"dialect": "nope", "kind": "password"});
    let key = office.ask(&keys).token(root).json(&key).send().await;
    assert_eq!(
        key.expect_problem(422, "invalid").text("/errors/0/field"),
        "dialect"
    );

    let payment = json!({"project_id": tree.project, "reference": " W-1 ",
                         "amount": {"amount": 100, "currency": "KZT"}});
    let payment = office.ask("POST /payments").token(root).json(&payment);
    let payment = payment.send().await.expect_problem(422, "invalid");
    assert_eq!(payment.text("/errors/0/field"), "reference");

    let to = "GET /payments?from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z";
    office.ask(to).token(root).send().await.expect(200);
    let to = office
        .ask("GET /payments?to=9999-12-32T23:59:59Z")
        .token(root);
    to.send().await.expect_problem(422, "invalid");
}

#[tokio::test]
async fn who_stands_too_low_hears_that() {
    let tree = Tree::grow().await;
    let (office, root) = (&tree.office, &tree.root);
    let below = json!({"parent_id": tree.reseller, "name": "Below"});
    let below = tree.made("/resellers", &below).await.text("/id");
    let place = json!({"kind": "reseller", "id": below});
    let email = "reseller@below.example";
    let person = office
        .invited(root, email, "reseller_operator", &place)
        .await;
    let renamed = office
        .ask(&format!("PATCH /resellers/{below}"))
        .token(&person);
    let renamed = renamed.json(&json!({"name": "Above"})).send().await;
    let words = renamed.expect_problem(403, "forbidden").text("/detail");
    assert!(words.contains("above"), "{words}");
    let higher = json!({"email": "a@below.example", "role": "root_operator", "place": place});
    let higher = office.ask("POST /invitations").token(&person).json(&higher);
    let words = higher
        .send()
        .await
        .expect_problem(403, "forbidden")
        .text("/detail");
    assert!(
        words.contains("role") && !words.contains("users_manage"),
        "{words}"
    );
}

#[tokio::test]
async fn a_token_before_the_first_password_change_says_what_comes_first() {
    let office = Office::open_with(EngineConfig::default(), Vec::new()).await;
    let email = "first@altyn.example";
    let made = office.engine.create_root(email, "Operator", false).await;
    let (_, first) = made.expect("the first person");
    let token = office.sign_in(email, first.expose()).await;
    let body = |password: &str| {
        json!({"password": password, "name": "Export", "permissions": ["users_view"],
               "expires_at": "2027-05-22T00:00:00Z"})
    };
    let make = async |password: &str| {
        let asking = office
            .ask("POST /tokens")
            .token(&token)
            .json(&body(password));
        asking.send().await
    };
    let early = make(first.expose()).await;
    early.expect_problem(403, "password_change_required");
    let change = json!({"old_password": first.expose(), "password": PASSWORD});
    let changed = office.ask("POST /me/password").token(&token).json(&change);
    changed.send().await.expect(204);
    make(PASSWORD)
        .await
        .expect_problem(403, "second_factor_required");
}
