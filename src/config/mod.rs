//! Flags, environment and the file of settings, parsed once. Every figure's unit stands in its name. Those for files are in
//! [`files`], those for games in [`games`], budgets in [`guard`], those for TLS in [`tls`], the operator's orders in
//! [`operator`], those for backups in [`backup`]. A flag that has a variable is a setting, and can stand in the file too
//! ([`mod@file`]); [`load`] puts all of them together, [`changeable`] is what can change while the daemon runs.

mod backup;
mod changeable;
mod file;
mod files;
mod games;
mod guard;
mod load;
pub mod operator;
mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::protocol::shell::Advertised;
use crate::protocol::tongue::Tongue;
pub use backup::BackupOptions;
pub use changeable::Changeable;
pub use file::{FileError, is_setting};
pub use files::FileOptions;
pub use games::GameOptions;
pub use guard::GuardOptions;
pub use load::{Changes, LoadError, Loaded};
pub use operator::OperatorOptions;
pub use tls::TlsOptions;

/// A chat room whose complete client is netcat.
#[derive(Clone, Debug, Parser)]
#[command(name = "parlord", version, about, max_term_width = 100)]
#[command(after_help = "Times in history are in the zone that TZ names. README.md and protocol.md tell the rest.")]
pub struct Config {
    /// Address to listen on; may be given several times (port 0: any free one)
    #[arg(long, value_name = "ADDR", env = "PARLOR_LISTEN", value_delimiter = ',', default_value = "127.0.0.1:7171", value_parser = parse_address)]
    pub listen: Vec<SocketAddr>,

    /// Directory for the database and the control socket; made if it is missing, for its owner alone
    #[arg(long, value_name = "DIR", env = "PARLOR_DATA", default_value = "./parlor-data")]
    pub data: PathBuf,

    /// Language spoken to a connection until it chooses another with V
    #[arg(long, value_enum, env = "PARLOR_LANG", default_value = "en")]
    pub lang: Lang,

    /// bcrypt cost of new passwords, 4 to 31; each step doubles the time of a login
    #[arg(long, value_name = "N", env = "PARLOR_BCRYPT_COST", default_value_t = 12, value_parser = clap::value_parser!(u32).range(4..=31))]
    pub bcrypt_cost: u32,

    /// Most connections at once [default: what the descriptor limit allows]
    #[arg(long, value_name = "N", env = "PARLOR_MAX_CONNECTIONS", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: Option<u32>,

    /// Seconds a connection may take to its first line
    #[arg(long, value_name = "S", env = "PARLOR_FIRST_LINE_TIMEOUT_S", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub first_line_timeout_s: u32,

    /// Seconds a connection may take to its login
    #[arg(long, value_name = "S", env = "PARLOR_LOGIN_TIMEOUT_S", default_value_t = 180, value_parser = clap::value_parser!(u32).range(1..))]
    pub login_timeout_s: u32,

    /// Seconds a connection may take nothing of what it is sent; also its TCP_USER_TIMEOUT meanwhile
    #[arg(long, value_name = "S", env = "PARLOR_STALL_TIMEOUT_S", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    pub stall_timeout_s: u32,

    /// Seconds of silence after which a peer is probed (TCP keepalive)
    #[arg(long, value_name = "S", env = "PARLOR_KEEPALIVE_IDLE_S", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=32767))]
    pub keepalive_idle_s: u32,

    /// Seconds between probes; three without an answer end the connection
    #[arg(long, value_name = "S", env = "PARLOR_KEEPALIVE_INTERVAL_S", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=32767))]
    pub keepalive_interval_s: u32,

    /// Seconds to wait for the disk before a sender is told "unconfirmed"
    #[arg(long, value_name = "S", env = "PARLOR_CONFIRM_TIMEOUT_S", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub confirm_timeout_s: u32,

    /// Seconds that stopping may take; then the daemon says what was not stored and exits 75
    #[arg(long, value_name = "S", env = "PARLOR_STOP_TIMEOUT_S", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub stop_timeout_s: u32,

    /// Threads that serve connections [default: one less than processors, since the store writes on a thread of its own]
    #[arg(long, value_name = "N", env = "PARLOR_WORKER_THREADS", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub worker_threads: Option<u16>,

    /// How much is logged to standard error
    #[arg(long, value_name = "LEVEL", env = "PARLOR_LOG", default_value = "info", value_enum, ignore_case = true)]
    pub log: LogLevel,

    /// File of settings (TOML), named as the flags are without their dashes; read again on SIGHUP
    #[arg(long, value_name = "FILE", env = "PARLOR_CONFIG")]
    pub config: Option<PathBuf>,

    #[command(flatten)]
    #[expect(missing_docs, reason = "as below")]
    pub backups: BackupOptions,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for the program's description")]
    pub files: FileOptions,

    #[command(flatten)]
    #[expect(missing_docs, reason = "as above")]
    pub games: GameOptions,

    #[command(flatten)]
    #[expect(missing_docs, reason = "as above")]
    pub guard: GuardOptions,

    #[command(flatten)]
    #[expect(missing_docs, reason = "as above")]
    pub tls: TlsOptions,

    #[command(flatten)]
    #[expect(missing_docs, reason = "as above")]
    pub operator: OperatorOptions,
}

impl Config {
    /// What no setting tells by itself; the reason if something does not fit.
    fn fits_together(&self) -> Result<(), &'static str> {
        self.tls.files()?;
        self.guard.fits_together()
    }

    /// Where clients are told to come.
    pub fn advertised(&self) -> Advertised {
        Advertised { plain: self.files.advertise.clone(), tls: self.tls.tls_advertise.clone() }
    }
}

/// A language for people, as a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// English
    En,
    /// Chinese
    Zh,
}

impl From<Lang> for Tongue {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::En => Tongue::En,
            Lang::Zh => Tongue::Zh,
        }
    }
}

/// A level of logging, as a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Nothing
    Off,
    /// What keeps the daemon from its work
    Error,
    /// What the operator should look at
    Warn,
    /// Starts and stops
    Info,
    /// Each connection
    Debug,
    /// Everything
    Trace,
}

impl From<LogLevel> for log::LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Off => Self::Off,
            LogLevel::Error => Self::Error,
            LogLevel::Warn => Self::Warn,
            LogLevel::Info => Self::Info,
            LogLevel::Debug => Self::Debug,
            LogLevel::Trace => Self::Trace,
        }
    }
}

fn parse_address(word: &str) -> Result<SocketAddr, String> {
    word.parse().map_err(|_| "give an IP address and a port, such as 127.0.0.1:7171 or [::]:7171".to_owned())
}

/// Seconds, as the flags have them.
pub fn seconds(count: u32) -> Duration {
    Duration::from_secs(count.into())
}
