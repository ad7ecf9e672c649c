//! Bans: of an account and of an address, for a time or for ever, over restarts; and that nobody slips in while one is
//! ordered.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use crate::harness::{
    Client, Daemon, Dice, PASSWORD, assert_done, assert_refused, begin_upload, eventually, noise, repetitions, upload,
};
use crate::tokens::{log_in_by, script_of, token_of};

/// A connection from another address of this machine.
fn connect_from(daemon: &Daemon, address: Ipv4Addr) -> Client {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(IpAddr::V4(address), 0).into()).unwrap();
    socket.connect(&daemon.address.into()).unwrap();
    Client::over(TcpStream::from(socket))
}

fn log_in(daemon: &Daemon, name: &str, password: &str) -> String {
    let mut client = Client::connect(daemon);
    client.ask(&format!("U {name}"));
    client.ask(&format!("P {name} {password}"))
}

#[test]
fn a_banned_account_is_out_at_once_and_stays_out_over_a_kill() {
    let mut daemon = Daemon::start();
    let token = token_of(&daemon, "Alice");
    let mut alice = Client::enter(&daemon, "Alice");
    let mut bob = Client::enter(&daemon, "bob");
    let (mut listener, _) = script_of(&daemon, "alice", r#""enter":false,"listen":true"#);
    let whole = noise(1, 1 << 20);
    alice.share(&daemon, "shared", &whole);
    let (running, waiting, found) = (alice.offer("a.txt"), alice.offer("b.txt"), alice.find("shared"));
    let mut transfer = begin_upload(&daemon, &running, b"hello", 2);
    alice.ask("G - gomoku");
    bob.skip_to("[Alice] invites");
    eventually("the transfer has begun", || daemon.status()["transfers"] == 1);
    assert_done(&daemon.order(&["--ban", "alice", "--why", "too loud"]), "banned Alice for ever: 3 connections ended");
    assert_eq!(alice.skip_to("Closing"), "Closing (banned): the operator does not let you in");
    assert!(listener.rest().pop().unwrap().contains(r#""reason":"banned""#));
    assert!(transfer.last_line().starts_with("Closing (banned): "));
    daemon.kill();
    daemon.restart();
    let want = "ERR banned you may not come in; the operator says: too loud";
    assert_eq!(log_in(&daemon, "ALICE", PASSWORD), want);
    assert_eq!(log_in_by(&daemon, &token), want, "the right token tells it too");
    assert!(log_in(&daemon, "alice", "a-wrong-one").starts_with("ERR wrong-password "), "and nothing to who does not know it");
    for ticket in [waiting.line(b"hello"), format!("T {}\n", found.ticket)] {
        assert!(Client::transfer(&daemon, ticket).last_line().starts_with("ERR bad-ticket "));
    }
    let mut program = Client::connect(&daemon);
    program.ask("V json");
    program.ask("U alice");
    let refused: Value = serde_json::from_str(&program.ask(&format!("P alice {PASSWORD}"))).unwrap();
    assert_eq!((&refused["err"], &refused["why"], &refused["until_ms"]), (&"banned".into(), &"too loud".into(), &Value::Null));
    let bans = daemon.ordered(&["--bans"]);
    assert!(bans.starts_with("Alice  for ever, since 20") && bans.ends_with(": too loud"), "{bans}");
    assert_done(&daemon.order(&["--unban", "alice"]), "Alice may come in again");
    assert_eq!(daemon.ordered(&["--bans"]), "nobody is banned");
    assert!(log_in(&daemon, "alice", PASSWORD).starts_with("OK Alice "));
    assert!(log_in_by(&daemon, &token).starts_with("ERR bad-token "), "its old tokens stay void");
}

#[test]
fn a_ban_ends_tickets_and_withdraws_the_invitation() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    let offer = alice.offer("a.txt");
    alice.ask("G - gomoku");
    bob.skip_to("[alice] invites");
    assert_eq!(daemon.status()["tickets"], 1);
    daemon.ordered(&["--ban", "alice"]);
    let heard = [bob.line(), bob.line()];
    assert!(
        heard[0].starts_with("[alice]'s invitation to gomoku has ended") && heard[1] == "[alice] left the room",
        "{heard:?}"
    );
    assert!(upload(&daemon, &offer, b"hello").starts_with("ERR bad-ticket "));
    let status = daemon.status();
    assert_eq!((&status["tickets"], &status["invitations"]), (&0.into(), &0.into()));
    assert!(bob.ask("F - a.txt").starts_with("OK "), "the name is free again");
}

#[test]
fn a_running_download_is_cut_by_a_ban() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(2, 16 << 20);
    alice.share(&daemon, "shared", &whole);
    let found = alice.find("shared");
    let mut slow = Client::connect_slow(&daemon);
    slow.send(&format!("T {}", found.ticket));
    slow.some_bytes(1000);
    daemon.ordered(&["--ban", "alice"]);
    eventually("the transfer is over", || daemon.status()["transfers"] == 0);
    assert_eq!(daemon.status()["disconnects"]["banned"], 2);
}

#[test]
fn a_ban_ends_by_itself() {
    let mut daemon = Daemon::start();
    token_of(&daemon, "alice");
    let words = daemon.ordered(&["--ban", "alice", "--for", "2h"]);
    assert!(words.starts_with("banned alice until 20") && words.ends_with(" UTC: no connection was open"), "{words}");
    let reply = log_in(&daemon, "alice", PASSWORD);
    assert!(reply.starts_with("ERR banned come back after 20"), "{reply}");
    // Once more takes the place of the first.
    daemon.ordered(&["--ban", "alice", "--for", "1s"]);
    daemon.ordered(&["--ban", "127.0.0.0/30", "--for", "1s"]);
    eventually("they may come in again", || {
        let mut near = connect_from(&daemon, Ipv4Addr::new(127, 0, 0, 2));
        near.send("K");
        near.line_or_end().as_deref() == Some("OK") && log_in(&daemon, "alice", PASSWORD).starts_with("OK alice ")
    });
    assert_eq!(daemon.ordered(&["--bans"]), "nobody is banned");
    assert!(assert_refused(&daemon.order(&["--unban", "alice"])).contains("alice is not banned"));
    daemon.ordered(&["--ban", "127.0.0.2"]);
    daemon.ordered(&["--ban", "alice"]);
    let rows: i64 = daemon.database().query_row("SELECT count(*) FROM ban", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 2, "those that are over are forgotten");
    // Whatever was said to be done is on disk.
    daemon.kill();
    daemon.restart();
    assert!(log_in(&daemon, "alice", PASSWORD).starts_with("ERR banned "));
    assert!(connect_from(&daemon, Ipv4Addr::new(127, 0, 0, 2)).line().starts_with("Closing (banned)"));
}

#[test]
fn a_banned_address_is_closed_at_once_and_greeted_so() {
    let mut daemon = Daemon::start();
    let [near, far] = [Ipv4Addr::new(127, 0, 0, 1), Ipv4Addr::new(127, 9, 0, 7)];
    let mut alice = connect_from(&daemon, near);
    alice.log_in("alice");
    let mut stranger = connect_from(&daemon, far);
    stranger.ask("K");
    let mut bob = connect_from(&daemon, far);
    bob.log_in("bob");
    alice.skip_to("[bob] entered");
    assert_done(
        &daemon.order(&["--ban", "127.9.0.0/16", "--why", "scans"]),
        "banned 127.9.0.0/16 for ever: 2 connections ended",
    );
    assert_eq!(stranger.line(), "Closing (banned): the operator does not let you in");
    assert!(bob.skip_to("Closing").starts_with("Closing (banned)"));
    assert_eq!(alice.line(), "[bob] left the room");
    // Before anything is sent, and also after a restart.
    for _ in 0..2 {
        assert_eq!(connect_from(&daemon, far).rest(), ["Closing (banned): the operator does not let you in"]);
        assert!(connect_from(&daemon, near).ask("K") == "OK");
        daemon.kill();
        daemon.restart();
    }
    let words = assert_refused(&daemon.order(&["--unban", "127.9.0.7"]));
    assert!(words.contains("127.9.0.7 is not banned by itself, but 127.9.0.0/16 is: --unban 127.9.0.0/16"), "{words}");
    assert_done(&daemon.order(&["--unban", "127.9.0.0/16"]), "127.9.0.0/16 may come in again");
    assert_eq!(connect_from(&daemon, far).ask("K"), "OK");
}

#[test]
fn what_can_be_banned_is_a_name_an_address_or_a_network() {
    let daemon = Daemon::start();
    token_of(&daemon, "10.0.0.1");
    for (whom, shown) in [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("2001:db8::1/128", "2001:db8::1/128"),
        ("::ffff:192.0.2.8", "192.0.2.8"),
        ("10.0.0.1", "10.0.0.1"),
        ("@10.0.0.1", "10.0.0.1"),
    ] {
        assert_done(&daemon.order(&["--ban", whom]), &format!("banned {shown} for ever: no connection was open"));
    }
    assert_eq!(daemon.ordered(&["--bans"]).lines().count(), 8);
    for (whom, why) in [
        ("192.0.2.7/24", "that is an address within 192.0.2.0/24"),
        ("192.0.2.0/33", "give an address or a network"),
        ("0.0.0.0/0", "0.0.0.0/0 is too much of the world; ban smaller networks"),
        ("2000::/3", "2000::/3 is too much of the world"),
        ("2001:db8::/x", "give an address or a network"),
        ("nobody", "nobody is called nobody"),
        ("", "nobody is called "),
    ] {
        let words = assert_refused(&daemon.order(&["--ban", whom]));
        assert!(words.contains(why), "{whom}: {words}");
    }
    for why in ["two\nlines", "\u{1b}[31m", &"x".repeat(301)] {
        assert!(assert_refused(&daemon.order(&["--ban", "192.0.2.9", "--why", why])).contains("--why is one line"));
    }
    assert_eq!(daemon.ordered(&["--bans"]).lines().count(), 8);
}

/// How one attempt to be in came out.
#[derive(Debug)]
struct Attempt {
    /// A token that was handed out.
    token: Option<String>,
    last: String,
}

/// Logs in as `by` says, and reads until the server closes, or refuses for good.
fn attempt(daemon: &Daemon, name: &str, by: &str) -> Attempt {
    let mut client = Client::connect(daemon);
    client.ask("V json");
    client.send(&format!("U {name}"));
    client.send(by);
    let (mut token, mut last) = (None, String::new());
    while let Some(line) = client.line_or_end() {
        let value: Value = serde_json::from_str(&line).unwrap();
        if let Some(given) = value["token"].as_str() {
            token = Some(given.to_owned());
        }
        if value["err"] == "banned" || value["err"] == "bad-token" || value["err"] == "wrong-password" {
            return Attempt { token, last: value["err"].as_str().unwrap().to_owned() };
        }
        last = value["reason"].as_str().unwrap_or_default().to_owned();
    }
    Attempt { token, last }
}

/// Logs in over and over by all ways there are while an order comes, at another moment each time.
fn race(order: impl Fn(&str) -> Value, words: [&str; 3]) {
    let daemon = Daemon::start();
    let mut dice = Dice::new();
    let mut overtaken = 0;
    for round in 0..repetitions("PARLOR_RACES", 60) {
        let name = format!("u{round}");
        let token = token_of(&daemon, &name);
        let ways = [
            format!(r#"{{"do":"P","name":"{name}","password":"{PASSWORD}"}}"#),
            format!(r#"{{"do":"P","name":"{name}","password":"{PASSWORD}","enter":false}}"#),
            format!(r#"{{"do":"I","token":"{token}"}}"#),
            format!(r#"{{"do":"I","token":"{token}","enter":false,"listen":true}}"#),
        ];
        let pause = Duration::from_micros(dice.below(9_000));
        let (start, daemon) = (&Barrier::new(ways.len() + 1), &daemon);
        let attempts: Vec<Attempt> = thread::scope(|scope| {
            let ways = ways.map(|way| {
                let name = &name;
                scope.spawn(move || {
                    start.wait();
                    attempt(daemon, name, &way)
                })
            });
            start.wait();
            thread::sleep(pause);
            let outcome = daemon.tell(&order(&name));
            assert!(outcome["done"].is_string(), "{outcome}");
            // Each of them ends: who slipped in would read for ever.
            ways.into_iter().map(|way| way.join().unwrap()).collect()
        });
        for attempt in &attempts {
            // A second member of the account replaces the first.
            let is_over = words.contains(&attempt.last.as_str()) || attempt.last == "replaced";
            assert!(is_over, "round {round}: {attempts:#?}");
            if let Some(token) = &attempt.token {
                let reply = log_in_by(daemon, token);
                assert!(!reply.starts_with("OK"), "round {round}: a token outlived it: {attempts:#?}");
            }
            overtaken += usize::from(attempt.last == words[0]);
        }
        assert!(log_in_by(daemon, &token).starts_with("ERR "), "round {round}");
        eventually("nobody of that name is here", || daemon.status()["members"] == 0);
    }
    assert!(overtaken > 0, "no round was close");
}

#[test]
fn nobody_slips_in_while_banned() {
    race(|name| json!({"do": "ban", "whom": name, "why": ""}), ["banned", "banned", "banned"]);
}

#[test]
fn nobody_slips_in_by_the_old_password() {
    let order = |name: &str| json!({"do": "set-password", "name": name, "password": "another-one"});
    race(order, ["password-changed", "wrong-password", "bad-token"]);
}
