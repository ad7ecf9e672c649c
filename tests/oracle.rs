//! The oracle of the long tests sees each kind of fault: after a run in which it finds none, one thing in the logs
//! or in the data directory is changed by hand, and it must be told of.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::harness::mixed::{Mixed, Scene};
use crate::harness::oracle::{Answer, Deed, Event, Fault, Kind, Log, Step, Stored, faults};
use crate::harness::{Daemon, eventually, names_in};

/// A change by hand, to the logs and to the data directory.
type Doctor = fn(&mut [Log], &Path);

/// What must have happened before anything of it can be changed.
const EVERYTHING: [fn(&Step) -> bool; 8] = [
    |step| matches!(step, Step::Fetched { .. }),
    |step| matches!(step, Step::Sent(Deed::Withdraw { .. })),
    |step| matches!(step, Step::Sent(Deed::Announce { .. })),
    |step| matches!(step, Step::Sent(Deed::Resign { .. })),
    |step| matches!(step, Step::Saw { .. }),
    |step| matches!(step, Step::Read { .. }),
    |step| matches!(step, Step::Heard(event) if event.kind == "result"),
    |step| matches!(step, Step::Entered { token: Some(_), .. }),
];

/// Mixed load for a while with a `kill -9` in the middle, and what is left of it.
fn run() -> (Vec<Log>, Daemon) {
    let mut daemon = Daemon::start();
    let mixed = Mixed::start(&daemon, Scene { seed: 1, pace: Duration::from_millis(2), guests: 4 });
    let something_of_everything = || {
        let logs = mixed.logs();
        EVERYTHING.iter().all(|is_it| logs.iter().flat_map(|log| &log.steps).any(is_it))
    };
    assert!(mixed.progress().wait_for(100), "not in time");
    mixed.close();
    daemon.kill();
    mixed.wait_until_all_are_out();
    daemon.restart();
    mixed.open(&daemon);
    eventually("something of everything has happened", something_of_everything);
    let logs = mixed.finish(&mut daemon);
    (logs, daemon)
}

fn judge(logs: &[Log], data: &Path) -> Vec<Fault> {
    faults(&logs.iter().collect::<Vec<_>>(), &Stored::read(data))
}

#[test]
fn the_oracle_sees_each_kind_of_fault() {
    let (logs, daemon) = run();
    assert_eq!(judge(&logs, &daemon.data()).len(), 0);
    let mut seen: BTreeSet<Kind> = BTreeSet::new();
    for (what, due, doctor) in DOCTORS {
        let copy = tempfile::tempdir().unwrap();
        copy_of(&daemon.data(), copy.path());
        let mut logs = logs.clone();
        doctor(&mut logs, copy.path());
        let found: BTreeSet<Kind> = judge(&logs, copy.path()).into_iter().map(|fault| fault.kind).collect();
        match due {
            Some(kind) => assert!(found.contains(kind), "{what}: {found:?} instead of {kind:?}"),
            None => assert!(found.is_empty(), "{what}: {found:?}"),
        }
        seen.extend(due);
    }
    assert_eq!(seen.len(), KINDS, "kinds that were never provoked");
}

/// How many kinds there are.
const KINDS: usize = Kind::WrongBytes as usize + 1;

fn copy_of(data: &Path, copy: &Path) {
    std::fs::copy(data.join("parlor.db"), copy.join("parlor.db")).unwrap();
    std::fs::create_dir(copy.join("files")).unwrap();
    for name in names_in(&data.join("files")) {
        std::fs::copy(data.join("files").join(&name), copy.join("files").join(&name)).unwrap();
    }
}

