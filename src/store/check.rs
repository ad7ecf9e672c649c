//! Whether a database is sound: what SQLite can tell, and what holds between the rows, so that the daemon can read
//! every one of them. It reads one [`Snapshot`] and changes nothing.
//!
//! A bit that flips inside a text or a time leaves another text or time, which nothing here can see; that is what the
//! checksum of a backup is for.

use rusqlite::Connection;

use super::OpenError;
use super::copy::Snapshot;
use super::read;
use crate::protocol::name::Name;

/// What is told of each kind of damage, at most; the rest is counted.
const TOLD_OF_A_KIND: usize = 20;

/// What is wrong, in lines of one damage each.
#[derive(Debug, Default)]
pub struct Damages {
    lines: Vec<String>,
    of_this_kind: usize,
}

impl Damages {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// One damage a line.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    fn tell(&mut self, line: String) {
        self.of_this_kind += 1;
        if self.of_this_kind <= TOLD_OF_A_KIND {
            self.lines.push(line);
        }
    }

    fn end_of_kind(&mut self) {
        let untold = std::mem::take(&mut self.of_this_kind).saturating_sub(TOLD_OF_A_KIND);
        if untold > 0 {
            self.lines.push(format!("and {untold} more like these"));
        }
    }
}

/// A statement that finds what must not be: each row is a number and some words.
struct Rule {
    finds: &'static str,
    /// What a row means: `{}` stands for its number and its words, in this order.
    means: fn(i64, &str) -> String,
}

/// What must hold between rows. Whatever is found is damage: the daemon writes nothing like it.
const RULES: &[Rule] = &[
    Rule {
        finds: "SELECT max(h.seq), r.name FROM chat_history h JOIN room r ON r.id = h.room GROUP BY r.id HAVING max(h.seq) > r.reserved_seq",
        means: |seq, room| format!("the numbers of {room} reach #{seq}, which was never reserved: they could be given again"),
    },
    Rule {
        finds: "SELECT e.seq, e.kind FROM chat_history e JOIN chat_history t ON t.room = e.room AND t.seq = e.seq \
                WHERE e.kind IN ('enter', 'leave') AND t.kind NOT IN ('enter', 'leave')",
        means: |seq, kind| format!("#{seq} is the number of two events, one of which is '{kind}'"),
    },
    Rule {
        finds: "SELECT f.seq, f.file_name FROM file_put_record f WHERE NOT EXISTS (SELECT 1 FROM chat_history h \
                WHERE h.room = f.room AND h.seq = f.seq AND h.kind = 'file' AND h.kind NOT IN ('enter', 'leave'))",
        means: |seq, name| format!("the shared file '{name}' has no event #{seq}"),
    },
    Rule {
        finds: "SELECT f.withdrawn_seq, f.file_name FROM file_put_record f WHERE f.withdrawn_seq IS NOT NULL AND NOT EXISTS \
                (SELECT 1 FROM chat_history h WHERE h.room = f.room AND h.seq = f.withdrawn_seq AND h.kind = 'withdrawn' \
                AND h.kind NOT IN ('enter', 'leave'))",
        means: |seq, name| format!("the withdrawn file '{name}' has no event #{seq}"),
    },
    Rule {
        finds: "SELECT h.seq, h.comment FROM chat_history h WHERE h.kind = 'file' AND NOT EXISTS (SELECT 1 FROM file_put_record f \
                WHERE f.room = h.room AND f.seq = h.seq)",
        means: |seq, name| format!("#{seq} shares the file '{name}', of which nothing else is known"),
    },
    Rule {
        finds: "SELECT h.seq, h.comment FROM chat_history h WHERE h.kind = 'withdrawn' AND NOT EXISTS (SELECT 1 FROM \
                file_put_record f WHERE f.room = h.room AND f.withdrawn_seq = h.seq)",
        means: |seq, name| format!("#{seq} withdraws the file '{name}', which is not known to be withdrawn"),
    },
    Rule {
        finds: "SELECT seq, file_name FROM file_put_record WHERE length(sha256) <> 32 OR size_bytes < 0",
        means: |seq, name| format!("the shared file '{name}' (#{seq}) has no proper hash and size"),
    },
];

