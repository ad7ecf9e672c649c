//! Messages in a stream of bytes, found by their mark and told by the number behind it. A stream comes in any pieces;
//! a number that is cut is put together. Two speeds: every number is read, or marks are counted and only the last number
//! of a piece is read.

use super::wire::{MARK, MARKED_BYTES};

/// Bytes of a number, in hexadecimal.
const DIGITS: usize = MARKED_BYTES - 1;

/// Finds messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    /// The digits that came of a number that is cut.
    part: [u8; DIGITS],
    part_count: u8,
    is_cut: bool,
}

/// What a piece held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Marks in it.
    pub(crate) count: u64,
    /// The number of the last whole message, and how many marks stand behind it.
    pub(crate) last: Option<(u64, u64)>,
}

impl Marks {
    /// Hands on the number of every message that is complete with these bytes.
    pub(crate) fn each(&mut self, bytes: &[u8], mut seen: impl FnMut(u64)) {
        let mut start = 0;
        if self.is_cut {
            let taken = bytes.len().min(DIGITS - usize::from(self.part_count));
            if memchr::memchr(MARK, &bytes[..taken]).is_some() {
                // What was cut was somebody else's: no number has a mark in it.
                self.is_cut = false;
            } else if self.complete(&bytes[..taken]) {
                number(&self.part).map(&mut seen);
                start = taken;
            } else {
                return;
            }
        }
        for at in memchr::memchr_iter(MARK, &bytes[start..]) {
            let digits = &bytes[start + at + 1..];
            match digits.first_chunk() {
                Some(digits) => _ = number(digits).map(&mut seen),
                None => self.cut(digits),
            }
        }
    }

    /// Counts marks, and reads the last number that is whole. Not to be mixed with `each` on one stream.
    pub(crate) fn count(bytes: &[u8]) -> Counted {
        let count = memchr::memchr_iter(MARK, bytes).count() as u64;
        for (behind, at) in (0..).zip(memchr::memrchr_iter(MARK, bytes)) {
            if let Some(number) = bytes[at + 1..].first_chunk().and_then(number) {
                return Counted { count, last: Some((number, behind)) };
            }
        }
        Counted { count, last: None }
    }

    fn cut(&mut self, digits: &[u8]) {
        self.part[..digits.len()].copy_from_slice(digits);
        self.part_count = digits.len() as u8;
        self.is_cut = true;
    }

    /// Puts more digits to those of a cut number; true once it is whole.
    fn complete(&mut self, digits: &[u8]) -> bool {
        let begin = usize::from(self.part_count);
        self.part[begin..][..digits.len()].copy_from_slice(digits);
        self.part_count += digits.len() as u8;
        self.is_cut = usize::from(self.part_count) < DIGITS;
        !self.is_cut
    }
}

/// Sixteen hexadecimal digits; `None` if they are not, as when somebody else puts a mark into what he says.
fn number(digits: &[u8; DIGITS]) -> Option<u64> {
    // Looked up without a branch for each: this is done for every message that arrives.
    let (mut number, mut wrong) = (0, 0);
    for &digit in digits {
        let value = VALUES[usize::from(digit)];
        wrong |= value;
        number = number << 4 | u64::from(value & 15);
    }
    (wrong < 16).then_some(number)
}

/// What each byte is worth as a digit, 16 for no digit.
const VALUES: [u8; 256] = {
    let mut values = [16; 256];
    let digits = b"0123456789abcdef";
    let mut value = 0;
    while value < digits.len() {
        values[digits[value] as usize] = value as u8;
        value += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use super::super::wire::Message;
    use super::*;

    fn stream(numbers: &[u64], size_bytes: usize) -> Vec<u8> {
        let mut message = Message::new(size_bytes);
        let lines = numbers.iter().map(|&number| [b"[load-1-0]: ", &message.numbered(number)[4..]].concat());
        lines.collect::<Vec<_>>().concat()
    }

    #[test]
    fn every_number_is_found_however_the_stream_is_cut() {
        let numbers = [0, 7, 0xffff_ffff_ffff_ffff, 3, 0x0123_4567_89ab_cdef];
        for size_bytes in [17, 18, 64] {
            let stream = stream(&numbers, size_bytes);
            for piece in 1..=stream.len() {
                let (mut marks, mut seen, mut counted) = (Marks::default(), Vec::new(), 0);
                for bytes in stream.chunks(piece) {
                    marks.each(bytes, |number| seen.push(number));
                    counted += Marks::count(bytes).count;
                }
                assert_eq!((seen.as_slice(), counted), (&numbers[..], 5), "in pieces of {piece}");
            }
        }
    }

    #[test]
    fn the_last_whole_number_is_told_with_those_behind_it() {
        let stream = stream(&[5, 6, 7], 17);
        assert_eq!(Marks::count(&stream), Counted { count: 3, last: Some((7, 0)) });
        assert_eq!(Marks::count(&stream[..stream.len() - 5]), Counted { count: 3, last: Some((6, 1)) });
        assert_eq!(Marks::count(b"[load-1] entered the room\n"), Counted { count: 0, last: None });
    }

    #[test]
    fn a_mark_in_what_others_say_is_no_message() {
        let stream = b"[bob]: ^^ what is that\n[bob]: ^\n[a]: ^0000000000000001\n";
        for piece in 1..=stream.len() {
            let (mut marks, mut seen) = (Marks::default(), Vec::new());
            stream.chunks(piece).for_each(|bytes| marks.each(bytes, |number| seen.push(number)));
            assert_eq!(seen, [1], "in pieces of {piece}");
        }
    }
}
