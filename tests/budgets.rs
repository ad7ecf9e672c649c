//! Floods, guesses and crowds: who asks too much waits, or is told when to come back, and nobody else notices.
//!
//! This machine has as many addresses as a test wants: all of 127.0.0.0/8. `--trust none` makes strangers of them.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Client, Daemon, PASSWORD, eventually};

/// What an account may do at once is what ten seconds bring.
const BURST: usize = 10;

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn a_flood_is_slowed_down_and_loses_nothing() {
    let daemon = Daemon::start_with(&["--trust", "none", "--account-requests-s", "20"]);
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::connect_from(&daemon, "127.0.0.2");
    bob.log_in("bob");
    let (count, since) = (20 * BURST + 20, Instant::now());
    alice.send_raw((0..count).map(|number| format!("C - {number}\n")).collect::<String>().as_bytes());
    // While it is slowed down bob is not.
    assert!(bob.ask("C - hello").starts_with("OK "));
    for _ in 0..count {
        assert!(alice.reply().starts_with("OK "));
    }
    // 20 more than the burst take a second, less what came back meanwhile.
    assert!(since.elapsed() >= Duration::from_millis(700), "it was not slowed down: {:?}", since.elapsed());
}

#[test]
fn many_at_one_address_are_told_when_to_come_back() {
    let daemon = Daemon::start_with(&["--trust", "none", "--address-requests-s", "10"]);
    let mut other = Client::connect(&daemon);
    // 100 at once and 50 by waiting are the address's; coming and choosing a voice take 130 of them.
    let mut clients: Vec<Client> = (0..65).map(|_| Client::connect_from(&daemon, "127.0.0.2")).collect();
    clients.iter_mut().for_each(|client| assert!(client.ask("V json").contains("json")));
    let (told, replies) = channel();
    for mut client in clients {
        client.send("K");
        let told = told.clone();
        // Who waits is not waited for: the connection ends with the test.
        std::thread::spawn(move || while client.line_or_end().is_some_and(|line| told.send(line).is_ok()) {});
    }
    let refused = replies.iter().find(|reply| reply.starts_with(r#"{"err":"slow-down""#));
    let refused = json(&refused.expect("nobody was refused"));
    assert!((1..=6000).contains(&refused["retry_ms"].as_u64().unwrap()), "{refused}");
    let text = refused["text"].as_str().unwrap();
    assert!(text.contains("send the line again in "), "{text}");
    assert_eq!(other.ask("K"), "OK", "another address has its own");
}

#[test]
fn bytes_without_a_line_are_slowed_down_too() {
    let daemon = Daemon::start_with(&["--trust", "none", "--address-kib-s", "64"]);
    let mut flood = TcpStream::connect(daemon.address).unwrap();
    flood.set_nonblocking(true).unwrap();
    let (block, mut sent, since) = ([b'x'; 64 << 10], 0, Instant::now());
    // Far more than the kernel holds for it.
    while since.elapsed() < Duration::from_millis(1500) {
        match flood.write(&block) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
    // 640 KiB at once, 64 a second, and what waits in the kernel's buffers on both sides.
    assert!(sent < 16 << 20, "{sent} bytes were taken");
    assert_eq!(Client::connect_from(&daemon, "127.0.0.2").ask("K"), "OK");
}

#[test]
fn trusted_networks_have_no_budgets() {
    let flags =
        ["--trust", "127.0.0.2", "--address-requests-s", "1", "--account-requests-s", "1", "--max-address-connections", "3"];
    let daemon = Daemon::start_with(&flags);
    let mut crowd: Vec<Client> = (0..10).map(|_| Client::connect_from(&daemon, "127.0.0.2")).collect();
    for client in &mut crowd {
        client.send_raw(&b"K\n".repeat(100));
        (0..100).for_each(|_| assert_eq!(client.line(), "OK"));
    }
    let _others: Vec<Client> = (0..3).map(|_| Client::connect_from(&daemon, "127.0.0.3")).collect();
    Client::connect_from(&daemon, "127.0.0.3").expect("Closing (too-many): ");
}

#[test]
fn an_address_has_so_many_places_and_so_many_for_strangers() {
    let flags = ["--trust", "none", "--max-address-connections", "4", "--max-address-strangers", "2"];
    let daemon = Daemon::start_with(&flags);
    let come = || Client::connect_from(&daemon, "127.0.0.2");
    let mut members: Vec<Client> = Vec::new();
    for name in ["a", "b"] {
        let mut client = come();
        client.log_in(name);
        members.push(client);
    }
    let strangers = [come(), come()];
    come().expect("Closing (too-many): your address holds");
    drop(strangers);
    let mut stranger = None;
    eventually("there is a place again", || {
        let mut client = come();
        client.send("K");
        let has_place = client.line_or_end().is_some_and(|reply| reply == "OK");
        stranger = has_place.then_some(client);
        has_place
    });
    // Another address's places are its own.
    assert_eq!(Client::connect_from(&daemon, "127.0.0.3").ask("K"), "OK");
    members.iter_mut().for_each(|member| assert_eq!(member.ask("K"), "OK"));
}

#[test]
fn strangers_leave_places_to_members() {
    let daemon = Daemon::start_with(&["--max-connections", "6", "--max-strangers", "3"]);
    let mut alice = Client::enter(&daemon, "alice");
    let strangers: Vec<Client> = (0..3).map(|_| Client::connect(&daemon)).collect();
    let mut late = Client::connect(&daemon);
    late.expect("Closing (full): ");
    assert!(alice.ask("C - hello").starts_with("OK "));
    drop(strangers);
}

#[test]
fn sixty_people_behind_one_address_register() {
    let daemon = Daemon::start_with(&["--trust", "none"]);
    let mut people: Vec<Client> = (0..60).map(|_| Client::connect_from(&daemon, "127.0.0.2")).collect();
    for (number, client) in people.iter_mut().enumerate() {
        client.send(&format!("U person-{number}"));
        client.send(&format!("P person-{number} {PASSWORD}"));
    }
    for (number, client) in people.iter_mut().enumerate() {
        assert!(client.reply().starts_with("OK new "));
        let reply = client.reply();
        assert!(reply.starts_with(&format!("OK person-{number} ")), "{reply}");
    }
    // A factory of accounts is held up.
    let refused = (0..30).any(|number| {
        let mut one_more = Client::connect_from(&daemon, "127.0.0.2");
        one_more.ask(&format!("U one-more-{number}"));
        one_more.ask(&format!("P one-more-{number} {PASSWORD}")).starts_with("ERR slow-down ")
    });
    assert!(refused, "thirty more at once");
    Client::enter(&daemon, "elsewhere");
}

#[test]
fn guesses_are_refused_and_the_owner_gets_in() {
    let daemon = Daemon::start();
    Client::enter(&daemon, "alice").ask("E");
    // Each connection has three tries, and the address thirty, however many connections it makes.
    let mut guessers: Vec<Client> = (0..40).map(|_| Client::connect_from(&daemon, "127.0.0.2")).collect();
    for (number, guesser) in guessers.iter_mut().enumerate() {
        guesser.send(&format!("P nobody-{number} some-guess"));
    }
    let replies: Vec<String> = guessers.iter_mut().map(Client::reply).collect();
    let count = |start: &str| replies.iter().filter(|reply| reply.starts_with(start)).count();
    assert_eq!((count("ERR no-such-user "), count("ERR slow-down ")), (30, 10), "{replies:#?}");
    assert!(Client::connect(&daemon).ask(&format!("P alice {PASSWORD}")).starts_with("OK alice "));
}

#[test]
fn three_wrong_passwords_end_the_connection_and_no_account_is_locked() {
    let daemon = Daemon::start();
    Client::enter(&daemon, "alice").ask("E");
    for _ in 0..2 {
        let mut guesser = Client::connect_from(&daemon, "127.0.0.2");
        for left in ["2 tries left", "1 try left", "0 tries left"] {
            assert_eq!(guesser.ask("P alice wrong-password"), format!("ERR wrong-password {left}"));
        }
        guesser.expect("Closing (wrong-password): ");
        assert_eq!(guesser.rest(), [""; 0]);
    }
    assert!(Client::connect_from(&daemon, "127.0.0.3").ask(&format!("P alice {PASSWORD}")).starts_with("OK alice "));
}

/// Time is not measured in tests, but for this: that the two are of the same kind. One takes a hash's time, and the
/// other would take none.
#[test]
fn a_name_that_nobody_has_takes_as_long_as_a_wrong_password() {
    let daemon = Daemon::start_with(&["--bcrypt-cost", "10"]);
    Client::enter(&daemon, "alice").ask("E");
    let fastest = |name: &str| {
        let tries = (0..3).map(|_| {
            let mut client = Client::connect_from(&daemon, "127.0.0.2");
            client.ask("K");
            let since = Instant::now();
            let reply = client.ask(&format!("P {name} wrong-password"));
            assert!(reply.starts_with("ERR no-such-user ") || reply.starts_with("ERR wrong-password "), "{reply}");
            since.elapsed()
        });
        tries.min().unwrap()
    };
    let (known, unknown) = (fastest("alice"), fastest("bob"));
    assert!(unknown * 20 > known, "known {known:?}, unknown {unknown:?}");
}

#[test]
fn an_open_listener_and_trusted_loopback_are_warned_of() {
    for (flags, is_warned) in
        [(&["--listen", "0.0.0.0:0"][..], true), (&["--listen", "0.0.0.0:0", "--trust", "none"], false), (&[], false)]
    {
        let mut daemon = Daemon::start_with(flags);
        daemon.stop();
        let log = daemon.log();
        assert_eq!(log.contains("are trusted (--trust)"), is_warned, "{flags:?}: {log}");
    }
}
