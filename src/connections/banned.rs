//! The networks that are banned. Pure: time is given, in milliseconds since 1970 UTC.

use std::net::IpAddr;

use crate::guard::network::Network;

/// The most networks that can be banned at once: each connection is compared with all of them, which takes some 20 µs.
pub const MOST_NETWORKS: usize = 10_000;

/// No more can be banned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyNetworks;

/// Each with the end of its ban, [`NEVER`] if it has none.
#[derive(Debug, Default)]
pub(super) struct BannedNetworks {
    networks: Vec<(Network, i64)>,
}

const NEVER: i64 = i64::MAX;

impl BannedNetworks {
    pub(super) fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }

    pub(super) fn has(&self, address: IpAddr, now_ms: i64) -> bool {
        self.networks.iter().any(|&(network, until_ms)| now_ms < until_ms && network.contains(address))
    }

    pub(super) fn has_room_for(&self, network: Network, now_ms: i64) -> Result<(), TooManyNetworks> {
        let others = self.networks.iter().filter(|&&(other, until_ms)| other != network && now_ms < until_ms);
        if others.count() < MOST_NETWORKS { Ok(()) } else { Err(TooManyNetworks) }
    }

    /// Bans a network, in place of an earlier ban of the same.
    pub(super) fn put(&mut self, network: Network, until_ms: Option<i64>, now_ms: i64) {
        self.networks.retain(|&(other, until_ms)| other != network && now_ms < until_ms);
        self.networks.push((network, until_ms.unwrap_or(NEVER)));
    }

    pub(super) fn remove(&mut self, network: Network) {
        self.networks.retain(|&(other, _)| other != network);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ban_holds_for_its_time_and_the_newest_counts() {
        let (mut banned, network): (_, Network) = (BannedNetworks::default(), "192.0.2.0/24".parse().unwrap());
        let address = "192.0.2.7".parse().unwrap();
        banned.put(network, Some(10), 0);
        assert!(banned.has(address, 9) && !banned.has(address, 10) && !banned.has("192.0.3.7".parse().unwrap(), 9));
        banned.put(network, None, 9);
        assert!(banned.has(address, 10) && banned.networks.len() == 1);
        banned.remove(network);
        assert!(banned.is_empty());
    }

    #[test]
    fn there_are_so_many_at_most_and_those_that_are_over_do_not_count() {
        let mut banned = BannedNetworks::default();
        let network = |number: u32| -> Network { IpAddr::V4(number.into()).to_string().parse().unwrap() };
        banned.networks = (0..MOST_NETWORKS as u32).map(|number| (network(number), 10)).collect();
        assert_eq!(banned.has_room_for(network(u32::MAX), 0), Err(TooManyNetworks));
        assert_eq!(banned.has_room_for(network(3), 0), Ok(()), "in place of its own");
        assert_eq!(banned.has_room_for(network(u32::MAX), 10), Ok(()));
        banned.put(network(u32::MAX), None, 10);
        assert_eq!(banned.networks.len(), 1);
    }
}
