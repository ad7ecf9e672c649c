//! Lines: a stream means the same wherever it is cut, nothing is longer than it may be, and what is not a line yet
//! stays in the buffer as it came, never more of it than the longest line.

use bytes::BytesMut;
use parlor::protocol::codec::{Input, LineCodec};
use parlor::protocol::limits::{JSON_LINE_BYTES, LINE_BYTES, STRANGER_LINE_BYTES};
use parlor::protocol::refusal::Refusal;
use parlor::protocol::request::Manner;
use parlor::protocol::tongue::Tongue;
use tokio_util::codec::Decoder;

/// What came of a line.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Line(String),
    TooLong(Option<char>, usize),
    NotUtf8(Option<char>),
    /// No line follows.
    TlsHello,
}

/// Two bytes say in which manners lines are read and how the stream is cut; the third whether it is
/// stretched to a limit, so that small inputs reach those too.
pub fn holds(input: &[u8]) {
    let [manners, cut, repeated, pattern @ ..] = input else { return };
    let mut stream = pattern.to_vec();
    if let (Some(&last), 1..) = (pattern.last(), repeated & 3) {
        // Around a limit, where lines become too long.
        let limit = [STRANGER_LINE_BYTES, LINE_BYTES, JSON_LINE_BYTES][usize::from(repeated & 3) - 1];
        let room = (limit + usize::from(repeated >> 4)).saturating_sub(8 + pattern.len());
        stream.extend(std::iter::repeat_n(last, room));
        stream.extend_from_slice(pattern);
    }
    let whole = read(&stream, *manners, std::iter::once(stream.len()));
    let parts = (1..).map(|at| 1 + usize::from(*cut).wrapping_mul(at * at + 7) % 97);
    assert_eq!(read(&stream, *manners, parts), whole, "cut into parts");
    if stream.len() < 2048 {
        assert_eq!(read(&stream, *manners, std::iter::repeat(1)), whole, "byte by byte");
    }
    if whole.0 == [Seen::TlsHello] {
        return;
    }
    let ends = stream.iter().filter(|&&byte| byte == b'\n').count();
    let too_long_at_the_end = matches!(whole.0.last(), Some(Seen::TooLong(..)));
    assert!(whole.0.len() == ends || whole.0.len() == ends + 1 && too_long_at_the_end, "a reply for each line");
}

/// The manner of the line after so many others: a connection logs in, and chooses voices.
fn manner(manners: u8, lines: usize) -> Manner {
    let bits = usize::from(manners).rotate_right(lines as u32 % 5);
    let tongue = if bits & 1 == 1 { Tongue::Json } else { Tongue::En };
    Manner { logged_in: bits & 2 == 2, tongue, is_first: lines == 0 }
}

fn limit(manner: Manner) -> usize {
    match manner {
        Manner { logged_in: false, .. } => STRANGER_LINE_BYTES,
        Manner { tongue: Tongue::Json, .. } => JSON_LINE_BYTES,
        _ => LINE_BYTES,
    }
}

fn read(stream: &[u8], manners: u8, parts: impl Iterator<Item = usize>) -> (Vec<Seen>, bool, Vec<u8>) {
    let (mut codec, mut buffer, mut seen, mut fed) = (LineCodec::new(), BytesMut::new(), Vec::new(), 0);
    for part in parts {
        if fed == stream.len() {
            break;
        }
        let end = stream.len().min(fed + part);
        buffer.extend_from_slice(&stream[fed..end]);
        fed = end;
        loop {
            let manner = manner(manners, seen.len());
            codec.set_manner(manner);
            let Some(input) = codec.decode(&mut buffer).expect("the stream has no errors") else {
                // One more for a CR that may belong to the line end.
                assert!(buffer.len() <= limit(manner) + 1, "{} bytes wait", buffer.len());
                break;
            };
            assert!(stream[..fed].ends_with(&buffer), "what is behind a line is left as it came");
            seen.push(what(input, limit(manner)));
            if seen.last() == Some(&Seen::TlsHello) {
                assert!(seen.len() == 1 && buffer.starts_with(&[0x16, 3]), "only where the connection begins, and untouched");
                return (seen, codec.has_seen_crlf(), Vec::new());
            }
        }
    }
    (seen, codec.has_seen_crlf(), buffer.to_vec())
}

fn what(input: Input, limit_bytes: usize) -> Seen {
    match input {
        Input::Line(line) => {
            let line = line.as_str();
            assert!(line.len() <= limit_bytes && !line.contains('\n'));
            Seen::Line(line.to_owned())
        }
        Input::TlsHello => Seen::TlsHello,
        Input::Fault(unreadable) => {
            assert!(unreadable.reference.is_none());
            match unreadable.refusal {
                Refusal::LineTooLong { limit_bytes } => Seen::TooLong(unreadable.letter, limit_bytes),
                Refusal::NotUtf8 => Seen::NotUtf8(unreadable.letter),
                other => panic!("{other:?}"),
            }
        }
    }
}
