//! Who calls behind a proxy: attempts to sign in, tokens and logins bound to networks, each by the forwarded
//! address, and by the socket's where no proxy is trusted.

use serde_json::{Value, json};

use crate::gate::{Database, Gate, Setup};

/// The line that the configuration of a server behind a proxy has.
const BEHIND: &str = "trusted_proxies = [\"127.0.0.1/32\", \"10.0.0.0/8\"]\n";

/// A call of the back office of `base_url`, as a proxy passes it on: status and body.
async fn call(
    (gate, base_url): (&Gate, &str),
    line: &str,
    (from, token): (&str, Option<&str>),
    body: Option<Value>,
) -> (u16, Value) {
    let (method, path) = line.split_once(' ').expect("a method and a path");
    let url = format!("{base_url}/backoffice/v1{path}");
    let method = method.parse().expect("a method");
    let mut request = gate.http.request(method, url);
    request = request.header("x-forwarded-for", from);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if let Some(body) = body {
        request = request.header("content-type", "application/json");
        request = request.body(body.to_string());
    }
    let response = request.send().await.expect("it answers");
    let status = response.status().as_u16();
    let text = response.text().await.expect("it is whole");
    (status, serde_json::from_str(&text).unwrap_or_default())
}

#[tokio::test]
async fn attempts_to_sign_in_are_counted_by_the_forwarded_address() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let node = gate.node_with(BEHIND).await;
    let attempt = async |base_url: &str, from: &str| {
        let body = json!({ "email": "nobody@altyn.example", "password": "x" });
        let at = (&gate, base_url);
        call(at, "POST /sign-in", (from, None), Some(body)).await.0
    };
    for n in 0..20 {
        // What the caller says before the proxy does changes nothing.
        let from = format!("203.0.113.{n}, 198.51.100.7, 10.0.0.2");
        assert_eq!(attempt(&node.base_url, &from).await, 401, "{n}");
    }
    assert_eq!(attempt(&node.base_url, "198.51.100.7").await, 429);
    assert_eq!(attempt(&node.base_url, "198.51.100.8").await, 401);
    assert_eq!(attempt(&node.base_url, "2001:db8::7, 10.0.0.2").await, 401);

    // The other program trusts no proxy: whatever is said, it is one address.
    for n in 0..20 {
        let from = format!("198.51.100.{n}");
        assert_eq!(attempt(&gate.base_url, &from).await, 401, "{n}");
    }
    assert_eq!(attempt(&gate.base_url, "198.51.100.100").await, 429);
}

#[tokio::test]
async fn a_token_of_a_network_is_used_from_there_alone() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let node = gate.node_with(BEHIND).await;
    let demo = std::fs::read_to_string(gate.data.join("demo.json")).expect("it is there");
    let demo: Value = serde_json::from_str(&demo).expect("JSON");
    let operator = &demo["panels"]["operator"];
    let behind = (&gate, node.base_url.as_str());
    let anywhere = ("192.0.2.1", None);
    let (status, signed_in) = call(behind, "POST /sign-in", anywhere, Some(operator.clone())).await;
    assert_eq!(status, 200, "{signed_in}");
    let session = signed_in["token"].as_str().expect("a token");
    let new = json!({
        "password": operator["password"], "name": "Export", "permissions": ["payments_view"],
        "expires_at": signed_in["expires_at"], "allow_list": ["198.51.100.0/24"],
    });
    let by_session = ("192.0.2.1", Some(session));
    let (status, made) = call(behind, "POST /tokens", by_session, Some(new)).await;
    assert_eq!(status, 201, "{made}");
    let token = made["secret"].as_str().expect("a secret");
    for (from, wanted) in [
        ("198.51.100.7", 200),
        ("192.0.2.1, 198.51.100.7", 200),
        ("198.51.100.7, 10.0.0.2", 200),
        ("192.0.2.1", 401),
        ("198.51.100.7, 192.0.2.1", 401),
        ("198.51.100.7, unknown", 401),
        ("", 401),
    ] {
        let (status, body) = call(behind, "GET /payments", (from, Some(token)), None).await;
        assert_eq!(status, wanted, "{from}: {body}");
    }
    let stranger = (&gate, gate.base_url.as_str());
    let lie = ("198.51.100.7", Some(token));
    let (status, body) = call(stranger, "GET /payments", lie, None).await;
    assert_eq!(status, 401, "{body}");
}

#[tokio::test]
async fn a_login_of_a_network_is_used_from_there_alone() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let node = gate.node_with(BEHIND).await;
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_altyn"))
        .args(["project", "create", "--name", "Bound", "--slug", "bound"])
        .args(["--bank-url", &gate.bank.url, "--bank-key", &gate.bank.key])
        .args(["--allow-from", "198.51.100.0/24", "--config"])
        .arg(gate.data.with_file_name("second.toml"))
        .output()
        .await
        .expect("altyn runs");
    let made: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let password = made["password"].as_str().expect("a password");
    let register = async |rest: &str, from: &str, number: &str| {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("userName", "bound-api")
            .append_pair("password", password)
            .append_pair("orderNumber", number)
            .append_pair("amount", "10000")
            .append_pair("returnUrl", "https://shop.example.kz/done")
            .finish();
        let request = gate.http.post(format!("{rest}register.do"));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request.header("x-forwarded-for", from).body(form);
        let text = request.send().await.expect("it answers").text().await;
        let answer: Value = serde_json::from_str(&text.expect("whole")).expect("JSON");
        answer["orderId"].is_string()
    };
    // The running program learns of the new project within a second.
    let began = std::time::Instant::now();
    while !register(&node.rest, "198.51.100.7", "N-1").await {
        assert!(began.elapsed() < crate::gate::PATIENCE, "it is not let in");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(register(&node.rest, "192.0.2.1, 198.51.100.7, 10.0.0.2", "N-2").await);
    assert!(!register(&node.rest, "192.0.2.1", "N-3").await);
    assert!(!register(&node.rest, "198.51.100.7, 192.0.2.1", "N-4").await);
    assert!(!register(&gate.rest, "198.51.100.7", "N-5").await);
}
