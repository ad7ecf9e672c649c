//! A `ref` on a `C` is said once for ever: repeated at any later time, from wherever its account
//! speaks, it is answered with the number it was first given.

use serde_json::{Value, json};

use crate::harness::{Client, Daemon, PASSWORD};

fn say(reference: &str, text: &str) -> String {
    json!({"do": "C", "text": text, "ref": reference}).to_string()
}

/// The next reply: its ref and number.
fn answered(client: &mut Client) -> (String, u64) {
    let reply: Value = serde_json::from_str(&client.reply()).unwrap();
    assert_eq!(reply["ok"], "C", "{reply}");
    (reply["ref"].as_str().unwrap().to_owned(), reply["seq"].as_u64().unwrap())
}

fn ask(client: &mut Client, reference: &str, text: &str) -> u64 {
    client.send(&say(reference, text));
    let (echoed, seq) = answered(client);
    assert_eq!(echoed, reference);
    seq
}

/// A script beside its account's person: it speaks, and hears nothing.
fn beside(daemon: &Daemon, name: &str) -> Client {
    let mut client = Client::connect(daemon);
    client.ask("V json");
    client.ask(&format!("U {name}"));
    let reply = client.ask(&json!({"do": "P", "name": name, "password": PASSWORD, "enter": false}).to_string());
    assert!(reply.starts_with("{\"ok\":\"P\""), "{reply}");
    client
}

