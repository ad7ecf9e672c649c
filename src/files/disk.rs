//! The files' directory: blobs by their SHA-256, and partials, which are what came of an upload so far.
//!
//! How a file gets there, so that a crash or a power cut at any point leaves either a recorded file or a
//! partial to go on from, and never a name without its bytes:
//! 1. the bytes go into a partial, whose name tells whose it is and how long the file is to be;
//! 2. the partial is flushed (`fsync`), then linked as the blob, then the directory is flushed;
//! 3. the record is committed, which makes the blob a shared file;
//! 4. the partial's name is removed.
//!
//! A link and not a rename, since a crash between 2 and 3 would otherwise leave bytes that nobody can
//! go on from. At the start blobs without a record are removed, and partials that a blob has become.

use std::collections::HashSet;
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::protocol::digest::Digest;
use crate::store::record::{AccountId, RoomId};

/// The directory's name in the data directory.
const DIRECTORY: &str = "files";
const PARTIAL: &str = "partial";

/// Whose partial it is, and of which file. Its name on disk is made of this, so that partials need no
/// record of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PartialKey {
    pub(super) account: AccountId,
    pub(super) room: RoomId,
    /// From the hash of the file's folded name, which may be longer than a name on disk.
    pub(super) name_hash: u128,
}

/// A partial as it is found at the start.
pub(super) struct Found {
    pub(super) key: PartialKey,
    /// The whole file's size.
    pub(super) size_bytes: u64,
}

/// The directory.
pub(super) struct Disk {
    path: PathBuf,
    directory: File,
}

impl Disk {
    /// Opens or makes the directory in the data directory.
    pub(super) fn open(data: &Path) -> io::Result<Self> {
        let path = data.join(DIRECTORY);
        DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
        // The directory itself must survive too.
        File::open(data)?.sync_all()?;
        Ok(Self { directory: File::open(&path)?, path })
    }

    pub(super) fn blob(&self, digest: Digest) -> PathBuf {
        self.path.join(digest.to_string())
    }

    pub(super) fn partial(&self, key: PartialKey, size_bytes: u64) -> PathBuf {
        let PartialKey { account, room, name_hash } = key;
        self.path.join(format!("{PARTIAL}-{}-{}-{name_hash:032x}-{size_bytes}", account.number(), room.number()))
    }

    /// How much of a partial is there.
    pub(super) fn received_bytes(&self, key: PartialKey, size_bytes: u64) -> u64 {
        std::fs::metadata(self.partial(key, size_bytes)).map_or(0, |metadata| metadata.len())
    }

    /// Opens a partial to go on with it, or makes it.
    pub(super) fn open_partial(&self, key: PartialKey, size_bytes: u64) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).append(true).mode(0o600);
        options.open(self.partial(key, size_bytes))
    }

    pub(super) fn remove_partial(&self, key: PartialKey, size_bytes: u64) {
        remove(&self.partial(key, size_bytes));
    }

    pub(super) fn remove_blob(&self, digest: Digest) {
        remove(&self.blob(digest));
    }

    /// Makes a blob of a partial that has been flushed. A blob of these bytes may be there already.
    pub(super) fn adopt(&self, partial: &Path, digest: Digest) -> io::Result<()> {
        match std::fs::hard_link(partial, self.blob(digest)) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => (),
        }
        // Also for a blob that was there: who made it may not have come to this yet.
        self.directory.sync_all()
    }

    /// Bytes that may still be written by this user, and the file system's size.
    pub(super) fn space(&self) -> io::Result<Space> {
        let space = rustix::fs::fstatvfs(&self.directory)?;
        let bytes = |blocks: u64| blocks.saturating_mul(space.f_frsize);
        Ok(Space { free_bytes: bytes(space.f_bavail), total_bytes: bytes(space.f_blocks) })
    }

    /// Removes blobs that nothing names, and partials that are empty or too long, have become blobs or were last
    /// written longer ago than `keep`; returns the other partials.
    pub(super) fn sweep(&self, named: &HashSet<Digest>, keep: Duration) -> io::Result<Vec<Found>> {
        let mut partials = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let name = name.to_string_lossy();
            if let Some(digest) = Digest::parse(&name) {
                if !named.contains(&digest) {
                    self.remove_blob(digest);
                }
            } else if let Some(found) = parse_partial(&name) {
                partials.push(found);
            } else {
                log::warn!("{} is none of the daemon's files; it is left alone", self.path.join(&*name).display());
            }
        }
        // After the blobs: one without a record is no reason to give up the partial it was made of.
        partials.retain(|found| {
            let metadata = std::fs::metadata(self.partial(found.key, found.size_bytes));
            let is_kept = metadata.is_ok_and(|metadata| {
                (1..=found.size_bytes).contains(&metadata.len()) && metadata.nlink() == 1 && is_younger(&metadata, keep)
            });
            if !is_kept {
                self.remove_partial(found.key, found.size_bytes);
            }
            is_kept
        });
        Ok(partials)
    }

    /// Whether a partial was written within the last `keep`.
    pub(super) fn is_kept(&self, key: PartialKey, size_bytes: u64, keep: Duration) -> bool {
        std::fs::metadata(self.partial(key, size_bytes)).is_ok_and(|metadata| is_younger(&metadata, keep))
    }
}