const DOCTORS: &[(&str, Option<Kind>, Doctor)] = &[
    ("an index is gone", Some(Kind::Damaged), |_, data| {
        sql(data, "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'chat_history_ref'");
    }),
    ("a message is gone", Some(Kind::Lost), |_, data| {
        sql(data, "DELETE FROM chat_history WHERE id = (SELECT max(id) FROM chat_history WHERE kind = 'chat')");
    }),
    ("the newest events are gone", Some(Kind::Lost), |_, data| {
        sql(data, "DELETE FROM chat_history WHERE seq > (SELECT max(seq) - 300 FROM chat_history)");
    }),
    ("an announcement is gone", Some(Kind::Lost), |_, data| {
        sql(data, "DELETE FROM chat_history WHERE kind = 'announcement'");
    }),
    ("an entry is gone", Some(Kind::Lost), |_, data| {
        sql(data, "DELETE FROM chat_history WHERE id = (SELECT min(id) FROM chat_history WHERE kind = 'enter')");
    }),
    ("an account is gone", Some(Kind::Lost), |_, data| sql(data, "DELETE FROM base_info WHERE name = 'guest-0'")),
    ("tokens are gone", Some(Kind::Lost), |_, data| sql(data, "DELETE FROM login_token")),
    ("a file's record is gone", Some(Kind::Lost), |_, data| {
        sql(data, "DELETE FROM file_put_record WHERE id = (SELECT max(id) FROM file_put_record)");
    }),
    ("a withdrawal is gone", Some(Kind::Lost), |_, data| {
        sql(data, "UPDATE file_put_record SET withdrawn_seq = NULL WHERE withdrawn_seq IS NOT NULL");
    }),
    ("a move is gone", Some(Kind::Lost), |_, data| {
        sql(data, "UPDATE game_record SET moves = rtrim(rtrim(moves, '+#abcdefghijklmnopqrstuvwxyzNBRQK0123456789'))");
    }),
    ("a game is gone", Some(Kind::Lost), |_, data| sql(data, "DELETE FROM game_record WHERE result <> 'void'")),
    ("a result's event is gone", Some(Kind::Changed), |_, data| {
        sql(data, "DELETE FROM chat_history WHERE kind = 'result'");
    }),
    ("a text is another one", Some(Kind::Changed), |_, data| {
        sql(data, "UPDATE chat_history SET comment = comment || '!' WHERE kind = 'chat'");
    }),
    ("a file's record tells other bytes", Some(Kind::Changed), |_, data| {
        sql(data, "UPDATE file_put_record SET sha256 = zeroblob(32)");
    }),
    ("a message is there twice", Some(Kind::Doubled), |_, data| {
        sql(data, &said_at_the_end("uid, comment"));
    }),
    ("a number is there twice", Some(Kind::Doubled), |_, data| {
        let columns = "comment, send_time, level, uid, room, seq, kind";
        let row = "'', send_time, 0, uid, room, seq, 'leave'";
        sql(data, &format!("INSERT INTO chat_history ({columns}) SELECT {row} FROM chat_history WHERE kind = 'chat' LIMIT 1"));
    }),
    ("an account is there twice", Some(Kind::Doubled), |_, data| {
        let columns = "name, folded_name, password_hash, address, register_time";
        let row = "upper(name), 'another', '', '', 0";
        sql(data, &format!("INSERT INTO base_info ({columns}) SELECT {row} FROM base_info WHERE name = 'guest-0'"));
    }),
    ("somebody hears twice", Some(Kind::Doubled), |logs, _| {
        let (log, at) = place(logs, "ear", |step| matches!(step, Step::Heard(_)));
        let again = log.steps[at].clone();
        log.steps.insert(at + 1, again);
    }),
    ("somebody hears something else", Some(Kind::Ambiguous), |logs, _| {
        let (log, at) = place(logs, "ear", |step| matches!(step, Step::Heard(event) if event.kind == "chat"));
        let Step::Heard(event) = &mut log.steps[at] else { unreachable!() };
        event.text = "something else".to_owned();
    }),
    ("somebody sees another move", Some(Kind::Ambiguous), |logs, _| {
        let (log, at) = place(logs, "eve-white", |step| matches!(step, Step::Saw { .. }));
        let Step::Saw { played, .. } = &mut log.steps[at] else { unreachable!() };
        *played = "z9".to_owned();
    }),
    ("a ref is answered with two numbers", Some(Kind::RefTwice), |logs, _| {
        let log = log_of(logs, "bot");
        let deed = log.steps.iter().find(|step| matches!(step, Step::Sent(_))).unwrap().clone();
        log.steps.push(deed);
        log.answer(log.steps.len() - 1, Answer::Seq(1));
    }),
    ("two events come in the wrong order", Some(Kind::OutOfOrder), |logs, _| {
        let (log, at) = place(logs, "ear", |step| matches!(step, Step::Heard(_)));
        assert!(matches!(log.steps[at + 1], Step::Heard(_)));
        log.steps.swap(at, at + 1);
    }),
    ("a person reads in the wrong order", Some(Kind::OutOfOrder), |logs, _| {
        let log = log_of(logs, "ann");
        let is_read = |pair: &[Step]| pair.iter().all(|step| matches!(step, Step::Read { .. }));
        let at = log.steps.windows(2).rposition(is_read).unwrap();
        log.steps.swap(at, at + 1);
    }),
    ("an answer comes before the event", Some(Kind::EarlyReply), |logs, _| {
        // A batch is sent before any of it is answered: nothing that is sent changes its place.
        let (log, at) = place(logs, "bot", |step| matches!(step, Step::Answered { answer: Answer::Seq(_), .. }));
        let answered = log.steps.remove(at);
        let Step::Answered { answer: Answer::Seq(seq), .. } = answered else { unreachable!() };
        let heard = log.steps.iter().position(|step| matches!(step, Step::Heard(event) if event.seq == seq)).unwrap();
        log.steps.insert(heard, answered);
    }),
    ("something is not heard", Some(Kind::Gap), |logs, _| {
        let (log, at) = place(logs, "ear", |step| matches!(step, Step::Heard(_)));
        log.steps[at] = NOTHING;
    }),
    ("something is not read", Some(Kind::Gap), |logs, _| {
        let log = log_of(logs, "ann");
        let is_read = |pair: &[Step]| pair.iter().all(|step| matches!(step, Step::Read { .. }));
        let at = log.steps.windows(2).rposition(is_read).unwrap();
        log.steps[at] = NOTHING;
    }),
    ("something is not heard, and it was told", None, |logs, _| {
        let (log, at) = place(logs, "ear", |step| matches!(step, Step::Heard(_)));
        let Step::Heard(Event { seq, .. }) = log.steps[at] else { unreachable!() };
        log.steps[at] = Step::Missed { first: seq, last: seq };
    }),
    ("what was heard is nowhere", Some(Kind::HeardOnly), |_, data| {
        sql(data, "DELETE FROM chat_history WHERE id = (SELECT max(id) FROM chat_history WHERE kind = 'leave')");
    }),
    ("a number is nowhere", Some(Kind::Hole), |_, data| {
        sql(data, "DELETE FROM chat_history WHERE id = (SELECT max(id) FROM chat_history WHERE kind = 'leave')");
    }),
    ("a message nobody sent", Some(Kind::Invented), |_, data| {
        sql(data, &said_at_the_end("uid, 'something else'"));
    }),
    ("a move nobody made", Some(Kind::Invented), |_, data| sql(data, "UPDATE game_record SET moves = moves || ' z9'")),
    ("a withdrawal nobody asked for", Some(Kind::Invented), |_, data| {
        sql(
            data,
            "UPDATE file_put_record SET withdrawn_seq = 1 WHERE id = (SELECT max(id) FROM file_put_record WHERE withdrawn_seq IS NULL)",
        );
    }),
    ("what was refused is there", Some(Kind::DoneThoughRefused), |logs, _| {
        let (log, at) = place(logs, "ann", |step| matches!(step, Step::Answered { answer: Answer::Seq(_), .. }));
        let Step::Answered { answer, .. } = &mut log.steps[at] else { unreachable!() };
        *answer = Answer::Refused("store-failed".to_owned());
    }),
    ("a file's bytes are gone", Some(Kind::BlobMissing), |_, data| std::fs::remove_file(blob(data)).unwrap()),
    ("a file's bytes are others", Some(Kind::BlobChanged), |_, data| {
        let mut bytes = std::fs::read(blob(data)).unwrap();
        bytes.push(0);
        std::fs::write(blob(data), bytes).unwrap();
    }),
    ("somebody fetched other bytes", Some(Kind::WrongBytes), |logs, _| {
        let is_fetched = |step: &Step| matches!(step, Step::Fetched { .. });
        let who = logs.iter().find(|log| log.steps.iter().any(is_fetched)).unwrap().account.clone();
        let (log, at) = place(logs, &who, is_fetched);
        let Step::Fetched { got, .. } = &mut log.steps[at] else { unreachable!() };
        got.0 += 1;
    }),
];

