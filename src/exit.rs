//! How the daemon ends: one list of exit codes, after BSD's sysexits, for scripts and service managers.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::config::FileError;
use crate::net::CertificateError;
use crate::store::copy::CopyError;
use crate::store::{Death, OpenError};

/// Why the daemon could not run, or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A control flag found no daemon, or the daemon refused.
    #[error("{0}")]
    Control(String),
    /// The database is damaged, or is no database.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// Another daemon has the data directory.
    #[error("another parlord{pid} is running on {data}; stop it first, or give this one another --data")]
    AlreadyRunning {
        /// The directory.
        data: PathBuf,
        /// Its process id as ` (pid 7)`, if it wrote one.
        pid: String,
    },
    /// The data directory cannot be made or written.
    #[error("cannot use the data directory {data}: {source}; give one that this user may write, with --data")]
    DataDirectory {
        /// The directory.
        data: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// The data directory is open to others, and holds other things than a daemon's.
    #[error(
        "{data} is open to other users and holds other things; close it (chmod 700), or give a directory for the daemon alone with --data"
    )]
    SharedDirectory {
        /// The directory.
        data: PathBuf,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}; is another server there? --listen gives another address")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// The system's words.
        source: std::io::Error,
    },
    /// Flags that do not go together.
    #[error("{0}")]
    Flags(&'static str),
    /// TLS cannot be spoken with the files given.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The file of settings cannot be used.
    #[error(transparent)]
    Settings(#[from] FileError),
    /// A path is not what a flag needs.
    #[error("{path} {why}")]
    Unfit {
        /// The path.
        path: PathBuf,
        /// What it is, and what to give.
        why: String,
    },
    /// A file of a backup, or of what is backed up, cannot be read or written.
    #[error("cannot read or write {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// The database cannot be copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// Something was looked at, or copied as far as it is sound, and is damaged.
    #[error("{path} is damaged; lines above that say where: {damages}")]
    FoundDamaged {
        /// What was looked at.
        path: PathBuf,
        /// How many damages were told of.
        damages: usize,
    },
    /// A thread, a signal handler or the runtime could not be had.
    #[error("the system refused what the daemon needs: {0}")]
    System(#[from] std::io::Error),
    /// The room's task or the writer's thread died.
    #[error("{0} failed and the daemon cannot go on; what was answered OK is stored")]
    Internal(&'static str),
    /// The disk does not keep what it is given.
    #[error(
        "the disk failed to keep what it was given ({0}): whether the last messages, those answered unconfirmed, are stored \
         is unknown; what was answered OK is stored. Check the disk (dmesg, smartctl), then start again"
    )]
    Unsynced(String),
    /// The database was found to be damaged.
    #[error(
        "the database is damaged ({0}), so the daemon stopped; what was answered OK had been stored. Check the disk, and restore \
         the database from a backup"
    )]
    Damaged(String),
    /// The store failed in a way that trying again cannot help.
    #[error("the store failed ({0}) and the daemon cannot go on; what was answered OK is stored")]
    StoreFailed(String),
    /// Not everything queued was stored in time.
    #[error("stopped at the deadline with {unstored} records not stored, none of which was answered OK")]
    Unstored {
        /// How many.
        unstored: u64,
    },
}

impl From<Death> for Failure {
    fn from(death: Death) -> Self {
        match death {
            Death::Unsynced(why) => Self::Unsynced(why),
            Death::Damaged(why) => Self::Damaged(why),
            Death::Failed(why) => Self::StoreFailed(why),
            Death::Panicked => Self::Internal("the store"),
        }
    }
}

impl Failure {
    /// The exit code, as listed in the README.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Control(_) => 1,
            Failure::Flags(_) => 2,
            Failure::Store(OpenError::Corrupt { .. }) | Failure::Damaged(_) | Failure::FoundDamaged { .. } => 65,
            Failure::AlreadyRunning { .. } | Failure::Listen { .. } => 69,
            Failure::Internal(_) | Failure::StoreFailed(_) => 70,
            Failure::System(_) => 71,
            Failure::DataDirectory { .. }
            | Failure::SharedDirectory { .. }
            | Failure::Unfit { .. }
            | Failure::File { .. }
            | Failure::Copy(_)
            | Failure::Store(OpenError::Sqlite { .. } | OpenError::System { .. } | OpenError::Pool { .. }) => 73,
            Failure::Unsynced(_) | Failure::Store(OpenError::Unsynced { .. }) => 74,
            Failure::Unstored { .. } => 75,
            Failure::Settings(_) | Failure::Certificate(_) | Failure::Store(OpenError::Newer { .. }) => 78,
        })
    }
}
