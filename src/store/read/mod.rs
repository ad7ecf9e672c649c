//! The questions that are asked of the store, answered by a small pool of read-only connections off
//! the async threads.
//!
//! Nothing here waits for the queue: a caller that must see what it has heard first waits for the
//! durable mark. Those about games are in [`games`], the operator's in [`operator`].

pub mod games;
pub mod operator;

use std::path::Path;
use std::time::Duration;

use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use super::looks::look_alike;
use super::record::{Account, AccountId, Level, RoomId, TokenHash};
use super::schema::BUSY_TIMEOUT;
use crate::protocol::digest::Digest;
use crate::protocol::event::{Deed, Event, SharedFile};
use crate::protocol::file_name::FileName;
use crate::protocol::limits::HISTORY_PAGE_BYTES;
use crate::protocol::name::Name;
use crate::protocol::refusal::Banned;
use crate::protocol::request::RangeEnd;
use crate::protocol::text::{Ref, Text};
use games::{NEWS_COLUMNS, NEWS_JOINS};

/// Readers at once. Each holds a connection and, while it reads, one blocking thread.
pub const READERS: u32 = 4;
/// How long a reader waits for a connection of the pool.
const POOL_TIMEOUT: Duration = Duration::from_secs(5);

/// A question that could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No connection came free in time.
    #[error("no reader came free: {0}")]
    Pool(#[from] r2d2::Error),
    /// SQLite's words.
    #[error("cannot read: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The task that read was cancelled or panicked.
    #[error("a reader ended early")]
    Ended,
}

/// An account with the hash that opens it.
#[derive(Debug)]
pub struct Credentials {
    /// The account.
    pub account: Account,
    /// Its password's bcrypt hash.
    pub password_hash: String,
    /// The ban that it has, or had.
    pub ban: Option<Banned>,
}

/// Whose a token is.
#[derive(Debug)]
pub struct TokenOwner {
    /// The account.
    pub account: Account,
    /// When the token was issued or last used, in milliseconds since 1970 UTC; 0 if it is void.
    pub used_ms: i64,
    /// The ban that the account has, or had.
    pub ban: Option<Banned>,
}

/// Which events a page of history is made of.
#[derive(Clone, Copy, Debug)]
pub struct HistoryQuery {
    /// The room.
    pub room: RoomId,
    /// Events after this number.
    pub left: u64,
    /// Events up to this number.
    pub right: u64,
    /// At most this many.
    pub count: usize,
    /// Taken from this end of the range.
    pub from: RangeEnd,
    /// Whether people coming and going are left out.
    pub talk_only: bool,
}

/// A page of history.
#[derive(Debug, Default)]
pub struct History {
    /// The events, oldest first.
    pub events: Vec<Event>,
    /// Whether the range holds more than these.
    pub has_more: bool,
}

/// A file that is shared at the moment.
#[derive(Debug)]
pub struct Shared {
    /// The event by which it was shared.
    pub event: Event,
    /// Whose it is.
    pub owner: AccountId,
}

