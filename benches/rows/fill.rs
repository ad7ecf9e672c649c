//! Data directories with a long history in them, written by SQL into the database that the store makes.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parlor::store::{DATABASE, Store};
use rusqlite::Connection;

use crate::harness::sha256;

/// The accounts of every history, however long: these are not what is measured.
const ACCOUNTS: u64 = 1000;
/// The rows of one transaction; a multiple of 1000, so that whatever is begun in them is ended in them.
const AT_ONCE: u64 = 500_000;

/// Of a thousand events, one file that is shared and withdrawn, and one game; of ten, one who comes and one who goes.
const FILL: &str = "
    CREATE TEMP TABLE n AS WITH RECURSIVE n (seq) AS (SELECT ?1 UNION ALL SELECT seq + 1 FROM n WHERE seq < ?2) SELECT seq FROM n;
    INSERT INTO game_record (id, result, start_time, level, uid, opponent, room, game, moves, reason, end_time, rated)
        SELECT seq / 1000 + 1, 'first', 1600000000000 + seq, 0, 1 + seq / 1000 % ?3, 1 + (seq / 1000 + 1) % ?3, 1, 'gomoku',
            'h8 i9 h9 i10 h10 i11 h11 i12 h12', 'five', 1600000001000 + seq, 1
        FROM n WHERE seq % 1000 = 3;
    INSERT INTO file_put_record (file_name, send_time, level, uid, room, seq, folded_name, size_bytes, sha256, withdrawn_seq)
        SELECT 'file-' || (seq / 1000), 1600000000000 + seq, 0, 1 + seq / 1000 % ?3, 1, seq, 'file-' || (seq / 1000), 1000,
            zeroblob(32), seq + 1
        FROM n WHERE seq % 1000 = 1;
    INSERT INTO chat_history (comment, send_time, level, uid, room, seq, kind, ref, game)
        SELECT
            CASE WHEN seq % 1000 IN (1, 2) THEN 'file-' || (seq / 1000) WHEN seq % 1000 IN (3, 4, 5) OR seq % 10 IN (6, 7) THEN ''
                ELSE printf('This is what somebody had to say, and its number is %012d', seq) END,
            1600000000000 + seq, 0,
            CASE WHEN seq % 1000 IN (1, 2, 3, 5) THEN 1 + seq / 1000 % ?3 WHEN seq % 1000 = 4 THEN 1 + (seq / 1000 + 1) % ?3
                ELSE 1 + seq * 7919 % ?3 END,
            1, seq,
            CASE seq % 1000 WHEN 1 THEN 'file' WHEN 2 THEN 'withdrawn' WHEN 3 THEN 'invite' WHEN 4 THEN 'join' WHEN 5 THEN 'result'
                ELSE CASE seq % 10 WHEN 6 THEN 'enter' WHEN 7 THEN 'leave' ELSE 'chat' END END,
            CASE WHEN seq % 10 = 8 THEN 'r-' || seq END,
            CASE WHEN seq % 1000 IN (3, 4, 5) THEN seq / 1000 + 1 END
        FROM n;
    DROP TABLE n;";

/// A directory with so many rows, made anew.
pub fn anew(rows: u64) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("rows-{rows}"));
    remove(&directory);
    make(&directory, rows);
    directory
}

/// A directory with so many rows, of an earlier run if there is one that was made in just this way.
pub fn once(rows: u64) -> PathBuf {
    let way = sha256([FILL, include_str!("../../schema.sql")].concat().as_bytes());
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("rows-{rows}-{}", &way[..8]));
    if !directory.exists() {
        let begun = directory.with_extension("begun");
        remove(&begun);
        make(&begun, rows);
        std::fs::rename(&begun, &directory).unwrap();
    }
    directory
}

fn remove(directory: &Path) {
    if directory.exists() {
        std::fs::remove_dir_all(directory).unwrap();
    }
}

fn make(directory: &Path, rows: u64) {
    let data = directory.join("data");
    DirBuilder::new().recursive(true).mode(0o700).create(&data).unwrap();
    let (store, _) = Store::open(&data, "lobby", Duration::from_secs(10)).unwrap();
    store.close(Duration::from_secs(10), true);
    let database = Connection::open(data.join(DATABASE)).unwrap();
    // What a crash leaves of this is not used.
    database
        .execute_batch(
            "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; PRAGMA temp_store = MEMORY;",
        )
        .unwrap();
    register(&database);
    let rows = rows / 1000 * 1000;
    for first in (1..=rows).step_by(AT_ONCE as usize) {
        eprint!("\rwriting {rows} rows, once: {:3} %", first * 100 / rows);
        fill(&database, first, rows.min(first + AT_ONCE - 1));
    }
    if rows > 0 {
        eprintln!("\rwriting {rows} rows, once: done ");
    }
    // As a clean stop leaves it.
    database.execute("UPDATE room SET reserved_seq = ?1", [rows]).unwrap();
    database.close().unwrap();
    rustix::fs::sync();
}

fn register(database: &Connection) {
    let sql = "INSERT INTO base_info (name, folded_name, password_hash, address, register_time) VALUES (?1, ?1, '', '', 0)";
    let mut insert = database.prepare(sql).unwrap();
    (0..ACCOUNTS).for_each(|number| _ = insert.execute([format!("u{number}")]).unwrap());
}

fn fill(database: &Connection, first: u64, last: u64) {
    database.execute_batch("BEGIN").unwrap();
    for sql in FILL.split_inclusive(';').filter(|sql| sql.contains(';')) {
        let mut statement = database.prepare(sql).unwrap();
        let values = [first, last, ACCOUNTS].into_iter().take(statement.parameter_count());
        let values: Vec<u64> = values.collect();
        statement.execute(rusqlite::params_from_iter(values)).unwrap();
    }
    database.execute_batch("COMMIT").unwrap();
}
