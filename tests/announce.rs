//! `parlord --announce`: the operator speaks to everyone, through a socket that only the daemon's own
//! user can reach.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::harness::{Client, Daemon, assert_done, assert_refused, parlord};

#[test]
fn everyone_in_the_room_hears_it_in_their_voice_and_it_is_history() {
    let daemon = Daemon::start();
    let mut english = Client::enter(&daemon, "english");
    let mut chinese = Client::enter(&daemon, "chinese");
    chinese.ask("V zh");
    let mut program = Client::program(&daemon, "program");
    let mut stranger = Client::connect(&daemon);
    stranger.ask("K");
    english.skip_to("[program] entered");
    chinese.skip_to("[program] ");
    assert_done(&daemon.announce("closing at ten"), "announced to 3 connections");
    assert_eq!(english.line(), "Administrator: closing at ten");
    assert_eq!(chinese.line(), "管理员消息：closing at ten");
    let mut event = program.json();
    assert!(event["at"].take().is_string());
    let seq = event["seq"].clone();
    assert_eq!(event, json!({"event": "announcement", "room": "lobby", "seq": seq, "at": null, "text": "closing at ten"}));
    // A stranger hears nothing.
    assert_eq!(stranger.lines_of("K"), ["OK"]);
    // Printed once it is durable, so the row is there.
    let row: (u64, String, u64, Option<i64>) = daemon
        .database()
        .query_row("SELECT seq, comment, level, uid FROM chat_history WHERE kind = 'announcement'", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap();
    assert_eq!(row, (seq.as_u64().unwrap(), "closing at ten".into(), 1, None));
    for (client, want) in [(&mut english, "Administrator: closing at ten"), (&mut chinese, "管理员消息：closing at ten")]
    {
        let lines = client.lines_of("H - - 1");
        assert!(lines[0].starts_with(&format!("#{seq} ")) && lines[0].ends_with(want), "{lines:?}");
    }
    let items: Vec<Value> = program.objects_of("H - - 1");
    assert_eq!(
        (&items[0]["item"], &items[0]["seq"], &items[0]["text"]),
        (&json!("announcement"), &seq, &json!("closing at ten"))
    );
}

#[test]
fn an_announcement_of_two_lines_is_one_event_and_cannot_pass_for_a_reply() {
    let daemon = Daemon::start();
    let mut person = Client::enter(&daemon, "person");
    let mut program = Client::program(&daemon, "program");
    person.skip_to("[program] entered");
    assert_done(&daemon.announce("first\nOK 5\n[bob]: hi"), "announced to 2 connections");
    assert_eq!([person.line(), person.line(), person.line()], ["Administrator: first", "    OK 5", "    [bob]: hi"]);
    assert_eq!(program.json()["text"], "first\nOK 5\n[bob]: hi");
    assert_eq!(person.lines_of("H - - 1")[1..3], ["    OK 5", "    [bob]: hi"]);
}

#[test]
fn what_would_act_on_a_terminal_or_says_nothing_is_refused() {
    let daemon = Daemon::start();
    let mut person = Client::enter(&daemon, "person");
    let long = "x".repeat(4097);
    for text in ["", "  ", "\n", "\u{1b}[2J", "bell\u{7}", "over\rwritten", "a\nb\u{9b}31m", "evil\u{202e}txt", &long] {
        assert_refused(&daemon.announce(text));
    }
    assert_done(&daemon.announce(&long[..4096]), "announced to 1 connection");
    assert_eq!(person.line(), format!("Administrator: {}", &long[..4096]));
}

#[test]
fn without_a_daemon_it_says_so_and_exits_1() {
    let mut daemon = Daemon::start();
    let silent = tempfile::tempdir().unwrap();
    let missing = silent.path().join("missing");
    for data in [silent.path(), &missing] {
        let words = assert_refused(&parlord(data).args(["--announce", "hello"]).output().unwrap());
        assert!(words.contains("no parlord is running") && words.contains(&*data.to_string_lossy()), "{words}");
        // Asking makes nothing.
        assert!(!missing.exists() && silent.path().read_dir().unwrap().next().is_none());
    }
    // A killed daemon leaves its socket behind.
    daemon.kill();
    assert!(daemon.data().join("control.sock").exists());
    assert!(assert_refused(&daemon.announce("hello")).contains("no parlord is running"));
    daemon.restart();
    assert_done(&daemon.announce("hello"), "announced to 0 connections");
    assert!(daemon.stop().success());
    assert!(assert_refused(&daemon.announce("hello")).contains("no parlord is running"));
}

#[test]
fn the_data_directory_is_its_owners_alone_and_may_have_a_long_path() {
    let mode = |daemon: &Daemon| daemon.data().metadata().unwrap().permissions().mode() & 0o777;
    let made = Daemon::start();
    assert_eq!(mode(&made), 0o700);

    let open = tempfile::tempdir().unwrap();
    std::fs::create_dir(open.path().join("data")).unwrap();
    std::fs::set_permissions(open.path().join("data"), Permissions::from_mode(0o755)).unwrap();
    let found = Daemon::start_in(open, &[], &[]);
    assert_eq!(mode(&found), 0o700);

    // A socket's address holds 107 bytes.
    let long = Daemon::start_in(tempfile::Builder::new().prefix(&"d".repeat(200)).tempdir().unwrap(), &[], &[]);
    assert!(long.data().as_os_str().len() >= 200);
    let mut person = Client::enter(&long, "person");
    assert_done(&long.announce("hello"), "announced to 1 connection");
    assert_eq!(person.line(), "Administrator: hello");
}