/// The pool of readers. Clones are the same pool.
#[derive(Clone)]
pub struct Reader {
    pool: Pool<SqliteConnectionManager>,
}

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self, r2d2::Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let manager = SqliteConnectionManager::file(path).with_flags(flags).with_init(|c| c.busy_timeout(BUSY_TIMEOUT));
        let pool = Pool::builder()
            .max_size(READERS)
            // Opened at the start and kept: reading goes on when descriptors run out.
            .min_idle(Some(READERS))
            .idle_timeout(None)
            .max_lifetime(None)
            .connection_timeout(POOL_TIMEOUT)
            // Whoever asked is told; the log is not for what strangers can repeat.
            .error_handler(Box::new(r2d2::NopErrorHandler))
            .build(manager)?;
        Ok(Self { pool })
    }

    /// The account of this name, in any case and composition.
    pub async fn credentials(&self, name: &Name) -> Result<Option<Credentials>, ReadError> {
        let name = name.clone();
        self.ask(move |connection| {
            let sql = "SELECT b.id, b.name, b.level, ban.id, ban.end_time, ban.why, b.password_hash \
                       FROM base_info b LEFT JOIN ban ON ban.uid = b.id WHERE b.folded_name = ?1";
            let found = |row: &Row<'_>| Ok(Credentials { account: account(row)?, ban: ban(row)?, password_hash: row.get(6)? });
            connection.prepare_cached(sql)?.query_row([name.folded()], found).optional()
        })
        .await
    }

    /// The name of the account that a new name looks like.
    pub async fn look_alike(&self, name: &Name) -> Result<Option<Name>, ReadError> {
        let name = name.clone();
        self.ask(move |connection| look_alike(connection, &name)).await
    }

    /// Whose a token is, however old it is.
    pub async fn token_owner(&self, hash: TokenHash) -> Result<Option<TokenOwner>, ReadError> {
        self.ask(move |connection| {
            let sql = "SELECT b.id, b.name, b.level, ban.id, ban.end_time, ban.why, t.used_time FROM login_token t \
                       JOIN base_info b ON b.id = t.uid LEFT JOIN ban ON ban.uid = b.id WHERE t.hash = ?1";
            let found = |row: &Row<'_>| Ok(TokenOwner { account: account(row)?, ban: ban(row)?, used_ms: row.get(6)? });
            connection.prepare_cached(sql)?.query_row([hash], found).optional()
        })
        .await
    }

    /// The numbers that an account's refs were given, in their order.
    pub async fn said_before(&self, account: AccountId, references: Vec<Ref>) -> Result<Vec<Option<u64>>, ReadError> {
        self.ask(move |connection| {
            let mut find = connection.prepare_cached("SELECT seq FROM chat_history WHERE uid = ?1 AND ref = ?2")?;
            let mut seq_of =
                |reference: &Ref| find.query_row(params![account.0, reference.as_str()], |row| row.get(0)).optional();
            references.iter().map(&mut seq_of).collect()
        })
        .await
    }

    /// A page of a room's history.
    pub async fn history(&self, query: HistoryQuery) -> Result<History, ReadError> {
        self.ask(move |connection| history(connection, &query)).await
    }

    /// What is shared with a room: `count` files after the newest `skip`, newest first.
    pub async fn shelf(&self, room: RoomId, skip: usize, count: usize) -> Result<Vec<Event>, ReadError> {
        let page = move |connection: &Connection| {
            let sql = format!("{SHARED} ORDER BY f.seq DESC LIMIT ?2 OFFSET ?3");
            let mut statement = connection.prepare_cached(&sql)?;
            let skip = i64::try_from(skip).unwrap_or(i64::MAX);
            statement.query_map(params![room.0, count, skip], |row| Ok(shared(row)?.event))?.collect()
        };
        self.ask(page).await
    }

    /// Everything that is shared with a room.
    pub async fn shared(&self, room: RoomId) -> Result<Vec<Shared>, ReadError> {
        self.ask(move |connection| connection.prepare(SHARED)?.query_map([room.0], shared)?.collect()).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        let pool = self.pool.clone();
        let answer = tokio::task::spawn_blocking(move || Ok(question(&*pool.get()?)?));
        answer.await.map_err(|_| ReadError::Ended)?
    }
}

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account { id: AccountId(row.get(0)?), name: Name::stored(row.get(1)?), level: Level(row.get(2)?) })
}

/// The ban beside an account, in the three columns behind it.
fn ban(row: &Row<'_>) -> rusqlite::Result<Option<Banned>> {
    match row.get::<_, Option<i64>>(3)? {
        Some(_) => Ok(Some(Banned { until_ms: row.get(4)?, why: row.get(5)? })),
        None => Ok(None),
    }
}

const SHARED: &str = "SELECT f.seq, f.send_time, f.file_name, b.name, f.size_bytes, f.sha256, f.uid, f.folded_name FROM file_put_record f \
    JOIN base_info b ON b.id = f.uid WHERE f.room = ?1 AND f.withdrawn_seq IS NULL";

fn shared(row: &Row<'_>) -> rusqlite::Result<Shared> {
    let file = SharedFile {
        name: FileName::folded_as(row.get(2)?, row.get(7)?),
        size_bytes: row.get(4)?,
        digest: Digest(row.get(5)?),
    };
    let deed = Deed::File { from: Name::stored(row.get(3)?), file };
    Ok(Shared { event: Event { seq: row.get(0)?, at_ms: row.get(1)?, deed }, owner: AccountId(row.get(6)?) })
}

/// All events, in the columns that [`event`] reads.
fn events_sql() -> String {
    format!(
        "SELECT h.seq AS seq, h.send_time, h.kind, h.comment, b.name, f.size_bytes, f.sha256, w.seq, {NEWS_COLUMNS} \
         FROM chat_history h \
         LEFT JOIN base_info b ON b.id = h.uid {NEWS_JOINS} \
         LEFT JOIN file_put_record f ON h.kind = 'file' AND f.room = h.room AND f.seq = h.seq \
         LEFT JOIN file_put_record w ON h.kind = 'withdrawn' AND w.room = h.room AND w.withdrawn_seq = h.seq"
    )
}

