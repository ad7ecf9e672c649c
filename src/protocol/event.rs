//! What a room tells its members. The one type behind live lines, history and the store's rows.

use super::digest::Digest;
use super::file_name::FileName;
use super::game::event::GameNews;
use super::name::Name;
use super::text::{Ref, Text};

/// Something that happened in a room, at its place in the room's log.
#[derive(Clone, Debug)]
pub struct Event {
    /// The event's number in its room, counted from 1.
    pub seq: u64,
    /// When, in milliseconds since 1970 UTC. For reading only: order is `seq`'s.
    pub at_ms: i64,
    /// What.
    pub deed: Deed,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Somebody spoke.
    Chat {
        /// Who spoke.
        from: Name,
        /// What they said.
        text: Text,
        /// What the speaker's program calls this request.
        reference: Option<Ref>,
    },
    /// The operator spoke to everyone.
    Announcement {
        /// What was announced.
        text: Text,
    },
    /// Somebody entered the room.
    Enter {
        /// Who entered.
        from: Name,
    },
    /// Somebody left the room, or was lost.
    Leave {
        /// Who left.
        from: Name,
    },
    /// Somebody shared a file.
    File {
        /// Who shared it.
        from: Name,
        /// What was shared.
        file: SharedFile,
    },
    /// A file is no longer shared.
    Withdrawn {
        /// Who withdrew it; `None` if it was kept for as long as files are.
        from: Option<Name>,
        /// The file's name.
        file_name: FileName,
        /// The number of the event that shared it.
        shared_seq: u64,
    },
    /// Something about a game.
    Game(Box<GameNews>),
    /// The daemon started: nobody is here.
    Started,
    /// The daemon stops: nobody is here any more.
    Stopping,
}

impl Deed {
    /// The word for this kind of event in `json` and in the store.
    pub fn kind(&self) -> &'static str {
        match self {
            Deed::Chat { .. } => "chat",
            Deed::Announcement { .. } => "announcement",
            Deed::Enter { .. } => "enter",
            Deed::Leave { .. } => "leave",
            Deed::File { .. } => "file",
            Deed::Withdrawn { .. } => "withdrawn",
            Deed::Game(news) => news.news.kind(),
            Deed::Started => "started",
            Deed::Stopping => "stopping",
        }
    }

    /// Whether somebody came or went.
    pub fn is_presence(&self) -> bool {
        matches!(self, Deed::Enter { .. } | Deed::Leave { .. })
    }
}

/// A file as it is shared with a room.
#[derive(Clone, Debug)]
pub struct SharedFile {
    /// Its name there.
    pub name: FileName,
    /// Its size.
    pub size_bytes: u64,
    /// The SHA-256 of its bytes.
    pub digest: Digest,
}

/// A stretch of the log that a connection was too slow for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The first event that was not sent.
    pub first_seq: u64,
    /// The last event that was not sent.
    pub last_seq: u64,
}
