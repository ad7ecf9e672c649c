//! `--verify` finds what is damaged, says where and what to do, and changes nothing.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::harness::{Client, Daemon, Dice, back_up, database_of, names_in, noise, verify};

/// A stopped daemon with some talk and two files, and a backup of it.
struct Scene {
    daemon: Daemon,
    backup: PathBuf,
    blob: String,
}

fn scene() -> Scene {
    let mut daemon = Daemon::start();
    // Beside the data directory, and gone with it.
    let backup = daemon.data().with_file_name("backup");
    let mut alice = Client::enter(&daemon, "alice");
    let blob = alice.share(&daemon, "report.pdf", &noise(1, 50_000));
    alice.share(&daemon, "other.bin", &noise(2, 50_000));
    alice.share(&daemon, "gone.bin", &noise(3, 1000));
    alice.withdraw("gone.bin");
    Client::enter(&daemon, "bob").ask("C - hello");
    back_up(&daemon.data(), &backup).ok();
    daemon.stop();
    Scene { daemon, backup, blob }
}

fn flip(path: &Path, bit: u64) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn what_is_sound_is_said_to_be_and_nothing_is_written() {
    let Scene { mut daemon, backup, .. } = scene();
    let names = (names_in(&daemon.data()), names_in(&backup));
    let bytes = std::fs::read(daemon.data().join("parlor.db")).unwrap();
    for path in [daemon.data(), backup.clone()] {
        let out = verify(&path).ok();
        assert!(
            out.contains("database: sound; schema 1, 2 accounts, ") && out.contains("2 files (98 KiB), all sound"),
            "{out}"
        );
        assert!(!out.contains("harmless"), "{out}");
    }
    assert_eq!((names_in(&daemon.data()), names_in(&backup)), names);
    assert!(std::fs::read(daemon.data().join("parlor.db")).unwrap() == bytes);
    daemon.restart();
    verify(&daemon.data()).ok();
    verify(&daemon.data().join("files")).fails(73, &["holds no parlor.db"]);
}

#[test]
fn a_damaged_file_is_named_with_what_it_is_and_what_to_do() {
    let Scene { daemon, backup, blob } = scene();
    for (directory, advice) in [(daemon.data(), "withdraw it"), (backup, "make the backup again")] {
        let path = directory.join("files").join(&blob);
        let whole = std::fs::read(&path).unwrap();
        let told = [blob.as_str(), "report.pdf (#", "by alice", advice, "of which 1 damaged"];
        let with = |words: &'static str| [&told[..], &[words]].concat();
        for bit in [0, 4321, 50_000 * 8 - 1] {
            flip(&path, bit);
            verify(&directory).fails(65, &with("not those that were shared"));
            std::fs::write(&path, &whole).unwrap();
        }
        std::fs::write(&path, &whole[1..]).unwrap();
        verify(&directory).fails(65, &with("it has 49999 bytes"));
        std::fs::remove_file(&path).unwrap();
        verify(&directory).fails(65, &with("it is missing"));
        std::fs::write(&path, &whole).unwrap();
        verify(&directory).ok();
    }
}

#[test]
fn what_nothing_names_is_harmless() {
    let Scene { daemon, .. } = scene();
    let files = daemon.data().join("files");
    std::fs::write(files.join("0a".repeat(32)), "left by a crash").unwrap();
    std::fs::write(files.join(format!("partial-1-1-{:032x}-100", 7)), "cut").unwrap();
    std::fs::write(files.join("letter"), "dear").unwrap();
    let out = verify(&daemon.data()).ok();
    for words in ["harmless: 1 file that nothing names", "harmless: 1 part of uploads", "harmless: 1 file that Parlor has not"]
    {
        assert!(out.contains(words), "{out}");
    }
}

