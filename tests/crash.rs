//! `OK seq` means "on disk": whatever was answered is found after a `kill -9`, once, with its text, and
//! a number that anybody has heard never means anything else afterwards.

use std::collections::BTreeMap;
use std::io::Write;
use std::thread;

use serde_json::{Value, json};

use crate::harness::{Client, Daemon, Progress, seq_of};

const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];

/// An event: kind, name, text.
type Heard = (String, String, String);

/// What clients received, over all rounds.
#[derive(Default)]
struct Ledger {
    /// The texts answered with an OK, by the number in it.
    answered: BTreeMap<u64, String>,
    /// The events heard.
    heard: BTreeMap<u64, Heard>,
}

impl Ledger {
    fn answer(&mut self, seq: u64, text: String) {
        let before = self.answered.insert(seq, text);
        assert_eq!(before, None, "{seq} was given to two messages");
    }

    fn hear(&mut self, event: &Value) {
        let word = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        let heard = (word("event"), word("from"), word("text"));
        let seq = event["seq"].as_u64().unwrap_or_else(|| panic!("no number: {event}"));
        let before = self.heard.insert(seq, heard.clone());
        assert!(before.as_ref().is_none_or(|before| *before == heard), "{seq} meant {before:?}, then {heard:?}");
    }

    fn merge(&mut self, other: Ledger) {
        other.answered.into_iter().for_each(|(seq, text)| self.answer(seq, text));
        for (seq, heard) in other.heard {
            let before = self.heard.insert(seq, heard.clone());
            assert!(before.as_ref().is_none_or(|before| *before == heard), "{seq} meant {before:?}, then {heard:?}");
        }
    }

    fn newest(&self) -> u64 {
        self.heard.keys().chain(self.answered.keys()).max().copied().unwrap_or(0)
    }

    /// Compares everything with what the database holds, and says how much of it there is.
    fn check(&self, daemon: &Daemon, round: usize) {
        daemon.assert_intact();
        let sql = "SELECT seq, kind, coalesce(b.name, ''), comment FROM chat_history h LEFT JOIN base_info b ON b.id = h.uid";
        let database = daemon.database();
        let mut statement = database.prepare(sql).unwrap();
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, u64>(0)?, (row.get(1)?, row.get(2)?, row.get(3)?)));
        let rows: Vec<(u64, Heard)> = statement.query_map([], row).unwrap().map(Result::unwrap).collect();
        let (mut stored, mut times) = (BTreeMap::<u64, Heard>::new(), BTreeMap::<String, u64>::new());
        for (seq, row) in rows {
            if row.0 == "chat" {
                *times.entry(row.2.clone()).or_default() += 1;
            }
            let twice = stored.insert(seq, row);
            assert_eq!(twice, None, "{seq} is there twice");
        }
        let is_found = |(seq, text): &(&u64, &String)| stored.get(seq).is_some_and(|row| row.0 == "chat" && row.2 == **text);
        let found = self.answered.iter().filter(is_found).count();
        let answered = self.answered.len();
        println!("kill -9, after round {round}: {answered} messages answered OK, {found} found, {} missing", answered - found);
        assert_eq!(found, answered);
        assert!(times.values().all(|&times| times == 1), "stored more than once");
        for (seq, heard) in &self.heard {
            assert!(stored.get(seq).is_none_or(|row| row == heard), "{seq} was {heard:?} and is {:?}", stored[seq]);
        }
    }
}

fn text(round: usize, name: &str, number: usize) -> String {
    format!("{round}.{name}.{number}")
}

/// Sends without waiting for replies until the daemon is gone.
fn pour(client: &Client, line: impl Fn(usize) -> String + Send + 'static) -> thread::JoinHandle<()> {
    let mut stream = client.stream();
    thread::spawn(move || {
        for start in (0..).step_by(50) {
            let lines: String = (start..start + 50).map(|number| line(number) + "\n").collect();
            if stream.write_all(lines.as_bytes()).is_err() {
                return;
            }
        }
    })
}

/// Replies come in the order of the requests, so the n-th OK is the n-th text's.
fn speak_as_a_person(mut client: Client, round: usize, name: &'static str, progress: &Progress) -> Ledger {
    let pouring = pour(&client, move |number| format!("C - {}", text(round, name, number)));
    let mut ledger = Ledger::default();
    while let Some(line) = client.line_or_end() {
        assert!(!line.starts_with("ERR"), "{line}");
        if line.starts_with("OK ") {
            ledger.answer(seq_of(&line), text(round, name, ledger.answered.len()));
            progress.step();
        }
    }
    pouring.join().unwrap();
    ledger
}

