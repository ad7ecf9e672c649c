//! `--backup`: the database as it is now, and the files that it names.
//!
//! In this order: the daemon is told to keep its files; the database is copied, as it is at one moment, and checked; then
//! the files that this copy names are copied, which are all there because the daemon keeps them; then all of it becomes
//! the backup at once ([`super::directory`]). Whatever was answered `OK` before that moment is in it.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use super::blobs::{self, PART, hash};
use super::directory::{Directory, Manifest};
use super::{Held, Report, contents_of, counted};
use crate::background::lower_priority;
use crate::exit::Failure;
use crate::files::DIRECTORY;
use crate::protocol::digest::Digest;
use crate::protocol::voice::size;
use crate::store::OpenError;
use crate::store::copy::{Blob, Contents, Snapshot};

/// How often a long copy says how far it is.
const TELLING: Duration = Duration::from_secs(5);

/// Makes a backup of a data directory, whether or not a daemon runs on it.
pub fn back_up(data: &Path, into: &Path) -> Result<Report, Failure> {
    lower_priority();
    let began = Instant::now();
    let into = std::path::absolute(into).map_err(|source| Failure::File { path: into.to_owned(), source })?;
    refuse_inside(data, &into)?;
    let mut held = Held::take(data, Some(&into))?;
    let directory = Directory::take(&into)?;
    let earlier = Earlier::read(&directory)?;
    let made = make(data, &mut held, &directory, &earlier);
    if made.is_err() {
        // So that a disk that is full has its room back. If it fails, the next backup tries it again.
        let _ = directory.sweep_databases(|number| earlier.has(number));
    }
    let Made { manifest, copied, damages } = made?;
    let done = format!(
        "backed up {} and {} ({}); new: {} ({}); took {:.1} s",
        contents_of(manifest.contents()),
        counted(manifest.files, "file"),
        size(manifest.file_bytes),
        counted(copied.files, "file"),
        size(copied.bytes),
        began.elapsed().as_secs_f32(),
    );
    held.end(&done);
    Ok(Report::new(vec![done, format!("the backup is {}", into.display())], damages, data))
}

/// In the data directory it would be lost with what it is a backup of.
fn refuse_inside(data: &Path, into: &Path) -> Result<(), Failure> {
    let is_inside = data.canonicalize().is_ok_and(|data| {
        into.ancestors().find_map(|there| there.canonicalize().ok()).is_some_and(|there| there.starts_with(data))
    });
    if is_inside {
        let why = "is in the data directory itself; give one outside of it, on another disk if there is one".into();
        return Err(Failure::Unfit { path: into.to_owned(), why });
    }
    Ok(())
}

/// The backup that is in the directory already.
enum Earlier {
    None,
    /// This one, with these blobs.
    Whole(u64, HashSet<Digest>),
    /// One that cannot be read: nothing of it is removed before there is another.
    Damaged(u64),
}

impl Earlier {
    fn read(directory: &Directory) -> Result<Self, Failure> {
        let Some(manifest) = Manifest::read(directory.path())? else { return Ok(Self::None) };
        let blobs = Snapshot::of_resting(&manifest.database(directory.path())).and_then(|snapshot| snapshot.blobs());
        match blobs {
            Ok(blobs) => Ok(Self::Whole(manifest.number, blobs.iter().map(|blob| blob.digest).collect())),
            Err(newer @ OpenError::Newer { .. }) => Err(newer.into()),
            Err(error) => {
                log::warn!("the earlier backup is damaged, and is now replaced: {error}");
                Ok(Self::Damaged(manifest.number))
            }
        }
    }

    fn has(&self, database: u64) -> bool {
        matches!(self, Self::Whole(number, _) | Self::Damaged(number) if *number == database)
    }

    fn needs(&self, digest: Digest) -> bool {
        match self {
            Self::None => false,
            Self::Whole(_, blobs) => blobs.contains(&digest),
            Self::Damaged(_) => true,
        }
    }
}

/// A finished backup.
struct Made {
    manifest: Manifest,
    copied: Copied,
    /// What of the data directory is damaged, and so not in the backup.
    damages: Vec<String>,
}

/// What was not there before.
#[derive(Default)]
struct Copied {
    files: u64,
    bytes: u64,
}

