//! What is said to the daemon, and which of its lines answer. All that the generator knows of the protocol is here.

use serde_json::{Value, json};

use super::scene::Voice;

/// Of all accounts that the generator registers.
const PASSWORD: &str = "load-password";
/// Begins the part of a message that is looked for.
pub(crate) const MARK: u8 = b'^';
/// A mark and the number behind it, in hexadecimal.
pub(crate) const MARKED_BYTES: usize = 17;

const BEFORE_TEXT: &[u8] = b"C - ";

impl Voice {
    fn word(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
            Self::Json => "json",
        }
    }
}

/// How somebody logs in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Entry {
    /// Into the room, to hear it in this voice.
    Member(Voice),
    /// In voice `json` and outside the room: it hears nothing, and nobody is told.
    Aside,
}

impl Entry {
    /// What is said before the password.
    pub(crate) fn greeting(self, name: &str) -> String {
        let voice = match self {
            Self::Member(voice) => voice,
            Self::Aside => Voice::Json,
        };
        format!("V {}\nU {name}\n", voice.word())
    }

    /// The password.
    pub(crate) fn password(self, name: &str) -> String {
        match self {
            Self::Member(_) => format!("P {name} {PASSWORD}\n"),
            Self::Aside => request(&json!({"do": "P", "name": name, "password": PASSWORD, "enter": false})),
        }
    }
}

/// A request of a program.
pub(crate) fn request(request: &Value) -> String {
    format!("{request}\n")
}

/// A page of the newest 20 events up to a number.
pub(crate) fn page(right: u64) -> String {
    format!("H - {right} 20\n")
}

/// What answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Ok,
    Refused,
}

/// What a line answers; `None` for one that answers nothing.
pub(crate) fn reply(line: &[u8]) -> Option<Reply> {
    if line.starts_with(b"OK") || line.starts_with(b"{\"ok\"") {
        Some(Reply::Ok)
    } else if line.starts_with(b"ERR ") || line.starts_with(b"{\"err\"") {
        Some(Reply::Refused)
    } else {
        None
    }
}

/// Whether a refusal is one that passes.
pub(crate) fn is_busy(line: &[u8]) -> bool {
    line.starts_with(b"ERR busy") || line.starts_with(b"{\"err\":\"busy\"")
}

/// Whether a line tells why the connection is closed.
pub(crate) fn is_closing(line: &[u8]) -> bool {
    ["Closing (", "连接关闭（", "{\"event\":\"closing\""].iter().any(|start| line.starts_with(start.as_bytes()))
}

/// The number of the newest event, in the reply to a password.
pub(crate) fn newest_seq(reply: &[u8]) -> Option<u64> {
    let words = std::str::from_utf8(reply).ok()?;
    match words.split_once("\"seq\":") {
        Some((_, rest)) => rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok(),
        // OK name count seq …
        None => words.split(' ').nth(3)?.trim_end().parse().ok(),
    }
}

/// A message, whose number changes.
#[derive(Clone, Debug)]
pub(crate) struct Message(Vec<u8>);

impl Message {
    /// A text of this size.
    pub(crate) fn new(size_bytes: usize) -> Self {
        let mut line = BEFORE_TEXT.to_vec();
        line.push(MARK);
        line.resize(BEFORE_TEXT.len() + MARKED_BYTES, b'0');
        line.resize(line.len() + size_bytes.saturating_sub(MARKED_BYTES), b'x');
        line.push(b'\n');
        Self(line)
    }

    /// Its line.
    pub(crate) fn numbered(&mut self, number: u64) -> &[u8] {
        let digits = &mut self.0[BEFORE_TEXT.len() + 1..][..MARKED_BYTES - 1];
        for (place, digit) in digits.iter_mut().rev().enumerate() {
            *digit = b"0123456789abcdef"[(number >> (4 * place) & 15) as usize];
        }
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_its_size_and_number() {
        let mut message = Message::new(20);
        assert_eq!(message.numbered(0), b"C - ^0000000000000000xxx\n");
        assert_eq!(message.numbered(0x0123_4567_89ab_cdef), b"C - ^0123456789abcdefxxx\n");
        assert_eq!(Message::new(17).numbered(255), b"C - ^00000000000000ff\n");
    }

    #[test]
    fn replies_are_told_from_events() {
        for (line, is) in [
            ("OK", Some(Reply::Ok)),
            ("OK 17", Some(Reply::Ok)),
            ("{\"ok\":\"C\",\"seq\":17}", Some(Reply::Ok)),
            ("ERR store-failed …", Some(Reply::Refused)),
            ("{\"err\":\"busy\",\"text\":\"…\"}", Some(Reply::Refused)),
            ("[load-1]: ^00", None),
            ("{\"event\":\"chat\",\"room\":\"lobby\"", None),
            ("{\"item\":\"chat\"", None),
        ] {
            assert_eq!(reply(line.as_bytes()), is, "{line}");
        }
        assert_eq!(newest_seq(b"OK load-1 3 42 here: a, b"), Some(42));
        assert_eq!(newest_seq(b"{\"ok\":\"P\",\"name\":\"a\",\"count\":1,\"seq\":42,\"names\":[]"), Some(42));
        assert!(is_busy(b"ERR busy too many"));
    }
}
