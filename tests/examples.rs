//! The examples do what they say, against a real daemon.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::harness::{Client, Daemon, PASSWORD, example, seq_of};

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

/// Starts a bot, and waits until it is in the room.
fn bot(daemon: &Daemon, mut command: Command, name: &str, alice: &mut Client) -> Running {
    command.args([daemon.address.to_string().as_str(), name]).env("PARLOR_PASSWORD", PASSWORD).stderr(Stdio::null());
    let running = Running(command.spawn().unwrap());
    alice.skip_to(&format!("[{name}] entered the room"));
    running
}

#[test]
fn the_bots_roll_dice() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut python = Command::new("python3");
    python.arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/dice.py"));
    let bots = [("rusty", Command::new(example("dice"))), ("pythia", python)];
    for (name, command) in bots {
        let _running = bot(&daemon, command, name, &mut alice);
        alice.ask("C - no dice");
        // The answer may be there before the OK of what it answers.
        let start = format!("[{name}]: alice: ");
        let lines = alice.lines_of("C - 3d6");
        let lines = alice.read_on(lines, |line| line.starts_with(&start));
        let rolled = lines.iter().find(|line| line.starts_with(&start)).unwrap();
        let (_, sum) = rolled.split_once("alice: ").unwrap();
        let (dice, sum) = sum.split_once(" = ").unwrap();
        let dice: Vec<u32> = dice.split(" + ").map(|die| die.parse().unwrap()).collect();
        assert!(dice.len() == 3 && dice.iter().all(|die| (1..=6).contains(die)), "{rolled}");
        assert_eq!(dice.iter().sum::<u32>().to_string(), sum);
    }
}
