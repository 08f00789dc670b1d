//! Where a sign-in comes from.

use std::net::IpAddr;

/// Characters kept of what a device says of itself.
const DEVICE_LENGTH_MAX: usize = 200;

/// Where a sign-in comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    /// What the device calls itself, for its owner to recognise it.
    pub device: Option<String>,
    /// The network address.
    pub address: Option<IpAddr>,
    /// Hash of the cart token that the person shopped with before.
    pub guest: Option<String>,
}

impl Origin {
    /// With the device's name cut to what is kept.
    pub fn new(device: Option<&str>, address: Option<IpAddr>, guest: Option<String>) -> Origin {
        let shorten = |d: &str| d.chars().filter(|c| !c.is_control()).take(DEVICE_LENGTH_MAX).collect();
        Origin { device: device.map(shorten), address, guest }
    }

    /// What attempts are counted by: the address, or for IPv6 the network of 64 bits that one customer is given.
    pub fn network(&self) -> Option<String> {
        Some(match self.address?.to_canonical() {
            IpAddr::V4(a) => a.to_string(),
            IpAddr::V6(a) => format!("{:x}/64", a.to_bits() >> 64),
        })
    }

    /// What attempts on one account are counted by: the 256 addresses around an IPv4 address, or for IPv6 the network of
    /// 48 bits that one site is given.
    pub fn neighbourhood(&self) -> Option<String> {
        Some(match self.address?.to_canonical() {
            IpAddr::V4(a) => format!("{:x}/24", a.to_bits() >> 8),
            IpAddr::V6(a) => format!("{:x}/48", a.to_bits() >> 80),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_by_address_or_ipv6_network() {
        let network = |text: &str| Origin::new(None, Some(text.parse().unwrap()), None).network().unwrap();
        assert_eq!(network("203.0.113.7"), "203.0.113.7");
        assert_eq!(network("::ffff:203.0.113.7"), "203.0.113.7");
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(Origin::default().network(), None);
        let neighbourhood = |text: &str| Origin::new(None, Some(text.parse().unwrap()), None).neighbourhood().unwrap();
        assert_eq!(neighbourhood("203.0.113.7"), neighbourhood("::ffff:203.0.113.250"));
        assert_ne!(neighbourhood("203.0.113.7"), neighbourhood("203.0.114.7"));
        assert_eq!(neighbourhood("2001:db8:1:2::1"), neighbourhood("2001:db8:1:3::1"));
        assert_ne!(neighbourhood("2001:db8:1:2::1"), neighbourhood("2001:db8:2:2::1"));
    }

    #[test]
    fn a_device_name_is_cut_and_cleaned() {
        let origin = Origin::new(Some(&format!("a\tb{}", "x".repeat(500))), None, None);
        assert_eq!(origin.device.unwrap(), format!("ab{}", "x".repeat(198)));
    }
}
