//! Calls of the gateway: one POST, whole or not at all, with a limit of time and of size.

use std::time::Duration;

use anyhow::Context;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};

/// How long a call may take altogether.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest answer.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Why a call has no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// No answer; whether the gateway did the work is not known.
    #[error("no answer: {0}")]
    Silent(String),
    /// An answer that is not the API's.
    #[error("status {0}, not an answer of the API")]
    Strange(StatusCode),
    /// The gateway said no.
    #[error("code {code}: {message}")]
    Refused {
        /// `errorCode`, or `code`.
        code: String,
        /// `errorMessage`, or `message`.
        message: String,
    },
}

/// The way to the gateway.
pub struct Http {
    client: Client,
}

impl Http {
    /// Prepares calls of addresses that begin like this one; nothing is called yet.
    pub fn open(base_url: &str) -> anyhow::Result<Http> {
        let mut builder = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .timeout(CALL_TIMEOUT);
        if base_url.starts_with("http://") {
            // Without TLS the machine needs no certificate store.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().context("HTTP client")?;
        Ok(Http { client })
    }

    /// The status and the body that are answered.
    pub async fn post(
        &self,
        url: &str,
        content_type: &'static str,
        body: String,
    ) -> Result<(StatusCode, Vec<u8>), GatewayError> {
        let request = self.client.post(url);
        let request = request.header(CONTENT_TYPE, content_type).body(body);
        let silent = |error: reqwest::Error| GatewayError::Silent(error.without_url().to_string());
        let mut response = request.send().await.map_err(silent)?;
        let status = response.status();
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(silent)? {
            if answer.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(GatewayError::Strange(status));
            }
            answer.extend_from_slice(&chunk);
        }
        Ok((status, answer))
    }
}
