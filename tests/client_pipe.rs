//! The promises of the bundled client in a pipe: netcat, with a login before it and an exit code behind it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::thread;

use serde_json::Value;

use crate::harness::{Client, Daemon, Ended, PASSWORD, Program, client, client_as, client_at, example, noise, seq_of, sha256};

/// A server that does with each connection what a test wants, once it has read a line.
pub(crate) fn server(serve: impl Fn(&mut BufReader<TcpStream>, String) + Send + Clone + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let serve = serve.clone();
            thread::spawn(move || {
                let (mut reader, mut line) = (BufReader::new(stream.unwrap()), String::new());
                reader.read_line(&mut line).unwrap();
                serve(&mut reader, line);
            });
        }
    });
    address
}

/// The end of a program that must be like this, with these words on standard error, and no password anywhere;
/// returns its output.
#[track_caller]
pub(crate) fn ended(ended: Ended, code: i32, words: &[&str]) -> Vec<String> {
    let Ended { code: got, out, err } = ended;
    assert_eq!(got, Some(code), "{out:#?} {err:#?}");
    let err = err.join("\n");
    assert!(words.iter().all(|word| err.contains(word)) && !err.contains("panicked"), "{words:?}: {err}");
    assert_eq!(words.is_empty(), err.is_empty(), "{err}");
    assert!(!err.contains(PASSWORD) && !out.iter().any(|line| line.contains(PASSWORD)), "{out:?} {err}");
    out
}

#[test]
fn at_the_end_of_input_every_request_has_been_answered() {
    let daemon = Daemon::start();
    let mut bob = Client::enter(&daemon, "bob");
    // The last line has no end.
    let input = (1..=200).map(|number| format!("C - line {number}")).collect::<Vec<_>>().join("\n");
    let out = ended(Program::run(&mut client_as(&daemon, "alice", &[]), input), 0, &[]);
    let seqs: Vec<u64> = out.iter().map(|line| seq_of(line)).collect();
    assert!(seqs.len() == 200 && seqs.is_sorted_by(|a, b| a < b), "{out:?}");
    bob.expect("[alice] entered the room");
    (1..=200).for_each(|number| _ = bob.expect(&format!("[alice]: line {number}")));
}

#[test]
fn without_a_name_it_is_netcat() {
    let daemon = Daemon::start();
    let input = format!("U alice\r\nP alice {PASSWORD}\r\n\nC - \u{1b}[2J\n\nC - \u{e9}\n");
    let input = [input.as_bytes(), b"C - \xfe\xfe\nK\n"].concat();
    let out = ended(Program::run(&mut client(&daemon, &[]), input), 1, &["2 of 6 requests"]);
    let starts = ["OK new alice ", "OK alice 1 2 ", "ERR bad-text ", "OK 3", "ERR not-utf8 ", "OK"];
    assert_eq!(out.len(), starts.len(), "{out:?}");
    for (line, start) in out.iter().zip(starts) {
        assert!(line.starts_with(start) && line.ends_with('\r'), "{line:?}");
    }
}

#[test]
fn each_line_comes_out_at_once() {
    let daemon = Daemon::start();
    let mut bob = Client::enter(&daemon, "bob");
    let mut alice = Program::start(&mut client_as(&daemon, "alice", &[]));
    bob.expect("[alice] entered the room");
    for number in 0..3 {
        alice.send(&format!("C - {number}"));
        seq_of(&alice.line());
        bob.expect(&format!("[alice]: {number}"));
        bob.ask("C - yes");
        assert_eq!(alice.line(), "[bob]: yes");
    }
    alice.end_input();
    assert_eq!(ended(alice.end(), 0, &[]), [""; 0]);
    bob.expect("[alice] left the room");
}

