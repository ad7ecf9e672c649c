//! Every way a request can be refused: one closed list of codes, documented in `protocol.md`.

use super::name::{Name, NameFault};
use super::text::TextFault;

/// A request that was not carried out, with what its words need.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// `U`, `P` or `I` after login.
    AlreadyIn {
        /// The line that would have said it.
        say: Option<String>,
    },
    /// A line that begins with `{` but is no request object; why.
    BadJson(String),
    /// No possible account name.
    BadName(NameFault),
    /// No possible password: too short or too long.
    BadPassword,
    /// Characters that no terminal should be sent.
    BadText(TextFault),
    /// A token that is unknown, too old or malformed.
    BadToken,
    /// Too many passwords are being hashed.
    Busy,
    /// A line over the limit, in bytes.
    LineTooLong {
        /// The limit that was exceeded.
        limit_bytes: usize,
    },
    /// A request that needs a login.
    LoginFirst,
    /// Somebody registered the name in between.
    NameTaken(Name),
    /// A password for an account that does not exist, and no `U` that said so.
    NoSuchUser(Name),
    /// Bytes that are not UTF-8.
    NotUtf8,
    /// A request in somebody else's name.
    NotYou {
        /// The session's own name.
        own: Name,
        /// The line that would have said it.
        say: Option<String>,
    },
    /// The store cannot take or give anything at the moment.
    StoreFailed,
    /// Not stored in time, but it may still be.
    Unconfirmed {
        /// The event's number, if the room has heard it; `None` for a registration.
        seq: Option<u64>,
    },
    /// No such letter.
    UnknownCommand {
        /// Whether it was sent before login.
        stranger: bool,
        /// The line that would have said it.
        say: Option<String>,
    },
    /// Wrong arguments for the letter.
    Usage {
        /// The letter whose form was not kept.
        letter: char,
        /// The line that would have said it.
        say: Option<String>,
    },
    /// A wrong password.
    WrongPassword {
        /// How many more this connection may send.
        tries_left: u32,
    },
}

impl Refusal {
    /// The closed list of codes, in the order of `protocol.md`.
    pub const CODES: [&str; 18] = [
        "already-in",
        "bad-json",
        "bad-name",
        "bad-password",
        "bad-text",
        "bad-token",
        "busy",
        "line-too-long",
        "login-first",
        "name-taken",
        "no-such-user",
        "not-utf8",
        "not-you",
        "store-failed",
        "unconfirmed",
        "unknown-command",
        "usage",
        "wrong-password",
    ];

    /// The code: short lower-case words for programs, the same in every voice.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::AlreadyIn { .. } => "already-in",
            Refusal::BadJson(_) => "bad-json",
            Refusal::BadName(_) => "bad-name",
            Refusal::BadPassword => "bad-password",
            Refusal::BadText(_) => "bad-text",
            Refusal::BadToken => "bad-token",
            Refusal::Busy => "busy",
            Refusal::LineTooLong { .. } => "line-too-long",
            Refusal::LoginFirst => "login-first",
            Refusal::NameTaken(_) => "name-taken",
            Refusal::NoSuchUser(_) => "no-such-user",
            Refusal::NotUtf8 => "not-utf8",
            Refusal::NotYou { .. } => "not-you",
            Refusal::StoreFailed => "store-failed",
            Refusal::Unconfirmed { .. } => "unconfirmed",
            Refusal::UnknownCommand { .. } => "unknown-command",
            Refusal::Usage { .. } => "usage",
            Refusal::WrongPassword { .. } => "wrong-password",
        }
    }
}