/// A step that says nothing.
const NOTHING: Step = Step::Fetched { file_name: String::new(), due: (0, String::new()), got: (0, String::new()) };

fn log_of<'a>(logs: &'a mut [Log], account: &str) -> &'a mut Log {
    logs.iter_mut().find(|log| log.account == account).unwrap()
}

/// Where somebody's log has such a step, after which there is another one of its kind.
fn place<'a>(logs: &'a mut [Log], account: &str, is_it: impl Fn(&Step) -> bool) -> (&'a mut Log, usize) {
    let log = log_of(logs, account);
    let at = log.steps.iter().position(is_it).unwrap_or_else(|| panic!("{account} has no such step"));
    (log, at)
}

fn sql(data: &Path, statements: &str) {
    let database = Connection::open(data.join("parlor.db")).unwrap();
    database.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    database.execute_batch(statements).unwrap();
}

/// One more row behind all others, said by somebody who has said something.
fn said_at_the_end(uid_and_comment: &str) -> String {
    let seq = "(SELECT max(seq) + 1 FROM chat_history)";
    format!(
        "INSERT INTO chat_history (uid, comment, send_time, level, room, seq, kind)
         SELECT {uid_and_comment}, send_time, level, room, {seq}, kind FROM chat_history WHERE kind = 'chat' LIMIT 1"
    )
}

/// Where the bytes of a shared file lie.
fn blob(data: &Path) -> std::path::PathBuf {
    let stored = Stored::read(data);
    let row = stored.files.iter().find(|row| row.withdrawn_seq.is_none()).unwrap();
    data.join("files").join(&row.sha256)
}
