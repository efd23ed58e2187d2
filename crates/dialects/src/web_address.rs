//! Addresses that shops give for their payers' browsers.

use url::Url;

/// Whether a text is an absolute address of the web, without a user name and without what a parser would
/// silently drop.
pub(crate) fn is_web_address(text: &str) -> bool {
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    if text.chars().any(odd) {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    if !(lower.starts_with("http://") || lower.starts_with("https://")) {
        return false;
    }
    Url::parse(text)
        .is_ok_and(|url| url.has_host() && url.username().is_empty() && url.password().is_none())
}
