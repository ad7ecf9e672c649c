//! Flags that bound what one account or one address may ask.

use std::time::Duration;

use clap::Args;

use crate::guard::Limits;
use crate::guard::bucket::Rate;
use crate::guard::doors::DoorLimits;
use crate::guard::network::Network;

/// Budgets fill up to what ten seconds bring.
const BURST_S: u64 = 10;

/// Flags against floods.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Budgets, each for one account or one address (IPv6: one /64)")]
pub struct GuardOptions {
    /// Networks without budgets, but for passwords; "none" for no network
    #[arg(long, value_name = "NETWORK", env = "PARLOR_TRUST", value_delimiter = ',', num_args = 1.., default_value = "127.0.0.0/8,::1", value_parser = parse_trust)]
    pub trust: Vec<Trust>,

    /// Requests of an account, a second
    #[arg(long, value_name = "N", env = "PARLOR_ACCOUNT_REQUESTS_S", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub account_requests_s: u32,

    /// KiB that an account sends, a second
    #[arg(long, value_name = "N", env = "PARLOR_ACCOUNT_KIB_S", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    pub account_kib_s: u32,

    /// Requests from an address, a second
    #[arg(long, value_name = "N", env = "PARLOR_ADDRESS_REQUESTS_S", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    pub address_requests_s: u32,

    /// KiB from an address, a second
    #[arg(long, value_name = "N", env = "PARLOR_ADDRESS_KIB_S", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    pub address_kib_s: u32,

    /// Accounts registered from an address, a minute
    #[arg(long, value_name = "N", env = "PARLOR_ADDRESS_REGISTRATIONS_MIN", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub address_registrations_min: u32,

    /// Most connections from an address at once
    #[arg(long, value_name = "N", env = "PARLOR_MAX_ADDRESS_CONNECTIONS", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_address_connections: u32,

    /// Most of them that have not logged in
    #[arg(long, value_name = "N", env = "PARLOR_MAX_ADDRESS_STRANGERS", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_address_strangers: u32,

    /// Most connections from anywhere that have not logged in [default: half of --max-connections]
    #[arg(long, value_name = "N", env = "PARLOR_MAX_STRANGERS", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_strangers: Option<u32>,
}

/// What is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// A network.
    Network(Network),
    /// Nothing.
    None,
}

impl GuardOptions {
    /// The limits, for so many connections in all.
    pub fn limits(&self, max_connections: usize) -> Limits {
        let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let a_second = |count: u32, unit: u64| {
            let count = u64::from(count) * unit;
            Rate::new(count, Duration::from_secs(1), count * BURST_S)
        };
        let registrations = u64::from(self.address_registrations_min);
        Limits {
            doors: DoorLimits {
                connections: max_connections,
                strangers: self.max_strangers.map_or((max_connections / 2).max(1), count),
                of_an_origin: count(self.max_address_connections),
                strangers_of_an_origin: count(self.max_address_strangers),
            },
            account_requests: a_second(self.account_requests_s, 1),
            account_bytes: a_second(self.account_kib_s, 1024),
            origin_requests: a_second(self.address_requests_s, 1),
            origin_bytes: a_second(self.address_kib_s, 1024),
            // Twice a minute's at once: a class, or an office, that comes in together.
            registrations: Rate::new(registrations, Duration::from_secs(60), 2 * registrations),
            trusted: self.trusted(),
        }
    }

    pub(super) fn fits_together(&self) -> Result<(), &'static str> {
        let has_none = self.trust.contains(&Trust::None);
        if has_none && self.trust.len() > 1 {
            Err("--trust none trusts nobody: no network can stand beside it")
        } else {
            Ok(())
        }
    }

    /// The trusted networks.
    pub fn trusted(&self) -> Vec<Network> {
        let network = |trust: &Trust| if let Trust::Network(network) = trust { Some(*network) } else { None };
        self.trust.iter().filter_map(network).collect()
    }
}

fn parse_trust(word: &str) -> Result<Trust, String> {
    if word == "none" {
        return Ok(Trust::None);
    }
    word.parse().map(Trust::Network).map_err(|fault: crate::guard::network::NetworkFault| fault.to_string())
}