/// Everything said, as stored: number, text, ref.
fn said(daemon: &Daemon) -> Vec<(u64, String, Option<String>)> {
    let database = daemon.database();
    let mut statement =
        database.prepare("SELECT seq, comment, ref FROM chat_history WHERE kind = 'chat' ORDER BY seq").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn row(seq: u64, text: &str, reference: &str) -> (u64, String, Option<String>) {
    (seq, text.to_owned(), Some(reference.to_owned()))
}

#[test]
fn repeated_over_the_same_connection_it_is_not_said_again() {
    let daemon = Daemon::start();
    let mut listener = Client::enter(&daemon, "listener");
    let mut program = Client::program(&daemon, "program");
    listener.skip_to("[program] entered");
    let first = ask(&mut program, "r1", "first");
    assert_eq!(ask(&mut program, "r1", "first"), first);
    // The ref decides, not the text; and case counts.
    assert_eq!(ask(&mut program, "r1", "something else"), first);
    assert_eq!(ask(&mut program, "R1", "second"), first + 1);
    assert_eq!(ask(&mut program, "r1", "first"), first);
    // Without a ref the same words are said as often as they are sent.
    program.ask("C - first");
    assert_eq!(
        [listener.line(), listener.line(), listener.line()],
        ["[program]: first", "[program]: second", "[program]: first"]
    );
    assert_eq!(said(&daemon), [row(first, "first", "r1"), row(first + 1, "second", "R1"), (first + 2, "first".into(), None)]);
}

#[test]
fn repeated_over_a_new_connection_it_is_not_said_again() {
    let daemon = Daemon::start();
    let first = ask(&mut Client::program(&daemon, "program"), "r1", "first");
    assert_eq!(ask(&mut Client::program(&daemon, "program"), "r1", "first"), first);
    assert_eq!(ask(&mut beside(&daemon, "program"), "r1", "first"), first);
    assert_eq!(said(&daemon), [row(first, "first", "r1")]);
}

#[test]
fn repeated_in_one_write_it_is_not_said_again() {
    const REFS: usize = 300;
    let daemon = Daemon::start();
    let mut program = beside(&daemon, "program");
    // Twice in a row, and all of them again.
    let twice: Vec<usize> = (0..REFS).flat_map(|n| [n, n]).chain(0..REFS).collect();
    let lines: String = twice.iter().map(|n| say(&format!("r{n}"), &n.to_string()) + "\n").collect();
    program.send_raw(lines.as_bytes());
    let mut first = None;
    for n in twice {
        let (echoed, seq) = answered(&mut program);
        let first = *first.get_or_insert(seq);
        assert_eq!((echoed, seq), (format!("r{n}"), first + n as u64));
    }
    let first = first.unwrap();
    assert_eq!(said(&daemon), (0..REFS).map(|n| row(first + n as u64, &n.to_string(), &format!("r{n}"))).collect::<Vec<_>>());
}

#[test]
fn said_over_two_connections_at_once_it_is_said_once() {
    const REFS: usize = 200;
    let daemon = Daemon::start();
    let mut clients = [Client::program(&daemon, "program"), beside(&daemon, "program"), beside(&daemon, "program")];
    let start = std::sync::Barrier::new(clients.len());
    let seqs = std::thread::scope(|scope| {
        let threads: Vec<_> = clients
            .iter_mut()
            .map(|client| {
                scope.spawn(|| {
                    start.wait();
                    let one_by_one: Vec<u64> = (0..REFS / 4).map(|n| ask(client, &format!("a{n}"), "a")).collect();
                    let lines: String = (0..REFS).map(|n| say(&format!("b{n}"), "b") + "\n").collect();
                    start.wait();
                    client.send_raw(lines.as_bytes());
                    one_by_one.into_iter().chain((0..REFS).map(|_| answered(client).1)).collect::<Vec<u64>>()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(seqs[0].len(), REFS / 4 + REFS);
    assert_eq!(seqs[0], seqs[1]);
    assert_eq!(seqs[0], seqs[2]);
    assert_eq!(said(&daemon).iter().map(|(seq, ..)| *seq).collect::<Vec<_>>(), seqs[0]);
}

#[test]
fn another_account_may_use_the_same_ref() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = (Client::program(&daemon, "alice"), Client::program(&daemon, "bob"));
    let first = ask(&mut alice, "r1", "of alice");
    let second = ask(&mut bob, "r1", "of bob");
    assert_eq!(second, first + 1);
    assert_eq!([ask(&mut alice, "r1", "x"), ask(&mut bob, "r1", "x")], [first, second]);
    assert_eq!(said(&daemon), [row(first, "of alice", "r1"), row(second, "of bob", "r1")]);
}

#[test]
fn it_is_remembered_after_a_clean_restart_and_after_a_kill() {
    let mut daemon = Daemon::start();
    let first = ask(&mut Client::program(&daemon, "program"), "r1", "first");
    assert!(daemon.stop().success());
    daemon.restart();
    assert_eq!(ask(&mut Client::program(&daemon, "program"), "r1", "first"), first);
    let second = ask(&mut Client::program(&daemon, "program"), "r2", "second");
    daemon.kill();
    daemon.restart();
    let mut program = Client::program(&daemon, "program");
    assert_eq!([ask(&mut program, "r2", "second"), ask(&mut program, "r1", "first")], [second, first]);
    assert_eq!(said(&daemon), [row(first, "first", "r1"), row(second, "second", "r2")]);
}

#[test]
fn sent_again_after_a_crash_each_is_said_exactly_once() {
    const REFS: usize = 2000;
    let mut daemon = Daemon::start();
    let mut program = beside(&daemon, "program");
    let mut writer = program.stream();
    // The killed daemon may have taken any part of this.
    let sending = std::thread::spawn(move || {
        let lines: String = (0..REFS).map(|n| say(&format!("r{n}"), &n.to_string()) + "\n").collect();
        let _ = std::io::Write::write_all(&mut writer, lines.as_bytes());
    });
    let answered_before: Vec<u64> = (0..REFS / 10).map(|_| answered(&mut program).1).collect();
    daemon.kill();
    sending.join().unwrap();
    drop(program);
    daemon.restart();
    let mut program = beside(&daemon, "program");
    let mut seqs = Vec::new();
    for n in 0..REFS {
        program.send(&say(&format!("r{n}"), &n.to_string()));
        if n % 100 == 99 {
            seqs.extend((0..100).map(|_| answered(&mut program).1));
        }
    }
    assert_eq!(seqs[..answered_before.len()], answered_before);
    assert_eq!(said(&daemon), (0..REFS).map(|n| row(seqs[n], &n.to_string(), &format!("r{n}"))).collect::<Vec<_>>());
}

#[test]
fn repeated_before_it_is_stored_it_is_answered_once_it_is() {
    let daemon = Daemon::start_with(&["--confirm-timeout-s", "1"]);
    let mut program = Client::program(&daemon, "program");
    let mut again = beside(&daemon, "program");
    // While another holds the database's write lock, nothing can be stored.
    let database = daemon.database();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    program.send(&say("r1", "first"));
    let event = program.json();
    assert_eq!(event["ref"], "r1");
    again.send(&say("r1", "first"));
    for client in [&mut program, &mut again] {
        let reply = client.json();
        assert_eq!((&reply["err"], &reply["ref"], &reply["seq"]), (&json!("unconfirmed"), &json!("r1"), &event["seq"]));
    }
    database.execute_batch("ROLLBACK").unwrap();
    let seq = event["seq"].as_u64().unwrap();
    assert_eq!([ask(&mut again, "r1", "first"), ask(&mut program, "r1", "first")], [seq; 2]);
    assert_eq!(said(&daemon), [row(seq, "first", "r1")]);
}

#[test]
fn it_is_remembered_however_much_was_said_since() {
    // More than the room keeps in memory, so that the first ones are found in the store alone.
    const REFS: usize = 9000;
    let daemon = Daemon::start();
    let mut program = beside(&daemon, "program");
    let mut seqs = Vec::new();
    for chunk in (0..REFS).collect::<Vec<_>>().chunks(250) {
        let lines: String = chunk.iter().map(|n| say(&format!("r{n}"), "x") + "\n").collect();
        program.send_raw(lines.as_bytes());
        seqs.extend(chunk.iter().map(|_| answered(&mut program).1));
    }
    for n in [0, 1, 100, REFS - 8193, REFS - 8192, REFS - 8191, REFS / 2, REFS - 1] {
        assert_eq!(ask(&mut program, &format!("r{n}"), "x"), seqs[n], "r{n}");
    }
    assert_eq!(said(&daemon).len(), REFS);
}
