//! A peer that does not read costs the others nothing and the daemon a bounded piece of memory. When it
//! reads again it gets whole lines, is told what it missed and how to see that, and goes on.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Client, Daemon, PATIENCE, is_reply, seq_of};

/// Lines sent before their replies are read. The talker also waits for the other receivers after each, so
/// that only the slow one can be behind: together these lines are far fewer bytes than the room's ring.
const BURST: usize = 1000;
const MEMORY_KIB: u64 = 100 << 10;

fn text(number: usize, length: usize) -> String {
    format!("{number:06} {}", "x".repeat(length - 7))
}

/// The number in a line of talk, which must be whole.
fn number_in(line: &str, length: usize) -> Option<usize> {
    let said = line.strip_prefix("[talker]: ")?;
    let number = said[..6].parse().unwrap();
    assert!(said == text(number, length), "not a whole line: {line}");
    Some(number)
}

/// Hears every line in order, on a thread of its own; says after each burst that it has.
fn follow(mut client: Client, count: usize, length: usize) -> (JoinHandle<Client>, Receiver<()>) {
    let (heard, burst) = sync_channel(count);
    let thread = thread::spawn(move || {
        for number in 0..count {
            let line = client.line_or_end().expect("the connection lives on");
            assert_eq!(number_in(&line, length), Some(number), "{line}");
            if (number + 1) % BURST == 0 {
                heard.send(()).unwrap();
            }
        }
        client
    });
    (thread, burst)
}

/// Says `count` lines of `length` bytes while the followers listen; returns the first line's number in the room.
fn talk(talker: &mut Client, count: usize, length: usize, followers: &[Receiver<()>], mut between: impl FnMut()) -> u64 {
    let mut first = None;
    for start in (0..count).step_by(BURST) {
        let lines: String = (start..start + BURST).map(|number| format!("C - {}\n", text(number, length))).collect();
        let mut stream = talker.stream();
        let sending = thread::spawn(move || stream.write_all(lines.as_bytes()).unwrap());
        for number in start..start + BURST {
            let seq = seq_of(&talker.line_or_end().unwrap());
            let first = *first.get_or_insert(seq);
            assert_eq!(seq, first + number as u64);
        }
        sending.join().unwrap();
        followers.iter().for_each(|follower| follower.recv_timeout(PATIENCE).expect("the others hear without delay"));
        between();
    }
    first.unwrap()
}

/// The range in `(You were too slow for #3 to #9; they can be read with: H 2 9)`, and the request.
fn missed_in(line: &str) -> (u64, u64, String) {
    let (range, ask) = line
        .strip_prefix("(You were too slow for #")
        .and_then(|rest| rest.split_once("; they can be read with: "))
        .unwrap_or_else(|| panic!("{line}"));
    let (first, last) = range.split_once(" to #").unwrap();
    (first.parse().unwrap(), last.parse().unwrap(), ask.trim_end_matches(')').to_owned())
}

#[test]
fn a_peer_that_never_reads_delays_nobody_and_is_told_what_it_missed() {
    const COUNT: usize = 50_000;
    const LENGTH: usize = 500;
    let daemon = Daemon::start();
    let mut talker = Client::enter(&daemon, "talker");
    let mut others = ["one", "two"].map(|name| Client::enter(&daemon, name));
    others[0].line();
    let mut slow = Client::connect_slow(&daemon);
    slow.log_in("slow");
    talker.skip_to("[slow] entered");
    others.iter_mut().for_each(|other| assert_eq!(other.line(), "[slow] entered the room"));
    let (threads, followers): (Vec<_>, Vec<_>) = others.into_iter().map(|other| follow(other, COUNT, LENGTH)).unzip();
    let first = talk(&mut talker, COUNT, LENGTH, &followers, || ());
    let _others: Vec<Client> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(daemon.peak_memory_kib() < MEMORY_KIB, "{} KiB", daemon.peak_memory_kib());

    // What it hears and what it is told that it missed are together everything, in order.
    let (mut next, end, mut missed) = (first, first + COUNT as u64, Vec::new());
    while next < end {
        let line = slow.line_or_end().expect("the connection lives on");
        if let Some(number) = number_in(&line, LENGTH) {
            assert_eq!(first + number as u64, next);
            next += 1;
        } else {
            let told = missed_in(&line);
            assert!(told.0 == next && told.1 >= told.0 && told.1 < end, "{line}, but the next is {next}");
            next = told.1 + 1;
            missed.push(told);
        }
    }
    assert!(!missed.is_empty(), "the test is too small for the room's ring");
    for (first_missed, last_missed, ask) in missed {
        let mut page = slow.lines_of(&ask);
        assert!(page.pop().unwrap().starts_with("OK 20 "), "{ask}");
        let shown: Vec<u64> = page.iter().map(|line| line[1..].split(' ').next().unwrap().parse().unwrap()).collect();
        assert!(shown.iter().copied().eq(last_missed - 19..=last_missed) && first_missed <= shown[0], "{ask}: {shown:?}");
    }
    talker.send("C - after it");
    assert_eq!(slow.line(), "[talker]: after it");
    assert!(slow.ask("C - and now me").starts_with("OK "));
    assert_eq!(talker.skip_to("[slow]"), "[slow]: and now me");
}

