//! One file's way into a backup, or out of it: copied block by block and hashed meanwhile, so that only bytes that are
//! those of the name arrive under it. Nothing is linked: what happens to the one file does not happen to the other.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::exit::Failure;
use crate::protocol::digest::Digest;
use crate::store::copy::Blob;

/// What is read at once.
const BLOCK_BYTES: usize = 256 << 10;
/// What a file is called until it is whole and flushed.
pub(super) const PART: &str = "part";

/// What is wrong with a file.
#[derive(Debug)]
pub(super) enum Fault {
    Missing,
    /// It has another size.
    Size(u64),
    /// It has other bytes.
    Bytes,
    Unreadable(io::Error),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => write!(f, "it is missing"),
            Self::Size(bytes) => write!(f, "it has {bytes} bytes, not as many as were shared"),
            Self::Bytes => write!(f, "its bytes are not those that were shared"),
            Self::Unreadable(error) => write!(f, "it cannot be read: {error}"),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::Missing,
            _ => Self::Unreadable(error),
        }
    }
}

/// Whether a file is what it should be.
pub(super) fn examine(path: &Path, blob: Blob) -> Result<(), Fault> {
    let size_bytes = std::fs::metadata(path)?.len();
    if size_bytes != blob.size_bytes {
        return Err(Fault::Size(size_bytes));
    }
    let (digest, _) = hash(path)?;
    if digest == blob.digest { Ok(()) } else { Err(Fault::Bytes) }
}

/// The hash and the size of a file.
pub(super) fn hash(path: &Path) -> io::Result<(Digest, u64)> {
    pass(&mut File::open(path)?, |_| Ok(()))
}

/// Copies a file, for its owner alone, and flushes it. What is wrong with the source is no failure: then nothing is copied.
pub(super) fn copy(from: &Path, to: &Path, blob: Blob) -> Result<Result<(), Fault>, Failure> {
    let mut source = match File::open(from) {
        Ok(source) => source,
        Err(error) => return Ok(Err(error.into())),
    };
    let part = part_of(to);
    let failed = |source| Failure::File { path: part.clone(), source };
    let mut copy = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part).map_err(failed)?;
    let mut write_error = None;
    let copied = pass(&mut source, |block| copy.write_all(block).map_err(|error| write_error.insert(error).kind().into()));
    if let Some(error) = write_error {
        let _ = std::fs::remove_file(&part);
        return Err(failed(error));
    }
    let fault = match copied {
        Ok((_, size_bytes)) if size_bytes != blob.size_bytes => Fault::Size(size_bytes),
        Ok((digest, _)) if digest != blob.digest => Fault::Bytes,
        Ok(_) => {
            copy.sync_all().and_then(|()| std::fs::rename(&part, to)).map_err(failed)?;
            return Ok(Ok(()));
        }
        Err(error) => Fault::Unreadable(error),
    };
    std::fs::remove_file(&part).map_err(failed)?;
    Ok(Err(fault))
}

fn part_of(path: &Path) -> PathBuf {
    path.with_added_extension(PART)
}

/// Reads to the end; returns hash and size of what came.
fn pass(source: &mut impl Read, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<(Digest, u64)> {
    let (mut hasher, mut size_bytes) = (Sha256::new(), 0);
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        let length = match source.read(&mut block) {
            Ok(0) => return Ok((Digest(hasher.finalize().into()), size_bytes)),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let read = block.get(..length).unwrap_or_default();
        hasher.update(read);
        each(read)?;
        size_bytes += length as u64;
    }
}
