//! `--verify`: whether a data directory or a backup is sound. Nothing is changed.
//!
//! Beside a running daemon the database is read as it is at one moment, and the daemon keeps its files until the end:
//! so every blob that the database names must be there, whoever withdraws it meanwhile.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::blobs::{self, Fault};
use super::directory::{Manifest, Reading, is_backup, names_in};
use super::{Held, Report, contents_of, counted};
use crate::background::lower_priority;
use crate::exit::Failure;
use crate::files::{DIRECTORY, Kind};
use crate::protocol::digest::Digest;
use crate::protocol::voice::size;
use crate::store::OpenError;
use crate::store::copy::{Blob, Snapshot};

/// What is said to do about a damaged database.
const RESTORE: &str = "restore a backup that --verify finds sound";
const BACK_UP_AGAIN: &str = "make a new backup, and keep this one until it is verified";

/// Examines a data directory, whether or not a daemon runs on it, or a backup.
pub fn verify(path: &Path) -> Result<Report, Failure> {
    lower_priority();
    if is_backup(path) { verify_backup(path) } else { verify_data(path) }
}

fn verify_data(data: &Path) -> Result<Report, Failure> {
    let mut held = Held::take(data, None)?;
    let mut findings = Findings::new(data.join(DIRECTORY), RESTORE, "withdraw it, or put its bytes there from a backup");
    findings.examine(held.snapshot(data), None)?;
    if !findings.damages.is_empty() && !held.is_held() {
        let why = "the daemon ended while its files were looked at, and some of them may be gone; run it again".into();
        return Err(Failure::Control(why));
    }
    let report = Report::new(findings.lines, findings.damages, data);
    held.end(if report.failure.is_some() { "damaged" } else { "sound" });
    Ok(report)
}

fn verify_backup(path: &Path) -> Result<Report, Failure> {
    let _reading = Reading::begin(path)?;
    let manifest = Manifest::finished(path)?;
    let mut findings =
        Findings::new(path.join(DIRECTORY), BACK_UP_AGAIN, "remove it, if it is there, and make the backup again");
    findings.lines.push(format!("a backup of {}, by parlord {}", manifest.made, manifest.parlord));
    let database = manifest.database(path);
    match blobs::hash(&database) {
        Ok((digest, bytes)) if Some(digest) == manifest.digest() && bytes == manifest.database_bytes => {
            findings.examine(Snapshot::of_resting(&database), Some(&manifest))?;
        }
        Ok(_) => {
            findings.damage_to_database("its bytes are not those that were backed up");
            // Where, as far as that can be told; if it cannot even be opened, nothing more is.
            if let Ok(opened) = Snapshot::of_resting(&database) {
                findings.examine(Ok(opened), Some(&manifest))?;
            }
        }
        Err(error) => findings.damage_to_database(&Fault::from(error).to_string()),
    }
    Ok(Report::new(findings.lines, findings.damages, path))
}

struct Findings {
    files: PathBuf,
    lines: Vec<String>,
    damages: Vec<String>,
    /// What to do about a damaged database, and about a damaged file.
    mend_database: &'static str,
    mend_file: &'static str,
}

impl Findings {
    fn new(files: PathBuf, mend_database: &'static str, mend_file: &'static str) -> Self {
        Self { files, lines: Vec::new(), damages: Vec::new(), mend_database, mend_file }
    }

    fn damage_to_database(&mut self, what: &str) {
        self.damages.push(format!("the database: {what}; {}", self.mend_database));
    }

    fn examine(&mut self, opened: Result<Snapshot, OpenError>, manifest: Option<&Manifest>) -> Result<(), Failure> {
        let database = match opened {
            Ok(database) => database,
            Err(OpenError::Corrupt { why, .. }) => {
                self.damage_to_database(&why);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let before = self.damages.len();
        let found = database.check();
        found.lines().iter().for_each(|line| self.damage_to_database(line));
        match (database.contents(), database.blobs()) {
            (Ok(contents), Ok(blobs)) => {
                if manifest.is_some_and(|manifest| manifest.contents() != contents) {
                    self.damage_to_database("it holds another number of things than were backed up");
                }
                let verdict = if self.damages.len() == before { "sound" } else { "damaged" };
                let (schema, contents) = (database.schema()?, contents_of(contents));
                self.lines.push(format!("database: {verdict}; schema {schema}, {contents}"));
                self.examine_files(&database, &blobs)
            }
            (Err(error), _) | (_, Err(error)) => {
                self.damage_to_database(&format!("it cannot be told which files belong to it: {error}"));
                Ok(())
            }
        }
    }

    fn examine_files(&mut self, database: &Snapshot, blobs: &[Blob]) -> Result<(), Failure> {
        let before = self.damages.len();
        for blob in blobs {
            let path = self.files.join(blob.digest.to_string());
            if let Err(fault) = blobs::examine(&path, *blob) {
                let names = database.names_of(blob.digest)?;
                self.damages.push(format!("{}: {fault}; {}: {names}", path.display(), self.mend_file));
            }
        }
        let bytes = blobs.iter().map(|blob| blob.size_bytes).sum();
        let shared = format!("files: {} ({})", counted(blobs.len() as u64, "file"), size(bytes));
        self.lines.push(match self.damages.len() - before {
            0 => format!("{shared}, all sound"),
            damaged => format!("{shared}, of which {damaged} damaged"),
        });
        self.examine_names(&blobs.iter().map(|blob| blob.digest).collect())
    }

    /// The other way round: what there is that the database does not name.
    fn examine_names(&mut self, named: &HashSet<Digest>) -> Result<(), Failure> {
        if !self.files.exists() && named.is_empty() {
            return Ok(());
        }
        let (mut unnamed, mut partials, mut others) = (0, 0, 0);
        for name in names_in(&self.files)? {
            match Kind::of(&name) {
                Kind::Blob(digest) if named.contains(&digest) => (),
                Kind::Blob(_) => unnamed += 1,
                Kind::Partial => partials += 1,
                Kind::Other => others += 1,
            }
        }
        for (count, noun, what) in [
            (unnamed, "file", "that nothing names: just being shared, just withdrawn, or left by a crash"),
            (partials, "part", "of uploads that are running or were cut, kept to be gone on with"),
            (others, "file", "that Parlor has not put there"),
        ] {
            if count > 0 {
                self.lines.push(format!("harmless: {} {what}", counted(count, noun)));
            }
        }
        Ok(())
    }
}