/// Room on the file system.
#[derive(Clone, Copy, Debug)]
pub(super) struct Space {
    pub(super) free_bytes: u64,
    pub(super) total_bytes: u64,
}

fn is_younger(metadata: &Metadata, keep: Duration) -> bool {
    // A clock that was set back makes it younger than it is.
    let age = metadata.modified().map(|modified| SystemTime::now().duration_since(modified).unwrap_or_default());
    age.is_ok_and(|age| age < keep)
}

fn parse_partial(name: &str) -> Option<Found> {
    let mut parts = name.split('-');
    let (PARTIAL, account, room, name_hash, size_bytes, None) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next())
    else {
        return None;
    };
    let key = PartialKey {
        account: AccountId::from_number(account.parse().ok()?),
        room: RoomId::from_number(room.parse().ok()?),
        name_hash: u128::from_str_radix(name_hash, 16).ok()?,
    };
    Some(Found { key, size_bytes: size_bytes.parse().ok()? })
}

fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            log::error!("cannot remove {}: {error}; the next start tries again", path.display());
        }
        _ => (),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const KEY: PartialKey = PartialKey { account: AccountId::from_number(7), room: RoomId::from_number(1), name_hash: 0xab };
    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn names(disk: &Disk) -> Vec<String> {
        let entries = std::fs::read_dir(&disk.path).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_crash_leaves_a_recorded_blob_or_a_partial() {
        let data = tempfile::tempdir().unwrap();
        let disk = Disk::open(data.path()).unwrap();
        let digest = Digest([9; 32]);
        disk.open_partial(KEY, 5).unwrap().write_all(b"hello").unwrap();
        disk.adopt(&disk.partial(KEY, 5), digest).unwrap();
        disk.adopt(&disk.partial(KEY, 5), digest).unwrap();
        assert_eq!(names(&disk).len(), 2);
        // Without a record it is as if the last step had not been tried.
        let found = disk.sweep(&HashSet::new(), DAY).unwrap();
        assert_eq!((found.len(), found[0].key, found[0].size_bytes), (1, KEY, 5));
        assert_eq!(disk.received_bytes(KEY, 5), 5);
        disk.adopt(&disk.partial(KEY, 5), digest).unwrap();
        assert!(disk.sweep(&HashSet::from([digest]), DAY).unwrap().is_empty());
        assert_eq!(names(&disk), [digest.to_string()]);
        assert_eq!(std::fs::read(disk.blob(digest)).unwrap(), b"hello");
    }

    #[test]
    fn old_partials_go_and_foreign_files_stay() {
        let data = tempfile::tempdir().unwrap();
        let disk = Disk::open(data.path()).unwrap();
        disk.open_partial(KEY, 5).unwrap().write_all(b"hel").unwrap();
        for foreign in ["notes.txt", "partial-7-1", "partial-7-1-ab-5-6"] {
            File::create(disk.path.join(foreign)).unwrap();
        }
        assert_eq!(disk.sweep(&HashSet::new(), DAY).unwrap().len(), 1);
        assert!(disk.sweep(&HashSet::new(), Duration::ZERO).unwrap().is_empty());
        assert_eq!(names(&disk), ["notes.txt", "partial-7-1", "partial-7-1-ab-5-6"]);
    }
}