#[test]
fn after_ones_own_goodbye_the_end_is_no_loss() {
    let daemon = Daemon::start();
    for (voice, goodbye) in [("en", "E -"), ("zh", "quit"), ("json", r#"{"do":"E"}"#)] {
        let mut alice = Program::start(&mut client_as(&daemon, "alice", &["--voice", voice]));
        alice.send(goodbye);
        // Its input is still open.
        let out = ended(alice.end(), 0, &[]);
        assert!(out.len() == 1 && (out[0].starts_with("OK ") || out[0] == r#"{"ok":"E"}"#), "{out:?}");
    }
}

#[test]
fn it_speaks_in_the_voice_that_is_asked_for() {
    let daemon = Daemon::start();
    let _bob = Client::enter(&daemon, "bob");
    let said = |voice: &str, request: &str| {
        ended(Program::run(&mut client_as(&daemon, "alice", &["--voice", voice]), format!("{request}\n")), 0, &[])
    };
    assert_eq!(said("en", "V en"), ["OK en English from now on"]);
    assert!(!said("zh", "V zh").concat().is_ascii());
    let out = said("json", r#"{"do":"W","ref":"w"}"#);
    let reply: Value = serde_json::from_str(out.last().unwrap()).unwrap();
    assert_eq!((&reply["ok"], &reply["count"], &reply["ref"]), (&"W".into(), &2.into(), &"w".into()));
    // It is for netcat too, and its reply is not for the output.
    let out = ended(Program::run(&mut client(&daemon, &["--voice", "json"]), "K\n"), 0, &[]);
    assert_eq!(out, [r#"{"ok":"K"}"#]);
    let out = ended(Program::run(&mut client_as(&daemon, "alice", &["--voice", "json"]), "L - none\n"), 1, &["1 of 1"]);
    assert!(out[0].starts_with(r#"{"err":"no-such-file""#), "{out:?}");
}

#[test]
fn a_name_is_registered_only_where_that_is_asked_for() {
    let daemon = Daemon::start();
    let alice = |arguments: &[&str]| {
        let mut command = client(&daemon, &["--user", "alice"]);
        command.args(arguments).env("PARLOR_PASSWORD", PASSWORD);
        Program::run(&mut command, "K\n")
    };
    for voice in ["en", "zh", "json"] {
        assert_eq!(ended(alice(&["--voice", voice]), 77, &["nobody is registered as alice", "--register"]), [""; 0]);
    }
    assert_eq!(ended(alice(&["--register"]), 0, &[]), ["OK"]);
    assert_eq!(ended(alice(&[]), 0, &[]), ["OK"]);
}

#[test]
fn the_password_comes_from_a_file_before_the_environment_and_is_never_shown() {
    let daemon = Daemon::start();
    Client::enter(&daemon, "alice").ask("E -");
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let run = |password: Option<&str>, arguments: &[&str]| {
        let mut command = client(&daemon, &["--user", "alice"]);
        password.map(|password| command.env("PARLOR_PASSWORD", password));
        Program::run(command.args(arguments), "K\n")
    };
    std::fs::write(path, format!("{PASSWORD}\r\nanother line\n")).unwrap();
    assert_eq!(ended(run(Some("wrong-one"), &["--password-file", path]), 0, &[]), ["OK"]);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(ended(run(None, &["--password-file", path]), 0, &["others may read", "chmod 600"]), ["OK"]);
    let Ended { code, out, err } = run(Some("wrong-one"), &[]);
    assert_eq!((code, out.is_empty()), (Some(77), true));
    assert!(err.concat().contains("wrong-password") && !err.concat().contains("wrong-one"), "{err:?}");
    ended(run(None, &["--password-file", "/nowhere/at/all"]), 66, &["cannot read /nowhere/at/all"]);
    ended(run(None, &["--password-file", "/"]), 66, &["cannot read /: is a directory"]);
    ended(run(None, &[]), 2, &["no password", "PARLOR_PASSWORD", "--password-file"]);
    // A request behind the password would be executed.
    ended(run(Some(&format!("{PASSWORD}\nC - injected")), &[]), 2, &["control characters"]);
}

#[test]
fn a_wrong_command_line_exits_2() {
    let daemon = Daemon::start();
    for wrong in [
        &["--user", "a b"][..],
        &["--user", "a\nE"],
        &["--voice", "fr"],
        &["--no-such-flag"],
        &["surplus"],
        &["tail", "--from", "x"],
    ] {
        ended(Program::run(&mut client(&daemon, wrong), ""), 2, &["--help"]);
    }
    for wrong in ["host:port", "host:0", "[::1", "http://host/"] {
        ended(Program::run(&mut client_at(wrong, &[]), ""), 2, &["an address is HOST"]);
    }
    let help = Program::run(&mut client(&daemon, &["--help"]), "");
    assert!(help.code == Some(0) && help.out.iter().any(|line| line.contains("77  the login was refused")));
}

#[test]
fn where_nothing_listens_it_says_so() {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let words = ["cannot connect to", &*address, "connection refused; is parlord running there?"];
    assert_eq!(ended(Program::run(&mut client_at(&address, &[]), "K\n"), 69, &words), [""; 0]);
    let mut from_environment = Command::new(example("client"));
    from_environment.env("PARLOR_ADDRESS", &address);
    ended(Program::run(&mut from_environment, "K\n"), 69, &words);
    // And where something else does.
    let other = server(|reader, _| reader.get_mut().write_all(b"SSH-2.0-OpenSSH_9.2\r\n").unwrap());
    let login = &mut client_at(&other.to_string(), &["--user", "alice"]);
    ended(Program::run(login.env("PARLOR_PASSWORD", PASSWORD), ""), 69, &["no parlord"]);
}

#[test]
fn a_connection_that_the_server_ends_is_a_loss_and_says_why() {
    let mut daemon = Daemon::start();
    for (voice, start) in [("en", "Closing (replaced): "), ("zh", "连接关闭（replaced）："), ("json", r#"{"event":"closing""#)]
    {
        let mut alice = Program::start(&mut client_as(&daemon, "alice", &["--voice", voice]));
        alice.send("K");
        alice.line();
        let mut other = Client::enter(&daemon, "alice");
        let out = ended(alice.end(), 69, &["the server closed the connection (replaced)"]);
        assert!(out.last().unwrap().starts_with(start), "{out:?}");
        other.ask("E -");
    }
    let mut alice = Program::start(&mut client_as(&daemon, "alice", &[]));
    alice.send("K");
    alice.line();
    daemon.kill();
    assert_eq!(ended(alice.end(), 69, &["the connection was lost"]), [""; 0]);
}

#[test]
fn replies_that_are_missing_at_the_end_of_input_are_a_loss() {
    // It reads everything, answers one of two requests, and ends the connection in good order.
    let address = server(|reader, _| {
        reader.read_to_end(&mut Vec::new()).unwrap();
        reader.get_mut().write_all(b"OK\n").unwrap();
        reader.get_mut().shutdown(Shutdown::Both).unwrap();
    });
    let run = |input: &str| Program::run(&mut client_at(&address.to_string(), &[]), input);
    assert_eq!(ended(run("K\nK\n"), 69, &["lost before all was answered"]), ["OK"]);
    assert_eq!(ended(run("K\n"), 0, &[]), ["OK"]);
    assert_eq!(ended(run("K\n\n \t\r\n"), 0, &[]), ["OK"]);
}

#[test]
fn when_nobody_reads_it_leaves_quietly() {
    let daemon = Daemon::start();
    let mut command = Command::new("sh");
    command.args(["-c", r#"{ "$@"; echo "left with $?" >&2; } | head -1"#, "sh"]);
    let inner = client_as(&daemon, "alice", &[]);
    command.arg(inner.get_program()).args(inner.get_args()).env("PARLOR_PASSWORD", PASSWORD);
    let mut alice = Program::start(&mut command);
    alice.send("K");
    assert_eq!(alice.line(), "OK");
    // Its input stays open: it is the reply that nobody reads. `head` is gone a moment after its line.
    let mut bob = Client::enter(&daemon, "bob");
    while bob.ask("W").starts_with("OK 2") {
        bob.ask("C - anybody there");
    }
    assert_eq!(alice.error_line(), "left with 0");
    assert_eq!(ended(alice.end(), 0, &[]), [""; 0]);
}

#[test]
fn a_signal_ends_it_at_once() {
    let daemon = Daemon::start();
    for (signal, arguments) in
        [("TERM", &[][..]), ("INT", &[]), ("TERM", &["tail", "--from", "1"]), ("INT", &["tail", "--from", "1"])]
    {
        let mut alice = Program::start(&mut client_as(&daemon, "alice", arguments));
        alice.send("K");
        alice.line();
        assert!(Command::new("kill").args([&format!("-{signal}"), &alice.pid().to_string()]).status().unwrap().success());
        let Ended { code, err, .. } = alice.end();
        assert_eq!((code, err), (None, vec![]));
    }
}

#[test]
fn input_that_cannot_be_read_is_told() {
    let daemon = Daemon::start();
    let mut command = Command::new("sh");
    command.args(["-c", r#"exec "$@" </"#, "sh"]).arg(example("client")).arg(daemon.address.to_string());
    ended(Program::run(&mut command, ""), 66, &["cannot read standard input: is a directory"]);
    let mut command = Command::new("sh");
    command.args(["-c", r#"echo K | "$@" >/dev/full"#, "sh"]).arg(example("client")).arg(daemon.address.to_string());
    ended(Program::run(&mut command, ""), 73, &["cannot write standard output: no space left on device"]);
}

#[test]
fn as_netcat_it_carries_files_byte_by_byte() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    // Without a line end behind it, and with lines in it that would be replies.
    let whole = [b"\nERR no file\nClosing (full): no\n".as_slice(), &noise(1, 300_000), b"ERR x y"].concat();
    let line = alice.offer("a.bin").line(&whole);
    let out = ended(Program::run(&mut client(&daemon, &[]), [line.as_bytes(), &whole].concat()), 0, &[]);
    assert!(out[0].starts_with(&format!("OK {} ", sha256(&whole))), "{out:?}");
    let ticket = alice.find("a.bin").ticket;
    let mut command = Command::new("sh");
    command.args(["-c", r#""$@" | sha256sum"#, "sh"]).arg(example("client")).arg(daemon.address.to_string());
    assert_eq!(ended(Program::run(&mut command, format!("T {ticket}")), 0, &[]), [format!("{}  -", sha256(&whole))]);
    let out = ended(Program::run(&mut client(&daemon, &[]), format!("T {ticket}\n")), 1, &["bad-ticket"]);
    assert!(out[0].starts_with("ERR bad-ticket "), "{out:?}");
}
