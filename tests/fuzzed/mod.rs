//! What must hold of the parsers and the voices for every input: one function for each fuzz target, from bytes to a
//! panic. `fuzz/` gives them to libFuzzer, `tests/fuzz_corpus.rs` gives them the corpus and variations of it, so that
//! `cargo test` tries the same without any tool.
//!
//! An input is plain bytes. What a target has to choose (a manner, a game) it takes from the first of them, so that the
//! rest is text as a peer would send it, which dictionaries and mutations do best with.

pub mod codec;
pub mod file_name;
pub mod json_request;
pub mod moves;
pub mod name;
mod rendered;
pub mod request;
mod request_forms;
pub mod voice;
mod voice_games;

use parlor::protocol::request::Manner;
use parlor::protocol::text::is_bidi_control;
use parlor::protocol::tongue::Tongue;

/// A fuzz target: its name, and what it asserts of an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 7] = [
    ("codec", codec::holds),
    ("file_name", file_name::holds),
    ("json_request", json_request::holds),
    ("moves", moves::holds),
    ("name", name::holds),
    ("request", request::holds),
    ("voice", voice::holds),
];

/// The manners in which a line can be read.
pub fn manners() -> impl Iterator<Item = Manner> {
    let states = [(false, true), (false, false), (true, false)];
    states.into_iter().flat_map(|(logged_in, is_first)| Tongue::ALL.map(|tongue| Manner { logged_in, tongue, is_first }))
}

/// Whether a terminal may act on a character otherwise than by showing it.
pub fn acts_on_terminals(c: char) -> bool {
    c.is_control() && c != '\t' || is_bidi_control(c) || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Choices that an input makes, byte by byte; where it has ended, the first of all.
pub struct Choices<'a>(pub &'a [u8]);

impl<'a> Choices<'a> {
    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound
    }

    pub fn coin(&mut self) -> bool {
        self.byte() % 2 == 1
    }

    pub fn number(&mut self) -> u64 {
        let bytes = self.0.len().min(8);
        let (taken, rest) = self.0.split_at(bytes);
        self.0 = rest;
        taken.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
    }

    /// The bytes up to the next line end, as text.
    pub fn words(&mut self) -> String {
        let mut lines = self.0.splitn(2, |&byte| byte == b'\n');
        let words = lines.next().unwrap_or_default();
        self.0 = lines.next().unwrap_or_default();
        String::from_utf8_lossy(words).into_owned()
    }
}
