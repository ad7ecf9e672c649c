//! `--restore`: a data directory made anew from a backup, or from a copy of the database beside the files it names.
//!
//! **Numbers.** A backup goes back in time, and clients do not: what happened after it was taken had numbers, which they
//! remember. None of these may come again for another event, or who was away would take the new one for told. So the room
//! goes on far past them: by [`LEAST_LEAP`], and by [`SEQS_A_MS`] for each millisecond since the backup was made, which is
//! more than any room has said. Restored twice, the second time leads past the first one too.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::blobs;
use super::directory::{Manifest, Reading, flush_name_of, flush_names, is_backup, names_in};
use super::{Report, contents_of, counted};
use crate::admin::server::user;
use crate::clock::now_ms;
use crate::data_dir::{self, DataDir};
use crate::exit::Failure;
use crate::files::DIRECTORY;
use crate::protocol::digest::Digest;
use crate::protocol::voice::size;
use crate::store::copy::{Blob, Snapshot, settle};
use crate::store::log_path;
use crate::store::record::AuditRow;
use crate::store::{DATABASE, OpenError};

/// The database's name until the directory is complete: no daemon starts on it before.
const UNFINISHED: &str = "parlor.db.restoring";
const LEAST_LEAP: u64 = 1_000_000_000;
/// More than one room has been seen to say.
const SEQS_A_MS: u64 = 100;
/// The number to go on with is a multiple of this: easy to see.
const LEAP_STEP: u64 = 1000;
/// What a clock that is wrong says may not use the numbers up: programs read them exactly up to 2^53.
const OLDEST_MS: u64 = 50 * 366 * 24 * 3600 * 1000;

/// Makes the data directory `data`, which must be missing or empty, of the backup `from`.
pub fn restore(from: &Path, data: &Path) -> Result<Report, Failure> {
    let source = Source::open(from)?;
    refuse_full(data)?;
    let is_new = !data.exists();
    let target = DataDir::take(data)?;
    // The lock has a name there now, and nothing else.
    refuse_full(data)?;
    let unfinished = target.path().join(UNFINISHED);
    source.copy_database(&unfinished)?;
    let database = Snapshot::of_resting(&unfinished)?;
    let (contents, blobs) = (database.contents()?, database.blobs()?);
    let damages = copy_files(&source, target.path(), &database, &blobs)?;
    drop(database);
    let ahead = LEAST_LEAP + source.age_ms() * SEQS_A_MS;
    let next = settle(&unfinished, ahead, LEAP_STEP, source.audit_row(from))?;
    let explain = |source| Failure::File { path: unfinished.clone(), source };
    File::open(&unfinished).and_then(|file| file.sync_all()).map_err(explain)?;
    std::fs::rename(&unfinished, target.path().join(DATABASE)).map_err(explain)?;
    flush_names(target.path())?;
    if is_new {
        flush_name_of(target.path())?;
    }
    let whole = blobs.len() - damages.len();
    let bytes = blobs.iter().map(|blob| blob.size_bytes).sum();
    let lines = vec![
        format!("restored {} and {} ({})", contents_of(contents), counted(whole as u64, "file"), size(bytes)),
        format!("as of {}; what happened since is not in it", source.made_words()),
        format!("the room's numbers go on from #{next}, past every one that was given since"),
        format!("start the daemon on it: parlord --data {}", data.display()),
    ];
    Ok(Report::new(lines, damages, from))
}

/// What a daemon must not start on: it would find no database, make one, and remove the files.
pub fn refuse_unfinished(data: &Path) -> Result<(), Failure> {
    if data.join(UNFINISHED).exists() && !data.join(DATABASE).exists() {
        let why = "holds a restore that was broken off; run --restore again with this --data".into();
        return Err(Failure::Unfit { path: data.to_owned(), why });
    }
    Ok(())
}

/// A daemon that began a new room in a backup would seem to have lost everything.
pub fn refuse_backup(data: &Path) -> Result<(), Failure> {
    if super::directory::is_finished(data) {
        let why = format!("is a backup; make a data directory of it: parlord --restore {} --data NEW", data.display());
        return Err(Failure::Unfit { path: data.to_owned(), why });
    }
    Ok(())
}

