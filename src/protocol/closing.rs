//! Why the server closes a connection. Every disconnect has one of these names: it is the last line
//! sent, the word in the log, and the key of a counter.

/// A reason for closing that is the server's, not the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Closing {
    /// The account, or the address, may not come in.
    Banned,
    /// The daemon holds as many connections as it may.
    Full,
    /// The operator ended the session.
    Kicked,
    /// No first line, or no login, in time.
    LoginTimeout,
    /// Whoever does not speak TLS on a listener that speaks nothing else.
    NeedsTls,
    /// A browser or a scanner: the first line was HTTP.
    NotHttp,
    /// A TLS client on a listener that does not speak it.
    NotTls,
    /// The operator gave the account another password.
    PasswordChanged,
    /// The same account logged in over another connection.
    Replaced,
    /// The daemon stops.
    ShuttingDown,
    /// The peer read nothing for too long.
    Stalled,
    /// The entry could not be made durable in time, so it did not happen.
    StoreFailed,
    /// The peer's address holds as many connections as it may.
    TooMany,
    /// Too many wrong passwords.
    WrongPassword,
}

impl Closing {
    /// Every reason, for the documentation and its test.
    pub const ALL: [Closing; 14] = [
        Closing::Banned,
        Closing::Full,
        Closing::Kicked,
        Closing::LoginTimeout,
        Closing::NeedsTls,
        Closing::NotHttp,
        Closing::NotTls,
        Closing::PasswordChanged,
        Closing::Replaced,
        Closing::ShuttingDown,
        Closing::Stalled,
        Closing::StoreFailed,
        Closing::TooMany,
        Closing::WrongPassword,
    ];

    /// The word for it in `json`, in the log and in `protocol.md`.
    pub fn code(self) -> &'static str {
        match self {
            Closing::Banned => "banned",
            Closing::Full => "full",
            Closing::Kicked => "kicked",
            Closing::LoginTimeout => "login-timeout",
            Closing::NeedsTls => "needs-tls",
            Closing::NotHttp => "not-http",
            Closing::NotTls => "not-tls",
            Closing::PasswordChanged => "password-changed",
            Closing::Replaced => "replaced",
            Closing::ShuttingDown => "shutting-down",
            Closing::Stalled => "stalled",
            Closing::StoreFailed => "store-failed",
            Closing::TooMany => "too-many",
            Closing::WrongPassword => "wrong-password",
        }
    }

    /// After how many milliseconds a program may try again, where trying again makes sense.
    pub fn retry_ms(self) -> Option<u32> {
        match self {
            Closing::Full | Closing::StoreFailed | Closing::TooMany => Some(10_000),
            Closing::ShuttingDown | Closing::Stalled => Some(1_000),
            Closing::Banned
            | Closing::Kicked
            | Closing::LoginTimeout
            | Closing::NeedsTls
            | Closing::NotHttp
            | Closing::NotTls
            | Closing::PasswordChanged
            | Closing::Replaced
            | Closing::WrongPassword => None,
        }
    }
}
