//! A password on its way from the line to the hash: wiped when dropped, never printed.

use zeroize::Zeroizing;

use super::limits::{PASSWORD_MAX_BYTES, PASSWORD_MIN_BYTES};

/// What somebody typed as a password or sent as a token.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes what was typed, as it is.
    pub fn new(typed: &str) -> Self {
        Self(Zeroizing::new(typed.to_owned()))
    }

    /// What was typed, for the one place that hashes it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is long and short enough to be registered as a password.
    pub fn is_acceptable(&self) -> bool {
        (PASSWORD_MIN_BYTES..=PASSWORD_MAX_BYTES).contains(&self.0.len())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}
