//! What each kind of record becomes in the database. Every statement here can be repeated: a commit whose
//! outcome was unknown is tried again. What the operator's orders change is in [`operator`].

pub(super) mod operator;

use rusqlite::{CachedStatement, OptionalExtension, Transaction, params};

use super::looks::look_alike;
use super::record::{
    Account, AccountId, EventRecord, GameRecord, GameState, Level, RatingRecord, Record, Registered, Registration, TokenDeed,
    TokenRecord,
};
use crate::protocol::event::{Deed, SharedFile};
use crate::protocol::game::event::News;
use crate::protocol::name::looks::Looks;

/// The newest tokens that an account keeps.
const TOKENS_AN_ACCOUNT: i64 = 10;

/// Chat events that one statement writes, where so many come in a row: opening the table and its indexes costs
/// as much as a row.
pub(super) const RUN: usize = 16;

/// The statement that writes so many events.
pub(super) fn insert_events_sql(count: usize) -> String {
    let rows = vec!["(?, ?, ?, ?, ?, ?, ?, ?, ?)"; count].join(", ");
    format!(
        "INSERT INTO chat_history (comment, send_time, level, uid, room, seq, kind, ref, game) VALUES {rows} \
         ON CONFLICT DO NOTHING"
    )
}

pub(super) fn comment_of_deed(deed: &Deed) -> &str {
    match deed {
        Deed::Chat { text, .. } | Deed::Announcement { text } => text.as_str(),
        Deed::File { file, .. } => file.name.as_str(),
        Deed::Withdrawn { file_name, .. } => file_name.as_str(),
        Deed::Game(news) => comment_of(&news.news),
        Deed::Enter { .. } | Deed::Leave { .. } | Deed::Started | Deed::Stopping => "",
    }
}

/// Puts an event's values in behind so many others.
fn bind(insert: &mut CachedStatement<'_>, before: usize, record: &EventRecord) -> rusqlite::Result<()> {
    let EventRecord { room, author, level, event } = record;
    let reference =
        if let Deed::Chat { reference: Some(reference), .. } = &event.deed { Some(reference.as_str()) } else { None };
    let game = if let Deed::Game(news) = &event.deed { Some(news.game_id.0) } else { None };
    let first = before * 9 + 1;
    insert.raw_bind_parameter(first, comment_of_deed(&event.deed))?;
    insert.raw_bind_parameter(first + 1, event.at_ms)?;
    insert.raw_bind_parameter(first + 2, level.0)?;
    insert.raw_bind_parameter(first + 3, author.map(|author| author.0))?;
    insert.raw_bind_parameter(first + 4, room.0)?;
    insert.raw_bind_parameter(first + 5, event.seq)?;
    insert.raw_bind_parameter(first + 6, event.deed.kind())?;
    insert.raw_bind_parameter(first + 7, reference)?;
    insert.raw_bind_parameter(first + 8, game)
}

/// Writes a run of chat events at once, if all of `records` are such; tells if all of them are written. If one
/// was there already, all are to be written one by one: those that are there then are found.
pub(super) fn insert_run(insert: &mut CachedStatement<'_>, records: &[Record]) -> rusqlite::Result<bool> {
    let is_chat = |record: &Record| matches!(record, Record::Event(record) if matches!(record.event.deed, Deed::Chat { .. }));
    if records.len() != RUN || !records.iter().all(is_chat) {
        return Ok(false);
    }
    for (before, record) in records.iter().enumerate() {
        if let Record::Event(record) = record {
            bind(insert, before, record)?;
        }
    }
    Ok(insert.raw_execute()? == RUN)
}

/// Finds an event that is there just as it is to be written. What it says twice of `kind` are the conditions of the two
/// partial indexes: a whole batch may have to be found, in however long a history.
fn find_event_sql(is_presence: bool) -> String {
    let kinds = if is_presence { "IN" } else { "NOT IN" };
    format!(
        "SELECT 1 FROM chat_history WHERE room = ?1 AND seq = ?2 AND kind = ?3 AND kind {kinds} ('enter', 'leave') \
         AND comment = ?4 AND uid IS ?5 AND send_time = ?6"
    )
}

