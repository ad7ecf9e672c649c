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
//! go on from. At the start blobs without a record are removed, and partials of files that are shared.
//!
//! A flush that fails is never tried again, since the second one would succeed without having written what the first
//! could not. Unlike the database, which stops the daemon then, the files go on: the doubt is about one file that
//! nobody has been told of, and it is thrown away. If it is the directory that was not flushed, no name in it is
//! taken for durable any more: files can be fetched, but nothing is shared until the next start.

use std::collections::{HashMap, HashSet};
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::clock::earliest_now_ms;
use crate::protocol::digest::Digest;
use crate::store::record::{AccountId, RoomId};

/// The directory's name in the data directory.
pub const DIRECTORY: &str = "files";
const PARTIAL: &str = "partial";

/// What a name in the directory stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The bytes of this hash.
    Blob(Digest),
    /// What came of an upload so far.
    Partial,
    /// None of the daemon's.
    Other,
}

impl Kind {
    /// Reads a name.
    pub fn of(name: &str) -> Self {
        match Digest::parse(name).filter(|digest| digest.to_string() == name) {
            Some(digest) => Self::Blob(digest),
            None if parse_partial(name).is_some() => Self::Partial,
            None => Self::Other,
        }
    }
}

/// Whose partial it is, and of which file. Its name on disk is made of this, so that partials need no
/// record of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PartialKey {
    pub(super) account: AccountId,
    pub(super) room: RoomId,
    /// From the hash of the file's folded name, which may be longer than a name on disk.
    pub(super) name_hash: u128,
}

/// How far a file has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// The whole file's size.
    pub(super) size_bytes: u64,
    pub(super) received_bytes: u64,
}

/// A partial that is open to be written at its end.
pub(super) struct Partial {
    pub(super) file: Arc<File>,
    pub(super) key: PartialKey,
    pub(super) extent: Extent,
}

/// Flushes at once. Each holds a thread for as long as the disk takes, and hashing needs some too.
const FLUSHES: usize = 4;

/// The directory.
pub(super) struct Disk {
    path: PathBuf,
    directory: File,
    flushes: Semaphore,
    /// Whether the directory could once not be flushed.
    names_are_lost: Mutex<bool>,
}

