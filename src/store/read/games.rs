//! The questions about games and ratings.

use std::borrow::Cow;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{ReadError, Reader};
use crate::protocol::game::event::{GameNews, News, Uninvited};
use crate::protocol::game::{End, GameId, Side, TimeControl, Words};
use crate::protocol::name::Name;
use crate::store::record::{Account, AccountId, GameRecord, GameState, Level, RatingRecord, RoomId};

/// What the games need to go on after a start.
#[derive(Debug)]
pub struct GamesAtStart {
    /// Invitations that were open, games that were played, and adjourned ones.
    pub open: Vec<GameRecord>,
    /// The highest number that a game has.
    pub last_id: u64,
    /// Every rating.
    pub ratings: Vec<RatingRecord>,
    /// Who has played whom in rated games, and when these ended, oldest first.
    pub rated: Vec<(AccountId, AccountId, i64)>,
}

const SAVED: &str = "SELECT g.id, g.game, g.start_time, g.clock, g.first_ms, g.second_ms, g.moves, g.result, g.reason, g.end_time, \
    g.rated, a.id, a.name, a.level, b.id, b.name, b.level, g.room FROM game_record g \
    JOIN base_info a ON a.id = g.uid LEFT JOIN base_info b ON b.id = g.opponent";

impl Reader {
    /// What the games of a room need to go on; `since_ms` is how far back rated games are told.
    pub async fn games_at_start(&self, room: RoomId, since_ms: i64) -> Result<GamesAtStart, ReadError> {
        self.ask(move |connection| {
            let sql = format!("{SAVED} WHERE g.room = ?1 AND g.result IN ('invited', 'playing', 'adjourned') ORDER BY g.id");
            let open = connection.prepare(&sql)?.query_map([room.0], saved)?.collect::<Result<_, _>>()?;
            let last_id = connection.query_row("SELECT coalesce(max(id), 0) FROM game_record", [], |row| row.get(0))?;
            let ratings = connection.prepare(RATINGS)?.query_map([], rating)?.collect::<Result<_, _>>()?;
            let sql = "SELECT uid, opponent, end_time FROM game_record WHERE rated = 1 AND end_time > ?1 ORDER BY end_time";
            let pair = |row: &Row<'_>| Ok((AccountId(row.get(0)?), AccountId(row.get(1)?), row.get(2)?));
            let rated = connection.prepare(sql)?.query_map([since_ms], pair)?.collect::<Result<_, _>>()?;
            Ok(GamesAtStart { open, last_id, ratings, rated })
        })
        .await
    }

    /// The game of this number, however far it is.
    pub async fn saved_game(&self, id: GameId) -> Result<Option<GameRecord>, ReadError> {
        let sql = format!("{SAVED} WHERE g.id = ?1");
        self.ask(move |connection| connection.prepare_cached(&sql)?.query_row([id.0], saved).optional()).await
    }

    /// An account's newest finished games, newest first.
    pub async fn finished_games(&self, account: AccountId, count: usize) -> Result<Vec<GameRecord>, ReadError> {
        // Each side has an index of its own, and is left after `count` rows.
        let half = |side: &str| {
            format!("SELECT * FROM ({SAVED} WHERE g.{side} = ?1 AND g.end_time IS NOT NULL ORDER BY g.end_time DESC LIMIT ?2)")
        };
        let sql = format!("{} UNION ALL {} ORDER BY end_time DESC, 1 DESC LIMIT ?2", half("uid"), half("opponent"));
        self.ask(move |connection| connection.prepare_cached(&sql)?.query_map(params![account.0, count], saved)?.collect())
            .await
    }

    /// The best ratings of each of these games, with whose they are.
    pub async fn best_ratings(&self, games: Vec<String>, count: usize) -> Result<Vec<(Name, RatingRecord)>, ReadError> {
        let best = move |connection: &Connection| {
            let sql = "SELECT r.uid, r.game, r.rating, r.deviation, r.volatility, r.games, a.name FROM rating r \
                       JOIN base_info a ON a.id = r.uid WHERE r.game = ?1 ORDER BY r.rating DESC LIMIT ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let mut found = Vec::new();
            for game in games {
                let of_game = statement.query_map(params![game, count], |row| Ok((Name::stored(row.get(6)?), rating(row)?)))?;
                of_game.into_iter().try_for_each(|row| row.map(|row| found.push(row)))?;
            }
            Ok(found)
        };
        self.ask(best).await
    }

    /// An account's ratings.
    pub async fn ratings_of(&self, account: AccountId) -> Result<Vec<RatingRecord>, ReadError> {
        let sql = format!("{RATINGS} WHERE uid = ?1");
        self.ask(move |connection| connection.prepare_cached(&sql)?.query_map([account.0], rating)?.collect()).await
    }
}

