//! The operator's orders, as flags: each is carried out by the daemon that runs on the data directory, one at a time.

use std::time::Duration;

use clap::Args;

/// How long a ban lasts at most; who means longer means for ever.
const LONGEST_BAN: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

/// The orders that are no ban. Where one of them is given, clap does not miss the ban that is required.
const NOT_BANS: [&str; 9] = ["announce", "status", "kick", "unban", "bans", "grant", "revoke", "set_password", "audit"];
/// The orders that show nothing as JSON, for the same reason.
const NOT_STATUS: [&str; 9] = ["announce", "ban", "kick", "unban", "bans", "grant", "revoke", "set_password", "audit"];

/// Flags that are orders to the running daemon.
#[derive(Clone, Debug, Default, Args)]
#[command(
    next_help_heading = "Orders to the daemon running on the data directory (one at a time; parlord exits when it is done)"
)]
#[group(skip)]
pub struct OperatorOptions {
    /// Say this to everyone
    #[arg(long, value_name = "TEXT", group = "order")]
    pub announce: Option<String>,

    /// Show how the daemon is doing
    #[arg(long, group = "order")]
    pub status: bool,

    /// With --status: show it as one JSON object
    #[arg(long, requires = "status", conflicts_with_all = NOT_STATUS)]
    pub json: bool,

    /// End the connections of an account, which may come back
    #[arg(long, value_name = "NAME", group = "order")]
    pub kick: Option<String>,

    /// Do not let an account in, or an address, or a network such as 192.0.2.0/24 (an IPv6 address stands for its /64)
    #[arg(long, value_name = "NAME|ADDRESS", group = "order")]
    pub ban: Option<String>,

    /// With --ban: for so long, a number and s, m, h, d or w, such as 2h, by the wall clock [default: until --unban]
    #[arg(long = "for", value_name = "TIME", requires = "ban", conflicts_with_all = NOT_BANS, value_parser = parse_duration)]
    pub ban_time: Option<Duration>,

    /// With --ban of an account: tell them this when they try to log in
    #[arg(long, value_name = "TEXT", requires = "ban", conflicts_with_all = NOT_BANS)]
    pub why: Option<String>,

    /// Let them in again
    #[arg(long, value_name = "NAME|ADDRESS", group = "order")]
    pub unban: Option<String>,

    /// List who is banned
    #[arg(long, group = "order")]
    pub bans: bool,

    /// Make an account an administrator, who may withdraw any file
    #[arg(long, value_name = "NAME", group = "order")]
    pub grant: Option<String>,

    /// Make it an ordinary account again
    #[arg(long, value_name = "NAME", group = "order")]
    pub revoke: Option<String>,

    /// Give an account another password, read from standard input; ends its connections and tokens
    #[arg(long, value_name = "NAME", group = "order")]
    pub set_password: Option<String>,

    /// List the newest orders, 20 if N is left out
    #[arg(long, value_name = "N", group = "order", num_args = 0..=1, default_missing_value = "20", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub audit: Option<u32>,
}

/// A time as `90s`, `15m`, `2h`, `7d` or `4w`.
fn parse_duration(word: &str) -> Result<Duration, String> {
    let how = || "give a number and s, m, h, d or w, such as 2h".to_owned();
    let unit = word.chars().next_back().ok_or_else(how)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        'w' => 7 * 24 * 3600,
        _ => return Err(how()),
    };
    let count = word.strip_suffix(unit).filter(|count| count.bytes().all(|byte| byte.is_ascii_digit()));
    let count: u64 = count.and_then(|count| count.parse().ok()).filter(|count| *count > 0).ok_or_else(how)?;
    let time = Duration::from_secs(count.saturating_mul(seconds));
    if time > LONGEST_BAN { Err("that is longer than a hundred years; leave --for out".into()) } else { Ok(time) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_one_order_goes_with_no_other() {
        #[derive(clap::Parser)]
        struct Flags {
            #[command(flatten)]
            _orders: OperatorOptions,
        }
        let mut command = <Flags as clap::CommandFactory>::command();
        command.build();
        let orders = command.get_groups().find(|group| group.get_id() == "order").unwrap().get_args();
        for order in orders {
            for (lists, own) in [(NOT_BANS, "ban"), (NOT_STATUS, "status")] {
                assert_eq!(lists.contains(&order.as_str()), order != own, "{order}");
            }
        }
    }

    #[test]
    fn times_have_a_number_and_a_unit() {
        for (word, seconds) in [("90s", 90), ("15m", 900), ("2h", 7200), ("7d", 604_800), ("4w", 2_419_200)] {
            assert_eq!(parse_duration(word), Ok(Duration::from_secs(seconds)), "{word}");
        }
        for word in ["", "h", "2", "0h", "-1h", "+1h", "1.5h", "2 h", "2hours", "2ｈ", "99999999999999999999s", "6000w"] {
            assert!(parse_duration(word).is_err(), "{word}");
        }
    }
}
