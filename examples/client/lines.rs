//! What lines mean that pass through a pipe: which of ours are requests, which of the server's are replies.
//!
//! Lines are never kept whole: a pipe may carry a file. Their beginnings tell what they are, in every voice,
//! since the voice may change in between.

use serde_json::{Map, Value};

/// How much of a line's beginning is kept. The server's last words are shorter.
const HEAD_BYTES: usize = 1024;

/// Finds the lines in a stream that comes in pieces.
#[derive(Default)]
pub(super) struct Lines {
    head: Vec<u8>,
    /// Whether a line has begun and not ended.
    is_inside: bool,
}

impl Lines {
    /// Tells the beginning of each line that these bytes end.
    pub(super) fn take(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (words, is_end) = piece.strip_suffix(b"\n").map_or((piece, false), |words| (words, true));
            let room = HEAD_BYTES - self.head.len();
            self.head.extend_from_slice(&words[..words.len().min(room)]);
            self.is_inside = !is_end;
            if is_end {
                each(self.head.strip_suffix(b"\r").unwrap_or(&self.head));
                self.head.clear();
            }
        }
    }

    pub(super) fn is_inside(&self) -> bool {
        self.is_inside
    }
}

/// Whether a line of ours certainly gets a reply, once logged in. Empty ones get none, and telnet's
/// negotiation may leave nothing of a line.
pub(super) fn is_request(line: &[u8]) -> bool {
    !trimmed(line).is_empty() && !line.contains(&0xff)
}

/// Whether a line of ours asks the server to close the connection.
pub(super) fn is_goodbye(line: &[u8]) -> bool {
    let line = trimmed(line);
    match line {
        [b'{', ..] => object(line).is_some_and(|request| text(&request, "do").eq_ignore_ascii_case("e")),
        [b'e' | b'E'] | [b'e' | b'E', b' ' | b'\t', ..] => true,
        word => word.eq_ignore_ascii_case(b"quit") || word.eq_ignore_ascii_case(b"exit"),
    }
}

/// Whether a line of ours, if it is the first of its connection, makes it carry the bytes of a file.
pub(super) fn is_transfer(line: &[u8]) -> bool {
    matches!(line, [b't' | b'T', b' ' | b'\t', ..])
}

/// What a line of the server is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// A request was granted.
    Granted,
    /// A request was refused: the words after `ERR`.
    Refused(String),
    /// The server closes the connection of its own accord, for this reason.
    Closing(String),
    /// An event, or a line of a list.
    Other,
}

/// What a line of the server is, in whatever voice.
pub(super) fn heard(line: &[u8]) -> Heard {
    let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match line {
        b"OK" => Heard::Granted,
        [b'O', b'K', b' ', ..] => Heard::Granted,
        [b'E', b'R', b'R', b' ', code @ ..] => Heard::Refused(words(code)),
        [b'{', ..] if line.starts_with(br#"{"ok":"#) => Heard::Granted,
        [b'{', ..] if line.starts_with(br#"{"err":"#) => {
            let refusal = object(line).unwrap_or_default();
            Heard::Refused(format!("{} {}", text(&refusal, "err"), text(&refusal, "text")))
        }
        [b'{', ..] if line.starts_with(br#"{"event":"closing""#) => {
            Heard::Closing(text(&object(line).unwrap_or_default(), "reason").to_owned())
        }
        _ => {
            let line = words(line);
            let reason = [("Closing (", ')'), ("连接关闭（", '）')].into_iter().find_map(|(start, end)| {
                let (reason, _) = line.strip_prefix(start)?.split_once(end)?;
                Some(reason.to_owned())
            });
            reason.map_or(Heard::Other, Heard::Closing)
        }
    }
}

fn trimmed(line: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
    let start = line.iter().position(|byte| !is_blank(byte)).unwrap_or(line.len());
    let end = line.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &line[start..end]
}

fn object(line: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(line).ok()
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_however_they_come() {
        let stream = [b"one\r\n\nthree ".as_slice(), &vec![b'x'; 5000], b"\nand a part"].concat();
        for piece in [1, 2, 7, 5000, 9000] {
            let (mut lines, mut found) = (Lines::default(), Vec::new());
            stream.chunks(piece).for_each(|bytes| lines.take(bytes, |line| found.push(line.to_vec())));
            assert_eq!((&found[0][..], &found[1][..], found.len()), (&b"one"[..], &b""[..], 3));
            assert!(found[2].starts_with(b"three xxx") && found[2].len() == HEAD_BYTES);
            assert!(lines.is_inside());
        }
    }

    #[test]
    fn ours_are_told_apart() {
        for line in ["E", "e -", " E\t", "quit", "EXIT\r", r#"{"do":"E"}"#, r#"{"ref":"x","do":"e"}"#] {
            assert!(is_goodbye(line.as_bytes()), "{line}");
        }
        for line in ["", "Edit", "C - E", "quit now", r#"{"do":"C","text":"E"}"#, "{E"] {
            assert!(!is_goodbye(line.as_bytes()), "{line}");
        }
        assert!(is_request(b"K") && is_request("你好".as_bytes()) && is_request(b"\xfe"));
        assert!(!is_request(b"") && !is_request(b" \t\r") && !is_request(b"\xff\xfd\x22"));
        assert!(is_transfer(b"T 00 5") && !is_transfer(b"To") && !is_transfer(b"T"));
    }

    #[test]
    fn the_servers_are_told_apart_in_every_voice() {
        let refused = |words: &str| Heard::Refused(words.into());
        let closing = |reason: &str| Heard::Closing(reason.into());
        for (line, what) in [
            ("OK", Heard::Granted),
            ("OK 12", Heard::Granted),
            (r#"{"ok":"C","seq":12}"#, Heard::Granted),
            ("ERR usage the form is C name text", refused("usage the form is C name text")),
            (r#"{"err":"usage","text":"the form"}"#, refused("usage the form")),
            ("Closing (replaced): you logged in elsewhere", closing("replaced")),
            ("连接关闭（shutting-down）：服务器停止", closing("shutting-down")),
            (r#"{"event":"closing","reason":"full","text":"…"}"#, closing("full")),
            ("[bob]: ERR OK", Heard::Other),
            ("OKAY", Heard::Other),
            (r#"{"event":"chat","text":"{\"err\":"}"#, Heard::Other),
        ] {
            assert_eq!(heard(line.as_bytes()), what, "{line}");
        }
    }
}
