//! What is told of a game: events while one plays or watches, and the boards that answer `M` and `O`.
//!
//! Games are no part of the room's log and are not read again after a lost connection. A login tells how one's
//! own game stands; whoever watched asks `O` again after [`Event::Back`](super::Event::Back).

use std::time::Duration;

use serde_json::{Map, Value};

use super::event::Fields;

/// Something that happens in a game that one plays or watches, or a look at it.
///
/// ```
/// use parlor::client::{GameEvent, GameHappening};
/// use serde_json::json;
///
/// let item = json!({ "item": "board", "game_id": 7, "game": "tic-tac-toe", "at": "2026-03-01T12:00:00.000Z",
///     "first": "ann", "second": "bob", "paused": false, "ply": 1, "turn": "bob", "position": ".../.x./... o" });
/// let Some(GameEvent { game_id: 7, what: GameHappening::Board(board), .. }) =
///     GameEvent::of_item(item.as_object().unwrap().clone()) else { panic!() };
/// assert_eq!(board.position.turn.as_deref(), Some("bob"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GameEvent {
    /// The game's number.
    pub game_id: u64,
    /// The game, such as `chess`; empty where its line has none, as that of `missed`.
    pub game: String,
    /// What.
    pub what: GameHappening,
    /// All fields of its line; an item's kind stands under `event` too.
    pub fields: Map<String, Value>,
}

/// What happened in a game.
#[derive(Clone, Debug, PartialEq)]
pub enum GameHappening {
    /// It begins.
    Begun(Board),
    /// Somebody moved; for an item of `O`, the position is its ply alone.
    Move {
        /// Who.
        from: String,
        /// The move as the game writes it.
        played: String,
        /// What stands then.
        position: Position,
    },
    /// Moves were taken back.
    TakeBack {
        /// Who had asked for it.
        from: String,
        /// What stands then.
        position: Position,
    },
    /// Somebody offers something.
    Offer {
        /// Who.
        from: String,
        /// `draw`, `undo` or `rematch`.
        offer: String,
    },
    /// A player's connection is lost.
    Lost {
        /// Whose.
        from: String,
        /// What is left to come back.
        timeout: Duration,
    },
    /// A player is back.
    Back {
        /// Who.
        from: String,
    },
    /// Both are away: the clocks stand.
    Paused {
        /// After which it is adjourned.
        timeout: Duration,
    },
    /// Both are back.
    Resumed(Position),
    /// Somebody has not moved for long, and may be claimed against.
    Idle {
        /// Who.
        from: String,
    },
    /// It has ended.
    Over {
        /// Who moved first.
        first: String,
        /// Who moved second.
        second: String,
        /// `first`, `second`, `draw` or `aborted`.
        result: String,
        /// Why, as in `protocol.md`.
        reason: String,
    },
    /// It is over for now; behind a login the fields tell more.
    Adjourned,
    /// Somebody left the table after the end: no rematch.
    Left {
        /// Who.
        from: String,
    },
    /// How it stands: behind a login that finds a game, and as an item.
    Board(Board),
    /// Something was not told, because the caller reads too slowly: `M` or `O` shows how it stands.
    Missed,
    /// Anything else.
    Other {
        /// Its kind.
        kind: String,
    },
}

/// What stands on a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// How many plies were played.
    pub ply: u64,
    /// Who is to move; `None` after the end.
    pub turn: Option<String>,
    /// As `protocol.md` writes it: FEN, or the rows from the top.
    pub position: String,
    /// What the clocks of the first and of the second have left, where there are clocks.
    pub clocks: Option<[Duration; 2]>,
}

/// A game and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// Who moves first.
    pub first: String,
    /// Who moves second.
    pub second: String,
    /// Minutes and the seconds that each move adds, as `5+3`.
    pub clock: Option<String>,
    /// An offer that stands, and by whom.
    pub offer: Option<(String, String)>,
    /// Whether it waits for both players.
    pub is_paused: bool,
    /// Whose connection is lost.
    pub away: Option<String>,
    /// What is left to come back.
    pub timeout: Option<Duration>,
    /// The result and the reason, after the end.
    pub end: Option<(String, String)>,
    /// What stands on it.
    pub position: Position,
}

impl GameEvent {
    /// The board or move that an item of an answer to `M` or `O` is; `None` if it is of no game.
    pub fn of_item(item: Map<String, Value>) -> Option<Self> {
        Self::read("item", item)
    }

    /// What is told where events of a game were left out.
    pub(super) fn missed(game_id: u64) -> Self {
        let fields = Map::from_iter([("event".to_owned(), "missed".into()), ("game_id".to_owned(), game_id.into())]);
        Self { game_id, game: String::new(), what: GameHappening::Missed, fields }
    }

    /// The event that a line is, whose kind stands under `key`; `None` if it is of no game. What lacks a field
    /// that its kind should have is [`GameHappening::Other`].
    pub(super) fn read(key: &str, mut fields: Map<String, Value>) -> Option<Self> {
        let (kind, game_id) = (fields.take_kind(key)?, fields.number("game_id")?);
        let what = happening(&kind, &fields).unwrap_or(GameHappening::Other { kind });
        Some(Self { game_id, game: fields.text("game").unwrap_or_default(), what, fields })
    }
}

fn happening(kind: &str, fields: &Map<String, Value>) -> Option<GameHappening> {
    let from = || fields.text("from");
    Some(match kind {
        "begun" => GameHappening::Begun(board(fields)?),
        "move" => GameHappening::Move { from: from()?, played: fields.text("move")?, position: position(fields)? },
        "takeback" => GameHappening::TakeBack { from: from()?, position: position(fields)? },
        "offer" => GameHappening::Offer { from: from()?, offer: fields.text("offer")? },
        "lost" => GameHappening::Lost { from: from()?, timeout: fields.millis("timeout_ms")? },
        "back" => GameHappening::Back { from: from()? },
        "paused" => GameHappening::Paused { timeout: fields.millis("timeout_ms")? },
        "resumed" => GameHappening::Resumed(position(fields)?),
        "idle" => GameHappening::Idle { from: from()? },
        "over" => {
            let [first, second] = [fields.text("first")?, fields.text("second")?];
            GameHappening::Over { first, second, result: fields.text("result")?, reason: fields.text("reason")? }
        }
        "adjourned" => GameHappening::Adjourned,
        "left" => GameHappening::Left { from: from()? },
        "board" => GameHappening::Board(board(fields)?),
        "missed" => GameHappening::Missed,
        _ => return None,
    })
}

fn position(fields: &Map<String, Value>) -> Option<Position> {
    Some(Position {
        ply: fields.number("ply")?,
        turn: fields.text("turn"),
        position: fields.text("position").unwrap_or_default(),
        clocks: fields.millis("first_ms").zip(fields.millis("second_ms")).map(|(first, second)| [first, second]),
    })
}

fn board(fields: &Map<String, Value>) -> Option<Board> {
    Some(Board {
        first: fields.text("first")?,
        second: fields.text("second")?,
        clock: fields.text("clock"),
        offer: fields.text("offer").zip(fields.text("offered_by")),
        is_paused: fields.get("paused").and_then(Value::as_bool).unwrap_or_default(),
        away: fields.text("away"),
        timeout: fields.millis("timeout_ms"),
        end: fields.text("result").zip(fields.text("reason")),
        position: position(fields)?,
    })
}
