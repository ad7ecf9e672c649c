//! What is written: one type for each kind of record that the queue holds, in the order of events.

use std::borrow::Cow;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::protocol::event::Event;
use crate::protocol::game::{End, GameId, TimeControl};
use crate::protocol::name::Name;
use crate::protocol::refusal::Banned;

/// An account's id in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(pub(super) i64);

impl AccountId {
    /// The account of this number, which [`AccountId::number`] gave.
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// A number for it, for the names of files.
    pub fn number(self) -> i64 {
        self.0
    }
}

/// A room's id in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoomId(pub(super) i64);

impl RoomId {
    /// The room of this number, which [`RoomId::number`] gave.
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// A number for it, for the names of files.
    pub fn number(self) -> i64 {
        self.0
    }
}

/// An account's standing: what it may do beyond talking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(pub(super) i64);

impl Level {
    /// Everybody who has registered.
    pub const ORDINARY: Level = Level(0);
    /// The operator, and whom the operator trusts.
    pub const ADMINISTRATOR: Level = Level(1);
}

/// A registered person.
#[derive(Clone, Debug)]
pub struct Account {
    /// The account's id.
    pub id: AccountId,
    /// Its name, as registered.
    pub name: Name,
    /// Its standing.
    pub level: Level,
}

/// The SHA-256 of a token.
pub type TokenHash = [u8; 32];

/// One thing to write.
#[derive(Debug)]
pub enum Record {
    /// A new account.
    Registration(Registration),
    /// A token issued or used.
    Token(TokenRecord),
    /// What the operator ordered.
    Order(Box<OrderRecord>),
    /// An event of a room.
    Event(EventRecord),
    /// How a game stands.
    Game(Box<GameRecord>),
    /// A rating after a game.
    Rating(RatingRecord),
    /// Something that the writer panics at.
    #[cfg(test)]
    Bug,
}

/// An account to be registered, if its name is still free.
#[derive(Debug)]
pub struct Registration {
    /// The name.
    pub name: Name,
    /// The password's hash.
    pub password_hash: String,
    /// The peer's address, for the operator.
    pub address: String,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Told once the outcome is durable.
    pub outcome: oneshot::Sender<Registered>,
}

/// What became of a registration.
#[derive(Debug)]
pub enum Registered {
    /// It is this account now.
    As(Account),
    /// Somebody else has the name.
    NameTaken,
    /// It looks like this name, which is somebody's.
    LookAlike(Name),
}

/// A change to an account's tokens.
#[derive(Debug)]
pub struct TokenRecord {
    /// Whose.
    pub account: AccountId,
    /// The token's hash.
    pub hash: TokenHash,
    /// What happened to it.
    pub deed: TokenDeed,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: i64,
}

/// What happened to a token.
#[derive(Debug)]
pub enum TokenDeed {
    /// It was given for a password. It is kept only if that is still the account's, and the account is not
    /// banned, by the time it is written: what the operator ordered meanwhile is written before it.
    Issued {
        /// The hash that the password was compared with.
        password_hash: String,
    },
    /// It was used, which renews it if it is still good.
    Used,
}

/// An order of the operator's: its row in the audit, and what it changes. Neither stands without the other.
#[derive(Debug)]
pub struct OrderRecord {
    /// The row.
    pub audit: AuditRow,
    /// What it changes here; `None` where that is nothing, or is another record of the same transaction.
    pub change: Option<Change>,
}

/// An order as the audit tells it.
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// Its number.
    pub id: i64,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Which of the system's users.
    pub who: String,
    /// What.
    pub what: String,
    /// Whom it was about.
    pub whom: Option<String>,
    /// The rest of it.
    pub details: String,
    /// Why it was not carried out.
    pub refused: Option<String>,
}

/// What an order changes.
#[derive(Debug)]
pub enum Change {
    /// Somebody is not let in from now on. Takes the place of an earlier ban; makes the account's tokens void.
    Ban(BanRecord),
    /// A ban ends.
    Unban(Barred),
    /// An account's standing.
    Level {
        /// Whose.
        account: AccountId,
        /// From now on.
        level: Level,
    },
    /// An account's password. Ends its tokens.
    Password {
        /// Whose.
        account: AccountId,
        /// The new one's hash.
        hash: String,
    },
}

/// A ban.
#[derive(Clone, Debug)]
pub struct BanRecord {
    /// Who is not let in.
    pub whom: Barred,
    /// Since when, in milliseconds since 1970 UTC.
    pub made_ms: i64,
    /// Until when, and why.
    pub terms: Banned,
}

/// Who is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Barred {
    /// An account.
    Account(AccountId),
    /// Whoever comes from a network, written as text.
    Network(String),
}

/// An event at its place in a room's log.
#[derive(Debug)]
pub struct EventRecord {
    /// The room.
    pub room: RoomId,
    /// Whose deed it was; `None` for the server's.
    pub author: Option<AccountId>,
    /// The privilege it was done with.
    pub level: Level,
    /// The event.
    pub event: Event,
}

/// A game as it stands. It is written whole whenever it changes, so that writing it twice changes nothing.
#[derive(Clone, Debug)]
pub struct GameRecord {
    /// Its number.
    pub id: GameId,
    /// The room it belongs to.
    pub room: RoomId,
    /// Which game.
    pub game: Cow<'static, str>,
    /// Who moves first.
    pub first: Account,
    /// Who moves second; `None` while the seat is open, or if nobody took it.
    pub second: Option<Account>,
    /// When it was invited to, then when it began, in milliseconds since 1970 UTC.
    pub started_ms: i64,
    /// Its clock.
    pub clock: Option<TimeControl>,
    /// What was left on the clocks after the last move, the first mover's first.
    pub left: Option<[Duration; 2]>,
    /// Its moves, with blanks between them.
    pub moves: String,
    /// How far it is.
    pub state: GameState,
}

/// How far a game is.
#[derive(Clone, Debug)]
pub enum GameState {
    /// The seat is open.
    Invited,
    /// Nobody took the seat.
    Void,
    /// It is played.
    Playing,
    /// It is broken off, to be gone on with.
    Adjourned,
    /// It has ended.
    Over {
        /// How.
        end: End,
        /// When, in milliseconds since 1970 UTC.
        ended_ms: i64,
        /// Whether it changed the ratings.
        is_rated: bool,
    },
}

/// An account's standing in a game (Glicko-2).
#[derive(Clone, Debug)]
pub struct RatingRecord {
    /// Whose.
    pub account: AccountId,
    /// Which game.
    pub game: Cow<'static, str>,
    /// The rating.
    pub rating: f64,
    /// Its deviation.
    pub deviation: f64,
    /// Its volatility.
    pub volatility: f64,
    /// Rated games played.
    pub games: u64,
}
