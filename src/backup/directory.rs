//! A backup's directory, which holds one backup at a time:
//!
//! | name | what it is |
//! |---|---|
//! | `parlor-backup.lock` | marks the directory as a backup's, from its first moment on; locked while one is made |
//! | `parlor-backup.json` | the [`Manifest`]: which database is the backup's, and its hash |
//! | `parlor-7.db` | that database; the number grows with each backup |
//! | `files/` | the blobs that the database names |
//! | `….part` | what is being written |
//!
//! The manifest is replaced by one rename, after everything that it stands for has been flushed. Until then the earlier
//! backup is whole, whatever happens; afterwards what only that one needed is removed.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::blobs::PART;
use crate::exit::Failure;
use crate::files::{DIRECTORY, Kind};
use crate::protocol::digest::Digest;
use crate::store::copy::Contents;

const LOCK: &str = "parlor-backup.lock";
const MANIFEST: &str = "parlor-backup.json";

/// Whether a backup has been finished there.
pub(super) fn is_finished(path: &Path) -> bool {
    path.join(MANIFEST).is_file()
}
/// The version of this layout.
const FORMAT: u32 = 1;
const OWNER_ONLY: u32 = 0o700;

/// What a backup is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) format: u32,
    /// When it was begun: the database is as it was then.
    pub(super) made: String,
    /// The version that made it.
    pub(super) parlord: String,
    pub(super) schema: i64,
    /// The number in the database's name.
    pub(super) number: u64,
    pub(super) database_bytes: u64,
    pub(super) database_sha256: String,
    pub(super) accounts: u64,
    pub(super) events: u64,
    pub(super) games: u64,
    pub(super) files: u64,
    pub(super) file_bytes: u64,
}

impl Manifest {
    /// This program's part of one.
    pub(super) const FORMAT: u32 = FORMAT;

    /// Reads a directory's manifest; `None` if no backup was ever finished there.
    pub(super) fn read(directory: &Path) -> Result<Option<Self>, Failure> {
        let path = directory.join(MANIFEST);
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|source| Failure::File { path: path.clone(), source })?,
        };
        let unfit = |why: String| Failure::Unfit { path: path.clone(), why };
        let manifest: Self = serde_json::from_str(&text).map_err(|error| {
            unfit(format!("is damaged ({error}); restore another backup, and make new ones in another directory"))
        })?;
        if manifest.format > FORMAT {
            return Err(unfit(format!("is of a newer parlord (format {}); use that one", manifest.format)));
        }
        Ok(Some(manifest))
    }

    /// The same, where there must be one.
    pub(super) fn finished(directory: &Path) -> Result<Self, Failure> {
        Self::read(directory)?.ok_or_else(|| Failure::Unfit {
            path: directory.to_owned(),
            why: "holds no finished backup; --backup was broken off there".into(),
        })
    }

    /// What its database holds.
    pub(super) fn contents(&self) -> Contents {
        let Self { accounts, events, games, .. } = *self;
        Contents { accounts, events, games }
    }

    /// Its database.
    pub(super) fn database(&self, directory: &Path) -> PathBuf {
        directory.join(database_name(self.number))
    }

    /// The database's hash.
    pub(super) fn digest(&self) -> Option<Digest> {
        Digest::parse(&self.database_sha256)
    }
}

fn database_name(number: u64) -> String {
    format!("parlor-{number}.db")
}

fn database_number(name: &str) -> Option<u64> {
    let number = name.strip_prefix("parlor-")?.strip_suffix(".db")?.parse().ok()?;
    (database_name(number) == name).then_some(number)
}

/// Whether a directory is a backup's, finished or not.
pub(super) fn is_backup(path: &Path) -> bool {
    path.join(LOCK).is_file() || is_finished(path)
}

/// The directory of a backup that is read: nobody makes one in it meanwhile.
pub(super) struct Reading {
    _lock: Option<File>,
}

impl Reading {
    pub(super) fn begin(directory: &Path) -> Result<Self, Failure> {
        let path = directory.join(LOCK);
        let lock = match File::open(&path) {
            // A copy of a backup need not have it.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self { _lock: None }),
            lock => lock.map_err(|source| Failure::File { path: path.clone(), source })?,
        };
        match lock.try_lock_shared() {
            Ok(()) => Ok(Self { _lock: Some(lock) }),
            Err(TryLockError::WouldBlock) => Err(busy(directory)),
            Err(TryLockError::Error(source)) => Err(Failure::File { path, source }),
        }
    }
}

