//! Files: offers and asks over a client, and the connections of their own that carry the bytes.

use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Client, Daemon, eventually};

/// What `F` was answered.
pub struct Offer {
    pub ticket: String,
    /// Where the bytes begin.
    pub offset: usize,
}

impl Offer {
    /// The first line of its transfer, for the whole of a file.
    pub fn line(&self, whole: &[u8]) -> String {
        format!("T {} {} {}\n", self.ticket, whole.len(), sha256(whole))
    }
}

/// What `L` was answered.
pub struct Found {
    pub ticket: String,
    pub size: usize,
    pub sha256: String,
}

impl Client {
    /// Offers a file, which must be answered with a ticket.
    #[track_caller]
    pub fn offer(&mut self, file_name: &str) -> Offer {
        let [ticket, offset] = granted(&self.ask(&format!("F - {file_name}")), ["ticket", "offset_bytes"]);
        Offer { ticket, offset: offset.parse().unwrap() }
    }

    /// Asks for a file, which must be there.
    #[track_caller]
    pub fn find(&mut self, file_name: &str) -> Found {
        let [ticket, size, sha256] = granted(&self.ask(&format!("L - {file_name}")), ["ticket", "size_bytes", "sha256"]);
        Found { ticket, size: size.parse().unwrap(), sha256 }
    }

    /// Shares a file over a connection of its own and returns its hash.
    #[track_caller]
    pub fn share(&mut self, daemon: &Daemon, file_name: &str, whole: &[u8]) -> String {
        let offer = self.offer(file_name);
        let reply = upload(daemon, &offer, whole);
        assert!(is_shared(&reply, whole), "{file_name}: {reply}");
        sha256(whole)
    }

    /// Fetches a file, which must be as the reply to `L` says.
    #[track_caller]
    pub fn fetch(&mut self, daemon: &Daemon, file_name: &str) -> Vec<u8> {
        let found = self.find(file_name);
        let whole = Client::transfer(daemon, format!("T {}\n", found.ticket)).bytes();
        assert_eq!((found.size, found.sha256), (whole.len(), sha256(&whole)), "{file_name}");
        whole
    }

    /// Withdraws a file of one's own.
    #[track_caller]
    pub fn withdraw(&mut self, file_name: &str) {
        let reply = self.ask(&format!("X - {file_name}"));
        assert!(reply.starts_with("OK") || reply.starts_with("{\"ok\":\"X\""), "{file_name}: {reply}");
    }

    /// A connection of its own that begins with these bytes: the line of a transfer, or more.
    pub fn transfer(daemon: &Daemon, head: impl AsRef<[u8]>) -> Self {
        let mut transfer = Self::connect(daemon);
        transfer.send_raw(head.as_ref());
        transfer
    }

    /// The next line, with which the connection must end.
    #[track_caller]
    pub fn last_line(&mut self) -> String {
        let line = self.line();
        assert_eq!(self.rest(), [""; 0], "after {line:?}");
        line
    }
}

/// Sends what an offer asks for, with the hash; returns the reply.
#[track_caller]
pub fn upload(daemon: &Daemon, offer: &Offer, whole: &[u8]) -> String {
    let mut transfer = Client::transfer(daemon, offer.line(whole));
    transfer.send_raw(&whole[offer.offset..]);
    transfer.last_line()
}

/// Whether an upload was answered with the hash of what was sent.
pub fn is_shared(reply: &str, whole: &[u8]) -> bool {
    reply.starts_with(&format!("OK {} ", sha256(whole)))
}

/// Begins an upload that has sent `part` bytes and goes on when the test does; returns once it runs.
#[track_caller]
pub fn begin_upload(daemon: &Daemon, offer: &Offer, whole: &[u8], part: usize) -> Client {
    let before = daemon.partials();
    let end = offer.offset + part;
    let transfer = Client::transfer(daemon, [offer.line(whole).as_bytes(), &whole[offer.offset..end]].concat());
    eventually("the upload runs", || daemon.partials().iter().any(|partial| !before.contains(partial)));
    transfer
}

impl Daemon {
    /// The names of what lies under `DATA/files`, in order.
    pub fn files(&self) -> Vec<String> {
        names_in(&self.data().join("files"))
    }

    /// Those of them that are a part of a file, or on their way to be a whole one.
    pub fn partials(&self) -> Vec<String> {
        self.files().into_iter().filter(|name| name.starts_with("partial-")).collect()
    }

    /// Waits until `DATA/files` holds these and nothing else: what is no longer needed goes a moment after
    /// the reply.
    #[track_caller]
    pub fn settles_to(&self, names: &[&str]) {
        eventually(&format!("{names:?} and nothing else"), || self.files() == names);
    }
}

/// The names of what lies in a directory, in order.
pub fn names_in(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// What an `OK` says, in a people's voice word by word, in voice `json` by these keys.
#[track_caller]
fn granted<const N: usize>(reply: &str, keys: [&str; N]) -> [String; N] {
    if let Ok(object) = serde_json::from_str::<Value>(reply) {
        assert!(object.get("ok").is_some(), "{reply}");
        return keys.map(|key| object[key].as_str().map_or_else(|| object[key].to_string(), str::to_owned));
    }
    let words = reply.strip_prefix("OK ").unwrap_or_else(|| panic!("refused: {reply}"));
    let mut words = words.split(' ').map(str::to_owned);
    keys.map(|key| words.next().unwrap_or_else(|| panic!("no {key}: {reply}")))
}

/// A SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// So many bytes of every value, different ones for each seed.
pub fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = vec![0; count];
    for chunk in bytes.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        chunk.copy_from_slice(&state.to_le_bytes()[..chunk.len()]);
    }
    bytes
}