/// Why the directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its name could not be brought to the disk.
    #[error("{0}")]
    Unsynced(io::Error),
    /// Anything else.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Disk {
    /// Opens or makes the directory in the data directory.
    pub(super) fn open(data: &Path) -> Result<Self, OpenError> {
        let path = data.join(DIRECTORY);
        let parent = File::open(data)?;
        DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
        // The directory itself must survive too.
        parent.sync_all().map_err(OpenError::Unsynced)?;
        let directory = File::open(&path)?;
        Ok(Self { directory, path, flushes: Semaphore::new(FLUSHES), names_are_lost: Mutex::new(false) })
    }

    pub(super) fn blob(&self, digest: Digest) -> PathBuf {
        self.path.join(digest.to_string())
    }

    fn partial(&self, key: PartialKey, size_bytes: u64) -> PathBuf {
        self.path.join(partial_name(key, size_bytes))
    }

    /// How much of a partial is there.
    pub(super) fn received_bytes(&self, key: PartialKey, size_bytes: u64) -> u64 {
        std::fs::metadata(self.partial(key, size_bytes)).map_or(0, |metadata| metadata.len())
    }

    /// Opens a partial to go on with it, or makes it.
    pub(super) fn open_partial(&self, key: PartialKey, extent: Extent) -> io::Result<Partial> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).append(true).mode(0o600);
        let file = options.open(self.partial(key, extent.size_bytes))?;
        // Whatever lies behind what is known of, such as a name that could not be removed.
        file.set_len(extent.received_bytes)?;
        Ok(Partial { file: Arc::new(file), key, extent })
    }

    /// Flushes a file. After an error it is not known what of it is on disk, and never will be: the system
    /// forgets that pages could not be written, so that a second try succeeds without writing them.
    pub(super) async fn flush(&self, file: Arc<File>) -> io::Result<()> {
        // The semaphore is never closed.
        let _turn = self.flushes.acquire().await;
        match spawn_blocking(move || file.sync_all()).await {
            Ok(flushed) => flushed,
            // The daemon is stopping, and whoever waits here too.
            Err(_) => std::future::pending().await,
        }
    }

    pub(super) fn remove_partial(&self, key: PartialKey, size_bytes: u64) {
        remove(&self.partial(key, size_bytes));
    }

    pub(super) fn remove_blob(&self, digest: Digest) {
        remove(&self.blob(digest));
    }

    /// As [`Disk::remove_partial`], and no power cut brings it back.
    pub(super) fn remove_partial_for_good(&self, key: PartialKey, size_bytes: u64) {
        self.remove_partial(key, size_bytes);
        // What is shared is on disk already; and that this failed is known to whoever comes next.
        let _ = self.flush_names();
    }

    /// Makes a blob of a partial that has been flushed. A blob of these bytes may be there already. Its name
    /// is to be flushed in either case: who made it before may not have come to that yet.
    pub(super) fn adopt(&self, key: PartialKey, size_bytes: u64, digest: Digest) -> io::Result<()> {
        match std::fs::hard_link(self.partial(key, size_bytes), self.blob(digest)) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        }
    }

    /// Removes blobs that nothing needs.
    pub(super) fn remove_blobs_but(&self, is_needed: impl Fn(Digest) -> bool) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.path)? {
            if let Kind::Blob(digest) = Kind::of(&entry?.file_name().to_string_lossy())
                && !is_needed(digest)
            {
                self.remove_blob(digest);
            }
        }
        Ok(())
    }

    /// Flushes the directory: what names there are in it. One at a time: the system tells an error once, and
    /// whoever comes behind it has to know of it.
    pub(super) fn flush_names(&self) -> io::Result<()> {
        let mut are_lost = self.names();
        if *are_lost {
            return Err(io::Error::other("its directory could not be flushed before"));
        }
        let flushed = self.directory.sync_all();
        if let Err(error) = &flushed {
            *are_lost = true;
            log::error!(
                "{} could not be flushed ({error}): no files can be shared until the daemon is started again; talk goes on. \
                 Check the disk (dmesg, smartctl)",
                self.path.display()
            );
        }
        flushed
    }

    /// Whether the names in the directory cannot be made durable any more.
    pub(super) fn has_lost_names(&self) -> bool {
        *self.names()
    }

    fn names(&self) -> MutexGuard<'_, bool> {
        self.names_are_lost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes that may still be written by this user, and the file system's size.
    pub(super) fn space(&self) -> io::Result<Space> {
        let space = rustix::fs::fstatvfs(&self.directory)?;
        let bytes = |blocks: u64| blocks.saturating_mul(space.f_frsize);
        Ok(Space { free_bytes: bytes(space.f_bavail), total_bytes: bytes(space.f_blocks) })
    }

    /// Removes blobs that nothing names, and partials that are worth nothing: those of files that are
    /// shared, those last written longer ago than `keep`, empty ones and overlong ones. Returns the others.
    pub(super) fn sweep(
        &self,
        named: &HashSet<Digest>,
        shared: &HashSet<PartialKey>,
        keep: Duration,
    ) -> io::Result<HashMap<PartialKey, Extent>> {
        let mut partials = HashMap::new();
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if let Kind::Blob(digest) = Kind::of(&name) {
                if !named.contains(&digest) {
                    self.remove_blob(digest);
                }
            } else if let Some((key, size_bytes)) = parse_partial(&name) {
                let metadata = entry.metadata()?;
                let received_bytes = metadata.len();
                let is_whole_or_less = (1..=size_bytes).contains(&received_bytes);
                if is_whole_or_less && is_younger(&metadata, keep) && !shared.contains(&key) {
                    // One of two is as good as the other.
                    if let Some(other) = partials.insert(key, Extent { size_bytes, received_bytes }) {
                        self.remove_partial(key, other.size_bytes);
                    }
                } else {
                    self.remove_partial(key, size_bytes);
                }
            } else {
                log::warn!("{} is none of the daemon's files; it is left alone", self.path.join(&*name).display());
            }
        }
        Ok(partials)
    }

    /// The partials that are there, in whatever state.
    pub(super) fn partials(&self) -> io::Result<HashMap<PartialKey, Extent>> {
        let mut partials = HashMap::new();
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            if let Some((key, size_bytes)) = parse_partial(&entry.file_name().to_string_lossy()) {
                partials.insert(key, Extent { size_bytes, received_bytes: entry.metadata()?.len() });
            }
        }
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
    let now = UNIX_EPOCH + Duration::from_millis(u64::try_from(earliest_now_ms()).unwrap_or_default());
    let age = metadata.modified().map(|modified| now.duration_since(modified).unwrap_or_default());
    age.is_ok_and(|age| age < keep)
}

