//! Why something did not happen.

use std::time::Duration;

use serde_json::{Map, Value};

use super::TlsError;

/// A request or a login that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused it.
    #[error("{}", .0.text)]
    Refused(Refusal),
    /// The connection was lost before it was answered: it may have been carried out or not.
    #[error("the connection was lost before the answer came: it may have been carried out or not")]
    OutcomeUnknown,
    /// The login is over: the server ended it for good, or it was given up.
    #[error("the connection is closed")]
    Over,
    /// The server closed the connection during the login, for this reason.
    #[error("the server closed the connection: {0}")]
    Closed(String),
    /// The connection, or a file of this side.
    #[error(transparent)]
    Io(std::io::Error),
    /// TLS could not be agreed on with the server.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// What came is not what `protocol.md` says, or what was asked is the library's to ask.
    #[error("not what the protocol says: {0}")]
    Protocol(&'static str),
    /// What came is not what its hash says.
    #[error("what came is not what its hash says")]
    HashMismatch,
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        TlsError::of(&error).map_or(Error::Io(error), Error::Tls)
    }
}

/// A refusal of the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Its code, from the list in `protocol.md`.
    pub code: String,
    /// What to tell people, in English.
    pub text: String,
    /// All of its fields.
    pub fields: Map<String, Value>,
}

impl Error {
    /// The code of a refusal.
    pub fn code(&self) -> Option<&str> {
        if let Error::Refused(refusal) = self { Some(&refusal.code) } else { None }
    }

    /// The number of the event, where it was heard though it is refused as `unconfirmed`: it may still be
    /// stored, and is not to be repeated.
    pub fn heard_as(&self) -> Option<u64> {
        let Error::Refused(refusal) = self else { return None };
        refusal.fields.get("seq").and_then(Value::as_u64).filter(|_| refusal.code == "unconfirmed")
    }

    /// After how long to ask again, where too much was asked (`slow-down`).
    pub fn retry(&self) -> Option<Duration> {
        let Error::Refused(refusal) = self else { return None };
        refusal.fields.get("retry_ms").and_then(Value::as_u64).map(Duration::from_millis)
    }

    /// The refusal that a line is; `None` if it is none.
    pub(super) fn refused(line: &Map<String, Value>) -> Option<Self> {
        let code = line.get("err")?.as_str()?.to_owned();
        let text = line.get("text").and_then(Value::as_str).unwrap_or(&code).to_owned();
        Some(Error::Refused(Refusal { code, text, fields: line.clone() }))
    }
}
