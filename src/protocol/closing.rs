//! Why the server closes a connection. Every disconnect has one of these names: it is the last line
//! sent, the word in the log, and the key of a counter.

/// A reason for closing that is the server's, not the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Closing {
    /// The daemon holds as many connections as it may.
    Full,
    /// No first line, or no login, in time.
    LoginTimeout,
    /// A browser or a scanner: the first line was HTTP.
    NotHttp,
    /// The same account logged in over another connection.
    Replaced,
    /// The daemon stops.
    ShuttingDown,
    /// The peer read nothing for too long.
    Stalled,
    /// The entry could not be made durable in time, so it did not happen.
    StoreFailed,
    /// Too many wrong passwords.
    WrongPassword,
}

impl Closing {
    /// Every reason, for the documentation and its test.
    pub const ALL: [Closing; 8] = [
        Closing::Full,
        Closing::LoginTimeout,
        Closing::NotHttp,
        Closing::Replaced,
        Closing::ShuttingDown,
        Closing::Stalled,
        Closing::StoreFailed,
        Closing::WrongPassword,
    ];

    /// The word for it in `json`, in the log and in `protocol.md`.
    pub fn code(self) -> &'static str {
        match self {
            Closing::Full => "full",
            Closing::LoginTimeout => "login-timeout",
            Closing::NotHttp => "not-http",
            Closing::Replaced => "replaced",
            Closing::ShuttingDown => "shutting-down",
            Closing::Stalled => "stalled",
            Closing::StoreFailed => "store-failed",
            Closing::WrongPassword => "wrong-password",
        }
    }

    /// After how many milliseconds a program may try again, where trying again makes sense.
    pub fn retry_ms(self) -> Option<u32> {
        match self {
            Closing::Full | Closing::StoreFailed => Some(10_000),
            Closing::ShuttingDown | Closing::Stalled => Some(1_000),
            Closing::LoginTimeout | Closing::NotHttp | Closing::Replaced | Closing::WrongPassword => None,
        }
    }
}
