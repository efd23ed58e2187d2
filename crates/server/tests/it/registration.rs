//! Registering: what is taken, what is refused, and that a number names one order for good.

use futures::future::join_all;

use crate::gate::{BOTH, Database, Gate, Setup};

#[tokio::test]
async fn one_number_in_parallel_is_one_order() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database)).await;
        let parameters = [
            ("orderNumber", "ONE"),
            ("amount", "100"),
            ("returnUrl", "https://shop.example.kz/"),
        ];
        let answers = join_all((0..100).map(|_| gate.call("register.do", &parameters))).await;
        let registered = answers
            .iter()
            .filter(|answer| answer.get("orderId").is_some())
            .count();
        let refused = answers
            .iter()
            .filter(|answer| answer["errorCode"] == "1")
            .count();
        assert_eq!((registered, refused), (1, 99), "{answers:?}");
        assert_eq!(gate.audit().await["payments"], 1);
    }
}

#[tokio::test]
async fn bad_input_gets_the_code_of_the_family_and_changes_nothing() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let url = ("returnUrl", "https://shop.example.kz/");
    let number = ("orderNumber", "B-1");
    let amount = ("amount", "100");
    let table: &[(&[(&str, &str)], &str)] = &[
        (&[number, url], "4"),
        (&[number, amount], "4"),
        (&[number, amount, ("returnUrl", "/relative")], "4"),
        (&[number, amount, ("returnUrl", "./relative")], "4"),
        (&[number, url, ("amount", "0")], "5"),
        (&[number, url, ("amount", "-5")], "5"),
        (&[number, url, ("amount", "110.00000000000001")], "5"),
        (&[number, url, ("amount", "9999999999999")], "5"),
        (&[number, url, ("amount", "99999999999999999999999")], "5"),
        (&[number, url, ("amount", "1e3")], "5"),
        (&[number, url, amount, ("currency", "999")], "3"),
        (&[number, url, amount, ("currency", "abc")], "3"),
        (&[number, url, amount, ("currency", "392")], "3"),
        (&[number, url, amount, ("language", "xx")], "5"),
        (&[number, url, amount, ("jsonParams", "{broken")], "5"),
        (
            &[
                number,
                url,
                amount,
                ("description", "<script>alert(1)</script>"),
            ],
            "5",
        ),
        (&[number, url, amount, ("features", "NONSENSE")], "14"),
        (
            &[number, url, amount, ("features", "FORCE_CREATE_BINDING")],
            "13",
        ),
        (
            &[
                number,
                url,
                amount,
                ("dynamicCallbackUrl", "http://10.0.0.1/cb"),
            ],
            "4",
        ),
    ];
    for (parameters, code) in table {
        let answer = gate.call("register.do", parameters).await;
        assert_eq!(answer["errorCode"], *code, "{parameters:?}: {answer}");
        assert!(
            answer["errorMessage"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{answer}"
        );
        assert!(answer.get("orderId").is_none());
    }
    assert_eq!(gate.audit().await["payments"], 0);
}

#[tokio::test]
async fn strangers_see_nothing() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let order = gate.registered("S-1", 100).await;
    for (user, password) in [("nobody", "x"), (gate.user_name.as_str(), "wrong")] {
        let body = format!("userName={user}&password={password}&orderId={order}");
        let response = gate
            .http
            .post(format!("{}getOrderStatusExtended.do", gate.rest))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await
            .expect("it answers");
        assert_eq!(response.status(), 200);
        let text = response.text().await.expect("a body");
        assert!(
            text.contains("\"errorCode\":\"5\"") && !text.contains("S-1"),
            "{text}"
        );
    }
    let unknown = "019b2c00-1111-7111-8111-111111111111";
    assert_eq!(gate.status(unknown).await["errorCode"], "6");
    assert_eq!(gate.status("not-an-id").await["errorCode"], "6");
}

#[tokio::test]
async fn messages_come_in_the_callers_language() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let mut seen = Vec::new();
    for language in ["ru", "kk", "en", "EN"] {
        let unknown = "019b2c00-1111-7111-8111-111111111111";
        let parameters = [("orderId", unknown), ("language", language)];
        let answer = gate.call("getOrderStatusExtended.do", &parameters).await;
        seen.push(answer["errorMessage"].as_str().expect("a text").to_owned());
    }
    assert_eq!(seen[2], seen[3]);
    assert!(
        seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2],
        "{seen:?}"
    );
}

#[tokio::test]
async fn malformed_http_is_a_4xx() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let big = "x".repeat(2 << 20);
    let response = gate
        .http
        .post(format!("{}register.do", gate.rest))
        .body(big)
        .send()
        .await;
    assert!(response.is_ok_and(|r| r.status().is_client_error()));
    let response = gate
        .http
        .post(format!("{}noSuchMethod.do", gate.rest))
        .send()
        .await;
    assert_eq!(response.expect("it answers").status(), 404);
}
