//! Where errors become refusals: the one place that decides what a client is told of them.

use std::io;
use std::sync::{Mutex, PoisonError};

use crate::auth;
use crate::guard::TooMuch;
use crate::logging::Seldom;
use crate::protocol::refusal::Refusal;
use crate::store::queue::StoreFailed;
use crate::store::read::ReadError;

impl From<StoreFailed> for Refusal {
    fn from(_: StoreFailed) -> Self {
        Refusal::StoreFailed
    }
}

impl From<auth::Busy> for Refusal {
    fn from(_: auth::Busy) -> Self {
        Refusal::Busy
    }
}

impl From<TooMuch> for Refusal {
    fn from(too_much: TooMuch) -> Self {
        match too_much {
            TooMuch::Busy => Refusal::Busy,
            TooMuch::SlowDown(wait) => Refusal::slow_down(wait),
        }
    }
}

impl From<auth::NoRandomness> for Refusal {
    fn from(error: auth::NoRandomness) -> Self {
        log::error!("{error}");
        Refusal::Busy
    }
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        // A stranger can cause reads at will, so this is not for the log's usual level.
        log::debug!("{error}");
        Refusal::StoreFailed
    }
}

/// Of the files' directory: errors of sockets never come here.
impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => Refusal::DiskFull,
            _ => {
                static WARNING: Mutex<Seldom> = Mutex::new(Seldom::new());
                // Whoever sends files can cause it again at will.
                if WARNING.lock().unwrap_or_else(PoisonError::into_inner).is_due() {
                    log::error!(
                        "files: {error}; what was being sent is refused, talk goes on. Check the disk (dmesg, smartctl)"
                    );
                }
                Refusal::FileFailed
            }
        }
    }
}
