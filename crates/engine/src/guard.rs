//! The URL guard: where calls to addresses that merchants gave may go.
//!
//! Checked twice: the text when it is saved, and every address that its name resolves to when a call is
//! made, so that a name cannot be turned to an inner address in between.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Why an address is not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlRefused {
    /// Not an absolute http or https address.
    #[error("not an absolute http(s) address")]
    Malformed,
    /// A user name or password in the address.
    #[error("an address must not hold a user name or password")]
    Credentials,
    /// Leads into a network that is not public.
    #[error("the address is not public")]
    NotPublic,
}

/// Decides where calls to addresses that merchants gave may go.
#[derive(Debug, Clone, Default)]
pub struct UrlGuard {
    allowed: Arc<[IpNet]>,
}

impl UrlGuard {
    /// A guard that lets calls into public networks and these.
    pub fn new(allowed: Vec<IpNet>) -> Self {
        Self {
            allowed: allowed.into(),
        }
    }

    /// Checks an address as it is saved and again before each call. A name is checked when it is resolved.
    ///
    /// # Errors
    /// See [`UrlRefused`].
    pub fn check(&self, text: &str) -> Result<Url, UrlRefused> {
        // The parser would drop these silently; nobody who writes them means well.
        if text
            .chars()
            .any(|c| c.is_control() || c == '\\' || c.is_whitespace())
        {
            return Err(UrlRefused::Malformed);
        }
        let url = Url::parse(text).map_err(|_| UrlRefused::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UrlRefused::Malformed);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlRefused::Credentials);
        }
        let address = match url.host().ok_or(UrlRefused::Malformed)? {
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
            Host::Domain(name) => {
                let name = name.trim_end_matches('.');
                let local = name == "localhost" || name.ends_with(".localhost");
                local.then_some(IpAddr::V4(Ipv4Addr::LOCALHOST))
            }
        };
        if address.is_some_and(|address| !self.allows(address)) {
            return Err(UrlRefused::NotPublic);
        }
        Ok(url)
    }

    /// Whether a call may go to this address.
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allowed
            .iter()
            .any(|network| network.contains(&address))
            || is_public(address)
    }

    pub(crate) fn resolver(&self) -> Arc<GuardedResolver> {
        Arc::new(GuardedResolver {
            guard: self.clone(),
        })
    }
}

/// Resolves names and gives only addresses that the guard allows.
pub(crate) struct GuardedResolver {
    guard: UrlGuard,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.guard.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| guard.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(Box::from(UrlRefused::NotPublic));
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation();
    let shared = a == 100 && (64..=127).contains(&b);
    let protocol = a == 192 && b == 0 && c == 0;
    let relay = a == 192 && b == 88 && c == 99;
    let benchmark = a == 198 && (18..=19).contains(&b);
    !(special || shared || protocol || relay || benchmark || a == 0 || a >= 240)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Only global unicast, and of it nothing that carries another address or is set aside.
    let global = a & 0xe000 == 0x2000;
    let teredo_and_protocols = a == 0x2001 && b < 0x0200;
    let documentation = (a == 0x2001 && b == 0x0db8) || (a & 0xfff0 == 0x3ff0);
    let six_to_four = a == 0x2002;
    global && !teredo_and_protocols && !documentation && !six_to_four
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_58_inner_addresses_are_refused_in_every_spelling() {
        let guard = UrlGuard::default();
        let inner = [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://0/",
            "http://0.0.0.0/",
            "http://10.0.0.1/",
            "http://172.16.0.1/",
            "http://172.31.255.255/",
            "http://192.168.1.1/",
            "http://169.254.169.254/latest/",
            "http://100.64.0.1/",
            "http://198.18.0.1/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://240.0.0.1/",
            "http://192.0.0.8/",
            "http://192.0.2.1/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[fe80::1]/",
            "http://[fc00::1]/",
            "http://[fd12::1]/",
            "http://[ff02::1]/",
            "http://[2002:7f00:1::]/",
            "http://[2001::1]/",
            "http://[2001:db8::1]/",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://a.localhost/",
            "http://①②⑦.⓪.⓪.①/",
        ];
        for url in inner {
            assert_eq!(guard.check(url).err(), Some(UrlRefused::NotPublic), "{url}");
        }
    }

    #[test]
    fn row_58_malformed_addresses_are_refused() {
        let guard = UrlGuard::default();
        let wrong = [
            "",
            "/relative",
            "//host/path",
            "ftp://example.kz/",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "http:\\\\example.kz",
            "http://exa mple.kz/",
            "http://example.kz/\r\nHost: x",
            "gopher://example.kz",
        ];
        for url in wrong {
            assert_eq!(guard.check(url).err(), Some(UrlRefused::Malformed), "{url}");
        }
        assert_eq!(
            guard.check("http://a:b@example.kz/").err(),
            Some(UrlRefused::Credentials)
        );
        assert_eq!(
            guard.check("http://127.0.0.1@example.kz/").err(),
            Some(UrlRefused::Credentials)
        );
    }

    #[test]
    fn row_58_public_and_allowed_addresses_pass() {
        let guard = UrlGuard::new(vec!["127.0.0.0/8".parse().unwrap()]);
        for url in [
            "https://example.kz/cb?x=1",
            "http://8.8.8.8/",
            "http://127.0.0.1:9000/cb",
        ] {
            assert!(guard.check(url).is_ok(), "{url}");
        }
        assert_eq!(
            guard.check("http://10.0.0.1/").err(),
            Some(UrlRefused::NotPublic)
        );
        assert_eq!(
            guard.check("http://[::1]/").err(),
            Some(UrlRefused::NotPublic)
        );
    }
}
