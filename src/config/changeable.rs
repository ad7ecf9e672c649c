//! What can change while the daemon runs. What stands here takes effect when the settings are read again; everything
//! else at the next start.

use std::time::Duration;

use log::LevelFilter;

use super::{Config, seconds};
use crate::files::Limits as FileLimits;
use crate::games::Limits as GameLimits;
use crate::net::{Keepalive, Treatment};
use crate::session::Terms;

/// The settings that can change.
#[derive(Clone, Debug, PartialEq)]
pub struct Changeable {
    /// How much is logged.
    pub log: LevelFilter,
    /// How long anybody waits for the disk.
    pub confirm_timeout: Duration,
    /// How long stopping may take.
    pub stop_timeout: Duration,
    /// What sessions go by.
    pub terms: Terms,
    /// How new connections are treated.
    pub treatment: Treatment,
    /// How much may be shared.
    pub files: FileLimits,
    /// How long new games wait for people.
    pub games: GameLimits,
}

impl From<&Config> for Changeable {
    fn from(config: &Config) -> Self {
        let stop_timeout = seconds(config.stop_timeout_s);
        Self {
            log: config.log.into(),
            confirm_timeout: seconds(config.confirm_timeout_s),
            stop_timeout,
            terms: Terms {
                advertised: config.advertised(),
                tongue: config.lang.into(),
                first_line_timeout: seconds(config.first_line_timeout_s),
                login_timeout: seconds(config.login_timeout_s),
                stop_patience: stop_timeout / 4,
            },
            treatment: Treatment {
                keepalive: Keepalive { idle: seconds(config.keepalive_idle_s), interval: seconds(config.keepalive_interval_s) },
                stall_timeout: seconds(config.stall_timeout_s),
                min_rate: config.files.min_rate(),
            },
            files: config.files.limits(),
            games: config.games.limits(),
        }
    }
}