/// Anything but an empty directory, or what a restore that was broken off has left.
fn refuse_full(data: &Path) -> Result<(), Failure> {
    if !data.exists() {
        return Ok(());
    }
    let names = if data.is_dir() { names_in(data)? } else { vec![String::new()] };
    let is_unfinished = names.iter().any(|name| name == UNFINISHED);
    let is_ours = |name: &String| {
        let is_of_restore = name == DIRECTORY || name.starts_with(UNFINISHED);
        name == data_dir::LOCK || is_unfinished && is_of_restore
    };
    if names.iter().all(is_ours) {
        return Ok(());
    }
    let why = "is not empty; give a new directory for --data, so that nothing is overwritten".into();
    Err(Failure::Unfit { path: data.to_owned(), why })
}

/// What is restored.
struct Source {
    database: PathBuf,
    files: PathBuf,
    made: SystemTime,
    /// Of a backup, the database's hash and size.
    expected: Option<(Option<Digest>, u64)>,
    _reading: Option<Reading>,
}

impl Source {
    fn open(from: &Path) -> Result<Self, Failure> {
        if from.is_file() {
            return Self::of_file(from);
        }
        if !is_backup(from) {
            let why = if from.exists() { "is no backup" } else { "is not there" };
            return Err(Failure::Unfit { path: from.to_owned(), why: why.into() });
        }
        let reading = Reading::begin(from)?;
        let manifest = Manifest::finished(from)?;
        Ok(Self {
            database: manifest.database(from),
            files: from.join(DIRECTORY),
            made: manifest.made.parse::<jiff::Timestamp>().map_or(UNIX_EPOCH, SystemTime::from),
            expected: Some((manifest.digest(), manifest.database_bytes)),
            _reading: Some(reading),
        })
    }

    /// A database by itself, such as the copy that is made before its schema changes. Its files are those beside it.
    fn of_file(database: &Path) -> Result<Self, Failure> {
        let explain = |source| Failure::File { path: database.to_owned(), source };
        let database = database.canonicalize().map_err(explain)?;
        let log = log_path(&database);
        if log.metadata().is_ok_and(|log| log.len() > 0) {
            let why = format!("is in use, or was not closed: {} belongs to it; make a backup of it instead", log.display());
            return Err(Failure::Unfit { path: database, why });
        }
        let made = database.metadata().and_then(|metadata| metadata.modified()).map_err(explain)?;
        let files = database.with_file_name(DIRECTORY);
        Ok(Self { database, files, made, expected: None, _reading: None })
    }

    /// Copies the database once it is found to be sound.
    fn copy_database(&self, to: &Path) -> Result<(), Failure> {
        if let Some(expected) = self.expected {
            let found = blobs::hash(&self.database);
            let (digest, bytes) = found.map_err(|source| Failure::File { path: self.database.clone(), source })?;
            if (Some(digest), bytes) != expected {
                let why = "it is not the database that was backed up".into();
                return Err(OpenError::Corrupt { path: self.database.clone(), why }.into());
            }
        }
        let snapshot = Snapshot::of_resting(&self.database)?;
        snapshot.assert_sound()?;
        Ok(snapshot.copy_to(to, &mut |_| ())?)
    }

    fn age_ms(&self) -> u64 {
        let age = SystemTime::now().duration_since(self.made).unwrap_or_default();
        u64::try_from(age.as_millis()).map_or(OLDEST_MS, |age_ms| age_ms.min(OLDEST_MS))
    }

    fn audit_row(&self, from: &Path) -> AuditRow {
        AuditRow {
            id: 0,
            at_ms: now_ms(),
            who: user(rustix::process::getuid().as_raw()),
            what: "restore".into(),
            whom: None,
            details: format!("of {}, as of {}", from.display(), self.made_words()),
            refused: None,
        }
    }

    fn made_words(&self) -> String {
        jiff::Timestamp::try_from(self.made).map_or_else(|_| "an unknown time".into(), |made| format!("{made:.0}"))
    }
}

/// Copies the files; returns those that cannot be, as they are damaged. The rest of the room is worth having without them.
fn copy_files(source: &Source, data: &Path, database: &Snapshot, blobs: &[Blob]) -> Result<Vec<String>, Failure> {
    let to = data.join(DIRECTORY);
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&to);
    made.map_err(|source| Failure::File { path: to.clone(), source })?;
    let mut damages = Vec::new();
    for blob in blobs {
        let name = blob.digest.to_string();
        if let Err(fault) = blobs::copy(&source.files.join(&name), &to.join(&name), *blob)? {
            damages.push(format!(
                "{}: {fault}; it is not restored. Withdraw it once the daemon runs: {}",
                source.files.join(&name).display(),
                database.names_of(blob.digest)?
            ));
        }
    }
    flush_names(&to)?;
    Ok(damages)
}
