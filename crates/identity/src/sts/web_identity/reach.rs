//! Where issuers may be: at public addresses and over TLS, unless the operator allows more. Whoever may make a provider
//! known, or runs one, could otherwise have the server ask machines that only the server reaches.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// What is told of an issuer that may not be asked.
pub(crate) const HINT: &str = "Issuers and their keys are read over https from public addresses alone; the server's operator allows others \
     with `--allow-private-issuers`.";

/// Where issuers may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// At public addresses, over TLS.
    Public,
    /// Anywhere, this machine and its network included, with or without TLS.
    Anywhere,
}

impl Reach {
    /// Checks the scheme of `url`, and its host where that is an address: names are checked when they are resolved.
    ///
    /// # Errors
    /// Why it may not be asked.
    pub(crate) fn check(self, url: &Url) -> Result<(), &'static str> {
        match (self, url.scheme(), address(url)) {
            (Self::Public, "https", None) | (Self::Anywhere, "http" | "https", _) => Ok(()),
            (Self::Public, "https", Some(address)) if is_public(address) => Ok(()),
            (Self::Public, "https", Some(_)) => Err("its address is not public"),
            (Self::Public, ..) => Err("it is not served over TLS"),
            (Self::Anywhere, ..) => Err("it is not served over HTTP"),
        }
    }
}

/// The host of `url`, where it is an address and not a name.
fn address(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Resolves names to public addresses alone. A connection goes to the very addresses that were checked: whoever answers
/// for a name cannot give another one in between.
#[derive(Debug)]
pub(super) struct PublicAddresses;

impl Resolve for PublicAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if !found.iter().all(|address| is_public(address.ip())) {
                return Err("its address is not public".into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one that anyone on the internet may reach (the registries of RFC 6890).
pub(super) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_shared = a == 100 && b & 0xC0 == 64;
    let is_of_protocols = (a, b, c) == (192, 0, 0);
    let is_of_benchmarks = a == 198 && b & 0xFE == 18;
    // 240.0.0.0/4, which is reserved, and 224.0.0.0/4, where groups are.
    let is_not_of_one_host = a >= 224;
    !(a == 0
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || is_shared
        || is_of_protocols
        || is_of_benchmarks
        || is_not_of_one_host)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // An address of IPv4 behind a translator (RFC 6052).
        [0x64, 0xFF9B, 0, 0, 0, 0, high, low] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // Protocols of their own (Teredo among them), documentation, and 6to4, which wraps an address of IPv4.
        [0x2001, 0..=0x01FF | 0x0DB8, ..] | [0x2002, ..] => false,
        // All that is given to hosts of the internet is in 2000::/3.
        [first, ..] => first & 0xE000 == 0x2000,
    }
}
