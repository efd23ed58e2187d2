//! The simulator's bank as a process of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

/// The simulator as a process of its own, so that it outlives a killed gateway.
pub struct Bank {
    pub url: String,
    pub key: String,
    /// The wallet partner, which runs in the same process.
    pub partner_url: String,
    _process: Child,
    http: reqwest::Client,
}

impl Bank {
    pub async fn start(late_ms: u32) -> Self {
        let key = "terminal-key-of-a-test".to_owned();
        let mut process = Command::new(simulator_binary())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("altyn-simulator is built: run through `cargo xtask test`");
        let partner = serde_json::json!({
            "app_id": "app-of-a-test",
            "secret": "partner-secret-of-a-test",
            "notice_pause_ms": 200,
        });
        let config = serde_json::json!({
            "terminal_key": key, "late_ms": late_ms, "partner": partner,
        });
        let stdin = process.stdin.as_mut().expect("it has an input");
        stdin
            .write_all(format!("{config}\n").as_bytes())
            .await
            .expect("it reads");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("it has an output");
        BufReader::new(stdout)
            .read_line(&mut line)
            .await
            .expect("it answers");
        let ready: Value = serde_json::from_str(&line).expect("it answers JSON");
        let url = ready["bank_url"]
            .as_str()
            .expect("it names its address")
            .to_owned();
        let partner_url = ready["partner_url"].as_str().expect("and the partner's");
        Self {
            partner_url: partner_url.to_owned(),
            url,
            key,
            _process: process,
            http: reqwest::Client::new(),
        }
    }

    async fn call(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
        let mut request = self
            .http
            .request(method, format!("{}/bank/v1/{path}", self.url))
            .header("authorization", format!("Bearer {}", self.key));
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let text = request
            .send()
            .await
            .expect("the bank answers")
            .text()
            .await
            .expect("all of it");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Switches a fault on for `count` requests (0: until it is cleared).
    pub async fn fault(&self, operation: &str, fault: &str, delay_ms: u32, count: u32) {
        let body = serde_json::json!({
            "operation": operation, "fault": fault, "delay_ms": delay_ms, "count": count,
        });
        self.call(reqwest::Method::POST, "faults", Some(body)).await;
    }

    pub async fn clear_faults(&self) {
        self.call(reqwest::Method::DELETE, "faults", None).await;
    }

    /// Every operation that the bank knows.
    pub async fn log(&self) -> Vec<Value> {
        let answer = self.call(reqwest::Method::GET, "log", None).await;
        let list = answer.get("operations").unwrap_or(&answer);
        list.as_array().expect("the log is a list").clone()
    }
}

fn simulator_binary() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_altyn")).with_file_name("altyn-simulator")
}