fn make(data: &Path, held: &mut Held, directory: &Directory, earlier: &Earlier) -> Result<Made, Failure> {
    directory.sweep_databases(|number| earlier.has(number))?;
    let (number, database) = directory.next_database()?;
    let part = database.with_added_extension(PART);
    let made = copy_database(held, data, &part)?;
    let copy = Snapshot::of_resting(&part)?;
    copy.assert_sound()?;
    let blobs = copy.blobs()?;
    let named: HashSet<Digest> = blobs.iter().map(|blob| blob.digest).collect();
    // What a backup that was broken off has left is gone on with, as far as it is needed now.
    directory.sweep_files(|digest| named.contains(&digest) || earlier.needs(digest))?;
    let (copied, damages) = copy_files(data, held, directory, &copy, &blobs)?;
    let Contents { accounts, events, games } = copy.contents()?;
    let schema = copy.schema()?;
    drop(copy);
    let explain = |source| Failure::File { path: part.clone(), source };
    let (digest, database_bytes) = hash(&part).map_err(explain)?;
    std::fs::rename(&part, &database).map_err(explain)?;
    let manifest = Manifest {
        format: Manifest::FORMAT,
        made,
        parlord: env!("CARGO_PKG_VERSION").into(),
        schema,
        number,
        database_bytes,
        database_sha256: digest.to_string(),
        accounts,
        events,
        games,
        files: blobs.len() as u64,
        file_bytes: blobs.iter().map(|blob| blob.size_bytes).sum(),
    };
    directory.finish(&manifest)?;
    directory.sweep_databases(|other| other == number)?;
    directory.sweep_files(|digest| named.contains(&digest))?;
    Ok(Made { manifest, copied, damages })
}

/// Copies the database as it is now; returns when that was.
fn copy_database(held: &Held, data: &Path, to: &Path) -> Result<String, Failure> {
    let snapshot = held.snapshot(data)?;
    let made = jiff::Timestamp::now().to_string();
    let mut telling = Telling::default();
    snapshot.copy_to(to, &mut |done| telling.tell("the database", done.bytes, done.of_bytes))?;
    Ok(made)
}

/// Copies the files that are not there yet; returns how many, and which cannot be copied as they are damaged.
fn copy_files(
    data: &Path,
    held: &mut Held,
    directory: &Directory,
    database: &Snapshot,
    blobs: &[Blob],
) -> Result<(Copied, Vec<String>), Failure> {
    let (from, to) = (data.join(DIRECTORY), directory.files());
    let is_there = |blob: &Blob| {
        std::fs::metadata(to.join(blob.digest.to_string())).is_ok_and(|metadata| metadata.len() == blob.size_bytes)
    };
    let new: Vec<&Blob> = blobs.iter().filter(|blob| !is_there(blob)).collect();
    let of_bytes = new.iter().map(|blob| blob.size_bytes).sum();
    let (mut copied, mut damages, mut telling) = (Copied::default(), Vec::new(), Telling::default());
    for blob in new {
        let name = blob.digest.to_string();
        match blobs::copy(&from.join(&name), &to.join(&name), *blob)? {
            Ok(()) => {
                copied.files += 1;
                copied.bytes += blob.size_bytes;
            }
            Err(_) if !held.is_held() => {
                let why = "the daemon ended while its files were copied, and some of them are gone; run it again".into();
                return Err(Failure::Control(why));
            }
            Err(fault) => damages.push(format!(
                "{}: {fault}; it is not in the backup. Withdraw it, or put its bytes there: {}",
                from.join(&name).display(),
                database.names_of(blob.digest)?
            )),
        }
        telling.tell("files", copied.bytes, of_bytes);
    }
    Ok((copied, damages))
}

/// Says now and then how far something is.
#[derive(Default)]
struct Telling {
    told: Option<Instant>,
}

impl Telling {
    fn tell(&mut self, what: &str, bytes: u64, of_bytes: u64) {
        let since = *self.told.get_or_insert_with(Instant::now);
        if since.elapsed() >= TELLING {
            self.told = Some(Instant::now());
            log::info!("copying {what}: {} of {}", size(bytes), size(of_bytes));
        }
    }
}
