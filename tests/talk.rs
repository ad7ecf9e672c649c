//! Talking: who hears what, in which words, in which order.

use crate::harness::{Client, Daemon, seq_of};

#[test]
fn two_people_talk() {
    let daemon = Daemon::start();
    let mut alice = Client::connect(&daemon);
    assert!(alice.ask("U alice").starts_with("OK new alice "));
    assert!(alice.ask("P alice correct-horse").starts_with("OK alice 1 2 "));
    let mut bob = Client::connect(&daemon);
    bob.ask("U bob");
    assert!(bob.ask("P bob tr0ub4dor").starts_with("OK bob 2 3 "));
    alice.expect("[bob] entered the room");
    assert_eq!(alice.ask("C - hello"), "OK 4");
    assert_eq!(bob.line(), "[alice]: hello");
    assert_eq!(seq_of(&bob.ask("C bob hi")), 5);
    assert_eq!(alice.line(), "[bob]: hi");
    assert!(alice.ask("E -").starts_with("OK"));
    assert_eq!(alice.rest(), [""; 0]);
    assert_eq!(bob.line(), "[alice] left the room");
}