impl Snapshot {
    /// Everything that is wrong with it.
    pub fn check(&self) -> Damages {
        let mut damages = Damages::default();
        if let Err(error) = self.look_for(&mut damages) {
            damages.end_of_kind();
            damages.tell(format!("the database cannot be read to its end: {error}"));
        }
        damages.end_of_kind();
        damages
    }

    /// For each kind of damage what comes before it must be sound, else it would be told of twice.
    fn look_for(&self, damages: &mut Damages) -> rusqlite::Result<()> {
        let connection = &self.connection;
        integrity(connection, damages)?;
        if damages.is_empty() {
            references(connection, damages)?;
        }
        if damages.is_empty() {
            rows(connection, damages)?;
        }
        Ok(())
    }

    /// Everything that is wrong, or why it cannot be told.
    pub fn assert_sound(&self) -> Result<(), OpenError> {
        match self.check().lines() {
            [] => Ok(()),
            [first, rest @ ..] => {
                let more = if rest.is_empty() { String::new() } else { format!(", and {} more", rest.len()) };
                Err(OpenError::Corrupt { path: self.path.clone(), why: format!("{first}{more}") })
            }
        }
    }
}

fn integrity(connection: &Connection, damages: &mut Damages) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("PRAGMA integrity_check")?;
    let verdicts = statement.query_map([], |row| row.get::<_, String>(0))?;
    for verdict in verdicts {
        let verdict = verdict?;
        if verdict != "ok" {
            damages.tell(format!("the database's pages or indexes: {}", verdict.replace('\n', "; ")));
        }
    }
    damages.end_of_kind();
    Ok(())
}

fn references(connection: &Connection, damages: &mut Damages) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let dangling = statement.query_map([], |row| {
        let (table, row_id, parent): (String, Option<i64>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let row_id = row_id.map(|id| format!(" {id}")).unwrap_or_default();
        Ok(format!("row{row_id} of {table} names a row of {parent} that is not there"))
    })?;
    for line in dangling {
        damages.tell(line?);
    }
    damages.end_of_kind();
    Ok(())
}

fn rows(connection: &Connection, damages: &mut Damages) -> rusqlite::Result<()> {
    for Rule { finds, means } in RULES {
        let mut statement = connection.prepare(finds)?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            // What is damaged may be no text any more.
            let words = row.get_ref(1)?.as_bytes_or_null().ok().flatten().map(String::from_utf8_lossy).unwrap_or_default();
            damages.tell(means(row.get(0)?, &words));
        }
        damages.end_of_kind();
    }
    names(connection, damages)?;
    read::unreadable_events(connection, &mut |seq, error| damages.tell(format!("#{seq} cannot be read: {error}")))?;
    damages.end_of_kind();
    read::games::unreadable_games(connection, &mut |id, error| damages.tell(format!("game {id} cannot be read: {error}")))?;
    damages.end_of_kind();
    Ok(())
}

/// Accounts are found by the folded form of their names: a wrong one locks somebody out.
fn names(connection: &Connection, damages: &mut Damages) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("SELECT id, name, folded_name FROM base_info")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let read = || -> rusqlite::Result<(String, String)> { Ok((row.get(1)?, row.get(2)?)) };
        match read() {
            Ok((shown, folded)) if *Name::stored(shown.clone()).folded() != *folded => {
                damages.tell(format!("the account '{shown}' is filed under '{folded}', where its name does not find it"));
            }
            Ok(_) => (),
            Err(error) => damages.tell(format!("the name of account {} cannot be read: {error}", row.get::<_, i64>(0)?)),
        }
    }
    damages.end_of_kind();
    Ok(())
}