#[test]
fn a_program_that_reads_too_slowly_can_fetch_exactly_what_it_missed() {
    const COUNT: usize = 20_000;
    const LENGTH: usize = 900;
    let daemon = Daemon::start();
    let mut talker = Client::enter(&daemon, "talker");
    let mut slow = Client::connect_slow(&daemon);
    slow.ask("V json");
    slow.log_in("slow");
    talker.line();
    let mut times = BTreeMap::<u64, u32>::new();
    let mut missed: Vec<(u64, u64)> = Vec::new();
    let mut take = |line: &str| {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("not a whole line: {error}: {line}"));
        let count = |key: &str| object[key].as_u64().unwrap();
        match object["event"].as_str() {
            Some("missed") => {
                let range = (count("first"), count("last"));
                missed.push(range);
                range.1
            }
            Some("chat") => {
                let seq = count("seq");
                *times.entry(seq).or_default() += 1;
                seq
            }
            _ => panic!("{line}"),
        }
    };
    // It reads less than is said, so that it falls behind more than once.
    let mut newest = 0;
    let first =
        talk(&mut talker, COUNT, LENGTH, &[], || (0..BURST / 4).for_each(|_| newest = take(&slow.line_or_end().unwrap())));
    let last = first + COUNT as u64 - 1;
    while newest < last {
        newest = take(&slow.line_or_end().unwrap());
    }
    assert!(missed.len() > 1, "it fell behind only {} times", missed.len());
    for (first_missed, last_missed) in missed {
        let mut left = first_missed - 1;
        while left < last_missed {
            let mut objects = slow.objects_of(&format!("H {left} {last_missed} +1000"));
            let reply = objects.pop().unwrap();
            assert_eq!(reply["ok"], "H");
            for item in &objects {
                assert_eq!(item["item"], "chat");
                left = item["seq"].as_u64().unwrap();
                *times.entry(left).or_default() += 1;
            }
            assert_eq!(reply["more"].as_bool().unwrap(), left < last_missed, "{reply}");
        }
    }
    assert!(times.into_iter().eq((first..=last).map(|seq| (seq, 1))), "every number is there once");
}

#[test]
fn a_stalled_peer_is_dropped_and_the_room_hears_it_leave() {
    let daemon = Daemon::start_with(&["--stall-timeout-s", "1"]);
    let mut talker = Client::enter(&daemon, "talker");
    let mut slow = Client::connect_slow(&daemon);
    slow.log_in("slow");
    let burst = format!("C - {}\n", "x".repeat(4000)).repeat(20);
    // However much the kernel takes for it, it is full at some point.
    let mut has_left = false;
    while !has_left {
        talker.send_raw(burst.as_bytes());
        for _ in 0..20 {
            let mut line = talker.line_or_end().unwrap();
            while !is_reply(&line) {
                has_left |= line == "[slow] left the room";
                line = talker.line_or_end().unwrap();
            }
            assert!(line.starts_with("OK "), "{line}");
        }
    }
    // Not only gone from the room: the connection is closed too.
    while slow.line_or_end().is_some() {}
    let mut back = Client::connect(&daemon);
    back.log_in("slow");
    assert_eq!(talker.skip_to("[slow]"), "[slow] entered the room");
}

/// Asks and never reads, until the daemon reads no further either.
fn ask_without_reading(client: &Client, request: &str) {
    let mut stream = client.stream();
    stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let requests = format!("{request}\n").repeat(20_000);
    // The kernel's buffers on both sides hold some megabytes of requests at most.
    for _ in 0..(64 << 20) / requests.len() {
        match stream.write_all(requests.as_bytes()) {
            Ok(()) => (),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the daemon reads on, however much {request} it owes a reply to");
}

#[test]
fn a_peer_that_asks_and_never_reads_is_not_read_and_costs_no_memory() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    alice.line();
    for number in 0..20 {
        assert!(alice.ask(&format!("C - {}", text(number, 4000))).starts_with("OK "));
        bob.line();
    }
    let askers =
        [("?", "asker-1"), ("H", "asker-2"), ("W", "asker-3"), ("C bob is somebody else", "asker-4")].map(|(request, name)| {
            let mut asker = Client::connect_slow(&daemon);
            asker.log_in(name);
            thread::spawn(move || {
                ask_without_reading(&asker, request);
                asker
            })
        });
    let askers = askers.map(|asker| asker.join().unwrap());
    assert!(alice.ask("C - still here").starts_with("OK "));
    assert_eq!(bob.skip_to("[alice]"), "[alice]: still here");
    assert!(daemon.peak_memory_kib() < MEMORY_KIB, "{} KiB", daemon.peak_memory_kib());
    drop(askers);
    for _ in 0..4 {
        assert!(bob.skip_to("[asker-").ends_with(" left the room"));
    }
}
