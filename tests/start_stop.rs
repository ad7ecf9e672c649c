//! Starting and stopping: the ready line, refusals that name what is wrong and change nothing, and a stop
//! that tells everyone and stores everything, or says how much it could not.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::harness::{Client, Daemon, parlord, seq_of, wait};

/// Runs a command to its end: exit code, standard output, standard error.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let code = wait(&mut child).code().unwrap();
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.unwrap().read_to_string(&mut out).unwrap();
    child.stderr.unwrap().read_to_string(&mut err).unwrap();
    (code, out, err)
}

/// A start that must be refused: with this exit code, these words, and no ready line.
#[track_caller]
pub(crate) fn refused(command: &mut Command, code: i32, words: &[&str]) {
    let (got, out, err) = run(command);
    assert_eq!((got, out.as_str()), (code, ""), "{err}");
    for word in words {
        assert!(err.contains(word), "{word:?} is not in {err}");
    }
    assert!(!err.contains("panicked"), "{err}");
}

/// A daemon without the harness's flags, and what it says when it is ready.
pub(crate) fn start_bare(command: &mut Command, listeners: usize) -> (Child, Vec<String>) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut lines = vec![String::new(); listeners];
    lines.iter_mut().for_each(|line| _ = out.read_line(line).unwrap());
    // It is told to stop while its output is still open, so that a line too many would show.
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(wait(&mut child).code(), Some(0));
    out.read_to_string(lines.last_mut().unwrap()).unwrap();
    (child, lines)
}

#[test]
fn there_is_one_ready_line_for_each_listener() {
    let directory = tempfile::tempdir().unwrap();
    let (_, lines) = start_bare(
        parlord(directory.path()).args(["--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"]),
        3,
    );
    let port = |line: &String| {
        line.strip_prefix("listening on 127.0.0.1:").unwrap().strip_suffix('\n').unwrap().parse::<u16>().unwrap()
    };
    let mut ports: Vec<u16> = lines.iter().map(port).collect();
    ports.sort_unstable();
    ports.dedup();
    assert!(ports.len() == 3 && ports[0] > 0, "{lines:?}");
}

#[test]
fn a_second_daemon_on_the_same_directory_is_refused() {
    let daemon = Daemon::start();
    let pid = format!("pid {}", daemon.pid());
    refused(&mut parlord(&daemon.data()), 69, &["another parlord", &pid, daemon.data().to_str().unwrap()]);
    // The first one did not notice.
    let mut alice = Client::enter(&daemon, "alice");
    assert!(alice.ask("C - still here").starts_with("OK "));
    let (code, out, err) = run(parlord(&daemon.data()).args(["--announce", "all is well"]));
    assert_eq!((code, out.as_str()), (0, "announced to 1 connection\n"), "{err}");
}

#[test]
fn an_address_in_use_is_named() {
    let (daemon, directory) = (Daemon::start(), tempfile::tempdir().unwrap());
    let address = daemon.address.to_string();
    refused(parlord(directory.path()).args(["--listen", &address]), 69, &["cannot listen on", &address]);
}

#[test]
fn a_data_directory_that_cannot_be_used_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "not a directory").unwrap();
    // Permissions do not stop root, who may be running this; these do.
    for data in [file.clone(), file.join("data"), "/proc/parlor-data".into(), "/dev/null".into()] {
        refused(&mut parlord(&data), 73, &["cannot use the data directory", data.to_str().unwrap(), "--data"]);
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), "not a directory");
}

/// A database with something in it, closed and in one file.
fn database_in_use(path: &Path) {
    let mut daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    for _ in 0..20 {
        alice.ask(&format!("C - {}", "x".repeat(2000)));
    }
    // Otherwise the daemon waits a little for the other end to close too.
    drop(alice);
    assert_eq!(daemon.stop().code(), Some(0));
    daemon.database().execute_batch("PRAGMA journal_mode = DELETE").unwrap();
    std::fs::copy(daemon.data().join("parlor.db"), path).unwrap();
}

#[test]
fn a_corrupt_database_is_named_and_left_as_it_is() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 5] = [
        ("garbage", |bytes| *bytes = b"garbage that is no database".repeat(500)),
        ("its first page overwritten", |bytes| bytes[..4096].fill(0xa5)),
        ("its schema overwritten", |bytes| bytes[100..4096].fill(0xa5)),
        ("half of it gone", |bytes| bytes.truncate(bytes.len() / 2 / 4096 * 4096)),
        ("another program's", |bytes| {
            let file = tempfile::NamedTempFile::new().unwrap();
            Connection::open(file.path()).unwrap().execute_batch("CREATE TABLE somebody_elses (x)").unwrap();
            *bytes = std::fs::read(file.path()).unwrap();
        }),
    ];
    let template = tempfile::NamedTempFile::new().unwrap();
    database_in_use(template.path());
    for (what, damage) in damages {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("parlor.db");
        let mut bytes = std::fs::read(template.path()).unwrap();
        damage(&mut bytes);
        std::fs::write(&path, &bytes).unwrap();
        println!("{what}");
        refused(&mut parlord(directory.path()), 65, &[path.to_str().unwrap(), "nothing was changed"]);
        assert!(std::fs::read(&path).unwrap() == bytes, "{what}: the file has changed");
    }
}

