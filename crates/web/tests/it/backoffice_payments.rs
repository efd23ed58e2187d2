//! Payments, customers and incidents over HTTP. What they mean is tested with the engine, on both databases.

use altyn_domain::{
    ConnectorSettings, Currency, Language, MethodKind, PaymentMethod, ProjectSettings,
    SurplusPolicy,
};
use altyn_engine::NewProject;
use serde_json::{Value, json};

use super::backoffice_office::Office;

/// An installation with one shop, the root operator's token, and the shop's id.
async fn shop() -> (Office, String, String) {
    let office = Office::open().await;
    let token = office.root().await;
    let method = |id: &str, kind| PaymentMethod {
        kind,
        ..PaymentMethod::card(id, "none", ConnectorSettings::default())
    };
    let new = NewProject {
        name: "Tea shop".to_owned(),
        slug: "tea".to_owned(),
        settings: ProjectSettings {
            default_currency: Currency::KZT,
            currencies: vec![Currency::KZT],
            language: Language::Ru,
            session_timeout_ms: 3_600_000,
            tries_max: 3,
            surplus: SurplusPolicy::Balance,
            balances: true,
            endpoints: Vec::new(),
            dynamic_endpoint: None,
            methods: vec![method("card", MethodKind::Card)],
            keys: Vec::new(),
        },
    };
    let project = office.engine.create_project(new).await.expect("a project");
    (office, token, project.to_string())
}

fn order(project: &str, reference: &str) -> Value {
    json!({
        "project_id": project,
        "amount": {"amount": 1_250_000, "currency": "KZT"},
        "reference": reference,
        "description": "Tea",
        "payer": {"id": "c-1", "kind": "individual", "email": "payer@altyn.example"},
        "return_url": "https://shop.example/done",
    })
}