fn partial_name(key: PartialKey, size_bytes: u64) -> String {
    let PartialKey { account, room, name_hash } = key;
    format!("{PARTIAL}-{}-{}-{name_hash:032x}-{size_bytes}", account.number(), room.number())
}

fn parse_partial(name: &str) -> Option<(PartialKey, u64)> {
    let mut parts = name.split('-').skip(1);
    let mut part = || parts.next();
    let key = PartialKey {
        account: AccountId::from_number(part()?.parse().ok()?),
        room: RoomId::from_number(part()?.parse().ok()?),
        name_hash: u128::from_str_radix(part()?, 16).ok()?,
    };
    let size_bytes = part()?.parse().ok()?;
    (partial_name(key, size_bytes) == name).then_some((key, size_bytes))
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

    const WHOLE: Extent = Extent { size_bytes: 5, received_bytes: 5 };

    fn put(disk: &Disk, bytes: &[u8]) {
        let partial = disk.open_partial(KEY, Extent { size_bytes: 5, received_bytes: 0 }).unwrap();
        (&*partial.file).write_all(bytes).unwrap();
    }

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
        put(&disk, b"hello");
        disk.adopt(KEY, 5, digest).unwrap();
        disk.adopt(KEY, 5, digest).unwrap();
        assert_eq!(names(&disk).len(), 2);
        // Without a record it is as if the last step had not been tried.
        let found = disk.sweep(&HashSet::new(), &HashSet::new(), DAY).unwrap();
        assert_eq!(found, HashMap::from([(KEY, WHOLE)]));
        assert_eq!(disk.received_bytes(KEY, 5), 5);
        disk.adopt(KEY, 5, digest).unwrap();
        // Another's record of the same bytes is no reason to give up this one's.
        assert_eq!(disk.sweep(&HashSet::from([digest]), &HashSet::new(), DAY).unwrap().len(), 1);
        assert!(disk.sweep(&HashSet::from([digest]), &HashSet::from([KEY]), DAY).unwrap().is_empty());
        assert_eq!(names(&disk), [digest.to_string()]);
        assert_eq!(std::fs::read(disk.blob(digest)).unwrap(), b"hello");
    }

    #[test]
    fn old_partials_go_and_foreign_files_stay() {
        let data = tempfile::tempdir().unwrap();
        let disk = Disk::open(data.path()).unwrap();
        put(&disk, b"hel");
        let foreign = ["notes.txt", "partial-07-1-000000000000000000000000000000ab-5", "partial-7-1", "partial-7-1-ab-5"];
        for name in foreign {
            File::create(disk.path.join(name)).unwrap();
        }
        assert_eq!(disk.sweep(&HashSet::new(), &HashSet::new(), DAY).unwrap().len(), 1);
        assert!(disk.sweep(&HashSet::new(), &HashSet::new(), Duration::ZERO).unwrap().is_empty());
        assert_eq!(names(&disk), foreign);
    }

    #[test]
    fn overlong_partials_go() {
        let data = tempfile::tempdir().unwrap();
        let disk = Disk::open(data.path()).unwrap();
        put(&disk, b"hello!");
        assert!(disk.sweep(&HashSet::new(), &HashSet::new(), DAY).unwrap().is_empty() && names(&disk).is_empty());
    }
}