#[test]
fn a_database_of_a_newer_version_is_named_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("parlor.db");
    database_in_use(&path);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = std::fs::read(&path).unwrap();
    refused(&mut parlord(directory.path()), 78, &[path.to_str().unwrap(), "newer", "99"]);
    assert!(std::fs::read(&path).unwrap() == before, "the file has changed");
}

#[test]
fn what_a_killed_daemon_leaves_behind_does_not_stop_the_next() {
    let mut daemon = Daemon::start();
    daemon.kill();
    assert!(daemon.data().join("control.sock").exists() && daemon.data().join("lock").exists());
    daemon.restart();
    let (code, out, _) = run(parlord(&daemon.data()).args(["--announce", "back again"]));
    assert_eq!((code, out.as_str()), (0, "announced to 0 connections\n"));
}

#[test]
fn both_signals_tell_everyone_and_exit_cleanly() {
    for signal in ["TERM", "INT"] {
        let mut daemon = Daemon::start();
        let mut person = Client::enter(&daemon, "alice");
        let mut program = Client::program(&daemon, "bob");
        let mut stranger = Client::connect(&daemon);
        stranger.ask("U carol");
        person.line();
        daemon.signal(signal);
        assert_eq!(person.line(), "The server is stopping.");
        person.expect("Closing (shutting-down)");
        assert_eq!(person.rest(), [""; 0]);
        let stopping = program.json();
        assert_eq!(stopping["event"], "stopping", "{stopping}");
        let closing = program.json();
        assert_eq!((&closing["event"], &closing["reason"]), (&json!("closing"), &json!("shutting-down")));
        assert!(closing["retry_ms"].is_u64(), "{closing}");
        assert_eq!(program.rest(), [""; 0]);
        stranger.expect("Closing (shutting-down)");
        assert_eq!(stranger.rest(), [""; 0]);
        drop((person, program, stranger));
        assert_eq!(daemon.wait().code(), Some(0));
        // Numbers have no gap: the next start is the next number.
        daemon.restart();
        let sql = "SELECT kind FROM chat_history WHERE seq = ?1";
        let kind: String = daemon.database().query_row(sql, [stopping["seq"].as_u64().unwrap() + 1], |row| row.get(0)).unwrap();
        assert_eq!(kind, "started");
    }
}

