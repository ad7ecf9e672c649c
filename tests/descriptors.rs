//! Running out of file descriptors: nobody who is in notices, the daemon does not spin, and newcomers
//! get in as soon as there is room.

use std::collections::BTreeSet;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::harness::{Client, Daemon, Injector, eventually};

/// Connections beyond those for which there are descriptors.
const TOO_MANY: usize = 20;
/// Descriptors left when the limit is set.
const SPARE: usize = 15;

fn open_descriptors(daemon: &Daemon) -> BTreeSet<u64> {
    let entries = std::fs::read_dir(format!("/proc/{}/fd", daemon.pid())).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap()).collect()
}

/// Leaves the daemon `SPARE` descriptors and takes them all; of the connections returned, the first
/// `SPARE` are accepted and the others wait.
fn exhaust(daemon: &Daemon) -> Vec<TcpStream> {
    // The limit is one on the number, of which some may be free below others.
    let open = open_descriptors(daemon);
    let limit = (0..).filter(|number| !open.contains(number)).nth(SPARE).unwrap();
    let both = Rlimit { current: Some(limit), maximum: Some(limit) };
    prlimit(Pid::from_raw(daemon.pid()), Resource::Nofile, both).unwrap();
    let connections = (0..SPARE + TOO_MANY).map(|_| TcpStream::connect(daemon.address).unwrap()).collect();
    eventually("every descriptor is taken", || open_descriptors(daemon).range(..limit).count() as u64 == limit);
    connections
}

#[test]
fn who_is_in_goes_on_talking() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    alice.line();
    let _connections = exhaust(&daemon);
    for number in 0..50 {
        assert!(alice.ask(&format!("C - {number}")).starts_with("OK "));
        assert_eq!(bob.line(), format!("[alice]: {number}"));
    }
    assert!(bob.lines_of("H").len() > 20);
}

#[test]
fn waiting_for_descriptors_costs_no_processor_time() {
    let daemon = Daemon::start();
    let _connections = exhaust(&daemon);
    let window = Duration::from_millis(500);
    let (before, since) = (daemon.processor_ticks(), Instant::now());
    // The one wait for nothing to happen: a loop that spins would take all of it.
    std::thread::sleep(window);
    let share = (daemon.processor_ticks() - before) as f64 / (since.elapsed().as_secs_f64() * 100.0);
    assert!(share < 0.2, "{share} of a processor");
}

#[test]
fn closed_connections_make_room_for_new_ones() {
    let daemon = Daemon::start();
    let before = open_descriptors(&daemon).len();
    drop(exhaust(&daemon));
    eventually("all are closed", || open_descriptors(&daemon).len() <= before);
    assert!(Client::enter(&daemon, "alice").ask("C - here").starts_with("OK "));
}

#[test]
fn who_waits_outside_is_let_in_when_somebody_goes() {
    let daemon = Daemon::start();
    let mut connections = exhaust(&daemon);
    let mut next = Client::over(connections.remove(SPARE));
    next.send("V");
    drop(connections.remove(0));
    assert!(next.line().starts_with("OK "));
}

#[test]
fn strangers_cannot_fill_the_log_by_it() {
    let mut daemon = Daemon::start();
    let connections = exhaust(&daemon);
    let mut waiting: Vec<Client> = connections.into_iter().map(Client::over).collect();
    let mut accepted: Vec<Client> = waiting.drain(..SPARE).collect();
    // Each one that goes lets one in, after which there is no descriptor left again.
    for (goes, mut comes) in (0..SPARE).zip(waiting.drain(..)) {
        drop(std::mem::replace(&mut accepted[goes], Client::connect(&daemon)));
        assert!(comes.ask("V").starts_with("OK "));
        accepted.push(comes);
    }
    daemon.kill();
    let log = daemon.log();
    let complaints = log.lines().filter(|line| line.contains("cannot accept")).count();
    assert!((1..=3).contains(&complaints), "{complaints} lines: {log}");
}

/// The whole system is out of descriptors (ENFILE), not this process.
#[test]
#[ignore = "needs strace, and the right to trace: cargo test -- --ignored"]
fn a_system_without_descriptors_is_waited_for() {
    let mut daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let injector = Injector::attach_to_all(&daemon, &["accept4:error=ENFILE"]);
    let waiting = TcpStream::connect(daemon.address).unwrap();
    eventually("accepting fails", || injector.calls().iter().any(|call| call.contains("ENFILE")));
    assert!(alice.ask("C - still here").starts_with("OK "));
    assert!(injector.calls().len() < 50, "it pauses in between");
    drop(injector);
    // Who waited outside is let in.
    let mut waiting = Client::over(waiting);
    assert_eq!(waiting.ask("K"), "OK");
    drop((waiting, alice));
    daemon.stop();
    assert!(daemon.log().contains("cannot accept connections"));
}
