//! What is told: events of the room, of games, and of the connection itself.

use std::time::Duration;

use serde_json::{Map, Value};

use super::GameEvent;

/// Something that happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// In the room, at its place in the log.
    Room(RoomEvent),
    /// In a game that one plays or watches.
    Game(GameEvent),
    /// The connection is lost. Told once, until it is [`Event::Back`] or has [`Event::Ended`].
    Lost {
        /// The pause before the first attempt to come back.
        retry: Duration,
    },
    /// The connection is there (also after the first login), and what was missed has been told.
    Back,
    /// The room's log is another one than before: the daemon has begun with a new database. Numbers begin
    /// again, and what is told next is what happens from now on; [`Client::history`](super::Client::history)
    /// has what came before.
    NewLog,
    /// The login is over, and does not come back by itself. The last event.
    Ended {
        /// The closing reason of `protocol.md`, the code of the refusal of a login, or `left`.
        reason: String,
    },
}

/// An event of the room.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomEvent {
    /// Its number in the room's log.
    pub seq: u64,
    /// When, in UTC, as RFC 3339.
    pub at: String,
    /// What.
    pub what: Happening,
    /// All fields of its line, the same whether it was heard live or read from history, but for the `ref` that
    /// only live lines have.
    pub fields: Map<String, Value>,
}

/// What happened in the room.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// A file is no longer shared.
    Withdrawn {
        /// Its name.
        file_name: String,
        /// Who withdrew it; `None` if the server did.
        from: Option<String>,
    },
    /// Somebody invites to a game.
    Invite {
        /// Who.
        from: String,
        /// The number of the game.
        game_id: u64,
        /// The game, such as `chess`.
        game: String,
        /// Minutes and the seconds that each move adds, as `5+3`.
        clock: Option<String>,
        /// Whom the seat is reserved for.
        seat: Option<String>,
    },
    /// An invitation has ended.
    Uninvite {
        /// Whose.
        from: String,
        /// The number of the game.
        game_id: u64,
        /// The game.
        game: String,
        /// `expired`, `withdrawn`, `left` or `busy`.
        reason: String,
    },
    /// Somebody took a seat: a game begins.
    Join {
        /// Who.
        from: String,
        /// Whose invitation it was.
        inviter: String,
        /// The number of the game.
        game_id: u64,
        /// The game.
        game: String,
    },
    /// A game has ended.
    Result {
        /// Its number.
        game_id: u64,
        /// The game.
        game: String,
        /// Who moved first.
        first: String,
        /// Who moved second.
        second: String,
        /// `first`, `second`, `draw` or `aborted`.
        result: String,
        /// Why, as in `protocol.md`.
        reason: String,
    },
    /// The daemon has started.
    Started,
    /// The daemon stops: nobody is here any more.
    Stopping,
    /// Anything else; the fields are those of the event.
    Other {
        /// Its kind.
        kind: String,
    },
}

impl RoomEvent {
    /// The event that a line is, whose kind stands under `key`; `None` if it is none of a room's log. What
    /// lacks a field that its kind should have is [`Happening::Other`].
    pub(super) fn read(key: &str, mut fields: Map<String, Value>) -> Option<Self> {
        let (kind, seq, at) = (fields.take_kind(key)?, fields.number("seq")?, fields.text("at")?);
        let what = happening(&kind, &fields).unwrap_or(Happening::Other { kind });
        Some(Self { seq, at, what, fields })
    }

    /// The event that an item of an answer is, as to `H` or `S`.
    pub fn of_item(item: Map<String, Value>) -> Option<Self> {
        Self::read("item", item)
    }
}

fn happening(kind: &str, fields: &Map<String, Value>) -> Option<Happening> {
    let text = |key: &str| fields.text(key);
    let (from, game) = (text("from"), fields.number("game_id").zip(text("game")));
    Some(match kind {
        "chat" => Happening::Chat { from: from?, text: text("text")? },
        "announcement" => Happening::Announcement { text: text("text")? },
        "enter" => Happening::Enter { from: from? },
        "leave" => Happening::Leave { from: from? },
        "file" => Happening::File { from: from?, file_name: text("file_name")?, size_bytes: fields.number("size_bytes")? },
        "withdrawn" => Happening::Withdrawn { file_name: text("file_name")?, from },
        "invite" => {
            let (game_id, game) = game?;
            Happening::Invite { from: from?, game_id, game, clock: text("clock"), seat: text("seat") }
        }
        "uninvite" => {
            let (game_id, game) = game?;
            Happening::Uninvite { from: from?, game_id, game, reason: text("reason")? }
        }
        "join" => {
            let (game_id, game) = game?;
            Happening::Join { from: from?, inviter: text("inviter")?, game_id, game }
        }
        "result" => {
            let ((game_id, game), first, second) = (game?, text("first")?, text("second")?);
            Happening::Result { game_id, game, first, second, result: text("result")?, reason: text("reason")? }
        }
        "started" => Happening::Started,
        "stopping" => Happening::Stopping,
        _ => return None,
    })
}

/// What is read from the fields of a line.
pub(super) trait Fields {
    fn text(&self, key: &str) -> Option<String>;
    fn number(&self, key: &str) -> Option<u64>;
    fn millis(&self, key: &str) -> Option<Duration>;

    /// The kind of an event that stands under `key`. An item becomes the event that it tells of: without the
    /// `ref` of whoever asked for it.
    fn take_kind(&mut self, key: &str) -> Option<String>;
}

impl Fields for Map<String, Value> {
    fn text(&self, key: &str) -> Option<String> {
        self.get(key)?.as_str().map(str::to_owned)
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.get(key)?.as_u64()
    }

    fn millis(&self, key: &str) -> Option<Duration> {
        self.number(key).map(Duration::from_millis)
    }

    fn take_kind(&mut self, key: &str) -> Option<String> {
        let kind = self.text(key)?;
        if key != "event" {
            self.remove("ref");
            let value = self.remove(key)?;
            self.insert("event".to_owned(), value);
        }
        Some(kind)
    }
}
