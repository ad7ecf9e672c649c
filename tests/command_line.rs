//! The command line: every option also reads its variable, `--help` lists them all, a mistyped one is
//! refused before anything is touched.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use rusqlite::Connection;

use crate::harness::{Client, parlord, wait};
use crate::start_stop::{refused, run, start_bare};

#[test]
fn every_option_is_read_from_the_environment_too() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("from-the-environment");
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlord"));
    command.current_dir(directory.path()).env("PARLOR_DATA", &data).env("PARLOR_LISTEN", "127.0.0.1:0,127.0.0.1:0");
    command.env("PARLOR_LANG", "zh").env("PARLOR_BCRYPT_COST", "5").env("PARLOR_MAX_CONNECTIONS", "1");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let [first, second] = [(); 2].map(|()| {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        line.trim().strip_prefix("listening on ").unwrap().to_owned()
    });
    let mut alice = Client::over(TcpStream::connect(first).unwrap());
    alice.log_in("alice");
    // The language, the limit and the second listener.
    assert!(Client::over(TcpStream::connect(second).unwrap()).line().contains("（full）"));
    assert!(alice.ask("C").contains("格式"));
    alice.ask("E -");
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(wait(&mut child).code(), Some(0));
    let database = Connection::open(data.join("parlor.db")).unwrap();
    let hash: String = database.query_row("SELECT password_hash FROM base_info", [], |row| row.get(0)).unwrap();
    assert!(hash.starts_with("$2b$05$"), "{hash}");
}

#[test]
fn a_flag_goes_before_the_environment() {
    let directory = tempfile::tempdir().unwrap();
    let other = directory.path().join("other");
    // The harness's command names address and directory by flags.
    start_bare(parlord(directory.path()).env("PARLOR_DATA", &other).env("PARLOR_LISTEN", "127.0.0.1:1"), 1);
    assert!(directory.path().join("parlor.db").exists() && !other.exists());
}

#[test]
fn help_lists_every_option_with_its_default_and_its_variable() {
    let (code, help, _) = run(Command::new(env!("CARGO_BIN_EXE_parlord")).arg("--help"));
    assert_eq!(code, 0);
    for (option, default) in [
        ("listen", "127.0.0.1:7171"),
        ("data", "./parlor-data"),
        ("lang", "en"),
        ("bcrypt-cost", "12"),
        ("max-connections", "what the descriptor limit allows"),
        ("first-line-timeout-s", "30"),
        ("login-timeout-s", "180"),
        ("stall-timeout-s", "600"),
        ("keepalive-idle-s", "30"),
        ("keepalive-interval-s", "10"),
        ("confirm-timeout-s", "10"),
        ("stop-timeout-s", "5"),
    ] {
        let (_, rest) = help.split_once(&format!("--{option} <")).unwrap_or_else(|| panic!("{option}: {help}"));
        let words = rest.split("\n      --").next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        let variable = format!("[env: PARLOR_{}=]", option.to_uppercase().replace('-', "_"));
        for part in [format!("[default: {default}]"), variable] {
            assert!(words.contains(&part), "{option} lacks {part}: {words}");
        }
    }
    assert!(help.contains("--announce <"));
}

#[test]
fn a_mistyped_command_line_exits_2_and_starts_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    for wrong in [
        "--no-such-flag",
        "--lang=fr",
        "--bcrypt-cost=3",
        "--bcrypt-cost=32",
        "--listen=nowhere",
        "--stop-timeout-s=0",
        "surplus",
    ] {
        refused(parlord(&data).arg(wrong), 2, &["--help"]);
    }
    refused(parlord(&data).env("PARLOR_LANG", "fr"), 2, &["--lang", "fr"]);
    assert!(!data.exists());
}