/// Writes an event. A row that is there already is this very event: a commit whose outcome was
/// unknown had succeeded, and is being tried again.
pub(super) fn insert_event(
    change: &Transaction<'_>,
    insert: &mut CachedStatement<'_>,
    record: &EventRecord,
) -> rusqlite::Result<()> {
    let EventRecord { room, author, event, .. } = record;
    bind(insert, 0, record)?;
    let rows = insert.raw_execute()?;
    if rows == 0 {
        // Not so if something else was in the way: then this is an error that nobody may miss.
        let author = author.map(|author| author.0);
        let values = params![room.0, event.seq, event.deed.kind(), comment_of_deed(&event.deed), author, event.at_ms];
        change.prepare_cached(&find_event_sql(event.deed.is_presence()))?.query_row(values, |_| Ok(()))?;
        return Ok(());
    }
    match &event.deed {
        Deed::File { file, .. } => put_file(change, record, file),
        Deed::Withdrawn { shared_seq, .. } => {
            let sql = "UPDATE file_put_record SET withdrawn_seq = ?3 WHERE room = ?1 AND seq = ?2";
            change.execute(sql, params![room.0, shared_seq, event.seq]).map(|_| ())
        }
        _ => Ok(()),
    }
}

/// What an event shares, in the event's own transaction: neither stands without the other.
fn put_file(change: &Transaction<'_>, record: &EventRecord, file: &SharedFile) -> rusqlite::Result<()> {
    let EventRecord { room, author, level, event } = record;
    let sql = "INSERT INTO file_put_record (file_name, send_time, level, uid, room, seq, folded_name, size_bytes, sha256) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let author = author.map(|author| author.0);
    let (name, folded) = (file.name.as_str(), file.name.folded());
    change.prepare_cached(sql)?.execute(params![
        name,
        event.at_ms,
        level.0,
        author,
        room.0,
        event.seq,
        folded,
        file.size_bytes,
        file.digest.0
    ])?;
    Ok(())
}

