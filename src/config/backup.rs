//! The flags for backups.

use std::path::PathBuf;

use clap::Args;

/// What is copied, put back or examined in place of running a daemon.
#[derive(Clone, Debug, Args)]
pub struct BackupOptions {
    /// Back up the data directory into DIR, also while its daemon runs, then exit; an earlier backup there is brought up to date
    #[arg(long, value_name = "DIR", group = "order")]
    pub backup: Option<PathBuf>,

    /// Make the data directory, which must be missing or empty, of the backup in DIR (or of a copy of a database), then exit
    #[arg(long, value_name = "DIR", group = "order")]
    pub restore: Option<PathBuf>,

    /// Examine the data directory, also while its daemon runs, or a backup that --data names; exit with 65 if it is damaged
    #[arg(long, group = "order")]
    pub verify: bool,
}
