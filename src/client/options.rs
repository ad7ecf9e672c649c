//! How a login is made, and what it finds.

use std::time::Duration;

use super::Tls;

/// Who logs in.
#[derive(Clone)]
pub enum Login {
    /// By name and password.
    Password {
        /// The account.
        name: String,
        /// Its password.
        password: String,
        /// Whether it is registered if nobody has the name.
        may_register: bool,
    },
    /// By the token of an earlier login.
    Token(String),
}

/// How a login is in the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// As a member: announced, and the only one of its account.
    Member,
    /// Beside whoever is there by the same account, hearing the room.
    Listener,
    /// Beside whoever is there, hearing nothing: no events but those of the connection.
    Silent,
}

/// How to connect.
#[derive(Clone)]
pub struct Options {
    /// Host and port.
    pub address: String,
    /// Whether TLS is spoken there, and who is trusted then. Files go the same way.
    pub tls: Option<Tls>,
    /// Who.
    pub login: Login,
    /// As what.
    pub presence: Presence,
    /// The newest event that the caller knows: what came after it is told first. `None` to begin with what
    /// happens from now on. A number past the newest tells of another log: [`Event::NewLog`](super::Event::NewLog).
    pub after_seq: Option<u64>,
    /// The first pause before coming back; each next one is twice as long, with some chance in it, until a
    /// connection has lasted for the longest one. Where the server tells when to come back, it is that.
    pub backoff: Duration,
    /// The longest pause.
    pub longest_backoff: Duration,
    /// How long nothing may be heard before the connection counts as lost; after half of it the server is asked.
    /// A login may take as long.
    pub silence: Duration,
}

impl Options {
    /// The usual way, as a member.
    pub fn new(address: impl Into<String>, login: Login) -> Self {
        Self {
            address: address.into(),
            tls: None,
            login,
            presence: Presence::Member,
            after_seq: None,
            backoff: Duration::from_millis(200),
            longest_backoff: Duration::from_secs(20),
            silence: Duration::from_secs(60),
        }
    }
}

/// The room as a login found it.
#[derive(Clone, Debug)]
pub struct Welcome {
    /// The account's name as it was registered.
    pub name: String,
    /// How many are here.
    pub count: u64,
    /// The newest event then.
    pub seq: u64,
    /// Some of the names of those here.
    pub names: Vec<String>,
    /// A token to come back with, after a login by password.
    pub token: Option<String>,
}
