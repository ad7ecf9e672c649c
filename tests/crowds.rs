//! Many who take nothing and many who say nothing: what they cost is bounded, and members notice nothing.

use std::net::TcpStream;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};

use crate::harness::{Client, Daemon, PATIENCE, is_reply};

/// What the daemon holds without connections, in KiB: its code, threads, SQLite's caches.
const BASE_KIB: u64 = 40 << 10;
/// Of the lines of a room, for each voice in use.
const RING_KIB: u64 = 4 << 10;
/// Of a connection that takes what it is sent; the README tells 5.
const IDLE_KIB: u64 = 5;
/// Of one that only hears and takes nothing: the chunk that it is in the middle of.
const STALLED_KIB: u64 = 48;
/// Of one that asks, too, and takes nothing: replies to be written, replies behind them, one reply more, and what it
/// has sent and nobody has read.
const ASKING_KIB: u64 = 720;

/// A test holds a connection's both ends: this many descriptors must be allowed.
fn allow_descriptors(count: u64) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    assert!(maximum.is_none_or(|most| most >= count), "this test needs {count} descriptors: see ulimit -Hn");
    if current.is_some_and(|current| current < count) {
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    }
}

/// In KiB: `VmRSS` at this moment, `VmHWM` the most there has been.
fn memory(daemon: &Daemon, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
}

fn token_of(daemon: &Daemon, name: &str) -> String {
    let mut program = Client::connect(daemon);
    program.ask("V json");
    let welcome: Value = serde_json::from_str(&program.log_in(name)).unwrap();
    program.ask("E");
    welcome["token"].as_str().unwrap().to_owned()
}

/// A program that hears the room, has said what it has to say, and takes no more.
fn stalled(daemon: &Daemon, token: &str, asks: &[u8]) -> Client {
    let mut client = Client::connect_slow(daemon);
    client.ask("V json");
    client.send(&json!({"do": "I", "token": token, "enter": false, "listen": true}).to_string());
    assert_eq!(client.json()["ok"], "I");
    client.send_raw(asks);
    client
}

/// Two thousand who take nothing, a tenth of whom ask for pages of history, while two rings of text go by.
#[test]
fn two_thousand_stalled_readers_cost_what_the_formula_says_and_delay_nobody() {
    const READERS: u64 = 2000;
    const ASKING: u64 = 200;
    const LINES: usize = 2400;
    allow_descriptors(READERS + 1000);
    let daemon = Daemon::start();
    let token = token_of(&daemon, "robot");
    let mut talker = Client::enter(&daemon, "talker");
    let text = "x".repeat(4000);
    let burst = format!("C - {text}\n").repeat(100);
    let talk = |talker: &mut Client, lines: usize, mut after_each_burst: Box<dyn FnMut()>| {
        for _ in 0..lines / 100 {
            talker.send_raw(burst.as_bytes());
            (0..100).for_each(|_| assert!(talker.reply().starts_with("OK ")));
            after_each_burst();
        }
    };
    talk(&mut talker, 200, Box::new(|| ()));
    let mut readers: Vec<Client> = Vec::new();
    for number in 0..READERS {
        let asks = if number < ASKING { "H 0 - +1000\n".repeat(100) } else { String::new() };
        readers.push(stalled(&daemon, &token, asks.as_bytes()));
    }
    // Somebody who does read hears each line.
    let (hears, heard) = channel();
    let mut listener = Client::enter(&daemon, "listener");
    let listening = std::thread::spawn(move || {
        for number in 1..=LINES {
            let line = listener.line();
            assert!(line.starts_with("[talker]: "), "{line}");
            if number % 100 == 0 {
                hears.send(()).unwrap();
            }
        }
        listener
    });
    talk(&mut talker, LINES, Box::new(move || heard.recv_timeout(PATIENCE).expect("a reader is delayed")));
    let _listener = listening.join().unwrap();
    let formula_kib = BASE_KIB + 2 * RING_KIB + READERS * IDLE_KIB + (READERS - ASKING) * STALLED_KIB + ASKING * ASKING_KIB;
    let most_kib = memory(&daemon, "VmHWM");
    println!("2,000 stalled readers: {most_kib} KiB, the formula allows {formula_kib}");
    assert!(most_kib <= formula_kib, "{most_kib} KiB, the formula allows {formula_kib}");
    // One of them reads on: whole lines, and what it missed is told.
    let mut back = readers.pop().unwrap();
    let mut lines = std::iter::from_fn(|| back.line_or_end());
    let missed = lines.find(|line| {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("not a whole line: {error}: {line}"));
        object["event"] == "missed"
    });
    assert!(missed.is_some(), "it is told what it missed");
}

/// Strangers that say nothing leave members undisturbed, and places for them. The long form has 15,000.
fn strangers_leave_members_undisturbed(count: usize) {
    allow_descriptors(count as u64 + 1000);
    let count_flag = (count + 100).to_string();
    let flags = ["--max-strangers", &count_flag, "--first-line-timeout-s", "600", "--login-timeout-s", "600"];
    let daemon = Daemon::start_with(&flags);
    let mut members = ["alice", "bob"].map(|name| Client::enter(&daemon, name));
    members[0].skip_to("[bob] entered");
    let mut round_trips = |rounds: usize| {
        let mut times: Vec<Duration> = (0..rounds)
            .map(|number| {
                let since = Instant::now();
                members[0].send(&format!("C - {number}"));
                assert_eq!(members[1].skip_to("[alice]"), format!("[alice]: {number}"));
                assert!(is_reply(&members[0].line()));
                since.elapsed()
            })
            .collect();
        times.sort();
        times[rounds * 99 / 100]
    };
    let quiet = round_trips(500);
    let before_kib = memory(&daemon, "VmRSS");
    let strangers: Vec<TcpStream> = (0..count).map(|_| TcpStream::connect(daemon.address).unwrap()).collect();
    // The last one to come is in: so are those before it.
    assert_eq!(Client::connect(&daemon).ask("K"), "OK");
    let crowded = round_trips(500);
    let grown_kib = memory(&daemon, "VmRSS") - before_kib;
    println!("{count} strangers: p99 {quiet:?} before, {crowded:?} among them; {} bytes each", grown_kib * 1024 / count as u64);
    assert!(grown_kib < count as u64 * IDLE_KIB + 4096, "{grown_kib} KiB");
    drop(strangers);
    assert!(members.iter_mut().all(|member| member.ask("K") == "OK"));
}

#[test]
fn a_thousand_strangers_leave_members_undisturbed() {
    strangers_leave_members_undisturbed(1000);
}

#[test]
#[ignore = "needs 16,000 descriptors: tests/long/strangers"]
fn long_fifteen_thousand_strangers_leave_members_undisturbed() {
    strangers_leave_members_undisturbed(15_000);
}