/// Nothing of a payment that is not paid can go back.
async fn undoing_is_refused(office: &Office, token: &str, id: &str) {
    let line = format!("POST /payments/{id}/refunds");
    let reason = json!({"reason": "by mistake"});
    let refund = office.ask(&line).token(token).json(&reason).send().await;
    refund.expect_problem(409, "wrong_status");
    let dear = json!({"reason": "x", "amount": {"amount": 1, "currency": "USD"}});
    let refund = office.ask(&line).token(token).json(&dear).send().await;
    refund.expect_problem(422, "invalid");
    for part in ["captures", "voids"] {
        let line = format!("POST /payments/{id}/{part}");
        let asked = office.ask(&line).token(token).json(&reason).send().await;
        asked.expect_problem(409, "wrong_status");
    }
    let line = format!("POST /payments/{id}/surplus-returns");
    let none = json!({"reason": "x", "operation": 1});
    let asked = office.ask(&line).token(token).json(&none).send().await;
    asked.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_payment_is_registered_once_found_read_and_withdrawn() {
    let (office, token, project) = shop().await;
    let post = |body: &Value| {
        let asked = office.ask("POST /payments").token(&token).json(body);
        asked.header("idempotency-key", "k-1").send()
    };
    let body = order(&project, "W-1");
    let made = post(&body).await.expect(201);
    let id = made.text("/id");
    assert!(id.starts_with("pay_"), "{id}");
    let amount = json!({"amount": 1_250_000, "currency": "KZT", "decimal": "12500.00"});
    assert_eq!(made.body["amount"], amount);
    assert_eq!(made.body["status"], "awaiting_payment");
    assert_eq!(made.body["can"]["payable"], true);
    assert!(made.text("/pay_url").contains("/checkout/"));
    assert!(made.text("/created_at").ends_with('Z'));
    let again = post(&body).await.expect(201);
    assert_eq!(again.text("/id"), id);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let taken = office.ask("POST /payments").token(&token).json(&body);
    taken.send().await.expect_problem(409, "reference_taken");

    let get = |path: String| office.ask(&format!("GET {path}")).token(&token).send();
    let page = get("/payments?search=W-1&status=awaiting_payment".to_owned()).await;
    let page = page.expect(200);
    assert_eq!(page.text("/data/0/id"), id);
    let card = get(format!("/payments/{id}")).await.expect(200);
    assert_eq!(card.body, made.body);
    for part in ["events", "deliveries", "postings"] {
        let part = get(format!("/payments/{id}/{part}")).await.expect(200);
        assert_eq!(part.body, json!({"data": [], "next": null}));
    }
    for wrong in [
        "?status=paid",
        "?from=today",
        "?order=up",
        "?colour=red",
        "?limit=0",
    ] {
        let refused = get(format!("/payments{wrong}")).await;
        refused.expect_problem(422, "invalid");
    }

    // By card the payer goes to Checkout.
    let tries = format!("POST /payments/{id}/tries");
    let begun = office.ask(&tries).token(&token);
    let begun = begun.json(&json!({"method": "card"})).send().await;
    let begun = begun.expect(200);
    assert_eq!(begun.body["next"]["step"], "open");
    assert_eq!(begun.body["operation"], Value::Null);
    assert_eq!(begun.text("/next/url"), made.text("/pay_url"));

    undoing_is_refused(&office, &token, &id).await;
    let line = format!("POST /payments/{id}/cancel");
    let asked = office.ask(&line).token(&token);
    let gone = asked.json(&json!({"reason": "by mistake"})).send().await;
    assert_eq!(gone.expect(200).body["status"], "cancelled");
    let trail = get("/audit?limit=100".to_owned()).await.expect(200);
    let trail = trail.body.to_string();
    for action in ["register", "refund", "capture", "void", "cancel"] {
        assert!(
            trail.contains(&format!("payment.{action}_asked")),
            "{action}"
        );
    }
}

#[tokio::test]
async fn customers_are_listed_and_one_of_them_sees_one() {
    let (office, token, project) = shop().await;
    for (reference, payer) in [("W-1", "c-1"), ("W-2", "c-2"), ("W-3", "d-1")] {
        let mut body = order(&project, reference);
        body["payer"]["id"] = json!(payer);
        let made = office.ask("POST /payments").token(&token).json(&body);
        made.send().await.expect(201);
    }
    let list = format!("GET /projects/{project}/customers?prefix=c-&limit=1");
    let page = office.ask(&list).token(&token).send().await.expect(200);
    assert_eq!(page.text("/data/0/reference"), "c-1");
    let id = page.text("/data/0/id");
    let next = page.text("/next");
    let second = office.ask(&format!("{list}&after={next}")).token(&token);
    let second = second.send().await.expect(200);
    assert_eq!(second.text("/data/0/reference"), "c-2");
    assert_eq!(second.body["next"], Value::Null);
    let other = second.text("/data/0/id");

    let place = json!({"kind": "customer", "project_id": project, "id": id});
    let email = "customer@altyn.example";
    let own = office.invited(&token, email, "customer", &place).await;
    let get = |path: String| office.ask(&format!("GET {path}")).token(&own).send();
    let page = get("/payments".to_owned()).await.expect(200);
    assert_eq!(page.body["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(page.text("/data/0/reference"), "W-1");
    let card = get(format!("/customers/{project}/{id}")).await.expect(200);
    assert_eq!(card.body["balances"], json!([]));
    let statement = format!("/customers/{project}/{id}/statement");
    get(statement.clone()).await.expect_problem(422, "invalid");
    let empty = get(format!("{statement}?currency=KZT")).await.expect(200);
    assert_eq!(empty.body, json!({"data": [], "next": null}));
    let foreign = get(format!("/customers/{project}/{other}")).await;
    foreign.expect_problem(404, "not_found");
    get("/incidents".to_owned())
        .await
        .expect_problem(403, "forbidden");

    let line = format!("POST /customers/{project}/{id}/balance-refunds");
    let back = json!({"amount": {"amount": 5, "currency": "KZT"}, "reason": "asked for"});
    let refused = office.ask(&line).token(&own).json(&back).send().await;
    refused.expect_problem(403, "forbidden");
    let refused = office.ask(&line).token(&token).json(&back).send().await;
    refused.expect_problem(422, "balance_too_small");
    let incidents = office.ask("GET /incidents?with_resolved=true");
    let incidents = incidents.token(&token).send().await.expect(200);
    assert_eq!(incidents.body, json!({"data": [], "next": null}));
    let payment = page.text("/data/0/id");
    let of_payment = format!("GET /incidents?payment_id={payment}");
    let incidents = office.ask(&of_payment).token(&token).send().await;
    assert_eq!(incidents.expect(200).body["data"], json!([]));
    let wrong = office.ask("GET /incidents?payment_id=W-1").token(&token);
    wrong.send().await.expect_problem(422, "invalid");
    let told = format!("GET /payments/{payment}");
    let card = office.ask(&told).token(&token).send().await.expect(200);
    assert_eq!(card.body["incidents_open"], 0);
    let card = office.ask(&told).token(&own).send().await.expect(200);
    assert_eq!(card.body.get("incidents_open"), Some(&Value::Null));
    let line = "POST /incidents/pay_01a2008d74177eb5b0f046239439ac78/1/resolve";
    let verdict = json!({"verdict": "noted", "note": "seen"});
    let none = office.ask(line).token(&token).json(&verdict).send().await;
    none.expect_problem(404, "not_found");
}