/// The directory that a backup is made in, held.
pub(super) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Makes it if it is missing, and takes it; refused if it holds anything but a backup.
    pub(super) fn take(path: &Path) -> Result<Self, Failure> {
        if path.exists() && !path.is_dir() {
            return Err(Failure::Unfit { path: path.to_owned(), why: "is not a directory".into() });
        }
        let explain = |source| Failure::File { path: path.to_owned(), source };
        if !path.exists() {
            DirBuilder::new().recursive(true).mode(OWNER_ONLY).create(path).map_err(explain)?;
            flush_name_of(path)?;
        }
        if !is_backup(path) && std::fs::read_dir(path).map_err(explain)?.next().is_some() {
            let why = "holds other things than a backup; give an empty directory, or one with an earlier backup".into();
            return Err(Failure::Unfit { path: path.to_owned(), why });
        }
        std::fs::set_permissions(path, Permissions::from_mode(OWNER_ONLY)).map_err(explain)?;
        let mut options = OpenOptions::new();
        let lock = options.create(true).truncate(false).write(true).mode(0o600).open(path.join(LOCK)).map_err(explain)?;
        match lock.try_lock() {
            Ok(()) => (),
            Err(TryLockError::WouldBlock) => return Err(busy(path)),
            Err(TryLockError::Error(source)) => return Err(explain(source)),
        }
        DirBuilder::new().recursive(true).mode(OWNER_ONLY).create(path.join(DIRECTORY)).map_err(explain)?;
        flush_names(path)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where its files are.
    pub(super) fn files(&self) -> PathBuf {
        self.path.join(DIRECTORY)
    }

    /// The number and the path of the database of the next backup: one that no file here has.
    pub(super) fn next_database(&self) -> Result<(u64, PathBuf), Failure> {
        let numbers = names_in(&self.path)?.into_iter().filter_map(|name| database_number(&name));
        let number = numbers.max().unwrap_or(0) + 1;
        Ok((number, self.path.join(database_name(number))))
    }

    /// From here on this is the backup.
    pub(super) fn finish(&self, manifest: &Manifest) -> Result<(), Failure> {
        flush_names(&self.files())?;
        flush_names(&self.path)?;
        let path = self.path.join(MANIFEST);
        let part = path.with_added_extension(PART);
        let write = || -> io::Result<()> {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
            writeln!(file, "{}", serde_json::to_string_pretty(manifest)?)?;
            file.sync_all()?;
            std::fs::rename(&part, &path)
        };
        write().map_err(|source| Failure::File { path: part.clone(), source })?;
        flush_names(&self.path)
    }

    /// Removes databases that nobody keeps, and what was being written beside them. What is not ours is left alone.
    pub(super) fn sweep_databases(&self, keeps: impl Fn(u64) -> bool) -> Result<(), Failure> {
        for name in names_in(&self.path)? {
            if is_part(&name) || database_number(&name).is_some_and(|number| !keeps(number)) {
                remove(&self.path.join(name))?;
            }
        }
        Ok(())
    }

    /// The same with the blobs.
    pub(super) fn sweep_files(&self, keeps: impl Fn(Digest) -> bool) -> Result<(), Failure> {
        for name in names_in(&self.files())? {
            if is_part(&name) || matches!(Kind::of(&name), Kind::Blob(digest) if !keeps(digest)) {
                remove(&self.files().join(name))?;
            }
        }
        Ok(())
    }
}

fn is_part(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == PART)
}

fn busy(path: &Path) -> Failure {
    Failure::Unfit { path: path.to_owned(), why: "is in use: a backup is made in it at this moment".into() }
}

fn remove(path: &Path) -> Result<(), Failure> {
    std::fs::remove_file(path).map_err(|source| Failure::File { path: path.to_owned(), source })
}

/// The names in a directory.
pub(super) fn names_in(path: &Path) -> Result<Vec<String>, Failure> {
    let names = || -> io::Result<Vec<String>> {
        std::fs::read_dir(path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    };
    names().map_err(|source| Failure::File { path: path.to_owned(), source })
}

/// Flushes what names there are in a directory.
pub(super) fn flush_names(path: &Path) -> Result<(), Failure> {
    let flushed = File::open(path).and_then(|directory| directory.sync_all());
    flushed.map_err(|source| Failure::File { path: path.to_owned(), source })
}

/// Flushes the name that a directory, which was just made, has in its parent.
pub(super) fn flush_name_of(path: &Path) -> Result<(), Failure> {
    let path = std::path::absolute(path).map_err(|source| Failure::File { path: path.to_owned(), source })?;
    path.parent().map_or(Ok(()), flush_names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_told_by_their_names() {
        assert_eq!(database_number(&database_name(7)), Some(7));
        for other in ["parlor.db", "parlor-07.db", "parlor-.db", "parlor-7.db.part", "parlor--7.db"] {
            assert_eq!(database_number(other), None, "{other}");
        }
    }
}