/// The talk that is stored: text by number.
fn stored(daemon: &Daemon) -> BTreeMap<u64, String> {
    let database = daemon.database();
    let mut statement = database.prepare("SELECT seq, comment FROM chat_history WHERE kind = 'chat'").unwrap();
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

/// Six people talk as fast as they can; the daemon is told to stop when so much has been heard. Adds to
/// `heard`, and returns what each of them was told.
fn stop_under_load(daemon: &mut Daemon, enough: usize, heard: &mut BTreeMap<u64, String>) -> Vec<(String, Vec<String>)> {
    let mut listener = Client::program(daemon, "listener");
    let mut speakers = ["a", "b", "c", "d", "e", "f"].map(|name| (name, Client::enter(daemon, name)));
    let pouring = speakers.each_ref().map(|(name, client)| {
        let (name, mut stream) = (*name, client.stream());
        thread::spawn(move || {
            // More than is taken before the stop; the rest is read and thrown away.
            for start in (0..100_000).step_by(100) {
                let lines: String = (start..start + 100).map(|number| format!("C - {enough} {name} {number}\n")).collect();
                if stream.write_all(lines.as_bytes()).is_err() {
                    return;
                }
            }
        })
    });
    let (mut chats, mut ending) = (0, Vec::new());
    while let Some(line) = listener.line_or_end() {
        let event: Value = serde_json::from_str(&line).unwrap();
        if event["event"] != "chat" {
            ending.push(event["event"].as_str().unwrap().to_owned());
            continue;
        }
        heard.insert(event["seq"].as_u64().unwrap(), event["text"].as_str().unwrap().to_owned());
        chats += 1;
        if chats == enough {
            daemon.signal("TERM");
        }
    }
    assert_eq!(&ending[ending.len() - 2..], ["stopping", "closing"]);
    let mut rest = |(name, client): &mut (&str, Client)| {
        let lines = std::iter::from_fn(|| client.line_or_end()).collect();
        (format!("{enough} {name}"), lines)
    };
    let told = speakers.iter_mut().map(&mut rest).collect();
    drop((speakers, listener));
    pouring.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(daemon.wait().code(), Some(0));
    told
}

#[test]
fn stopping_under_load_stores_everything_that_was_heard_or_answered() {
    let mut daemon = Daemon::start();
    let mut heard = BTreeMap::new();
    // Several times: a stop can meet the talkers at different moments.
    for enough in [1, 300, 1000, 3000] {
        let told = stop_under_load(&mut daemon, enough, &mut heard);
        let log = daemon.log();
        assert!(!log.contains("panicked"), "{log}");
        daemon.restart();
        let stored = stored(&daemon);
        assert!(stored == heard, "{} stored, {} heard", stored.len(), heard.len());
        for (name, lines) in told {
            assert!(lines.last().unwrap().starts_with("Closing (shutting-down)"), "{name}: {:?}", lines.last());
            // Replies come in the order of the requests.
            for (number, ok) in lines.iter().filter(|line| line.starts_with("OK ")).enumerate() {
                assert_eq!(stored.get(&seq_of(ok)), Some(&format!("{name} {number}")));
            }
        }
    }
}

#[test]
fn a_stop_at_its_deadline_says_how_much_was_not_stored() {
    let mut daemon = Daemon::start_with(&["--stop-timeout-s", "1"]);
    let mut alice = Client::enter(&daemon, "alice");
    let mut listener = Client::program(&daemon, "listener");
    alice.line();
    let lock = daemon.database();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    (1..=3).for_each(|number| alice.send(&format!("C - {number}")));
    (1..=3).for_each(|number| assert_eq!(listener.json()["text"], number.to_string()));
    daemon.signal("TERM");
    assert_eq!(listener.json()["event"], "stopping");
    assert_eq!(listener.json()["reason"], "shutting-down");
    assert_eq!(listener.rest(), [""; 0]);
    let lines = alice.rest();
    assert!(!lines.iter().any(|line| line.starts_with("OK")), "not one of them was stored: {lines:?}");
    assert_eq!(daemon.wait().code(), Some(75));
    // Three messages and the stopping itself.
    let log = daemon.log();
    assert!(log.contains("4 records not stored"), "{log}");
    drop(lock);
    assert_eq!(stored(&daemon), BTreeMap::new());
}

#[test]
fn a_sender_who_waits_at_the_deadline_is_told_why_the_connection_closes() {
    let mut daemon = Daemon::start_with(&["--stop-timeout-s", "1"]);
    let mut alice = Client::enter(&daemon, "alice");
    let lock = daemon.database();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    alice.send("C - heard and not stored");
    daemon.signal("TERM");
    let lines = alice.rest();
    assert!(lines.last().is_some_and(|line| line.starts_with("Closing (shutting-down)")), "{lines:?}");
    assert_eq!(daemon.wait().code(), Some(75));
}

#[test]
fn a_start_that_fails_takes_no_numbers() {
    let mut daemon = Daemon::start();
    let taken = Daemon::start();
    drop(Client::enter(&daemon, "alice"));
    assert_eq!(daemon.stop().code(), Some(0));
    let reserved = |daemon: &Daemon| -> u64 {
        daemon.database().query_row("SELECT reserved_seq FROM room", [], |row| row.get(0)).unwrap()
    };
    let before = reserved(&daemon);
    for _ in 0..3 {
        let address = taken.address.to_string();
        refused(parlord(&daemon.data()).args(["--listen", &address]), 69, &["cannot listen on"]);
    }
    assert_eq!(reserved(&daemon), before);
}

#[test]
fn after_a_clean_stop_one_file_holds_everything() {
    let mut daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    assert!(alice.ask("C - remember me").starts_with("OK "));
    drop(alice);
    assert_eq!(daemon.stop().code(), Some(0));
    let copy = tempfile::NamedTempFile::new().unwrap();
    std::fs::copy(daemon.data().join("parlor.db"), copy.path()).unwrap();
    let sql = "SELECT count(*) FROM chat_history WHERE comment = 'remember me'";
    let found: i64 = Connection::open(copy.path()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(found, 1);
}

#[test]
fn a_reader_in_the_way_of_the_last_checkpoint_is_not_waited_for() {
    let mut daemon = Daemon::start_with(&["--stop-timeout-s", "1"]);
    drop(Client::enter(&daemon, "alice"));
    let reader = daemon.database();
    reader.execute_batch("BEGIN; SELECT count(*) FROM chat_history").unwrap();
    assert_eq!(daemon.stop().code(), Some(0));
}
