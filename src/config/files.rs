//! Flags that bound what is shared. Sizes are powers of 1024.

use std::time::Duration;

use clap::Args;

use super::seconds;
use crate::files::Limits;
use crate::net::MinRate;
use crate::protocol::shell::Endpoint;

const MIB: u64 = 1 << 20;

/// Flags for files.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Files")]
pub struct FileOptions {
    /// Where clients reach the daemon, for the commands that F and L show [default: the address they are connected to]
    #[arg(long, value_name = "HOST:PORT", env = "PARLOR_ADVERTISE")]
    pub advertise: Option<Endpoint>,

    /// Largest file, in MiB
    #[arg(long, value_name = "N", env = "PARLOR_MAX_FILE_MIB", default_value_t = 2048, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_file_mib: u32,

    /// All files of one account, in MiB
    #[arg(long, value_name = "N", env = "PARLOR_MAX_ACCOUNT_FILES_MIB", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_account_files_mib: u32,

    /// All files of the room, in MiB [default: half the file system]
    #[arg(long, value_name = "N", env = "PARLOR_MAX_ROOM_FILES_MIB", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_room_files_mib: Option<u32>,

    /// Space on the disk that files leave free, in MiB; below it uploads are refused while talk goes on
    #[arg(long, value_name = "N", env = "PARLOR_DISK_RESERVE_MIB", default_value_t = 1024)]
    pub disk_reserve_mib: u32,

    /// Transfers of one account at once
    #[arg(long, value_name = "N", env = "PARLOR_MAX_ACCOUNT_TRANSFERS", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_account_transfers: u32,

    /// Transfers at once
    #[arg(long, value_name = "N", env = "PARLOR_MAX_TRANSFERS", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_transfers: u32,

    /// Slowest acceptable rate of a transfer, in KiB a second; 0 for any
    #[arg(long, value_name = "N", env = "PARLOR_MIN_TRANSFER_KIB_S", default_value_t = 8)]
    pub min_transfer_kib_s: u32,

    /// Seconds over which that rate is measured
    #[arg(long, value_name = "S", env = "PARLOR_TRANSFER_WINDOW_S", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub transfer_window_s: u32,

    /// Seconds that a ticket of F or L waits to be used
    #[arg(long, value_name = "S", env = "PARLOR_TICKET_TIMEOUT_S", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    pub ticket_timeout_s: u32,

    /// Hours that what came of a cut upload is kept, to go on from
    #[arg(long, value_name = "H", env = "PARLOR_KEEP_PARTIALS_H", default_value_t = 24)]
    pub keep_partials_h: u32,

    /// Days that files are shared; 0 for ever
    #[arg(long, value_name = "D", env = "PARLOR_KEEP_FILES_DAYS", default_value_t = 0)]
    pub keep_files_days: u32,
}

impl FileOptions {
    /// What they allow.
    pub fn limits(&self) -> Limits {
        let mib = |count: u32| u64::from(count) * MIB;
        let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let hours = |count: u64| Duration::from_secs(count * 3600);
        Limits {
            file_bytes: mib(self.max_file_mib),
            account_bytes: mib(self.max_account_files_mib),
            room_bytes: self.max_room_files_mib.map(mib),
            disk_reserve_bytes: mib(self.disk_reserve_mib),
            account_transfers: count(self.max_account_transfers),
            ticket_timeout: seconds(self.ticket_timeout_s),
            keep_partials: hours(self.keep_partials_h.into()),
            keep_files: (self.keep_files_days > 0).then(|| hours(u64::from(self.keep_files_days) * 24)),
        }
    }

    /// The slowest acceptable rate.
    pub fn min_rate(&self) -> MinRate {
        MinRate { bytes_per_s: u64::from(self.min_transfer_kib_s) * 1024, window: seconds(self.transfer_window_s) }
    }
}
