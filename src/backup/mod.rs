//! Backups: what the operator's flags `--backup`, `--restore` and `--verify` do.
//!
//! All of it happens in the flag's own process, beside a running daemon or without one. So a backup takes no memory, no
//! thread and no descriptor of the daemon's, whoever kills it leaves the daemon as it was, and a daemon that may write
//! nowhere but in its data directory can be backed up anywhere. The daemon does one thing for it: it removes no file
//! until the backup is done ([`Held`]). [`crate::store`] has the SQL: a snapshot of the database, its copy, its check.
//!
//! [`directory`] is a backup's own directory, [`blobs`] a file's way there and back, [`copy`], [`mod@restore`] and [`mod@verify`]
//! are the three flags.
//!
//! What must not happen: a file of an earlier backup removed before the next one is complete and flushed; a number of the
//! room that is given again after a restore; a damage that is copied over what was sound.

mod blobs;
mod copy;
mod directory;
pub mod restore;
mod verify;

use std::path::Path;

use crate::admin::keeping::Keeping;
use crate::data_dir::DataDir;
use crate::exit::Failure;
use crate::store::copy::{Contents, Snapshot};
use crate::store::log_path;
use crate::store::{DATABASE, OpenError};

pub use copy::back_up;
pub use restore::restore;
pub use verify::verify;

/// What a flag has to say: lines for standard output, and what is wrong, if something is.
#[derive(Debug)]
pub struct Report {
    /// What was done or found.
    pub lines: Vec<String>,
    /// What ends the program with another code than 0, though it did what it could.
    pub failure: Option<Failure>,
}

impl Report {
    /// `damages` are told of in one line each; `what` has them.
    fn new(lines: Vec<String>, damages: Vec<String>, what: &Path) -> Self {
        let failure = (!damages.is_empty()).then(|| Failure::FoundDamaged { path: what.to_owned(), damages: damages.len() });
        Self { lines: lines.into_iter().chain(damages.into_iter().map(|line| format!("damaged: {line}"))).collect(), failure }
    }
}

/// A data directory from which nothing is removed: by its daemon's word, or because there is none.
enum Held {
    ByDaemon(Keeping),
    Alone(#[expect(dead_code, reason = "keeps daemons out for as long as it lives")] DataDir),
}

impl Held {
    /// To be backed up into a directory, or only to be examined.
    fn take(data: &Path, into: Option<&Path>) -> Result<Self, Failure> {
        if !data.join(DATABASE).is_file() {
            let why = format!("holds no {DATABASE}; name the data directory with --data");
            return Err(Failure::Unfit { path: data.to_owned(), why });
        }
        match Keeping::begin(data, into)? {
            Some(keeping) => Ok(Self::ByDaemon(keeping)),
            None => DataDir::take(data).map(Self::Alone),
        }
    }

    /// The database as it is now.
    fn snapshot(&self, data: &Path) -> Result<Snapshot, OpenError> {
        let database = data.join(DATABASE);
        // After a clean stop the one file holds everything, and can be read without a trace.
        let has_log = log_path(&database).metadata().is_ok_and(|log| log.len() > 0);
        match self {
            Self::Alone(_) if !has_log => Snapshot::of_resting(&database),
            _ => Snapshot::of_living(&database),
        }
    }

    /// Whether it has been held until now: a daemon that ended meanwhile holds nothing.
    fn is_held(&mut self) -> bool {
        match self {
            Self::ByDaemon(keeping) => keeping.is_kept(),
            Self::Alone(_) => true,
        }
    }

    fn end(self, done: &str) {
        if let Self::ByDaemon(keeping) = self {
            keeping.end(done);
        }
    }
}

/// A count with its noun.
fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// What a database holds, in words.
fn contents_of(contents: Contents) -> String {
    let Contents { accounts, events, games } = contents;
    [counted(accounts, "account"), counted(events, "event"), counted(games, "game")].join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_well() {
        assert_eq!([counted(0, "file"), counted(1, "file")], ["0 files", "1 file"]);
    }
}
