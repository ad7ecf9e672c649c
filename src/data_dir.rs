//! The data directory: made for its owner alone, and held by one daemon at a time.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};

use crate::exit::Failure;
use crate::store::DATABASE;

/// Holds its owner's process id, and a lock for as long as the owner lives.
pub const LOCK: &str = "lock";
/// The control socket's name in the directory.
const CONTROL: &str = "control.sock";
const OWNER_ONLY: u32 = 0o700;

/// The directory, held.
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the directory if it is missing, and takes it; refused while another daemon has it.
    pub fn take(path: &Path) -> Result<Self, Failure> {
        let explain = |source| Failure::DataDirectory { data: path.to_owned(), source };
        if path.exists() && !path.is_dir() {
            return Err(explain(std::io::Error::other("it is there, but not a directory")));
        }
        DirBuilder::new().recursive(true).mode(OWNER_ONLY).create(path).map_err(explain)?;
        let mode = std::fs::metadata(path).map_err(explain)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            // The control socket obeys whoever reaches it. But a directory that is not ours alone,
            // such as somebody's home, is not ours to close.
            if !is_empty_or_ours(path).map_err(explain)? {
                return Err(Failure::SharedDirectory { data: path.to_owned() });
            }
            log::warn!("{} was open to other users (mode {mode:o}); it is closed to them now", path.display());
            std::fs::set_permissions(path, Permissions::from_mode(OWNER_ONLY)).map_err(explain)?;
        }
        let lock_path = path.join(LOCK);
        let mut lock =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(lock_path).map_err(explain)?;
        match lock.try_lock() {
            Ok(()) => (),
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let pid = match lock.read_to_string(&mut pid) {
                    Ok(1..) => format!(" (pid {})", pid.trim()),
                    _ => String::new(),
                };
                return Err(Failure::AlreadyRunning { data: path.to_owned(), pid });
            }
            Err(TryLockError::Error(error)) => return Err(explain(error)),
        }
        lock.set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| writeln!(lock, "{}", std::process::id()))
            .map_err(explain)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn is_empty_or_ours(path: &Path) -> std::io::Result<bool> {
    Ok(path.join(LOCK).is_file() || path.join(DATABASE).is_file() || std::fs::read_dir(path)?.next().is_none())
}

/// A way to the control socket that fits into a socket address, which holds 107 bytes: a path
/// through a descriptor of the directory, however long the directory's own path is.
pub struct ControlPath {
    directory: OwnedFd,
}

impl ControlPath {
    /// The way into a data directory.
    pub fn new(data: &Path) -> std::io::Result<Self> {
        let directory = rustix::fs::openat(CWD, data, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { directory })
    }

    /// The path, good for as long as this lives.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{CONTROL}", self.directory.as_raw_fd()))
    }
}
