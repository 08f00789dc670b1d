//! Which addresses may be called: somebody else's, on the open internet. Otherwise whoever registers a webhook could have
//! haat call what only haat can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// The longest address, in bytes.
const URL_BYTES_MAX: usize = 2_000;

/// Why an address is not called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WrongUrl {
    /// It is not an address.
    #[error("expected an address such as https://example.com/webhooks: {0}")]
    Malformed(String),
    /// In the clear.
    #[error("expected an address that begins with https://, found {0}://")]
    Scheme(String),
    /// With a user or a password.
    #[error("an address holds no user and no password: requests are signed")]
    Credentials,
    /// It leads to where only this machine or its network should reach.
    #[error("private, loopback and link-local addresses, and others that are not on the open internet, are not called")]
    Private,
}

/// An address as it may be called, as far as it can be said without resolving its host.
pub(crate) fn check_url(text: &str, http_allowed: bool, private_allowed: bool) -> Result<Url, WrongUrl> {
    if text.len() > URL_BYTES_MAX {
        return Err(WrongUrl::Malformed(format!("at most {URL_BYTES_MAX} bytes, found {}", text.len())));
    }
    let url = Url::parse(text).map_err(|e| WrongUrl::Malformed(e.to_string()))?;
    match url.scheme() {
        "https" => {}
        "http" if http_allowed => {}
        other => return Err(WrongUrl::Scheme(other.to_owned())),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(WrongUrl::Credentials);
    }
    let literal = match url.host() {
        None => return Err(WrongUrl::Malformed("it names no host".into())),
        Some(Host::Domain(_)) => None,
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
    };
    if literal.is_some_and(|address| !private_allowed && !is_public(address)) {
        return Err(WrongUrl::Private);
    }
    Ok(url)
}

/// Whether an address is somebody's on the open internet, by the registries of special-purpose addresses
/// (RFC 6890 and what IANA has added to it since).
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

/// Blocks by their first address and the length of their prefix.
const SPECIAL_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = u32::from(address);
    SPECIAL_V4.iter().all(|(first, prefix)| (bits ^ u32::from(*first)) >> (32 - prefix) != 0)
}

/// What global unicast (2000::/3) holds that is not, or that leads to an IPv4 address.
const SPECIAL_V6: &[(u128, u32)] = &[(0x2001 << 112, 23), (0x2001_0db8 << 96, 32), (0x2002 << 112, 16), (0x3fff << 112, 20)];
const GLOBAL_UNICAST: (u128, u32) = (0x2000 << 112, 3);
/// IPv4 addresses as a translating network writes them (RFC 6052).
const TRANSLATED: (u128, u32) = (0x0064_ff9b << 96, 96);

fn is_public_v6(address: Ipv6Addr) -> bool {
    let bits = u128::from(address);
    let within = |(first, prefix): (u128, u32)| (bits ^ first) >> (128 - prefix) == 0;
    if let Some(v4) = address.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    if within(TRANSLATED) {
        return is_public_v4(Ipv4Addr::from(bits as u32));
    }
    within(GLOBAL_UNICAST) && !SPECIAL_V6.iter().any(|block| within(*block))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_open_internet_are_public() {
        let public = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "172.15.0.1", "172.32.0.1", "192.0.1.1", "223.255.255.255", "11.0.0.1"];
        let public_v6 = ["2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8", "64:ff9b::808:808"];
        for text in public.iter().chain(&public_v6) {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
        let special = ["0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8"];
        let more = ["192.168.1.1", "192.0.2.1", "198.18.0.1", "198.19.255.255", "224.0.0.1", "240.0.0.1", "255.255.255.255"];
        let v6 = ["::", "::1", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1"];
        let v6_more = ["64:ff9b::a00:1", "2002:7f00:1::", "2001::1", "2001:db8::1", "3fff::1", "100::1", "fec0::1", "64:ff9b:1::1"];
        for text in special.iter().chain(&more).chain(&v6).chain(&v6_more) {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn an_address_is_https_and_somebody_elses() {
        let code = |text: &str| check_url(text, false, false).map(|u| u.to_string()).map_err(|e| e.to_string());
        assert_eq!(code("https://example.com/hooks?a=1").unwrap(), "https://example.com/hooks?a=1");
        let loopbacks =
            ["https://127.0.0.1/x", "https://[::1]/x", "https://0x7f.1/", "https://2130706433/", "https://127.1/", "https://0/"];
        for text in loopbacks.into_iter().chain(["https://169.254.169.254/latest/meta-data", "https://[::ffff:10.0.0.1]:8443/"]) {
            assert_eq!(check_url(text, false, false), Err(WrongUrl::Private), "{text}");
            assert!(check_url(text, false, true).is_ok(), "{text}");
        }
        for (text, said) in [
            ("http://example.com/", "https://, found http"),
            ("ftp://example.com/", "found ftp"),
            ("example.com", "expected an address"),
            ("https://", "expected an address"),
            ("https://a:b@example.com/", "no user and no password"),
            ("https://a@example.com/", "no user and no password"),
        ] {
            assert!(code(text).unwrap_err().contains(said), "{text}: {:?}", code(text));
        }
        assert!(check_url(&format!("https://example.com/{}", "a".repeat(2_000)), false, false).is_err());
        assert!(check_url("http://example.com/", true, false).is_ok());
    }
}
