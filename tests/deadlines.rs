//! The promise about time: a stranger has so long to the first line and so long to the login, whatever
//! half of a line or flood of lines comes meanwhile; a member has all the time in the world.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::harness::{Client, Daemon, PATIENCE, seq_of};

#[test]
fn the_server_is_silent_until_spoken_to() {
    // The first words of all are those that close the connection for its silence.
    let daemon = Daemon::start_with(&["--first-line-timeout-s", "1"]);
    let mut silent = Client::connect(&daemon);
    silent.expect("Closing (login-timeout)");
    assert_eq!(silent.rest(), [""; 0]);
}

#[test]
fn half_a_line_and_then_silence_is_closed_at_the_first_lines_deadline() {
    let daemon = Daemon::start_with(&["--first-line-timeout-s", "1"]);
    let since = Instant::now();
    let mut client = Client::connect(&daemon);
    client.send_raw(b"U ali");
    assert!(client.line().starts_with("Closing (login-timeout)"));
    assert!(since.elapsed() >= Duration::from_secs(1), "not before its time");
    assert_eq!(client.rest(), [""; 0]);
}

#[test]
fn half_a_line_after_the_first_is_closed_at_the_logins_deadline() {
    let daemon = Daemon::start_with(&["--first-line-timeout-s", "1", "--login-timeout-s", "2"]);
    let since = Instant::now();
    let mut client = Client::connect(&daemon);
    client.ask("V json");
    client.send_raw(b"U ali");
    let last_words = client.json();
    assert_eq!((&last_words["event"], &last_words["reason"]), (&"closing".into(), &"login-timeout".into()));
    assert!(since.elapsed() >= Duration::from_secs(2), "not before its time");
    assert_eq!(client.rest(), [""; 0]);
}

#[test]
fn half_a_line_of_a_member_waits_for_its_other_half() {
    let daemon = Daemon::start_with(&["--first-line-timeout-s", "2", "--login-timeout-s", "2"]);
    let (mut alice, mut bob) = (Client::enter(&daemon, "alice"), Client::enter(&daemon, "bob"));
    bob.send_raw(b"C - one ha");
    alice.skip_to("[bob] entered");
    // A stranger's end shows that more time has passed than a stranger has.
    Client::connect(&daemon).expect("Closing (login-timeout)");
    assert_eq!(seq_of(&alice.ask("C - meanwhile")), 4);
    bob.expect("[alice]: meanwhile");
    bob.send("lf and the other");
    assert_eq!(bob.line(), "OK 5");
    assert_eq!(alice.line(), "[bob]: one half and the other");
}

#[test]
fn logging_in_has_a_deadline_that_talking_does_not_put_off() {
    let daemon = Daemon::start_with(&["--login-timeout-s", "2"]);
    let mut alice = Client::enter(&daemon, "alice");
    let mut idler = Client::connect(&daemon);
    idler.send_raw(b"K\nU bob\nV zh\n");
    idler.skip_to("OK zh ");
    idler.expect("连接关闭（login-timeout）");
    assert_eq!(idler.rest(), [""; 0]);
    assert_eq!(alice.ask("K"), "OK", "a member has no such deadline");
}

#[test]
fn a_stranger_who_never_pauses_has_the_same_deadline() {
    let daemon = Daemon::start_with(&["--login-timeout-s", "1"]);
    let mut stream = TcpStream::connect(daemon.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut writing = stream.try_clone().unwrap();
    let chatter = std::thread::spawn(move || {
        let lines = b"K\n".repeat(32 << 10);
        // Ends by an error when the daemon has closed, or when the test has given up.
        while writing.write_all(&lines).is_ok() {}
    });
    let since = Instant::now();
    let (mut buffer, mut end) = (vec![0; 1 << 20], Vec::new());
    while since.elapsed() < Duration::from_secs(5) {
        let count = stream.read(&mut buffer).unwrap();
        if count == 0 {
            break;
        }
        end.extend_from_slice(&buffer[..count]);
        end.drain(..end.len().saturating_sub(200));
    }
    stream.shutdown(Shutdown::Both).unwrap();
    chatter.join().unwrap();
    let end = String::from_utf8(end).unwrap();
    assert!(end.contains("\nClosing (login-timeout)"), "after {:?} it is still answered: {end:?}", since.elapsed());
}
