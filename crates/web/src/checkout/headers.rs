//! Headers that every page carries. Nothing inline, nothing from elsewhere; a frame around us only where
//! the payment was opened in one.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;

/// What one page may do beyond the rest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policy {
    /// Origins that the page's forms may post to beside our own.
    pub form_origins: Vec<String>,
    /// Origins that the page's frames may come from.
    pub frame_origins: Vec<String>,
    /// The sources of pages that may frame this one; `None` for none.
    pub ancestors: Option<String>,
}

impl Policy {
    fn text(&self) -> String {
        let listed = |own: &str, others: &[String]| {
            let mut all = vec![own.to_owned()];
            all.extend(others.iter().cloned());
            all.join(" ")
        };
        let frames = if self.frame_origins.is_empty() {
            "'none'".to_owned()
        } else {
            // The issuer's hidden page ends at an address of ours in the same frame.
            listed("'self'", &self.frame_origins)
        };
        format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             connect-src 'self'; frame-src {frames}; form-action {}; frame-ancestors {}; \
             base-uri 'none'",
            listed("'self'", &self.form_origins),
            self.ancestors.as_deref().unwrap_or("'none'"),
        )
    }
}

/// Puts the headers of a page on `response`.
pub(crate) fn protect(response: &mut Response, policy: &Policy) {
    let headers = response.headers_mut();
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if policy.ancestors.is_none() {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    set(headers, header::CONTENT_SECURITY_POLICY, &policy.text());
}

/// Sets a header; a value that no header can hold is left away, and the browser then allows nothing
/// that the value would have allowed.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    let strictest = HeaderValue::from_static("default-src 'none'");
    headers.insert(name, HeaderValue::from_str(value).unwrap_or(strictest));
}

/// The origin of an address, as a policy names it; `None` unless it is an address of the web.
pub(crate) fn origin(address: &str) -> Option<String> {
    let url = url::Url::parse(address).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_cannot_smuggle_directives() {
        assert_eq!(
            origin("https://acs.example:8443/a?b;script-src *"),
            Some("https://acs.example:8443".to_owned())
        );
        for text in [
            "javascript:alert(1)",
            "data:text/html,x",
            "acs",
            "",
            "https://a b/",
        ] {
            assert_eq!(origin(text), None, "{text}");
        }
    }

    #[test]
    fn only_the_steps_page_reaches_out() {
        let plain = Policy::default().text();
        assert!(plain.contains("frame-src 'none'; form-action 'self'; frame-ancestors 'none'"));
        assert!(!plain.contains("unsafe"));
    }
}
