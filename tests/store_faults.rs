//! A disk that is full or a database that somebody has locked: what was heard stays heard and is stored
//! once it can be; what cannot be stored is refused before it gets a number; it heals by itself.

use std::fs::metadata;

use rusqlite::Connection;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};

use crate::harness::{Client, Daemon, eventually};

/// Somebody else's transaction: nothing can be stored while it is open.
pub(crate) fn lock(daemon: &Daemon) -> Connection {
    let database = daemon.database();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    database
}

/// Lets the daemon's files grow up to so many bytes and no further.
fn limit_file_size(daemon: &Daemon, bytes: Option<u64>) {
    let limit = Rlimit { current: bytes, maximum: None };
    prlimit(Pid::from_raw(daemon.pid()), Resource::Fsize, limit).unwrap();
}

fn fill_disk(daemon: &Daemon) {
    let log = daemon.data().join("parlor.db-wal");
    limit_file_size(daemon, Some(metadata(log).unwrap().len() + 8192));
}

/// What happened to the messages of one sender, told by itself: in `json` one hears oneself.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) heard: Vec<(u64, String)>,
    pub(crate) answered: Vec<u64>,
    pub(crate) unconfirmed: Vec<u64>,
}

/// Says one thing after the other until one is refused for the store's sake.
pub(crate) fn talk_until_refused(client: &mut Client) -> Outcome {
    talk_until_refused_again(client, 1)
}

fn talk_until_refused_again(client: &mut Client, round: u32) -> Outcome {
    let mut outcome = Outcome::default();
    for number in 0.. {
        let text = format!("{number} {}", "x".repeat(1000));
        let request = json!({"do": "C", "text": text, "ref": format!("talk-{round}-{number}")});
        let mut objects = client.objects_of(&request.to_string());
        let reply = objects.pop().unwrap();
        outcome.heard.extend(objects.iter().map(heard));
        if reply["ok"] == "C" {
            outcome.answered.push(reply["seq"].as_u64().unwrap());
        } else if reply["err"] == "unconfirmed" {
            outcome.unconfirmed.push(reply["seq"].as_u64().unwrap());
        } else {
            assert_eq!(reply["err"], "store-failed", "{reply}");
            return outcome;
        }
    }
    unreachable!("only a refusal ends the talk")
}

fn heard(event: &Value) -> (u64, String) {
    assert_eq!(event["event"], "chat", "{event}");
    (event["seq"].as_u64().unwrap(), event["text"].as_str().unwrap().to_owned())
}

/// Says something until it is answered OK, which is how a client sees that the store is mended.
pub(crate) fn talk_until_answered(client: &mut Client) -> u64 {
    let mut seq = None;
    eventually("a message is stored again", || {
        let reply = client.objects_of("C - mended").pop().unwrap();
        assert!(reply["ok"] == "C" || reply["err"] == "store-failed", "{reply}");
        seq = reply["seq"].as_u64();
        seq.is_some()
    });
    seq.unwrap()
}

