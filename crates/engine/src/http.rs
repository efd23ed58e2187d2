//! Outgoing HTTP: no redirects, no proxies, bounded time and bounded answers.

use std::time::Duration;

use altyn_domain::{HttpMethod, HttpRequest, HttpResponse};

use crate::{EngineConfig, UrlGuard};

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoResponse {
    /// No connection could be made: nothing was sent.
    NotSent(String),
    /// It was or may have been sent.
    Lost(String),
}

/// A client for one kind of peers.
pub(crate) struct HttpClient {
    client: reqwest::Client,
    response_max: usize,
}

impl HttpClient {
    /// For gateways, whose addresses the operator configured.
    pub(crate) fn for_gateways(config: &EngineConfig) -> Result<Self, reqwest::Error> {
        let deadline = u64::try_from(config.exchange_deadline_ms).unwrap_or(0);
        let client = base(Duration::from_millis(deadline))
            .pool_max_idle_per_host(512)
            .build()?;
        Ok(Self {
            client,
            response_max: config.response_max,
        })
    }

    /// For receivers of callbacks, whose addresses merchants gave: every address is checked after its
    /// name was resolved, and only checked addresses are connected to.
    pub(crate) fn for_receivers(
        config: &EngineConfig,
        guard: &UrlGuard,
    ) -> Result<Self, reqwest::Error> {
        let client = base(Duration::from_millis(config.callbacks.timeout_ms))
            .dns_resolver(guard.resolver())
            .pool_max_idle_per_host(config.callbacks.per_host_max)
            .build()?;
        Ok(Self {
            client,
            response_max: 64 * 1024,
        })
    }

    /// Sends and reads the whole answer, cut at the limit.
    pub(crate) async fn send(
        &self,
        request: HttpRequest,
        answer_max: Option<usize>,
        wanted_headers: &[&'static str],
    ) -> Result<HttpResponse, NoResponse> {
        let method = match request.method {
            HttpMethod::Get => reqwest::Method::GET,
            HttpMethod::Post => reqwest::Method::POST,
            HttpMethod::Patch => reqwest::Method::PATCH,
        };
        let mut builder = self.client.request(method, &request.url);
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        if request.method != HttpMethod::Get {
            builder = builder.body(request.body);
        }
        let mut response = builder.send().await.map_err(|error| {
            if error.is_connect() || error.is_builder() {
                NoResponse::NotSent(reason(&error))
            } else {
                NoResponse::Lost(reason(&error))
            }
        })?;
        let status = response.status().as_u16();
        let headers = wanted_headers.iter().filter_map(|name| {
            let value = response.headers().get(*name)?.to_str().ok()?;
            Some((*name, value.to_owned()))
        });
        let headers = headers.collect();
        let max = answer_max.unwrap_or(self.response_max);
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| NoResponse::Lost(reason(&error)))?
        {
            if body.len() + chunk.len() > max {
                if answer_max.is_none() {
                    return Err(NoResponse::Lost(format!(
                        "the answer is larger than {max} bytes"
                    )));
                }
                // Only its beginning is wanted.
                body.extend_from_slice(&chunk[..max - body.len()]);
                break;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpResponse {
            status,
            headers,
            body,
        })
    }
}

fn base(timeout: Duration) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(timeout)
        .connect_timeout(timeout.min(Duration::from_secs(5)))
        .tcp_nodelay(true)
        .user_agent(concat!("Altyn/", env!("CARGO_PKG_VERSION")))
}

/// What went wrong, without the address: its query may hold personal data.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    let mut text = String::new();
    let mut source: Option<&dyn std::error::Error> = std::error::Error::source(error);
    for _ in 0..8 {
        let Some(inner) = source else { break };
        text = inner.to_string();
        source = inner.source();
    }
    // The system's words without their number.
    let words = text.split(" (os error ").next().unwrap_or_default();
    if words.is_empty() {
        "the request failed".to_owned()
    } else {
        words.to_owned()
    }
}
