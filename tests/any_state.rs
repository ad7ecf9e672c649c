//! The promise that no request in any state makes the daemon panic, leak a connection, or answer other than once:
//! connections in every state at once, each of which sends requests, what is nearly one and what is none, and ends
//! somehow. Every sequence is made from a number, which a failing test tells.

mod lines;
mod talk;

use std::thread;

use lines::Scene;
use talk::Talk;

use crate::harness::{Client, Daemon, Dice, eventually, repetitions};

/// Sequences on one daemon.
const A_DAEMON: u64 = 25;
/// What a sequence has at once.
const CONNECTIONS: u64 = 6;

/// Tells which sequence fails.
struct Tried(u64);

impl Drop for Tried {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("sequence {0}: PARLOR_TEST_SEED={0} does it again", self.0);
        }
    }
}

/// Sockets that the daemon has open. Its files are opened when they are first read, on whichever connection that is.
fn open_sockets(daemon: &Daemon) -> usize {
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", daemon.pid())).unwrap();
    let targets = descriptors.filter_map(|descriptor| std::fs::read_link(descriptor.unwrap().path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}

/// Connections in every state, prepared one after the other.
fn prepare(daemon: &Daemon, seed: u64) -> Vec<Talk> {
    let name = |number: u64| format!("s{seed}n{number}");
    let dice = &mut Dice(seed);
    let mut talk = |own: u64, other: u64| {
        let scene = Scene { own: name(own), other: name(other), game_id: 1 };
        Talk::connect(daemon, dice.below(u64::MAX), scene)
    };
    let mut first = talk(0, 1);
    first.log_in("");
    let mut second = talk(1, 0);
    second.log_in("");
    // The two play, and a third watches.
    first.ask("G - tic-tac-toe");
    let seated = second.ask(&format!("D - {}", name(0)));
    let id: String = seated.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    let game_id = id.parse().unwrap_or_else(|_| panic!("{seated}"));
    let mut watcher = talk(2, 1);
    watcher.log_in("");
    watcher.ask(&format!("O {game_id}"));
    let mut listener = talk(3, 0);
    listener.log_in(r#","enter":false,"listen":true"#);
    let mut silent = talk(4, 0);
    silent.log_in(r#","enter":false"#);
    let mut asked = talk(5, 0);
    asked.ask(&format!("U {}", name(5)));
    let stranger = talk(6, 0);
    // Somebody's second login, which replaces the first if it comes to that.
    let again = talk(2, 0);
    let mut all = vec![first, second, watcher, listener, silent, asked, stranger, again];
    all.iter_mut().for_each(|talk| talk.scene.game_id = game_id);
    // Not all of them every time.
    while all.len() as u64 > CONNECTIONS {
        all.swap_remove(dice.below(all.len() as u64) as usize);
    }
    all
}

fn sequence(daemon: &Daemon, seed: u64, before: usize) {
    let _tried = Tried(seed);
    let talks = prepare(daemon, seed);
    thread::scope(|scope| {
        let batches = 2 + seed as usize % 4;
        talks.into_iter().for_each(|talk| _ = scope.spawn(move || talk.run(batches)));
    });
    eventually("every connection is gone", || open_sockets(daemon) == before);
}

fn sequences(seeds: std::ops::Range<u64>) {
    let mut daemon = Daemon::start();
    let mut witness = Client::enter(&daemon, "witness");
    let before = open_sockets(&daemon);
    seeds.for_each(|seed| sequence(&daemon, seed, before));
    // Whoever was here is gone from the room too.
    eventually("only one is left", || witness.ask("W") == "OK 1 witness");
    drop(witness);
    assert!(daemon.stop().success());
    let log = daemon.log();
    for word in ["panicked", "ERROR", "are cut"] {
        assert!(!log.contains(word), "{log}");
    }
    daemon.assert_intact();
}

/// A hundred sequences; `PARLOR_TEST_SEED` begins with another one and is content with it, `PARLOR_TEST_SEEDS` says how
/// many.
#[test]
fn no_request_in_any_state_is_answered_other_than_once() {
    let first = repetitions("PARLOR_TEST_SEED", 1) as u64;
    let usual = if std::env::var_os("PARLOR_TEST_SEED").is_some() { 1 } else { 100 };
    let count = repetitions("PARLOR_TEST_SEEDS", usual) as u64;
    let daemons: Vec<u64> = (first..first + count).step_by(A_DAEMON as usize).collect();
    for start in daemons {
        sequences(start..(start + A_DAEMON).min(first + count));
    }
}
