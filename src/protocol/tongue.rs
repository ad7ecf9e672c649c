//! The languages that a connection can be spoken to in. How each words things is in [`super::voice`].

/// A language, in the widest sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tongue {
    /// English, for people.
    En,
    /// Chinese, for people.
    Zh,
    /// One JSON object a line, for programs.
    Json,
}

impl Tongue {
    /// Every tongue, in the order they are listed to people.
    pub const ALL: [Tongue; 3] = [Tongue::En, Tongue::Zh, Tongue::Json];

    /// The tongue of a code as `V` takes it.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tongue| code.eq_ignore_ascii_case(tongue.code()))
    }

    /// The code as `V` takes it.
    pub fn code(self) -> &'static str {
        match self {
            Tongue::En => "en",
            Tongue::Zh => "zh",
            Tongue::Json => "json",
        }
    }

    /// Whether it is meant for people: they do not hear themselves, and read prose.
    pub fn is_for_people(self) -> bool {
        self != Tongue::Json
    }
}
