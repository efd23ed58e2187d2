//! Who calls when proxies stand in front: the one place where a header may say whose request it is.
//!
//! Each proxy writes the address that it heard the request from at the right end of `X-Forwarded-For`. So the
//! list is read from the right, and only as far as addresses of trusted proxies reach: what stands further
//! left was written by whoever they heard it from, and may be invented.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Networks whose word about the caller's address is taken.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Proxies in these networks; without any, no header is heard.
    pub const fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// The caller's address: the socket's, unless a trusted proxy is there. Then it is the right-most address
    /// of `X-Forwarded-For` that is no trusted proxy, or the last one before what cannot be read. The list goes
    /// on from header to header.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.trusts(peer) {
            return peer;
        }
        let headers: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
        let from_right = headers.iter().rev();
        let entries = from_right.flat_map(|header| header.as_bytes().rsplit(|byte| *byte == b','));
        let mut known = peer;
        for entry in entries {
            let Some(address) = address_in(entry) else {
                break;
            };
            known = address;
            if !self.trusts(address) {
                break;
            }
        }
        known
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// An address as proxies write it: alone, or with a port; with one, IPv6 stands in brackets.
fn address_in(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address = match bare {
        Some(bare) => IpAddr::V6(bare.parse().ok()?),
        None => text
            .parse()
            .or_else(|_| text.parse().map(|socket: SocketAddr| socket.ip()))
            .ok()?,
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The caller's address behind two kinds of proxies, for a request with these headers from `peer`.
    fn client(peer: &str, headers: &[&[u8]]) -> String {
        let networks = ["10.0.0.0/8", "127.0.0.1/32", "2001:db8:1::/48"];
        let networks = networks.map(|network| network.parse().unwrap());
        let mut map = HeaderMap::new();
        map.insert("x-real-ip", "192.0.2.99".parse().unwrap());
        map.insert("forwarded", "for=192.0.2.99".parse().unwrap());
        for header in headers {
            map.append(FORWARDED_FOR, (*header).try_into().unwrap());
        }
        let proxies = TrustedProxies::new(networks.into());
        proxies.client(peer.parse().unwrap(), &map).to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        for peer in ["192.0.2.1", "127.0.0.2", "2001:db8:2::1", "::1"] {
            assert_eq!(client(peer, &[b"198.51.100.7"]), peer);
        }
        let nobody = TrustedProxies::default();
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_FOR, "198.51.100.7".parse().unwrap());
        let peer = "127.0.0.1".parse().unwrap();
        assert_eq!(nobody.client(peer, &headers), peer);
    }

    #[test]
    fn a_trusted_proxy_is_believed_as_far_as_its_word_reaches() {
        for (headers, wanted) in [
            // One proxy, and what the caller wrote before it.
            (&["198.51.100.7"] as &[&str], "198.51.100.7"),
            (&["10.9.9.9, 198.51.100.7"], "198.51.100.7"),
            (&["203.0.113.5,198.51.100.7"], "198.51.100.7"),
            // Two proxies, in one header or in several.
            (&["203.0.113.5, 198.51.100.7, 10.0.0.2"], "198.51.100.7"),
            (&["203.0.113.5", "198.51.100.7", "10.0.0.2"], "198.51.100.7"),
            (&["203.0.113.5, 198.51.100.7", "10.0.0.2"], "198.51.100.7"),
            // Nobody but proxies: the request began at the first of them.
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            // IPv6, and IPv4 in it.
            (&["2001:db8:2::7"], "2001:db8:2::7"),
            (&["2001:DB8:2::7, 2001:db8:1::2"], "2001:db8:2::7"),
            (&["[2001:db8:2::7]"], "2001:db8:2::7"),
            (&["::ffff:198.51.100.7"], "198.51.100.7"),
            (&["198.51.100.7, ::ffff:10.0.0.2"], "198.51.100.7"),
            // Ports.
            (&["198.51.100.7:40000"], "198.51.100.7"),
            (&["[2001:db8:2::7]:40000, 10.0.0.2:80"], "2001:db8:2::7"),
            (&["  198.51.100.7\t, 10.0.0.2 "], "198.51.100.7"),
        ] {
            let headers: Vec<_> = headers.iter().map(|header| header.as_bytes()).collect();
            for peer in ["10.0.0.1", "127.0.0.1", "2001:db8:1::1", "::ffff:10.0.0.1"] {
                assert_eq!(client(peer, &headers), wanted, "{peer}: {headers:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_read_hides_what_is_left_of_it() {
        let proxy = "10.0.0.1";
        for garbage in [
            b"" as &[u8],
            b" ",
            b"unknown",
            b"_hidden",
            b"198.51.100.7:",
            b"198.51.100.7:99999",
            b"198.51.100",
            b"198.51.100.07",
            b"198.51.100.0/24",
            b"[198.51.100.7]",
            b"[2001:db8:2::7",
            b"2001:db8:2::7]:1",
            b"fe80::1%eth0",
            b"for=198.51.100.7",
            b"\"198.51.100.7\"",
            b"\xd1\x8b",
            b"\xff",
        ] {
            assert_eq!(client(proxy, &[garbage]), proxy, "{garbage:?}");
            assert_eq!(client(proxy, &[b"198.51.100.7", garbage]), proxy);
            let line = [b"198.51.100.7,", garbage, b",10.0.0.2"].concat();
            assert_eq!(client(proxy, &[&line]), "10.0.0.2", "{garbage:?}");
            // Right of it stands who the proxy heard.
            let line = [garbage, b", 203.0.113.5"].concat();
            assert_eq!(client(proxy, &[&line]), "203.0.113.5", "{garbage:?}");
        }
        assert_eq!(client(proxy, &[]), proxy);
    }
}
