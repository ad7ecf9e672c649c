//! The SHA-256 of a file's bytes, which is also the name of its blob.

use std::fmt::{Debug, Display, Formatter, Result};

/// A SHA-256 (FIPS 180-4), written as 64 hexadecimal digits as `sha256sum` does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Reads 64 hexadecimal digits of either case.
    pub fn parse(word: &str) -> Option<Self> {
        if word.len() != 64 || !word.is_ascii() {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(word.as_bytes().chunks_exact(2)) {
            let [high, low] = [digits[0], digits[1]].map(|digit| char::from(digit).to_digit(16));
            *byte = u8::try_from(high? << 4 | low?).ok()?;
        }
        Some(Self(bytes))
    }
}

impl Display for Digest {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Debug for Digest {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_four_digits_of_either_case_and_nothing_else() {
        let word = "00ff".repeat(16);
        assert_eq!(Digest::parse(&word).unwrap().to_string(), word);
        assert_eq!(Digest::parse(&word.to_uppercase()), Digest::parse(&word));
        for bad in ["", "00", &"0g".repeat(32), &"0".repeat(63), &"0".repeat(65), &"+1".repeat(32), &"é".repeat(32)] {
            assert_eq!(Digest::parse(bad), None, "{bad}");
        }
    }
}
