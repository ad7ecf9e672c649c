//! How much may be shared: pure.

use crate::protocol::limits::FILES_AN_ACCOUNT;
use crate::protocol::refusal::{Quota, Refusal};

/// The bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quotas {
    /// The largest file.
    pub(super) file_bytes: u64,
    /// All files of an account.
    pub(super) account_bytes: u64,
    /// All files of the room.
    pub(super) room_bytes: u64,
}

/// How much of the space for files is used. What is on its way counts with its whole size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) files: usize,
    pub(super) size_bytes: u64,
}

/// The least that a file counts: what it takes on most disks.
const LEAST_BYTES: u64 = 4096;

impl Usage {
    pub(super) fn add(&mut self, size_bytes: u64) {
        self.files += 1;
        self.size_bytes += size_bytes.max(LEAST_BYTES);
    }

    pub(super) fn subtract(&mut self, size_bytes: u64) {
        self.files -= 1;
        self.size_bytes -= size_bytes.max(LEAST_BYTES);
    }
}

/// What an account that wants to send a file finds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    /// What the account uses, the file that it goes on with left out.
    pub(super) account: Usage,
    /// What the room uses, the same left out.
    pub(super) room: Usage,
    /// How much of the file is here.
    pub(super) received_bytes: u64,
    /// How much may still be written to the disk, the reserve left out.
    pub(super) free_bytes: u64,
}

impl Quotas {
    /// The largest size that the file may have; refused where not one byte of it would fit.
    pub(super) fn largest_file(&self, situation: Situation) -> Result<u64, Refusal> {
        let Situation { account, room, received_bytes, free_bytes } = situation;
        if account.files >= FILES_AN_ACCOUNT {
            return Err(Refusal::Quota(Quota::Files));
        }
        let of_account = self.account_bytes.saturating_sub(account.size_bytes);
        let of_room = self.room_bytes.saturating_sub(room.size_bytes);
        match (free_bytes, of_account, of_room) {
            (0, _, _) => Err(Refusal::DiskFull),
            (_, 0, _) => Err(Refusal::Quota(Quota::Account)),
            (_, _, 0) => Err(Refusal::Quota(Quota::Room)),
            _ => Ok(self.file_bytes.min(of_account).min(of_room).min(free_bytes.saturating_add(received_bytes))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTAS: Quotas = Quotas { file_bytes: 100, account_bytes: 150, room_bytes: 400 };

    fn largest(account: u64, room: u64, received_bytes: u64, free_bytes: u64) -> Result<u64, &'static str> {
        let usage = |size_bytes| Usage { files: 1, size_bytes };
        let situation = Situation { account: usage(account), room: usage(room), received_bytes, free_bytes };
        QUOTAS.largest_file(situation).map_err(|refusal| refusal.code())
    }

    #[test]
    fn the_tightest_bound_counts() {
        assert_eq!(largest(0, 0, 0, 1000), Ok(100));
        assert_eq!(largest(90, 90, 0, 1000), Ok(60));
        assert_eq!(largest(0, 390, 0, 1000), Ok(10));
        assert_eq!(largest(0, 0, 0, 5), Ok(5));
        assert_eq!(largest(0, 0, 40, 5), Ok(45), "what is here needs no space any more");
    }

    #[test]
    fn where_nothing_fits_the_reason_is_told() {
        assert_eq!(largest(150, 150, 0, 1000), Err("quota"));
        assert_eq!(largest(0, 500, 0, 1000), Err("quota"));
        assert_eq!(largest(0, 0, 40, 0), Err("disk-full"));
        let many = Usage { files: FILES_AN_ACCOUNT, size_bytes: 0 };
        let situation = Situation { account: many, room: many, received_bytes: 0, free_bytes: 1000 };
        assert!(matches!(QUOTAS.largest_file(situation), Err(Refusal::Quota(Quota::Files))));
    }
}
