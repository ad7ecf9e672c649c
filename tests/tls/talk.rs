//! Talk through TLS is talk: the same lines, and whole ones, however slowly somebody reads.

use std::net::TcpStream;
use std::thread;

use crate::harness::{Client, Daemon, seq_of};

#[test]
fn people_with_tls_and_without_it_are_in_one_room() {
    let daemon = Daemon::start_with_tls(&[]);
    let mut alice = Client::connect(&daemon);
    assert!(alice.ask("U alice").starts_with("OK new alice "));
    assert!(alice.ask("P alice correct-horse").starts_with("OK alice 1 2 "));
    let mut bob = Client::over(TcpStream::connect(daemon.address).unwrap());
    bob.log_in("bob");
    alice.expect("[bob] entered the room");
    assert_eq!(alice.ask("C - hello"), "OK 4");
    assert_eq!(bob.line(), "[alice]: hello");
    assert_eq!(seq_of(&bob.ask("C bob hi")), 5);
    assert_eq!(alice.line(), "[bob]: hi");
    // Many at once, in pieces that end anywhere.
    let lines: String = (0..2000).map(|number| format!("C - {number:0200}\n")).collect();
    for piece in lines.as_bytes().chunks(7001) {
        alice.send_raw(piece);
    }
    for number in 0..2000 {
        assert_eq!(seq_of(&alice.line()), number + 6);
        assert_eq!(bob.line(), format!("[alice]: {number:0200}"));
    }
    assert!(alice.ask("E -").starts_with("OK"));
    // The end, in TLS's words: without them reading would fail.
    assert_eq!(alice.rest(), [""; 0]);
    assert_eq!(bob.line(), "[alice] left the room");
}

#[test]
fn whatever_was_asked_before_the_end_of_input_is_answered() {
    let daemon = Daemon::start_with_tls(&[]);
    for (name, in_words) in [("alice", true), ("bob", false)] {
        let mut client = Client::enter(&daemon, name);
        client.send_raw(b"C - first\nC - second\nC - not whole");
        if in_words {
            client.end_input();
        } else {
            // As `ncat --ssl` does.
            client.stream().shutdown(std::net::Shutdown::Write).unwrap();
        }
        let replies = [client.reply(), client.reply()].map(|reply| seq_of(&reply));
        assert_eq!(replies[1], replies[0] + 1);
        assert_eq!(client.rest(), [""; 0], "{name}");
    }
}

#[test]
fn the_last_words_arrive_behind_the_rest() {
    let mut daemon = Daemon::start_with_tls(&[]);
    let mut alice = Client::enter(&daemon, "alice");
    daemon.signal("TERM");
    alice.skip_to("Closing (shutting-down)");
    assert_eq!(alice.rest(), [""; 0]);
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn who_reads_slowly_through_tls_is_told_what_it_missed_and_slows_nobody() {
    const COUNT: usize = 30_000;
    let daemon = Daemon::start_with_tls(&[]);
    let mut slow = Client::connect_slow(&daemon);
    slow.log_in("slow");
    let mut other = Client::enter(&daemon, "other");
    let mut talker = Client::over(TcpStream::connect(daemon.address).unwrap());
    talker.log_in("talker");
    other.expect("[talker] entered");
    let text = |number: usize| format!("{number:06} {}", "x".repeat(400));
    let hearing = thread::spawn(move || {
        (0..COUNT).for_each(|number| assert_eq!(other.line_or_end().unwrap(), format!("[talker]: {}", text(number))));
        other
    });
    let mut stream = talker.stream();
    let sending = thread::spawn(move || {
        use std::io::Write;
        for start in (0..COUNT).step_by(1000) {
            let lines: String = (start..start + 1000).map(|number| format!("C - {}\n", text(number))).collect();
            stream.write_all(lines.as_bytes()).unwrap();
        }
    });
    let first = seq_of(&talker.line_or_end().unwrap());
    (1..COUNT).for_each(|number| assert_eq!(seq_of(&talker.line_or_end().unwrap()), first + number as u64));
    sending.join().unwrap();
    let _other = hearing.join().unwrap();
    assert!(daemon.peak_memory_kib() < 100 << 10, "{} KiB", daemon.peak_memory_kib());

    // What it hears and what it is told that it missed are together everything, in order and in whole lines.
    let (mut next, mut missed) = (0, 0);
    slow.expect("[other] entered");
    slow.expect("[talker] entered");
    while next < COUNT {
        let line = slow.line_or_end().expect("the connection lives on");
        if let Some(range) = line.strip_prefix("(You were too slow for #") {
            let (from, rest) = range.split_once(" to #").unwrap();
            let to = rest.split(';').next().unwrap();
            let [from, to] = [from, to].map(|seq| usize::try_from(seq.parse::<u64>().unwrap() - first).unwrap());
            assert!(from == next && to >= from, "{line}, but the next is {next}");
            (next, missed) = (to + 1, missed + 1);
        } else {
            assert_eq!(line, format!("[talker]: {}", text(next)));
            next += 1;
        }
    }
    assert!(missed > 0, "the test is too small for the room's ring");
}