/// Registers a name if nobody has it or one that looks like it. This thread alone writes, so nobody comes in between.
pub(super) fn register(change: &Transaction<'_>, registration: &Registration) -> rusqlite::Result<Registered> {
    let Registration { name, password_hash, address, at_ms, .. } = registration;
    // The salt makes the hash this registration's own, where it is being tried again.
    let sql = "SELECT id, level, password_hash = ?2 FROM base_info WHERE folded_name = ?1";
    let values = params![name.folded(), password_hash];
    let found = change.query_row(sql, values, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    let (id, level) = match found {
        Some((id, level, true)) => (id, level),
        Some((_, _, false)) => return Ok(Registered::NameTaken),
        None => {
            if let Some(like) = look_alike(change, name)? {
                return Ok(Registered::LookAlike(like));
            }
            let Looks { folded, shown } = name.looks();
            let sql = "INSERT INTO base_info (name, folded_name, lookalike, lookalike_shown, password_hash, address, register_time) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id, level";
            let values = params![name.as_str(), name.folded(), folded, shown, password_hash, address, at_ms];
            change.query_row(sql, values, |row| Ok((row.get(0)?, row.get(1)?)))?
        }
    };
    Ok(Registered::As(Account { id: AccountId(id), name: name.clone(), level: Level(level) }))
}

pub(super) fn keep_token(change: &Transaction<'_>, token: &TokenRecord) -> rusqlite::Result<()> {
    let TokenRecord { account, hash, at_ms, deed } = token;
    let TokenDeed::Issued { password_hash } = deed else {
        // One that was taken back or made void in the meantime stays so.
        let sql = "UPDATE login_token SET used_time = ?2 WHERE hash = ?1 AND used_time > 0";
        return change.execute(sql, params![hash, at_ms]).map(|_| ());
    };
    let sql = "INSERT INTO login_token (hash, uid, used_time) \
               SELECT ?1, b.id, ?3 FROM base_info b LEFT JOIN ban ON ban.uid = b.id \
               WHERE b.id = ?2 AND b.password_hash = ?4 AND (ban.id IS NULL OR ban.end_time <= ?3) ON CONFLICT DO NOTHING";
    change.execute(sql, params![hash, account.0, at_ms, password_hash])?;
    change.execute(
        "DELETE FROM login_token WHERE uid = ?1 AND hash NOT IN \
         (SELECT hash FROM login_token WHERE uid = ?1 ORDER BY hash = ?3 DESC, used_time DESC LIMIT ?2)",
        // The new one stays in any case, even if the clock was set back.
        params![account.0, TOKENS_AN_ACCOUNT, hash],
    )?;
    Ok(())
}

/// What a game's event has beside its game: `chat_history.comment`.
fn comment_of(news: &News) -> &str {
    match news {
        News::Invite { seat: Some(seat), .. } => seat.as_str(),
        News::Uninvite { why, .. } => why.code(),
        News::Invite { seat: None, .. } | News::Join { .. } | News::Result { .. } => "",
    }
}

pub(super) fn put_game(change: &Transaction<'_>, game: &GameRecord) -> rusqlite::Result<()> {
    let sql = "INSERT INTO game_record (id, result, start_time, level, uid, opponent, room, game, clock, first_ms, second_ms, moves, \
               reason, end_time, rated) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) \
               ON CONFLICT (id) DO UPDATE SET result = ?2, start_time = ?3, opponent = ?6, first_ms = ?10, second_ms = ?11, \
               moves = ?12, reason = ?13, end_time = ?14, rated = ?15 \
               WHERE uid = ?5 AND room = ?7 AND (end_time IS NULL OR end_time = ?14)";
    let (result, over) = match &game.state {
        GameState::Invited => ("invited", None),
        GameState::Void => ("void", None),
        GameState::Playing => ("playing", None),
        GameState::Adjourned => ("adjourned", None),
        GameState::Over { end, ended_ms, is_rated } => (end.result(), Some((&*end.reason.code, ended_ms, *is_rated))),
    };
    let left = |index: usize| game.left.map(|left| i64::try_from(left[index].as_millis()).unwrap_or(i64::MAX));
    let rows = change.prepare_cached(sql)?.execute(params![
        game.id.0,
        result,
        game.started_ms,
        game.first.level.0,
        game.first.id.0,
        game.second.as_ref().map(|second| second.id.0),
        game.room.0,
        game.game,
        game.clock.map(|clock| clock.to_string()),
        left(0),
        left(1),
        game.moves,
        over.map(|(reason, ..)| reason),
        over.map(|(_, ended_ms, _)| ended_ms),
        over.is_some_and(|(.., is_rated)| is_rated),
    ])?;
    if rows == 0 {
        // Not so if it is this very game, whose end, later in the same batch, was committed before. Another
        // game of that number is an error that nobody may miss.
        let sql = "SELECT 1 FROM game_record WHERE id = ?1 AND uid = ?2 AND room = ?3 AND game = ?4 AND ?5";
        let is_earlier = over.is_none();
        let (first, room) = (game.first.id.0, game.room.0);
        change.query_row(sql, params![game.id.0, first, room, game.game, is_earlier], |_| Ok(()))?;
    }
    Ok(())
}

pub(super) fn put_rating(change: &Transaction<'_>, record: &RatingRecord) -> rusqlite::Result<()> {
    let sql = "INSERT INTO rating (uid, game, rating, deviation, volatility, games) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
               ON CONFLICT (uid, game) DO UPDATE SET rating = ?3, deviation = ?4, volatility = ?5, games = ?6";
    let RatingRecord { account, game, rating, deviation, volatility, games } = record;
    change.prepare_cached(sql)?.execute(params![account.0, game, rating, deviation, volatility, games])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::record::RoomId;
    use super::*;
    use crate::protocol::event::Event;
    use crate::protocol::game::{End, GameId, Side};
    use crate::protocol::name::Name;
    use crate::protocol::text::Text;

    fn game(state: GameState) -> GameRecord {
        let player = |id, name: &str| Account { id: AccountId(id), name: Name::stored(name.into()), level: Level::ORDINARY };
        GameRecord {
            id: GameId(7),
            room: RoomId(1),
            game: "gomoku".into(),
            first: player(1, "alice"),
            second: Some(player(2, "bob")),
            started_ms: 5,
            clock: None,
            left: None,
            moves: String::new(),
            state,
        }
    }

    fn over(ended_ms: i64) -> GameState {
        GameState::Over { end: End { winner: Some(Side::First), reason: End::RESIGNED }, ended_ms, is_rated: false }
    }

    #[test]
    fn an_event_written_again_is_found_by_an_index() {
        let directory = tempfile::tempdir().unwrap();
        let connection = super::super::schema::open(&directory.path().join("parlor.db")).unwrap();
        for (is_presence, index) in [(false, "chat_history_talk"), (true, "chat_history_presence")] {
            let sql = format!("EXPLAIN QUERY PLAN {}", find_event_sql(is_presence));
            let values = params![1, 9, "chat", "hello", 1, 0];
            let plan: String = connection.query_row(&sql, values, |row| row.get(3)).unwrap();
            assert_eq!(plan, format!("SEARCH chat_history USING INDEX {index} (room=? AND seq=?)"));
        }
    }

    #[test]
    fn a_run_with_an_event_that_is_there_is_written_one_by_one() {
        let directory = tempfile::tempdir().unwrap();
        let mut connection = super::super::schema::open(&directory.path().join("parlor.db")).unwrap();
        connection.execute("INSERT INTO room VALUES (1, 'lobby', 100)", []).unwrap();
        let record = |seq: u64| {
            let text = Text::stored(format!("message {seq}"));
            let deed = Deed::Chat { from: Name::stored("alice".into()), text, reference: None };
            EventRecord { room: RoomId(1), author: None, level: Level(0), event: Event { seq, at_ms: 7, deed } }
        };
        let change = connection.transaction().unwrap();
        let mut insert = change.prepare_cached(&insert_events_sql(1)).unwrap();
        let mut insert_of_run = change.prepare_cached(&insert_events_sql(RUN)).unwrap();
        let run = |first: u64| (first..first + RUN as u64).map(|seq| Record::Event(record(seq))).collect::<Vec<_>>();
        assert!(insert_run(&mut insert_of_run, &run(1)).unwrap());
        // Half of it is there.
        assert!(!insert_run(&mut insert_of_run, &run(9)).unwrap());
        (9..25).for_each(|seq| insert_event(&change, &mut insert, &record(seq)).unwrap());
        assert!(!insert_run(&mut insert_of_run, &run(30)[1..]).unwrap());
        let (count, last): (u64, String) = change
            .query_row("SELECT count(*), max(comment) FROM chat_history", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        assert_eq!((count, last.as_str()), (24, "message 9"));
        // Something else in its place is an error that nobody may miss.
        let other = EventRecord { level: Level(0), event: Event { at_ms: 8, ..record(3).event }, ..record(3) };
        assert!(insert_event(&change, &mut insert, &other).is_err());
    }

    #[test]
    fn a_game_is_written_again_without_harm_and_never_over_another() {
        let directory = tempfile::tempdir().unwrap();
        let mut connection = super::super::schema::open(&directory.path().join("parlor.db")).unwrap();
        connection.execute("INSERT INTO room (name, reserved_seq) VALUES ('lobby', 0)", []).unwrap();
        for name in ["alice", "bob"] {
            let sql =
                "INSERT INTO base_info (name, folded_name, password_hash, address, register_time) VALUES (?1, ?1, '', '', 0)";
            connection.execute(sql, [name]).unwrap();
        }
        let mut write = |games: &[GameRecord]| {
            let change = connection.transaction().unwrap();
            let written = games.iter().try_for_each(|game| put_game(&change, game));
            change.commit().unwrap();
            written
        };
        let invited = GameRecord { started_ms: 3, second: None, ..game(GameState::Invited) };
        let batch = [invited, game(GameState::Playing), game(over(9))];
        for _ in 0..2 {
            write(&batch).unwrap();
        }
        // Another's game, and another end, of the same number.
        let stranger = GameRecord { first: game(GameState::Playing).second.unwrap(), ..game(GameState::Playing) };
        assert!(write(&[stranger]).is_err());
        assert!(write(&[game(over(10))]).is_err());
        let result: (String, i64) = connection
            .query_row("SELECT result, end_time FROM game_record WHERE id = 7", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        assert_eq!(result, ("first".into(), 9));
    }
}
