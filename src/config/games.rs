//! Flags that say how long games wait for people.

use clap::Args;

use super::seconds;
use crate::games::Limits;

/// Flags for games.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Games")]
pub struct GameOptions {
    /// Seconds that an invitation to a game waits for somebody, and a finished game for a rematch
    #[arg(long, value_name = "S", env = "PARLOR_INVITATION_TIMEOUT_S", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..))]
    pub invitation_timeout_s: u32,

    /// Seconds that a player whose connection is lost may stay away; then the other wins
    #[arg(long, value_name = "S", env = "PARLOR_RECONNECT_TIMEOUT_S", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    pub reconnect_timeout_s: u32,

    /// Seconds without a move, where no clock runs, after which the other may claim the win
    #[arg(long, value_name = "S", env = "PARLOR_IDLE_MOVE_TIMEOUT_S", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    pub idle_move_timeout_s: u32,

    /// Seconds that a game waits for both players, after a restart or when both were lost; then it is adjourned
    #[arg(long, value_name = "S", env = "PARLOR_ADJOURN_TIMEOUT_S", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    pub adjourn_timeout_s: u32,
}

impl GameOptions {
    /// What they allow.
    pub fn limits(&self) -> Limits {
        Limits {
            invitation_timeout: seconds(self.invitation_timeout_s),
            reconnect_timeout: seconds(self.reconnect_timeout_s),
            idle_move_timeout: seconds(self.idle_move_timeout_s),
            adjourn_timeout: seconds(self.adjourn_timeout_s),
        }
    }
}
