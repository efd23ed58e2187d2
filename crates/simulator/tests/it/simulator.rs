//! A running `altyn-simulator` and the ways in which tests talk to it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

/// The key every test's terminal shows.
pub const KEY: &str = "test-terminal-key";
/// How long the `timeout_*` cards hold the answer in tests.
pub const LATE_MS: u64 = 1500;

/// The program; it ends when this is dropped.
pub struct Simulator {
    child: Child,
    pub client: Client,
    pub bank_url: String,
    pub shop_url: String,
    pub partner_url: String,
}

impl Simulator {
    /// A bank alone.
    pub fn start() -> Simulator {
        Self::start_with(json!({}))
    }

    /// With more configuration.
    pub fn start_with(more: Value) -> Simulator {
        let mut config = json!({"terminal_key": KEY, "late_ms": LATE_MS});
        for (key, value) in more.as_object().expect("an object") {
            config[key] = value.clone();
        }
        let mut child = spawn(&config.to_string());
        let mut line = String::new();
        let output = child.stdout.take().expect("piped");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("readable");
        let ready: Value = serde_json::from_str(&line).expect("one line of JSON when ready");
        let url = |name: &str| ready[name].as_str().unwrap_or_default().to_owned();
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(30))
            .build()
            .expect("a client");
        Simulator {
            child,
            client,
            bank_url: url("bank_url"),
            shop_url: url("shop_url"),
            partner_url: url("partner_url"),
        }
    }

    /// Ends standard input, as a parent does that ends, and waits for the program.
    pub fn stop(mut self) -> i32 {
        drop(self.child.stdin.take());
        exit_code(&mut self.child)
    }

    /// A call with the terminal's key.
    pub fn call(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().expect("a method");
        let url = format!("{}/bank/v1/{path}", self.bank_url);
        self.client.request(method, url).bearer_auth(KEY)
    }

    /// A call with a JSON body; the answer's status and JSON.
    pub async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let response = self.try_post(path, body).await.expect("answered");
        answer(response).await
    }

    /// A call that may be left without an answer.
    pub async fn try_post(&self, path: &str, body: &Value) -> Result<Response, reqwest::Error> {
        let request = self
            .call("POST", path)
            .header("content-type", "application/json");
        request.body(body.to_string()).send().await
    }

    /// A reading call.
    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.call("GET", path).send().await.expect("answered")).await
    }

    /// An operation as the bank tells it.
    pub async fn operation(&self, key: &str) -> Value {
        let (status, operation) = self.get(&format!("operations/{key}")).await;
        assert_eq!(status, StatusCode::OK, "{operation}");
        operation
    }

    /// An authorization that is answered with an operation.
    pub async fn authorize(&self, key: &str, pan: &str, more: Value) -> Value {
        let (status, operation) = self
            .post("authorizations", &authorization(key, pan, more))
            .await;
        assert_eq!(status, StatusCode::OK, "{operation}");
        operation
    }

    /// A capture, void or refund.
    pub async fn follow(&self, parent: &str, what: &str, key: &str, amount: i64) -> Value {
        let path = format!("operations/{parent}/{what}");
        let (status, operation) = self
            .post(&path, &json!({"key": key, "amount": amount}))
            .await;
        assert_eq!(status, StatusCode::OK, "{operation}");
        operation
    }

    /// The log's line of a key.
    pub async fn log_line(&self, key: &str) -> Value {
        let (_, log) = self.get("log").await;
        let lines = log["operations"].as_array().expect("a list").clone();
        let found = lines.into_iter().find(|line| line["key"] == key);
        found.unwrap_or_else(|| panic!("no {key} in {log}"))
    }

    /// Switches a fault on.
    pub async fn fault(&self, fault: Value) {
        let (status, answer) = self.post("faults", &fault).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }

    /// Posts a form as a browser does; gives status and page.
    pub async fn submit(&self, url: &str, fields: &[(&str, &str)]) -> (StatusCode, String) {
        let body = encode(fields);
        let request = self.client.post(url).body(body);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = request.send().await.expect("answered");
        (response.status(), response.text().await.expect("a page"))
    }

    /// The program's id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the program to end by itself.
    pub fn wait(mut self) -> i32 {
        exit_code(&mut self.child)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the program with one line of configuration and keeps its standard input open.
pub fn spawn(line: &str) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_altyn-simulator"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let input = child.stdin.as_mut().expect("piped");
    input.write_all(line.as_bytes()).expect("written");
    input.write_all(b"\n").expect("written");
    child
}

fn exit_code(child: &mut Child) -> i32 {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().expect("waited") {
            return status.code().unwrap_or(-1);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the program does not end");
}

async fn answer(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let text = response.text().await.expect("a body");
    (
        status,
        serde_json::from_str(&text).unwrap_or(Value::String(text)),
    )
}

/// The body of an authorization of 500.00 KZT.
pub fn authorization(key: &str, pan: &str, more: Value) -> Value {
    let mut body = json!({
        "key": key, "amount": 50_000, "currency": "KZT", "capture": false, "verify": false,
        "card": {"pan": pan, "expiry": "209912", "cvc": "123", "holder": "AIGUL TEST"},
        "authentication": "default",
        "order": {"number": "ORD-1", "description": "Dombra <b>big</b>"},
    });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

/// The part of an authorization that describes a browser.
pub fn browser(method_supported: bool, language: &str) -> Value {
    json!({"browser": {
        "notification_url": "http://127.0.0.1:9/challenge-done?p=1&q=2",
        "method_notification_url": "http://127.0.0.1:9/method-done",
        "method_supported": method_supported,
        "language": language,
    }})
}

/// A form body.
pub fn encode(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

/// The action and the named values of the first form of a page.
pub fn form(page: &str) -> (String, HashMap<String, String>) {
    let (_, rest) = page
        .split_once("<form")
        .unwrap_or_else(|| panic!("no form in {page}"));
    let (form, _) = rest.split_once("</form>").expect("the form ends");
    let (head, body) = form.split_once('>').expect("the tag ends");
    let fields = body.split('<').filter_map(|tag| {
        let name = attribute(tag, "name")?;
        Some((name, attribute(tag, "value")?))
    });
    (
        attribute(head, "action").expect("an action"),
        fields.collect(),
    )
}

/// The value of the first attribute with this name.
pub fn attribute(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("{name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(
        value
            .replace("&#38;", "&")
            .replace("&amp;", "&")
            .replace("&#34;", "\""),
    )
}
