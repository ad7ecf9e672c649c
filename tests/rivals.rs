//! The promise about more than one wanting the same: a name, an account, a place, the hashing threads.
//! Exactly one gets it, and everyone else is told plainly.

use std::sync::Barrier;
use std::sync::mpsc::channel;

use crate::harness::{Client, Daemon, PASSWORD, is_reply};

#[test]
fn two_hundred_racers_for_one_name_have_one_winner() {
    // Hashing that takes a while keeps the race open for all of them.
    let daemon = Daemon::start_with(&["--bcrypt-cost", "8"]);
    const THREADS: usize = 8;
    let start = Barrier::new(THREADS);
    let race = |thread: usize| {
        let mut racers: Vec<Client> = (0..200 / THREADS).map(|_| Client::connect(&daemon)).collect();
        // Spelt in two ways: it is one name.
        let spelling = ["Racer", "racer"][thread % 2];
        for racer in &mut racers {
            assert!(racer.ask(&format!("U {spelling}")).starts_with("OK new "));
        }
        start.wait();
        for (number, racer) in racers.iter_mut().enumerate() {
            racer.send(&format!("P {spelling} password-{thread}-{number}"));
        }
        let replies: Vec<String> = racers.iter_mut().map(Client::reply).collect();
        // The losers' connections live, and see the name as what it is now.
        for (racer, reply) in racers.iter_mut().zip(&replies).filter(|(_, reply)| reply.starts_with("ERR ")) {
            assert!(racer.ask("K") == "OK", "after {reply}");
        }
        (replies, racers)
    };
    let finished: Vec<(Vec<String>, Vec<Client>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || race(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let replies: Vec<&String> = finished.iter().flat_map(|(replies, _)| replies).collect();
    assert_eq!(replies.len(), 200);
    let (winners, losers): (Vec<&String>, Vec<&String>) = replies.into_iter().partition(|reply| reply.starts_with("OK "));
    assert_eq!(winners.len(), 1, "{winners:?}");
    for loser in losers {
        assert!(loser.starts_with("ERR name-taken ") || loser.starts_with("ERR busy "), "{loser}");
    }
    let rows: u64 = daemon.database().query_row("SELECT count(*) FROM base_info", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1);
}

#[test]
fn a_name_taken_in_between_can_be_left_for_another() {
    let daemon = Daemon::start();
    let mut late = Client::connect(&daemon);
    assert!(late.ask("U alice").starts_with("OK new "));
    Client::enter(&daemon, "Alice").ask("E");
    assert!(late.ask("P alice my-own-password").starts_with("ERR name-taken "));
    assert!(late.ask("U alice").starts_with("OK known Alice "));
    assert!(late.ask("P alice my-own-password").starts_with("ERR wrong-password 2 "), "being late has cost no try");
    assert!(late.log_in("alicia").starts_with("OK alicia "));
}

#[test]
fn a_rush_of_passwords_is_told_busy_and_it_costs_no_try() {
    let daemon = Daemon::start_with(&["--bcrypt-cost", "9"]);
    Client::enter(&daemon, "alice").ask("E");
    let mut late = Client::connect(&daemon);
    assert!(late.ask("U bob").starts_with("OK new bob "));
    Client::enter(&daemon, "bob").ask("E");
    // More than twice as many as may wait.
    let mut rush: Vec<Client> = (0..160).map(|_| Client::connect_from(&daemon, "127.0.0.2")).collect();
    rush.iter_mut().for_each(|client| client.send("P alice wrong-password"));
    let (answered, answers) = channel();
    std::thread::scope(|scope| {
        for mut client in rush {
            let answered = answered.clone();
            scope.spawn(move || answered.send((client.reply(), client)));
        }
        drop(answered);
        let mut busy = Vec::new();
        for (reply, client) in answers {
            if reply == "ERR wrong-password 2 tries left" || reply.starts_with("ERR slow-down ") {
                continue;
            }
            assert!(reply.starts_with("ERR busy "), "{reply}");
            if busy.is_empty() {
                // Now, that so many wait, whoever is refused before hashing is not told busy.
                assert!(late.ask(&format!("P bob {PASSWORD}")).starts_with("ERR name-taken "));
            }
            busy.push(client);
        }
        assert!(busy.len() >= 90, "told busy: {}", busy.len());
        for client in &mut busy {
            assert_eq!(client.ask("K"), "OK", "it has cost no try");
        }
    });
}

#[test]
fn a_second_login_replaces_the_first_and_the_room_hears_nothing() {
    let daemon = Daemon::start();
    let (mut first, mut bob) = (Client::enter(&daemon, "alice"), Client::enter(&daemon, "bob"));
    first.skip_to("[bob] entered");
    let mut second = Client::connect(&daemon);
    assert!(second.ask(&format!("P ALICE {PASSWORD}")).starts_with("OK alice 2 3 "), "the room has not moved on");
    first.expect("Closing (replaced)");
    assert_eq!(first.rest(), [""; 0]);
    assert_eq!(second.ask("C - still me"), "OK 4");
    assert_eq!(bob.line(), "[alice]: still me");
    bob.ask("C - good");
    assert_eq!(second.line(), "[bob]: good", "the second hears the room from its entry on");
    second.ask("E");
    assert_eq!(bob.line(), "[alice] left the room");
    assert_eq!(bob.only_reply("W"), "OK 1 bob");
}

#[test]
fn a_program_that_is_replaced_is_told_by_an_event() {
    let daemon = Daemon::start();
    let mut first = Client::program(&daemon, "robot");
    let _second = Client::program(&daemon, "robot");
    let last_words = first.json();
    assert_eq!((&last_words["event"], &last_words["reason"]), (&"closing".into(), &"replaced".into()));
    assert!(last_words.get("retry_ms").is_none(), "coming back would only replace the other: {last_words}");
    assert_eq!(first.rest(), [""; 0]);
}

#[test]
fn many_logins_of_one_account_at_once_leave_one() {
    let daemon = Daemon::start();
    let mut bob = Client::enter(&daemon, "bob");
    Client::enter(&daemon, "alice").ask("E");
    bob.skip_to("[alice] left");
    let mut clients: Vec<Client> = (0..20).map(|_| Client::connect(&daemon)).collect();
    for client in &mut clients {
        client.send(&format!("P alice {PASSWORD}"));
    }
    // Replaced before its login was durable, one may be told only that; but never nothing.
    let first_lines: Vec<String> = clients.iter_mut().map(Client::line).collect();
    let is_last_word = |line: &String| line.starts_with("Closing (replaced)");
    assert!(first_lines.iter().all(|line| line.starts_with("OK alice 2 ") || is_last_word(line)), "{first_lines:#?}");
    assert_eq!(bob.line(), "[alice] entered the room");
    assert_eq!(bob.only_reply("W"), "OK 2 alice bob");
    clients.iter_mut().for_each(Client::end_input);
    let later_lines: Vec<String> = clients.iter_mut().flat_map(Client::rest).collect();
    assert_eq!(first_lines.iter().chain(&later_lines).filter(|line| is_last_word(line)).count(), 19, "{later_lines:#?}");
    assert_eq!(bob.line(), "[alice] left the room");
    assert_eq!(bob.only_reply("W"), "OK 1 bob", "one entry and one leaving, however many came");
}

#[test]
fn a_full_daemon_says_so_and_takes_the_next_when_somebody_goes() {
    let daemon = Daemon::start_with(&["--max-connections", "2"]);
    let (alice, mut bob) = (Client::enter(&daemon, "alice"), Client::enter(&daemon, "bob"));
    for lang in ["", "V json\n"] {
        let mut third = Client::connect(&daemon);
        third.send_raw(lang.as_bytes());
        third.expect("Closing (full)");
        assert_eq!(third.rest(), [""; 0]);
    }
    assert_eq!(bob.ask("K"), "OK");
    drop(alice);
    bob.skip_to("[alice] left");
    // The place is free soon after the leaving is heard.
    loop {
        let mut next = Client::connect(&daemon);
        next.send("K");
        let line = next.line();
        if is_reply(&line) {
            break assert_eq!(line, "OK");
        }
        assert!(line.starts_with("Closing (full)"), "{line}");
    }
}
