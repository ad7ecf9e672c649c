//! What an error of SQLite's means for the daemon: wait and try again, or stop. Pure.
//!
//! The one that looks like the others and is not: an error of `fsync` itself. The system tells it once, forgets
//! which pages it could not write, and lets the next `fsync` succeed without having written them. So nothing is
//! tried after it, and nobody is told that something is stored.

use rusqlite::{Error, ErrorCode, ffi};

/// What can be done after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Trying again may help: the operator can make room, lift a lock, remount a disk.
    Passing,
    /// A sync failed: what is on disk is not known, and cannot be found out.
    Unsynced,
    /// The database is damaged.
    Damaged,
    /// Anything else: what is in it is not what this program put there.
    Other,
}

impl Fault {
    pub(super) fn of(error: &Error) -> Self {
        let Some(found) = error.sqlite_error() else { return Self::Other };
        match found.extended_code {
            ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC => return Self::Unsynced,
            _ => (),
        }
        match found.code {
            ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory => Self::Passing,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Damaged,
            _ => Self::Other,
        }
    }
}

/// SQLite's words for an error, with its number: two of the same words may be of two kinds.
pub(super) fn words(error: &Error) -> String {
    match error.sqlite_extended_error_code() {
        Some(code) => format!("{error}, SQLite's code {code}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_a_sync_is_no_passing_one() {
        let fault = |code| Fault::of(&Error::SqliteFailure(ffi::Error::new(code), None));
        assert_eq!([ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC].map(fault), [Fault::Unsynced; 2]);
        let passing = [ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_READ, ffi::SQLITE_FULL, ffi::SQLITE_BUSY_SNAPSHOT];
        assert_eq!(passing.map(fault), [Fault::Passing; 4]);
        assert_eq!([ffi::SQLITE_CORRUPT_INDEX, ffi::SQLITE_NOTADB].map(fault), [Fault::Damaged; 2]);
        assert_eq!([ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_MISUSE].map(fault), [Fault::Other; 2]);
    }
}