fn speak_as_a_program(mut client: Client, round: usize, name: &'static str, progress: &Progress) -> Ledger {
    let pouring = pour(&client, move |number| {
        let text = text(round, name, number);
        json!({"do": "C", "text": text, "ref": text}).to_string()
    });
    let mut ledger = Ledger::default();
    while let Some(line) = client.line_or_end() {
        let object: Value = serde_json::from_str(&line).unwrap();
        if object["ok"] == "C" {
            ledger.answer(object["seq"].as_u64().unwrap(), object["ref"].as_str().unwrap().to_owned());
            progress.step();
        } else {
            ledger.hear(&object);
        }
    }
    pouring.join().unwrap();
    ledger
}

fn listen(mut client: Client) -> Ledger {
    let mut ledger = Ledger::default();
    while let Some(line) = client.line_or_end() {
        ledger.hear(&serde_json::from_str(&line).unwrap());
    }
    ledger
}

/// Everyone talks until `enough` messages are answered; then the daemon is killed.
fn talk_until_killed(daemon: &mut Daemon, round: usize, enough: u64) -> Ledger {
    let listeners = ["erin", "frank"].map(|name| Client::program(daemon, name));
    let people = PEOPLE.map(|name| (name, Client::enter(daemon, name)));
    let program = Client::program(daemon, "dave");
    let progress = &Progress::default();
    let mut ledger = Ledger::default();
    thread::scope(|scope| {
        let mut tasks: Vec<_> = listeners.into_iter().map(|client| scope.spawn(|| listen(client))).collect();
        for (name, client) in people {
            tasks.push(scope.spawn(move || speak_as_a_person(client, round, name, progress)));
        }
        tasks.push(scope.spawn(move || speak_as_a_program(program, round, "dave", progress)));
        let is_enough = progress.wait_for(enough);
        daemon.kill();
        tasks.into_iter().for_each(|task| ledger.merge(task.join().unwrap()));
        assert!(is_enough, "not enough messages are answered in time");
    });
    ledger
}

#[test]
fn every_ok_is_found_after_kill_9_under_load() {
    let mut daemon = Daemon::start();
    let mut ledger = Ledger::default();
    for (round, enough) in [1, 150, 1000, 4000].into_iter().enumerate() {
        if round > 0 {
            daemon.restart();
            let sql = "SELECT max(seq) FROM chat_history WHERE kind = 'started'";
            let started: u64 = daemon.database().query_row(sql, [], |row| row.get(0)).unwrap();
            assert!(started > ledger.newest(), "after the crash {started} came, but {} had been heard", ledger.newest());
        }
        ledger.merge(talk_until_killed(&mut daemon, round, enough));
        ledger.check(&daemon, round);
    }
}

#[test]
fn a_number_heard_but_not_stored_at_the_crash_stays_a_hole() {
    let mut daemon = Daemon::start();
    let mut alice = Client::program(&daemon, "alice");
    // Nothing can be stored while somebody else writes.
    let lock = daemon.database();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    alice.send(r#"{"do":"C","text":"lost","ref":"r1"}"#);
    let lost = alice.json()["seq"].as_u64().unwrap();
    daemon.kill();
    drop(lock);
    daemon.restart();
    let mut alice = Client::program(&daemon, "alice");
    let again = alice.objects_of(r#"{"do":"C","text":"said again","ref":"r1"}"#);
    let seq = again.last().unwrap()["seq"].as_u64().unwrap();
    assert!(seq > lost, "{again:?}");
    let sql = "SELECT count(*) FROM chat_history WHERE seq = ?1 OR comment = 'lost'";
    assert_eq!(daemon.database().query_row(sql, [lost], |row| row.get::<_, u64>(0)).unwrap(), 0);
}

#[test]
fn a_ref_answered_before_the_crash_is_answered_alike_after_it() {
    let mut daemon = Daemon::start();
    let request = r#"{"do":"C","text":"once","ref":"r1"}"#;
    let first = Client::program(&daemon, "alice").objects_of(request).pop().unwrap();
    assert_eq!(first["ok"], "C");
    daemon.kill();
    daemon.restart();
    let mut alice = Client::program(&daemon, "alice");
    assert_eq!(alice.objects_of(request), [first]);
    let sql = "SELECT count(*) FROM chat_history WHERE comment = 'once'";
    assert_eq!(daemon.database().query_row(sql, [], |row| row.get::<_, u64>(0)).unwrap(), 1);
}
