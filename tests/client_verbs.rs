//! The promises of the bundled client's commands for scripts: one thing each, beside whoever is there by the
//! same account, told by exit codes.

use std::io::{BufRead, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client_pipe::{ended, server};
use crate::harness::{
    Client, Daemon, Ended, PASSWORD, Program, Proxy, client, client_as, client_at, example, names_in, noise, seq_of, sha256,
};

/// Runs one of alice's commands in a directory.
fn alice_in(directory: &Path, daemon: &Daemon, arguments: &[&str]) -> Ended {
    Program::run(client_as(daemon, "alice", arguments).current_dir(directory), "")
}

/// A daemon with alice in the room, and a directory.
fn alice_is_here() -> (Daemon, Client, TempDir) {
    let daemon = Daemon::start();
    let alice = Client::enter(&daemon, "alice");
    (daemon, alice, tempfile::tempdir().unwrap())
}

/// Whether she is still there, and heard nothing but this.
#[track_caller]
fn is_undisturbed(alice: &mut Client, heard: &[&str]) {
    let lines = alice.lines_of("W");
    let (who, heard_lines) = lines.split_last().unwrap();
    assert_eq!(who, "OK 1 alice");
    assert_eq!(heard_lines.len(), heard.len(), "{heard_lines:?}");
    assert!(heard_lines.iter().zip(heard).all(|(line, start)| line.starts_with(start)), "{heard_lines:?}");
}

#[test]
fn send_says_it_beside_the_same_person() {
    let (daemon, mut alice, here) = alice_is_here();
    assert_eq!(ended(alice_in(here.path(), &daemon, &["send", "the backup is done"]), 0, &[]), [""; 0]);
    is_undisturbed(&mut alice, &["[alice]: the backup is done"]);
    ended(alice_in(here.path(), &daemon, &["send", "-1 degrees\nand falling"]), 0, &[]);
    is_undisturbed(&mut alice, &["[alice]: -1 degrees", "    and falling"]);
    ended(alice_in(here.path(), &daemon, &["send", "\u{1b}[2J"]), 1, &["refused: bad-text"]);
    is_undisturbed(&mut alice, &[]);
}

#[test]
fn a_command_needs_a_login_that_is_granted() {
    let (daemon, mut alice, _here) = alice_is_here();
    let run = |name: &str, password: &str| {
        let mut command = client(&daemon, &["--user", name, "send", "hello"]);
        Program::run(command.env("PARLOR_PASSWORD", password), "")
    };
    ended(run("nobody", PASSWORD), 77, &["nobody is registered as nobody", "--register"]);
    let Ended { code, err, .. } = run("alice", "wrong-one");
    assert!(code == Some(77) && err.concat().contains("login refused: wrong-password"), "{err:?}");
    assert!(!err.concat().contains("wrong-one"), "{err:?}");
    ended(Program::run(client(&daemon, &["send", "x"]).env("PARLOR_PASSWORD", PASSWORD), ""), 2, &["--user NAME"]);
    ended(Program::run(&mut client(&daemon, &["--user", "alice", "tail"]), ""), 2, &["no password"]);
    is_undisturbed(&mut alice, &[]);
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command = client_at(&nowhere, &["--user", "alice", "send", "x"]);
    let words = ["cannot connect to", &*nowhere, "connection refused; is parlord running there?"];
    ended(Program::run(command.env("PARLOR_PASSWORD", PASSWORD), ""), 69, &words);
}

#[test]
fn a_file_goes_up_and_down_whole_without_a_bar_where_there_is_no_terminal() {
    let (daemon, mut alice, here) = alice_is_here();
    let whole = noise(7, 3_000_000);
    std::fs::write(here.path().join("noise.bin"), &whole).unwrap();
    let run = |arguments: &[&str]| alice_in(here.path(), &daemon, arguments);
    assert_eq!(ended(run(&["upload", "noise.bin"]), 0, &[]), [""; 0]);
    is_undisturbed(&mut alice, &["[alice] shared noise.bin (2.9 MiB)"]);
    assert_eq!(alice.find("noise.bin").sha256, sha256(&whole));
    // Not over what is there, but by another name or when told so.
    ended(run(&["download", "noise.bin"]), 73, &["cannot write ./noise.bin", "-o FILE"]);
    assert_eq!(ended(run(&["download", "noise.bin", "-o", "copy.bin"]), 0, &[]), [""; 0]);
    std::fs::write(here.path().join("noise.bin"), "another").unwrap();
    ended(run(&["download", "noise.bin", "-o", "noise.bin"]), 0, &[]);
    for name in ["noise.bin", "copy.bin"] {
        assert!(std::fs::read(here.path().join(name)).unwrap() == whole, "{name}");
    }
    ended(run(&["upload", "./copy.bin", "--name", "第二.bin"]), 0, &[]);
    ended(run(&["download", "第二.bin"]), 0, &[]);
    assert!(std::fs::read(here.path().join("第二.bin")).unwrap() == whole);
    assert_eq!(names_in(here.path()), ["copy.bin", "noise.bin", "第二.bin"]);
}

#[test]
fn what_is_wrong_with_a_transfer_has_its_exit_code() {
    let (daemon, mut alice, here) = alice_is_here();
    alice.share(&daemon, "a.bin", b"hello");
    std::fs::write(here.path().join("a.bin"), "other").unwrap();
    std::fs::create_dir(here.path().join("folder")).unwrap();
    let run = |arguments: &[&str]| alice_in(here.path(), &daemon, arguments);
    ended(run(&["upload", "none.bin"]), 66, &["cannot read none.bin: no such file or directory"]);
    ended(run(&["upload", "folder"]), 66, &["cannot read folder: is a directory"]);
    ended(run(&["upload", "/dev/zero"]), 66, &["cannot read /dev/zero: it is not a regular file"]);
    ended(run(&["upload", "a.bin"]), 1, &["refused: file-exists"]);
    ended(run(&["upload", "a.bin", "--name", "../b"]), 1, &["refused: bad-file-name"]);
    ended(run(&["download", "none.bin"]), 1, &["refused: no-such-file"]);
    ended(run(&["download", "a.bin", "-o", "folder"]), 73, &["cannot write folder: is a directory"]);
    ended(run(&["download", "a.bin", "-o", "none/a.bin"]), 73, &["cannot write none/a.bin"]);
    for name in ["../a.bin", "/etc/passwd", ".profile", r"a\b"] {
        ended(run(&["download", name]), 2, &["no name for a file here", "-o FILE"]);
    }
    assert_eq!(
        (names_in(here.path()), std::fs::read(here.path().join("a.bin")).unwrap()),
        (vec!["a.bin".into(), "folder".into()], b"other".into())
    );
}

#[test]
fn bytes_that_are_not_what_their_hash_says_are_not_kept() {
    let lying = server(|reader, line| {
        if line.starts_with("T ") {
            return reader.get_mut().write_all(b"hallo").unwrap();
        }
        let mut line = line;
        while !line.is_empty() {
            let asked: Value = serde_json::from_str(&line).unwrap_or_else(|_| json!({ "do": "V" }));
            let mut reply = json!({ "ok": asked["do"], "name": "alice", "count": 1, "seq": 1, "names": [] });
            reply["ref"] = asked["ref"].clone();
            let found = json!({ "ticket": "t", "size_bytes": 5, "sha256": sha256(b"hello") });
            reply.as_object_mut().unwrap().extend(found.as_object().unwrap().clone());
            let _ = writeln!(reader.get_mut(), "{reply}");
            line.clear();
            let _ = reader.read_line(&mut line);
        }
    });
    let here = tempfile::tempdir().unwrap();
    let mut command = client_at(&lying.to_string(), &["--user", "alice", "download", "a.bin"]);
    command.current_dir(here.path()).env("PARLOR_PASSWORD", PASSWORD);
    ended(Program::run(&mut command, ""), 65, &["what came of a.bin is not what its hash says"]);
    assert_eq!(names_in(here.path()), [""; 0]);
}

#[test]
fn tail_tells_the_past_from_a_number_on_and_then_what_happens() {
    let (daemon, mut alice, _here) = alice_is_here();
    alice.ask("C - past");
    let from = seq_of(&alice.ask("C - first")).to_string();
    let mut prose = Program::start(&mut client_as(&daemon, "alice", &["tail", "--from", &from]));
    let mut zh = Program::start(&mut client_as(&daemon, "alice", &["tail", "--from", &from, "--voice", "zh"]));
    let mut objects = Program::start(&mut client_as(&daemon, "alice", &["--voice", "json", "tail", "--from", &from]));
    // As the server words its history, in the same zone.
    let history = alice.lines_of(&format!("H {} -", from.parse::<u64>().unwrap() - 1));
    assert_eq!(prose.line(), history[0]);
    assert_eq!(zh.line(), history[0].replace("]: ", "]："));
    let object: Value = serde_json::from_str(&objects.line()).unwrap();
    let of = |object: &Value, keys: [&str; 4]| keys.map(|key| object[key].clone());
    let keys = ["event", "seq", "from", "text"];
    assert_eq!(of(&object, keys), [json!("chat"), json!(from.parse::<u64>().unwrap()), json!("alice"), json!("first")]);
    assert!(object["at"].as_str().unwrap().ends_with('Z'), "{object}");
    // They have told the past, so they listen, and she is still there and alone.
    is_undisturbed(&mut alice, &[]);
    let live = seq_of(&alice.ask("C - live"));
    let line = prose.line();
    assert!(line.starts_with(&format!("#{live} 20")) && line.ends_with(" [alice]: live"), "{line}");
    zh.line();
    let object: Value = serde_json::from_str(&objects.line()).unwrap();
    assert_eq!(of(&object, keys), [json!("chat"), json!(live), json!("alice"), json!("live")]);
    alice.share(&daemon, "report.pdf", &[0; 2048]);
    assert!(prose.line().ends_with(" [alice] shared report.pdf (2.0 KiB) - L - report.pdf fetches it"));
}

#[test]
fn tail_without_a_number_begins_now_and_leaves_as_soon_as_nobody_reads() {
    let (daemon, mut alice, _here) = alice_is_here();
    alice.ask("C - past");
    let mut command = Command::new("sh");
    command.args(["-c", r#"{ "$@"; echo "left with $?" >&2; } | head -1"#, "sh"]).env("PARLOR_PASSWORD", PASSWORD);
    let inner = client_as(&daemon, "alice", &["tail"]);
    let mut tail = Program::start(command.arg(inner.get_program()).args(inner.get_args()));
    // When it has begun nobody tells.
    let first = std::thread::spawn(move || (tail.line(), tail));
    let mut said = 0;
    while !first.is_finished() {
        said += 1;
        alice.ask(&format!("C - {said}"));
    }
    let (line, mut tail) = first.join().unwrap();
    assert!(line.contains(" [alice]: ") && !line.contains("past"), "{line}");
    assert_eq!(tail.error_line(), "left with 0");
    assert_eq!(ended(tail.end(), 0, &[]), [""; 0]);
}

#[test]
fn tail_comes_back_over_a_bad_network_and_says_so() {
    let (daemon, mut alice, _here) = alice_is_here();
    let proxy = Proxy::start(daemon.address, 5_000..8_000);
    let mut command = client_at(&proxy.address.to_string(), &["--user", "alice", "tail", "--from", "2"]);
    let mut tail = Program::start(command.env("PARLOR_PASSWORD", PASSWORD));
    assert!(tail.line().ends_with("[alice] entered the room"));
    for number in 0..100 {
        let seq = seq_of(&alice.ask(&format!("C - {number}")));
        let line = tail.line();
        assert!(line.starts_with(&format!("#{seq} ")) && line.ends_with(&format!(" [alice]: {number}")), "{line}");
    }
    assert!(proxy.cuts() > 0);
    assert_eq!(tail.error_line(), "client: the connection is lost; trying again");
    assert_eq!(tail.error_line(), "client: the connection is back");
}

/// The README's commands, as they stand there, in a shell.
#[test]
fn the_readmes_commands_for_scripts_do_what_it_says() {
    let (daemon, mut alice, here) = alice_is_here();
    alice.share(&daemon, "report.pdf", b"a report");
    std::fs::write(here.path().join("backup.tar.zst"), "a backup").unwrap();
    let readme = include_str!("../README.md");
    let block = readme.split("```sh\n").find(|block| block.starts_with("export PARLOR_USER")).expect("the commands");
    let script = block.split("```").next().unwrap();
    let script = script.replace("target/release/examples/client", example("client").to_str().unwrap());
    let script = script.replace("/tmp/report.pdf", "copy.pdf");
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", &script]).current_dir(here.path()).env("PARLOR_ADDRESS", daemon.address.to_string());
    let Ended { code, out, err } = Program::run(&mut shell, "");
    assert_eq!((code, err), (Some(0), vec![]), "{out:?}");
    assert_eq!(std::fs::read(here.path().join("copy.pdf")).unwrap(), b"a report");
    assert!(out[0].contains(r#""event":"file""#) && out.len() == 1, "{out:?}");
    alice.skip_to("[alice]: the backup is done");
    alice.skip_to("[alice] shared backup.tar.zst");
}

#[test]
fn the_readme_has_every_exit_code() {
    let help = Program::run(Command::new(example("client")).arg("--help"), "").out;
    let codes = help.iter().skip_while(|line| !line.starts_with("Exit codes")).skip(1);
    let codes: Vec<&str> = codes.filter_map(|line| line.split_whitespace().next()).collect();
    let section = include_str!("../README.md").split("\n## The client\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next());
    let documented: Vec<&str> = rows.filter(|cell| cell.parse::<u8>().is_ok()).collect();
    assert_eq!(documented, codes);
    assert!(codes.len() > 5);
}