/// In a backup every bit of the database counts, for its hash stands in the manifest.
#[test]
fn every_flipped_bit_of_a_backups_database_is_found() {
    let Scene { daemon: _daemon, backup, .. } = scene();
    let database = database_of(&backup);
    let bits = database.metadata().unwrap().len() * 8;
    let mut dice = Dice::new();
    // The first, the last, and the one that makes it the database of a newer parlord.
    for bit in (0..20).map(|_| dice.below(bits)).chain([0, bits - 1, 63 * 8 + 1]) {
        flip(&database, bit);
        let found = verify(&backup);
        assert_eq!(found.code, Some(65), "bit {bit}: {found:?}");
        assert!(found.out.contains("damaged: the database: its bytes are not those that were backed up"), "{found:?}");
        flip(&database, bit);
    }
    verify(&backup).ok();
    std::fs::remove_file(&database).unwrap();
    verify(&backup).fails(65, &["damaged: the database: it is missing"]);
    std::fs::write(backup.join("parlor-backup.json"), "{").unwrap();
    verify(&backup).fails(73, &["parlor-backup.json is damaged"]);
}

/// In a data directory a flipped bit is found where SQLite, or a rule between query, is broken by it. Which they are
/// depends on where it falls: these hit a page's header and an index.
#[test]
fn a_flipped_bit_in_the_databases_structure_is_found() {
    let Scene { daemon, .. } = scene();
    let database = daemon.data().join("parlor.db");
    let root = |name: &str| -> u64 {
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
        daemon.database().query_row(sql, [name], |row| row.get(0)).unwrap()
    };
    // The kind of a page is its first byte.
    for page in ["chat_history", "chat_history_talk", "base_info"].map(root) {
        let bit = (page - 1) * 4096 * 8;
        flip(&database, bit);
        verify(&daemon.data()).fails(65, &["damaged: the database: ", "restore a backup"]);
        flip(&database, bit);
    }
    let not_a_database = std::fs::read(&database).unwrap();
    std::fs::write(&database, &not_a_database[..5000]).unwrap();
    verify(&daemon.data()).fails(65, &["damaged: the database: "]);
    std::fs::write(&database, "no database, whatever its name may say").unwrap();
    verify(&daemon.data()).fails(65, &["damaged: the database: "]);
    std::fs::write(&database, not_a_database).unwrap();
    verify(&daemon.data()).ok();
}

/// What must hold between rows: each statement breaks one rule.
#[test]
fn rows_that_contradict_each_other_are_found() {
    let Scene { daemon, .. } = scene();
    let database = daemon.data().join("parlor.db");
    let sound = std::fs::read(&database).unwrap();
    for (sql, words) in [
        ("DELETE FROM base_info WHERE name = 'bob'", "names a row of base_info that is not there"),
        ("UPDATE room SET reserved_seq = 3", "which was never reserved"),
        ("UPDATE base_info SET folded_name = 'alicf' WHERE name = 'alice'", "the account 'alice' is filed under 'alicf'"),
        ("UPDATE chat_history SET kind = 'chau' WHERE kind = 'chat'", "cannot be read"),
        ("UPDATE chat_history SET comment = CAST(x'ff' AS TEXT) WHERE kind = 'chat'", "cannot be read"),
        ("DELETE FROM chat_history WHERE comment = 'report.pdf'", "the shared file 'report.pdf' has no event"),
        ("DELETE FROM chat_history WHERE kind = 'withdrawn'", "the withdrawn file 'gone.bin' has no event"),
        ("DELETE FROM file_put_record WHERE file_name = 'report.pdf'", "of which nothing else is known"),
        ("UPDATE file_put_record SET withdrawn_seq = NULL", "which is not known to be withdrawn"),
        ("UPDATE file_put_record SET sha256 = x'00' WHERE file_name = 'report.pdf'", "no proper hash and size"),
        (
            "UPDATE chat_history SET seq = (SELECT seq FROM chat_history WHERE kind = 'chat') WHERE kind = 'enter' AND uid = 1",
            "is the number of two events",
        ),
    ] {
        let connection = Connection::open(&database).unwrap();
        connection.execute_batch(&format!("PRAGMA foreign_keys = off; {sql}")).unwrap();
        drop(connection);
        verify(&daemon.data()).fails(65, &["database: damaged", words, "restore a backup"]);
        std::fs::write(&database, &sound).unwrap();
    }
    verify(&daemon.data()).ok();
}