/// Reads every event as a page of history would, and tells of those that cannot be read.
pub(super) fn unreadable_events(connection: &Connection, told: &mut dyn FnMut(i64, rusqlite::Error)) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&events_sql())?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Err(error) = event(row) {
            told(row.get(0)?, error);
        }
    }
    Ok(())
}

fn history_sql(query: &HistoryQuery) -> String {
    let order = match query.from {
        RangeEnd::Newest => "DESC",
        RangeEnd::Oldest => "ASC",
    };
    // The conditions on `kind` are those of the two partial indexes, word for word.
    let part = |kinds: &str| {
        let events = events_sql();
        format!(
            "SELECT * FROM ({events} \
             WHERE h.room = ?1 AND h.seq > ?2 AND h.seq <= ?3 AND h.kind {kinds} ORDER BY h.seq {order} LIMIT ?4)"
        )
    };
    let talk = part("NOT IN ('enter', 'leave')");
    if query.talk_only {
        return talk;
    }
    let presence = part("IN ('enter', 'leave')");
    format!("{talk} UNION ALL {presence} ORDER BY seq {order} LIMIT ?4")
}

fn history(connection: &Connection, query: &HistoryQuery) -> rusqlite::Result<History> {
    let mut statement = connection.prepare_cached(&history_sql(query))?;
    let one_more = query.count + 1;
    let mut rows = statement.query(params![query.room.0, query.left, query.right, one_more])?;
    let mut page = History::default();
    let mut size_bytes = 0;
    while let Some(row) = rows.next()? {
        if page.events.len() == query.count || size_bytes > HISTORY_PAGE_BYTES {
            page.has_more = true;
            break;
        }
        let event = event(row)?;
        size_bytes += row.get_ref(3)?.as_str()?.len();
        page.events.push(event);
    }
    if query.from == RangeEnd::Newest {
        page.events.reverse();
    }
    Ok(page)
}

/// Where the columns of a game's event begin.
const NEWS_AT: usize = 8;

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let kind: String = row.get(2)?;
    let from = || row.get(4).map(Name::stored);
    let by = || row.get::<_, Option<String>>(4).map(|name| name.map(Name::stored));
    let text = || row.get(3).map(Text::stored);
    let file_name = || row.get(3).map(FileName::stored);
    let deed = match kind.as_str() {
        "chat" => Deed::Chat { from: from()?, text: text()?, reference: None },
        "announcement" => Deed::Announcement { text: text()? },
        "enter" => Deed::Enter { from: from()? },
        "leave" => Deed::Leave { from: from()? },
        "file" => {
            let file = SharedFile { name: file_name()?, size_bytes: row.get(5)?, digest: Digest(row.get(6)?) };
            Deed::File { from: from()?, file }
        }
        "withdrawn" => Deed::Withdrawn { from: by()?, file_name: file_name()?, shared_seq: row.get(7)? },
        "invite" | "uninvite" | "join" | "result" => {
            Deed::Game(Box::new(games::news(row, &kind, by()?, row.get(3)?, NEWS_AT)?))
        }
        "started" => Deed::Started,
        "stopping" => Deed::Stopping,
        _ => return Err(rusqlite::Error::InvalidColumnType(2, kind, rusqlite::types::Type::Text)),
    };
    Ok(Event { seq: row.get(0)?, at_ms: row.get(1)?, deed })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each index is read in order from one end of the range and left after `count` rows; only those
    /// few are sorted into one page where both kinds are shown.
    #[test]
    fn history_pages_cost_what_they_show() {
        let directory = tempfile::tempdir().unwrap();
        let connection = super::super::schema::open(&directory.path().join("parlor.db")).unwrap();
        for talk_only in [true, false] {
            for from in [RangeEnd::Newest, RangeEnd::Oldest] {
                let query = HistoryQuery { room: RoomId(1), left: 0, right: 9, count: 3, from, talk_only };
                let sql = format!("EXPLAIN QUERY PLAN {}", history_sql(&query));
                let mut statement = connection.prepare(&sql).unwrap();
                let plan: Vec<String> =
                    statement.query_map(params![1, 0, 9, 3], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
                let searches = |index: &str| {
                    plan.iter().any(|step| step.contains(&format!("USING INDEX {index} (room=? AND seq>? AND seq<?)")))
                };
                assert!(searches("chat_history_talk"), "{plan:?}");
                assert_eq!(searches("chat_history_presence"), !talk_only, "{plan:?}");
                let sorts = plan.windows(2).filter(|steps| steps[1].contains("TEMP B-TREE"));
                assert!(sorts.clone().all(|steps| steps[0].starts_with("SCAN (subquery")), "{plan:?}");
                assert_eq!(sorts.count(), if talk_only { 0 } else { 2 }, "{plan:?}");
            }
        }
    }
}