/// Reads every game and rating as the games do, and tells of the games that cannot be read.
pub(in crate::store) fn unreadable_games(
    connection: &Connection,
    told: &mut dyn FnMut(i64, rusqlite::Error),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(SAVED)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Err(error) = saved(row) {
            told(row.get(0)?, error);
        }
    }
    connection.prepare(RATINGS)?.query_map([], rating)?.try_for_each(|rating| rating.map(|_| ()))
}

const RATINGS: &str = "SELECT uid, game, rating, deviation, volatility, games FROM rating";

fn rating(row: &Row<'_>) -> rusqlite::Result<RatingRecord> {
    Ok(RatingRecord {
        account: AccountId(row.get(0)?),
        game: Cow::Owned(row.get(1)?),
        rating: row.get(2)?,
        deviation: row.get(3)?,
        volatility: row.get(4)?,
        games: row.get(5)?,
    })
}

fn saved(row: &Row<'_>) -> rusqlite::Result<GameRecord> {
    let account = |at: usize| -> rusqlite::Result<Option<Account>> {
        let Some(id) = row.get(at)? else { return Ok(None) };
        Ok(Some(Account { id: AccountId(id), name: Name::stored(row.get(at + 1)?), level: Level(row.get(at + 2)?) }))
    };
    let left = |at: usize| row.get::<_, Option<u64>>(at).map(|left| left.map(Duration::from_millis));
    let result: String = row.get(7)?;
    let state = match result.as_str() {
        "invited" => GameState::Invited,
        "void" => GameState::Void,
        "playing" => GameState::Playing,
        "adjourned" => GameState::Adjourned,
        _ => GameState::Over { end: end(&result, row.get(8)?), ended_ms: row.get(9)?, is_rated: row.get(10)? },
    };
    let first = account(11)?.ok_or(rusqlite::Error::InvalidQuery)?;
    Ok(GameRecord {
        id: GameId(row.get(0)?),
        room: RoomId(row.get(17)?),
        game: Cow::Owned(row.get(1)?),
        first,
        second: account(14)?,
        started_ms: row.get(2)?,
        clock: clock(row.get(3)?),
        left: left(4)?.zip(left(5)?).map(|(first, second)| [first, second]),
        moves: row.get(6)?,
        state,
    })
}

fn clock(word: Option<String>) -> Option<TimeControl> {
    word.as_deref().and_then(TimeControl::parse)
}

/// An end of which only the codes are stored; whoever knows the rules finds the words.
fn end(result: &str, reason: String) -> End {
    let winner = Side::BOTH.into_iter().find(|side| side.code() == result);
    End { winner, reason: Words::bare(reason) }
}

/// The columns of a game's event, behind those of every event; see `history_sql`.
pub(super) const NEWS_COLUMNS: &str = "g.id, g.game, g.clock, p.name, q.name, g.result, g.reason";
pub(super) const NEWS_JOINS: &str = "LEFT JOIN game_record g ON g.id = h.game \
    LEFT JOIN base_info p ON p.id = g.uid LEFT JOIN base_info q ON q.id = g.opponent";

/// A game's event in history. `from` is whose deed it was, `comment` what it has beside its game; its
/// [`NEWS_COLUMNS`] begin at `at`.
pub(super) fn news(row: &Row<'_>, kind: &str, from: Option<Name>, comment: String, at: usize) -> rusqlite::Result<GameNews> {
    let missing = || rusqlite::Error::InvalidColumnType(at, kind.to_owned(), rusqlite::types::Type::Null);
    let from = || from.clone().ok_or_else(missing);
    let player = |at: usize| row.get::<_, Option<String>>(at)?.map(Name::stored).ok_or_else(missing);
    let news = match kind {
        "invite" => {
            let seat = (!comment.is_empty()).then(|| Name::stored(comment));
            News::Invite { from: from()?, clock: clock(row.get(at + 2)?), seat }
        }
        "uninvite" => {
            let why = Uninvited::ALL.into_iter().find(|why| why.code() == comment).ok_or_else(missing)?;
            News::Uninvite { from: from()?, why }
        }
        "join" => {
            let (from, first) = (from()?, player(at + 3)?);
            let inviter = if first == from { player(at + 4)? } else { first };
            News::Join { from, inviter }
        }
        _ => {
            let (result, reason): (String, Option<String>) = (row.get(at + 5)?, row.get(at + 6)?);
            let end = end(&result, reason.ok_or_else(missing)?);
            News::Result { players: [player(at + 3)?, player(at + 4)?], end }
        }
    };
    Ok(GameNews { game_id: GameId(row.get(at)?), title: Words::bare(row.get(at + 1)?), news })
}
