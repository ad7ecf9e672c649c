//! What is told: events of the room, of games, and of the connection itself.

use std::time::Duration;

use serde_json::{Map, Value};

/// Something that happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// In the room, at its place in the log.
    Room(RoomEvent),
    /// In a game that one plays or watches; its fields are those of `protocol.md`. Games are not read again
    /// after a lost connection: the login tells how one's own stands.
    Game(Map<String, Value>),
    /// The connection is lost; it is tried again after this time.
    Lost {
        /// The pause.
        retry: Duration,
    },
    /// The connection is back, and what was missed has been told.
    Back,
    /// The login is over, and does not come back by itself.
    Ended {
        /// The closing reason of `protocol.md`, or why the login failed.
        reason: String,
    },
}

/// An event of the room.
#[derive(Clone, Debug)]
pub struct RoomEvent {
    /// Its number in the room's log.
    pub seq: u64,
    /// When, in UTC, as RFC 3339.
    pub at: String,
    /// What.
    pub what: Happening,
}

/// What happened in the room.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// Somebody spoke.
    Chat {
        /// Who.
        from: String,
        /// What.
        text: String,
    },
    /// The operator spoke.
    Announcement {
        /// What.
        text: String,
    },
    /// Somebody came in.
    Enter {
        /// Who.
        from: String,
    },
    /// Somebody left.
    Leave {
        /// Who.
        from: String,
    },
    /// Somebody shared a file.
    File {
        /// Who.
        from: String,
        /// Its name.
        file_name: String,
        /// Its size.
        size_bytes: u64,
    },
    /// Anything else; the fields are those of `protocol.md`.
    Other {
        /// Its kind.
        kind: String,
        /// Its fields.
        fields: Map<String, Value>,
    },
}

impl RoomEvent {
    /// The event that a line is, whose kind stands under `key`; `None` if it is none of a room's log.
    pub(super) fn read(key: &str, line: Map<String, Value>) -> Option<Self> {
        let text = |key: &str| line.get(key).and_then(Value::as_str).map(str::to_owned);
        let (kind, seq, at) = (text(key)?, line.get("seq")?.as_u64()?, text("at")?);
        let what = match (kind.as_str(), text("from")) {
            ("chat", Some(from)) => Happening::Chat { from, text: text("text")? },
            ("announcement", _) => Happening::Announcement { text: text("text")? },
            ("enter", Some(from)) => Happening::Enter { from },
            ("leave", Some(from)) => Happening::Leave { from },
            ("file", Some(from)) => {
                let size_bytes = line.get("size_bytes")?.as_u64()?;
                Happening::File { from, file_name: text("file_name")?, size_bytes }
            }
            _ => Happening::Other { kind, fields: line },
        };
        Some(Self { seq, at, what })
    }
}