pub(crate) fn stored(daemon: &Daemon) -> Vec<(u64, String)> {
    let database = daemon.database();
    let mut statement = database.prepare("SELECT seq, comment FROM chat_history WHERE kind = 'chat' ORDER BY seq").unwrap();
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

/// Stops the daemon, which must not have panicked. The clients go first: a closed connection is read on
/// for a while, until the other end closes too.
pub(crate) fn stop(daemon: &mut Daemon, clients: impl IntoIterator<Item = Client>) {
    clients.into_iter().for_each(drop);
    assert_eq!(daemon.stop().code(), Some(0));
    let log = daemon.log();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn what_is_heard_while_the_database_is_locked_is_unconfirmed_and_then_stored_once() {
    let mut daemon = Daemon::start_with(&["--confirm-timeout-s", "1"]);
    let mut alice = Client::program(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    alice.json();
    let lock = lock(&daemon);
    let outcome = talk_until_refused(&mut alice);
    assert!(!outcome.unconfirmed.is_empty() && outcome.answered.is_empty());
    let numbers: Vec<u64> = outcome.heard.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, outcome.unconfirmed);
    for (_, text) in &outcome.heard {
        assert_eq!(bob.line(), format!("[alice]: {text}"));
    }
    drop(lock);
    talk_until_answered(&mut alice);
    // The refused one was heard by nobody.
    assert_eq!(bob.line(), "[alice]: mended");
    let before_mended: Vec<_> = stored(&daemon).into_iter().filter(|(_, text)| text != "mended").collect();
    assert_eq!(before_mended, outcome.heard);
    stop(&mut daemon, [alice, bob]);
}

#[test]
fn the_ref_of_an_unconfirmed_message_is_answered_with_its_number_once_stored() {
    let daemon = Daemon::start_with(&["--confirm-timeout-s", "1"]);
    let mut alice = Client::program(&daemon, "alice");
    let lock = lock(&daemon);
    let request = r#"{"do":"C","text":"once","ref":"r1"}"#;
    let told = alice.objects_of(request);
    assert_eq!((&told[0]["event"], &told[1]["err"], &told[1]["ref"]), (&json!("chat"), &json!("unconfirmed"), &json!("r1")));
    drop(lock);
    let mut again = Vec::new();
    eventually("the ref is answered", || {
        again = alice.objects_of(request);
        again.last().unwrap()["ok"] == "C"
    });
    assert_eq!(again, [json!({"ok": "C", "ref": "r1", "seq": told[0]["seq"]})], "not said again, not given another number");
    assert_eq!(stored(&daemon), [(told[0]["seq"].as_u64().unwrap(), "once".to_owned())]);
}

#[test]
fn what_is_refused_while_the_store_fails_gets_no_number() {
    let daemon = Daemon::start_with(&["--confirm-timeout-s", "1"]);
    let mut alice = Client::program(&daemon, "alice");
    let lock = lock(&daemon);
    let outcome = talk_until_refused(&mut alice);
    for _ in 0..100 {
        assert_eq!(alice.objects_of("C - refused").pop().unwrap()["err"], "store-failed");
    }
    drop(lock);
    assert_eq!(talk_until_answered(&mut alice), outcome.unconfirmed.last().unwrap() + 1);
}

#[test]
fn logins_are_refused_while_the_store_fails_and_welcome_afterwards() {
    let daemon = Daemon::start_with(&["--confirm-timeout-s", "1"]);
    Client::enter(&daemon, "known").ask("E -");
    let mut alice = Client::program(&daemon, "alice");
    let mut hopeful = [Client::connect(&daemon), Client::connect(&daemon), Client::connect(&daemon)];
    hopeful[2].ask("V json");
    let lock = lock(&daemon);
    talk_until_refused(&mut alice);
    for (client, name) in hopeful.iter_mut().zip(["new", "known", "known"]) {
        assert!(client.ask(&format!("U {name}")).contains(if name == "new" { "new" } else { "known" }));
        let reply = client.ask(&format!("P {name} correct-horse"));
        assert!(reply.starts_with("ERR store-failed ") || reply.starts_with(r#"{"err":"store-failed""#), "{reply}");
        // The connection lives on, and so does the try.
        assert!(client.ask("K").contains(if reply.starts_with('{') { "ok" } else { "OK" }));
    }
    drop(lock);
    talk_until_answered(&mut alice);
    for (client, name) in hopeful.iter_mut().zip(["new", "known", "known"]) {
        client.log_in(name);
    }
}

#[test]
fn a_login_caught_by_the_failure_is_told_in_time() {
    let daemon = Daemon::start_with(&["--confirm-timeout-s", "1"]);
    let mut alice = Client::enter(&daemon, "alice");
    Client::enter(&daemon, "known").ask("E -");
    alice.skip_to("[known] left the room");
    let mut known = Client::connect(&daemon);
    known.ask("U known");
    let lock = lock(&daemon);
    known.send("P known correct-horse");
    assert_eq!(alice.line(), "[known] entered the room");
    known.expect("ERR unconfirmed ");
    known.expect("Closing (store-failed)");
    assert_eq!(known.rest(), [""; 0]);
    assert_eq!(alice.line(), "[known] left the room");
    drop(lock);
    let sql = "SELECT count(*) FROM chat_history h JOIN base_info b ON b.id = h.uid WHERE b.name = 'known'";
    eventually("both entries and both leavings are stored", || {
        daemon.database().query_row(sql, [], |row| row.get::<_, u64>(0)).unwrap() == 4
    });
}

#[test]
fn leavings_are_heard_while_the_store_fails_and_stored_afterwards() {
    let daemon = Daemon::start_with(&["--confirm-timeout-s", "1"]);
    let names: Vec<String> = (0..30).map(|number| format!("guest-{number}")).collect();
    let guests: Vec<Client> = names.iter().map(|name| Client::enter(&daemon, name)).collect();
    let mut alice = Client::program(&daemon, "alice");
    let lock = lock(&daemon);
    talk_until_refused(&mut alice);
    drop(guests);
    let mut left: Vec<String> =
        names.iter().map(|_| alice.json()).map(|event| event["from"].as_str().unwrap().to_owned()).collect();
    left.sort();
    let mut want = names.clone();
    want.sort();
    assert_eq!(left, want);
    drop(lock);
    talk_until_answered(&mut alice);
    let sql = "SELECT count(*) FROM chat_history WHERE kind = 'leave'";
    assert_eq!(daemon.database().query_row(sql, [], |row| row.get::<_, usize>(0)).unwrap(), names.len());
}

#[test]
fn a_full_disk_loses_nothing_that_was_heard_and_heals_by_itself() {
    let mut daemon = Daemon::start_with(&["--confirm-timeout-s", "1"]);
    let mut alice = Client::program(&daemon, "alice");
    let mut heard = Vec::new();
    // Twice: what helped once must also help when it happens again.
    for round in 1..=2 {
        fill_disk(&daemon);
        let outcome = talk_until_refused_again(&mut alice, round);
        assert!(!outcome.unconfirmed.is_empty());
        heard.extend(outcome.heard);
        limit_file_size(&daemon, None);
        let mended = talk_until_answered(&mut alice);
        heard.push((mended, "mended".to_owned()));
    }
    assert_eq!(stored(&daemon), heard);
    daemon.assert_intact();
    stop(&mut daemon, [alice]);
}

#[test]
fn newcomers_are_refused_on_a_full_disk_and_not_left_hanging() {
    let mut daemon = Daemon::start_with(&["--confirm-timeout-s", "1"]);
    let mut alice = Client::program(&daemon, "alice");
    fill_disk(&daemon);
    talk_until_refused(&mut alice);
    let mut bob = Client::connect(&daemon);
    bob.ask("U bob");
    assert!(bob.ask("P bob correct-horse").starts_with("ERR store-failed "));
    limit_file_size(&daemon, None);
    talk_until_answered(&mut alice);
    bob.log_in("bob");
    stop(&mut daemon, [alice, bob]);
}

#[test]
fn a_registration_that_is_late_can_be_logged_in_to() {
    let daemon = Daemon::start_with(&["--confirm-timeout-s", "1"]);
    let mut alice = Client::connect(&daemon);
    assert!(alice.ask("U alice").starts_with("OK new "));
    let locked = lock(&daemon);
    assert!(alice.ask("P alice correct-horse").starts_with("ERR unconfirmed "));
    drop(locked);
    eventually("the registration is stored", || {
        daemon.database().query_row("SELECT count(*) FROM base_info", [], |row| row.get::<_, i64>(0)).unwrap() == 1
    });
    assert!(alice.ask("P alice correct-horse").starts_with("OK alice "));
}
