//! Lines in a stream of bytes that comes in any pieces.

/// As much of a line as anybody looks at.
const KEPT_BYTES: usize = 256;

/// Puts lines together.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// The beginning of a line whose end has not come.
    part: Vec<u8>,
}

impl Lines {
    /// Hands on each line that ends in these bytes, without its end. One that came in pieces is cut to what is kept.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], mut line: impl FnMut(&[u8])) {
        if !self.part.is_empty() {
            let Some(end) = memchr::memchr(b'\n', bytes) else { return self.keep(bytes) };
            self.keep(&bytes[..end]);
            line(&self.part);
            self.part.clear();
            bytes = &bytes[end + 1..];
        }
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            line(&bytes[start..end]);
            start = end + 1;
        }
        self.keep(&bytes[start..]);
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = KEPT_BYTES - self.part.len();
        self.part.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_however_they_come() {
        let text = b"OK en\n\n[load-1-2] entered the room\nOK 17\npart";
        let whole: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        for size in 1..=text.len() {
            let (mut lines, mut seen) = (Lines::default(), Vec::new());
            text.chunks(size).for_each(|chunk| lines.feed(chunk, |line| seen.push(line.to_vec())));
            assert_eq!(seen, whole[..whole.len() - 1], "in pieces of {size}");
            assert_eq!(lines.part, b"part");
        }
    }

    #[test]
    fn a_long_line_is_not_kept_whole() {
        let mut lines = Lines::default();
        (0..1000).for_each(|_| lines.feed(b"0123456789", |_| panic!("no line yet")));
        let mut seen = Vec::new();
        lines.feed(b"\nOK\n", |line| seen.push(line.len()));
        assert_eq!(seen, [KEPT_BYTES, 2]);
    }
}
