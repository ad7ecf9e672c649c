//! One run: who is in the room, who speaks how, what goes on beside it, and for how long. Checked here, so that the
//! rest can rely on it.

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::failure::Failure;

/// One run.
#[derive(Args, Clone, Debug, Serialize)]
pub(crate) struct Scene {
    /// Connections that hear everything, and whose messages are counted
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) receivers: usize,

    /// Connections that speak
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) senders: usize,

    /// The text of each message
    #[arg(long, default_value_t = 64, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(17..=4000))]
    pub(crate) size_bytes: u16,

    /// Closed loop: so many messages are on their way at most
    #[arg(long, default_value_t = 64, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) window: u64,

    /// Closed loop on answers: each sender has so many messages that are not yet answered OK
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) pipeline: Option<u64>,

    /// Open loop: so many messages a second, whether or not they arrive
    #[arg(long, value_name = "RATE", conflicts_with = "pipeline", value_parser = parse_rate)]
    pub(crate) rate_per_s: Option<f64>,

    /// How long to measure
    #[arg(long, default_value_t = 5.0, value_name = "S", value_parser = parse_seconds)]
    pub(crate) seconds: f64,

    /// How long to talk before that
    #[arg(long, default_value_t = 1.0, value_name = "S", value_parser = parse_seconds)]
    pub(crate) warmup_s: f64,

    /// How long to wait at the end for what is still on its way, as long as nothing comes
    #[arg(long, default_value_t = 3.0, value_name = "S", value_parser = parse_seconds)]
    pub(crate) patience_s: f64,

    /// How the daemon words things for those in the room
    #[arg(long, value_enum, default_value_t = Voice::En)]
    pub(crate) voice: Voice,

    /// Connections that are in the room besides; with --pid their memory is measured
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) idle: usize,

    /// Logins while the talk goes on; each leaves at once
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) logins: usize,

    /// So many of them a second; without it all come at once
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub(crate) login_rate_per_s: Option<f64>,

    /// Those who log in have been there before; without it they register
    #[arg(long)]
    pub(crate) logins_known: bool,

    /// Pages of 20 events, at random places of the history, a second
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub(crate) history_per_s: Option<f64>,

    /// Threads that upload a file, fetch it, withdraw it, and begin again
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) transfers: usize,

    /// The size of such a file
    #[arg(long, default_value_t = 16, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=2048))]
    pub(crate) transfer_mib: u64,

    /// Look at every message in a closed loop too; without it at the last one of each read, and at their number
    #[arg(long)]
    pub(crate) check_every: bool,

    /// Never sleep between two messages: exact to a few microseconds, at the price of a core
    #[arg(long)]
    pub(crate) spin: bool,

    /// The daemon's process, to read what it uses
    #[arg(long, value_name = "PID")]
    pub(crate) pid: Option<u32>,

    /// Accounts are called load-RUN-…; random without it. The same one again finds them known
    #[arg(long, value_name = "RUN", default_value_t = String::new(), hide_default_value = true, value_parser = parse_run)]
    pub(crate) run: String,
}

/// A voice of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Voice {
    /// English
    En,
    /// Chinese
    Zh,
    /// One JSON object a line, for programs
    Json,
}

/// What holds the senders back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// Nobody speaks.
    Silent,
    /// As many messages as this are on their way to the receivers.
    Window(u64),
    /// As many messages of each sender are not answered.
    Pipeline(u64),
    /// The clock.
    Rate(f64),
}

impl Scene {
    pub(crate) fn pace(&self) -> Pace {
        match (self.senders, self.rate_per_s, self.pipeline) {
            (0, ..) => Pace::Silent,
            (_, Some(rate_per_s), _) => Pace::Rate(rate_per_s),
            (_, None, Some(requests)) => Pace::Pipeline(requests),
            (_, None, None) => Pace::Window(self.window),
        }
    }

    /// Whether each message is looked at: delivery latency needs that.
    pub(crate) fn looks_at_every_message(&self) -> bool {
        self.check_every || matches!(self.pace(), Pace::Rate(_))
    }

    pub(crate) fn warmup(&self) -> Duration {
        Duration::from_secs_f64(self.warmup_s)
    }

    /// When the talk ends.
    pub(crate) fn end(&self) -> Duration {
        Duration::from_secs_f64(self.warmup_s + self.seconds)
    }

    /// Fills in the run's name; fails if nothing would happen, or could not go on.
    pub(crate) fn checked(mut self) -> Result<Self, Failure> {
        let usage = |words: &str| Err(Failure::Usage(words.to_owned()));
        if self.receivers == 0 && matches!(self.pace(), Pace::Window(_)) {
            return usage("without receivers nothing holds the senders back: add --pipeline, --rate-per-s or --senders 0");
        }
        if self.seconds == 0.0 {
            return usage("--seconds is 0: there is nothing to measure");
        }
        if self.idle > 0 && self.pid.is_none() {
            return usage("--idle is for the memory of the daemon: add --pid");
        }
        if self.run.is_empty() {
            self.run = random_run()?;
        }
        Ok(self)
    }
}

fn random_run() -> Result<String, Failure> {
    let random = getrandom::u32().map_err(|error| Failure::Generator(error.to_string()))?;
    Ok(format!("{random:08x}"))
}

fn parse_seconds(words: &str) -> Result<f64, String> {
    parse_number(words).filter(|&seconds| seconds <= 1e6).ok_or_else(|| "seconds, such as 5 or 0.5".to_owned())
}

fn parse_rate(words: &str) -> Result<f64, String> {
    parse_number(words).filter(|&rate| (1e-3..=1e8).contains(&rate)).ok_or_else(|| "a number a second, such as 1000".to_owned())
}

fn parse_number(words: &str) -> Option<f64> {
    words.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

/// With what is put around it, a name. None is given yet: it becomes a random one.
fn parse_run(words: &str) -> Result<String, String> {
    let is_name = (0..=16).contains(&words.len()) && words.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_name { Ok(words.to_owned()) } else { Err("1 to 16 letters and digits".to_owned()) }
}
