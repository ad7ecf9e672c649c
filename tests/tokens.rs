//! The promise about programs logging in: tokens instead of passwords, of which only a hash is kept,
//! and scripts beside a person that replace nobody.

use serde_json::Value;

use crate::harness::{Client, Daemon, PASSWORD};
use crate::login::files_with;

const DAY_MS: i64 = 24 * 3600 * 1000;

#[test]
fn a_token_logs_in_as_a_password_does() {
    let daemon = Daemon::start();
    let token = token_of(&daemon, "Alice");
    let mut alice = Client::connect(&daemon);
    assert!(alice.ask(&format!("I {token}")).starts_with("OK Alice 1 "), "in a people's voice");
    let mut bob = Client::enter(&daemon, "bob");
    assert_eq!(bob.ask("W"), "OK 2 Alice bob");
    bob.ask("C - hello");
    alice.skip_to("[bob]: hello");
    let mut program = Client::connect(&daemon);
    program.ask("V json");
    program.send(&format!(r#"{{"do":"I","token":"{token}","ref":"r"}}"#));
    let welcome = program.json();
    assert_eq!((&welcome["ok"], &welcome["ref"], &welcome["name"]), (&"I".into(), &"r".into(), &"Alice".into()));
    assert_eq!((&welcome["count"], &welcome["names"]), (&2.into(), &serde_json::json!(["Alice", "bob"])));
    assert!(alice.line().starts_with("Closing (replaced)"), "like any second login");
    assert!(program.ask("C - as Alice").starts_with("{\"ok\":\"C\""));
    assert_eq!(bob.line(), "[Alice]: as Alice");
}

#[test]
fn only_programs_are_given_tokens() {
    let daemon = Daemon::start();
    assert_eq!(Client::connect(&daemon).log_in("alice"), "OK alice 1 2 here: alice - to speak: C - hello");
    assert_eq!(tokens_in(&daemon), 0);
    let token = token_of(&daemon, "alice");
    assert!(token.len() == 32 && token.bytes().all(|b| b.is_ascii_hexdigit()), "128 bits: {token}");
    assert_ne!(token, token_of(&daemon, "alice"), "each login has its own");
    assert_eq!(tokens_in(&daemon), 2);
}

#[test]
fn an_unknown_token_is_refused_and_costs_no_try() {
    let daemon = Daemon::start();
    let token = token_of(&daemon, "alice");
    let mut client = Client::connect(&daemon);
    let off_by_one = token.replacen(|c| c != '0', "0", 1);
    for bad in ["x", &token[1..], &format!("{token}0"), &off_by_one, "%", &"0".repeat(500)] {
        assert!(client.only_reply(format!("I {bad}")).starts_with("ERR bad-token "), "{bad}");
    }
    assert!(client.ask(&format!("I {token}")).starts_with("OK alice "));
}

#[test]
fn of_100_connections_at_once_with_one_token_one_stays_and_the_others_are_told() {
    let daemon = Daemon::start();
    let token = token_of(&daemon, "alice");
    let start = &std::sync::Barrier::new(100);
    let mut clients: Vec<Client> = std::thread::scope(|scope| {
        let tries = [(); 100].map(|()| {
            let mut client = Client::connect(&daemon);
            let token = &token;
            scope.spawn(move || {
                start.wait();
                client.send(&format!("I {token}"));
                // Whoever is replaced while it comes in has no other answer.
                let answer = client.line();
                assert!(answer.starts_with("OK alice 1 ") || answer.starts_with("Closing (replaced)"), "{answer}");
                client
            })
        });
        tries.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let mut observer = Client::enter(&daemon, "observer");
    assert_eq!(observer.ask("W"), "OK 2 alice observer");
    observer.ask("C - who is there");
    let heard = clients.iter_mut().map(|client| client.line_or_end().unwrap_or_default());
    let heard: Vec<String> = heard.filter(|line| !line.is_empty() && !line.starts_with("Closing (replaced)")).collect();
    assert_eq!(heard, ["[observer] entered the room"], "one is there");
    assert_eq!(tokens_in(&daemon), 1);
}

#[test]
fn an_account_keeps_its_10_newest_tokens() {
    let daemon = Daemon::start();
    let others = token_of(&daemon, "bob");
    let tokens: Vec<String> = (0..11).map(|_| token_of(&daemon, "alice")).collect();
    assert!(log_in_by(&daemon, &tokens[0]).starts_with("ERR bad-token "), "the eleventh takes the first one's place");
    for (number, token) in tokens.iter().enumerate().skip(1) {
        assert!(log_in_by(&daemon, token).starts_with("OK alice "), "number {number}");
    }
    assert!(log_in_by(&daemon, &others).starts_with("OK bob "), "each account has its own ten");
    assert_eq!(tokens_in(&daemon), 11);
}

#[test]
fn a_token_just_given_is_kept_even_if_the_clock_was_set_back() {
    let daemon = Daemon::start();
    (0..10).for_each(|_| _ = token_of(&daemon, "alice"));
    // What setting the clock back by a day makes of the ten.
    daemon.database().execute("UPDATE login_token SET used_time = used_time + ?1", [DAY_MS]).unwrap();
    let newest = token_of(&daemon, "alice");
    assert!(log_in_by(&daemon, &newest).starts_with("OK alice "));
}

#[test]
fn a_token_lives_30_days_from_its_last_use() {
    let daemon = Daemon::start();
    let token = token_of(&daemon, "alice");
    let age = |days: i64| {
        let changed = daemon.database().execute("UPDATE login_token SET used_time = used_time - ?1", [days * DAY_MS]).unwrap();
        assert_eq!(changed, 1);
    };
    for _ in 0..2 {
        age(29);
        assert!(log_in_by(&daemon, &token).starts_with("OK alice "), "a use renews it");
    }
    age(31);
    assert!(log_in_by(&daemon, &token).starts_with("ERR bad-token "));
}

#[test]
fn only_a_tokens_hash_is_kept() {
    let mut daemon = Daemon::start_with_variables(&[("PARLOR_LOG", "trace")]);
    let token = token_of(&daemon, "alice");
    assert!(log_in_by(&daemon, &token).starts_with("OK alice "));
    assert_eq!(tokens_in(&daemon), 1);
    // Killed, so that the write-ahead log is still there to be searched.
    daemon.kill();
    let bits: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&token[at * 2..at * 2 + 2], 16).unwrap()).collect();
    for trace in [token.as_bytes(), &bits] {
        assert_eq!(files_with(&daemon.data(), trace), [""; 0]);
    }
    assert!(!daemon.log().contains(&token));
}

#[test]
fn a_token_outlives_a_crash() {
    let mut daemon = Daemon::start();
    let token = token_of(&daemon, "alice");
    daemon.kill();
    daemon.restart();
    assert!(log_in_by(&daemon, &token).starts_with("OK alice "), "it was answered, so it is stored");
}

#[test]
fn a_script_beside_a_person_replaces_nobody_and_is_announced_to_nobody() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = (Client::enter(&daemon, "alice"), Client::enter(&daemon, "bob"));
    alice.skip_to("[bob] entered");
    for flags in [r#""enter":false"#, r#""enter":false,"listen":true"#] {
        let (mut script, welcome) = script_of(&daemon, "alice", flags);
        assert_eq!((&welcome["count"], &welcome["names"]), (&2.into(), &serde_json::json!(["alice", "bob"])), "{flags}");
        let history = script.objects_of(r#"{"do":"H","n":1}"#);
        assert_eq!(history.last().unwrap()["count"], 1, "it may read: {history:?}");
        assert!(script.ask("W").contains("\"count\":2"));
        assert!(script.ask("C - by script").starts_with("{\"ok\":\"C\""), "it may speak");
        assert!(script.ask("E").starts_with("{\"ok\":\"E\""));
        // Neither heard it come or go, but both heard it speak.
        assert_eq!(bob.line(), "[alice]: by script");
        assert_eq!(alice.line(), "[alice]: by script", "another connection's words, and her own connection lives");
    }
    assert_eq!(alice.only_reply("W"), "OK 2 alice bob");
}

#[test]
fn a_script_alone_is_nobody_in_the_room() {
    let daemon = Daemon::start();
    let (_, welcome) = script_of(&daemon, "alice", r#""enter":false"#);
    assert_eq!((&welcome["count"], &welcome["names"]), (&0.into(), &serde_json::json!([])));
    let welcome = Client::connect(&daemon).log_in("bob");
    assert_eq!(welcome, "OK bob 1 2 here: bob - to speak: C - hello");
}

#[test]
fn a_script_hears_the_room_only_if_it_says_listen() {
    let daemon = Daemon::start();
    let (mut silent, _) = script_of(&daemon, "robot", r#""enter":false"#);
    let (mut listening, welcome) = script_of(&daemon, "robot", r#""enter":false,"listen":true"#);
    let seq = welcome["seq"].as_u64().unwrap();
    let mut bob = Client::enter(&daemon, "bob");
    bob.ask("C - hello");
    assert!(silent.ask("C - from the silent one").starts_with("{\"ok\":\"C\""));
    bob.ask("E");
    let heard: Vec<(Value, Value)> =
        (0..4).map(|_| listening.json()).map(|mut event| (event["event"].take(), event["seq"].take())).collect();
    let want =
        [("enter", 1), ("chat", 2), ("chat", 3), ("leave", 4)].map(|(event, after)| (event.into(), (seq + after).into()));
    assert_eq!(heard, want, "everything from its login on");
    silent.send(r#"{"do":"K","ref":"next"}"#);
    assert_eq!(silent.line(), r#"{"ok":"K","ref":"next"}"#, "nothing stands before it");
}

#[test]
fn flags_of_another_type_are_bad_json_and_log_nobody_in() {
    let daemon = Daemon::start();
    let token = token_of(&daemon, "alice");
    let mut client = Client::connect(&daemon);
    client.ask("V json");
    for flags in [r#""enter":"false""#, r#""enter":0"#, r#""enter":false,"listen":1"#] {
        for login in [format!(r#""do":"P","name":"alice","password":"{PASSWORD}""#), format!(r#""do":"I","token":"{token}""#)] {
            let reply = client.ask(&format!("{{{login},{flags}}}"));
            assert!(reply.starts_with("{\"err\":\"bad-json\""), "{login},{flags}: {reply}");
        }
    }
    assert!(client.ask("W").starts_with("{\"err\":\"login-first\""));
}

/// Logs in, which gives a token, and leaves again.
pub fn token_of(daemon: &Daemon, name: &str) -> String {
    let mut program = Client::connect(daemon);
    program.ask("V json");
    let welcome: Value = serde_json::from_str(&program.log_in(name)).unwrap();
    program.ask("E");
    welcome["token"].as_str().unwrap().to_owned()
}

pub fn log_in_by(daemon: &Daemon, token: &str) -> String {
    Client::connect(daemon).ask(&format!("I {token}"))
}

/// Logs in with these flags; also returns the reply to `P`.
pub fn script_of(daemon: &Daemon, name: &str, flags: &str) -> (Client, Value) {
    let mut script = Client::connect(daemon);
    script.ask("V json");
    script.ask(&format!("U {name}"));
    script.send(&format!(r#"{{"do":"P","name":"{name}","password":"{PASSWORD}",{flags}}}"#));
    let welcome = script.json();
    assert_eq!(welcome["ok"], "P", "{welcome}");
    (script, welcome)
}

fn tokens_in(daemon: &Daemon) -> u64 {
    daemon.database().query_row("SELECT count(*) FROM login_token", [], |row| row.get(0)).unwrap()
}
