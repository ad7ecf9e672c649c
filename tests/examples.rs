//! The examples do what they say, against a real daemon.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::harness::{Client, Daemon, PASSWORD, seq_of};

/// Cargo builds the examples beside the tests, but names no variable for them.
fn example(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(path.exists(), "not built: `cargo test` builds the examples, `cargo test --test promises` alone does not");
    path
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_log_is_read_from_any_point_and_then_live() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let first = seq_of(&alice.ask("C - before"));
    let mut command = Command::new(example("read_log"));
    command.args([daemon.address.to_string().as_str(), "alice", "1"]).env("PARLOR_PASSWORD", PASSWORD);
    let mut reader = Running(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(reader.0.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!((next()["item"].clone(), next()["text"].clone()), ("enter".into(), "before".into()));
    // It has read the past, so it listens; and alice is still here, since nobody was pushed out.
    assert_eq!(seq_of(&alice.ask("C - live")), first + 1);
    let live = next();
    assert_eq!((&live["event"], &live["text"], &live["seq"]), (&"chat".into(), &"live".into(), &(first + 1).into()));
}
