//! Addresses as budgets and bans see them: networks, and the origin that an address belongs to. Pure.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// Whoever has an IPv6 address usually has its whole /64 (RFC 4291, 2.5.4; RIPE-690), and could come from
/// another address of it each time.
const ORIGIN_PREFIX_V6: u8 = 64;

/// Where somebody comes from, as far as that can be told: an IPv4 address, or the /64 of an IPv6 one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Origin(IpAddr);

impl Origin {
    /// The origin of an address. An IPv4 address in IPv6's clothes (`::ffff:192.0.2.1`) is that IPv4 address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => Self(mask_v6(address, ORIGIN_PREFIX_V6).into()),
        }
    }

    /// The network that it is.
    pub fn network(self) -> Network {
        let prefix = if self.0.is_ipv4() { 32 } else { ORIGIN_PREFIX_V6 };
        Network { address: self.0, prefix }
    }
}

/// A network as `192.0.2.0/24` or `2001:db8::/32` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network {
    /// With nothing set behind the prefix.
    address: IpAddr,
    prefix: u8,
}

/// Not the name of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkFault {
    /// Neither an address nor one with a prefix.
    #[error("give an address or a network, such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32")]
    NotANetwork,
    /// Bits behind the prefix, which may tell of a slip.
    #[error("that is an address within {0}; give the network or the address alone")]
    AddressWithin(Network),
}

impl Network {
    /// The loopback networks: this machine.
    pub const LOOPBACK: [Network; 2] = [
        Network { address: IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 0)), prefix: 8 },
        Network { address: IpAddr::V6(Ipv6Addr::LOCALHOST), prefix: 128 },
    ];

    /// Whether an address is in it.
    pub fn contains(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && mask(address, self.prefix) == self.address
    }

    /// Whether it holds more than any one operator's users: more than a /8 of IPv4, or than a /16 of IPv6.
    pub fn is_vast(self) -> bool {
        self.prefix < if self.address.is_ipv4() { 8 } else { 16 }
    }

    /// Whether the two have an address in common.
    pub fn overlaps(self, other: Network) -> bool {
        if self.prefix <= other.prefix { self.contains(other.address) } else { other.contains(self.address) }
    }
}

impl FromStr for Network {
    type Err = NetworkFault;

    fn from_str(word: &str) -> Result<Self, NetworkFault> {
        let (address, prefix) = match word.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (word, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkFault::NotANetwork)?;
        let Some(prefix) = prefix else {
            let address = address.to_canonical();
            return Ok(Self { address, prefix: bits(address) });
        };
        let is_number = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = prefix.parse().ok().filter(|&prefix| is_number && prefix <= bits(address));
        let prefix: u8 = prefix.ok_or(NetworkFault::NotANetwork)?;
        // `::ffff:192.0.2.0/120` is 192.0.2.0/24 in IPv6's clothes.
        let (address, prefix) = match (address.to_canonical(), prefix.checked_sub(96)) {
            (canonical, Some(prefix)) if canonical.is_ipv4() && address.is_ipv6() => (canonical, prefix),
            _ => (address, prefix),
        };
        let network = Self { address: mask(address, prefix), prefix };
        if network.address == address { Ok(network) } else { Err(NetworkFault::AddressWithin(network)) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A single IPv6 address is shown with its prefix: without one it could be taken for its /64.
        if self.prefix == 32 && self.address.is_ipv4() {
            write!(f, "{}", self.address)
        } else {
            write!(f, "{}/{}", self.address, self.prefix)
        }
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn mask(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let kept = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V4((address.to_bits() & kept).into())
        }
        IpAddr::V6(address) => IpAddr::V6(mask_v6(address, prefix)),
    }
}

fn mask_v6(address: Ipv6Addr, prefix: u8) -> Ipv6Addr {
    let kept = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
    (address.to_bits() & kept).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(word: &str) -> Network {
        word.parse().unwrap()
    }

    #[test]
    fn an_origin_is_an_address_or_a_64() {
        let origin = |word: &str| Origin::of(word.parse().unwrap());
        assert_eq!(origin("2001:db8:1:2:3::4"), origin("2001:db8:1:2:ffff::"));
        assert_ne!(origin("2001:db8:1:2::1"), origin("2001:db8:1:3::1"));
        assert_eq!(origin("::ffff:192.0.2.1"), origin("192.0.2.1"));
        assert_ne!(origin("192.0.2.2"), origin("192.0.2.1"));
        assert_eq!(origin("2001:db8::9").network().to_string(), "2001:db8::/64");
        assert_eq!(origin("192.0.2.1").network(), network("192.0.2.1"));
    }

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        for (word, inside, outside) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.7", "::ffff:192.0.2.7", "192.0.2.6"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::/0", "::1", "127.0.0.1"),
            ("::1/128", "::1", "::2"),
        ] {
            let network = network(word);
            assert_eq!(network.to_string(), word);
            assert!(network.contains(inside.parse().unwrap()) && !network.contains(outside.parse().unwrap()), "{word}");
        }
        assert!(
            network("10.0.0.0/8").overlaps(network("10.1.0.0/16")) && network("10.1.0.0/16").overlaps(network("10.0.0.0/8"))
        );
        assert_eq!(network("::ffff:192.0.2.0/120"), network("192.0.2.0/24"));
        assert!(!network("10.0.0.0/8").overlaps(network("11.0.0.0/8")) && !network("::/0").overlaps(network("0.0.0.0/0")));
    }

    #[test]
    fn what_is_no_network_is_told() {
        for word in ["", "alice", "192.0.2", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/+8", "::/129", "192.0.2.0/8/8", "/8"] {
            assert_eq!(word.parse::<Network>(), Err(NetworkFault::NotANetwork), "{word}");
        }
        assert_eq!("10.1.2.3/8".parse::<Network>(), Err(NetworkFault::AddressWithin(network("10.0.0.0/8"))));
    }
}
