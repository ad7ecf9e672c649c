//! The promises about the file of settings: every setting can stand in it and nothing else, flags and variables go before
//! it, what is wrong in it is told with its place, and SIGHUP reads it again.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Arg, CommandFactory};
use parlor::config::{Changes, Config, Loaded, is_setting};
use serde_json::json;

use crate::harness::{Client, PASSWORD, Program};
use crate::start_stop::refused;

const EXAMPLE: &str = include_str!("../parlor.example.toml");

fn loaded(file: Option<&Path>) -> Loaded {
    let file = file.map(|file| [OsString::from("--config"), file.into()]);
    let arguments = ["parlord".into()].into_iter().chain(file.into_iter().flatten());
    Loaded::read(arguments).unwrap_or_else(|error| panic!("{error}"))
}

/// The changes that a file with this line makes, or why it cannot.
fn changes_by(line: &str) -> Result<Changes, String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("parlor.toml");
    // One setting does not go without two others.
    let others = if line.starts_with("tls-listen") { "tls-cert = \"c\"\ntls-key = \"k\"\n" } else { "" };
    std::fs::write(&file, others).unwrap();
    let before = loaded(Some(&file));
    std::fs::write(&file, format!("{line}\n{others}")).unwrap();
    let arguments = ["parlord".into(), "--config".into(), file.into()];
    Loaded::read(arguments).map(|newer| before.changes(&newer)).map_err(|error| error.to_string())
}

/// What another value of this setting does, whatever kind of value it has.
pub(crate) fn effect_of(flag: &Arg) -> Changes {
    let name = flag.get_long().unwrap();
    let values =
        ["7", "11", "true", "\"zh\"", "\"debug\"", "\"127.0.0.1:1\"", "\"host:1\"", "\"10.0.0.0/8\"", "\"/some/where\""];
    let mut lines = values.iter().map(|value| format!("{name} = {value}"));
    lines
        .find_map(|line| changes_by(&line).ok().filter(|changes| *changes != Changes::default()))
        .unwrap_or_else(|| panic!("no value does for {name}"))
}

pub(crate) fn flags() -> Vec<Arg> {
    let command = Config::command();
    command.get_arguments().filter(|flag| flag.get_id() != "help" && flag.get_id() != "version").cloned().collect()
}

#[test]
fn every_setting_works_in_the_file() {
    for flag in flags().iter().filter(|flag| is_setting(flag)) {
        let Changes { now, at_start } = effect_of(flag);
        let changed: Vec<String> = now.into_iter().chain(at_start).collect();
        assert_eq!(changed, [flag.get_long().unwrap()]);
    }
}

#[test]
fn what_is_no_setting_does_not() {
    let orders: Vec<Arg> = flags().into_iter().filter(|flag| !is_setting(flag)).collect();
    assert!(["announce", "config"].iter().all(|&name| orders.iter().any(|flag| flag.get_long() == Some(name))));
    for flag in orders {
        let name = flag.get_long().unwrap();
        let error = changes_by(&format!("{name} = \"hello\"")).unwrap_err();
        assert!(
            error.ends_with(&format!("parlor.toml:1:1: --{name} is for the command line alone; take the line out")),
            "{error}"
        );
    }
}

/// The example as it should be: made of what the flags say of themselves.
fn example() -> String {
    let mut text = String::from(
        "# Settings of parlord, for --config FILE. Every line that is commented out shows a setting with its default, or with\n\
         # the form of its value where it has none. A flag, and a variable, go before what stands here.\n\
         # `kill -HUP` lets parlord read this file again: README.md marks what that changes.\n",
    );
    for flag in flags().iter().filter(|flag| is_setting(flag)) {
        let name = flag.get_long().unwrap();
        let form = match (flag.get_action(), flag.get_value_names().and_then(|names| names.first())) {
            (clap::ArgAction::SetTrue, _) | (_, None) => "true".to_owned(),
            (_, Some(number)) if ["N", "S", "H", "D"].contains(&number.as_str()) => number.to_string(),
            (clap::ArgAction::Append, Some(name)) => format!("[\"{name}\"]"),
            (_, Some(name)) => format!("\"{name}\""),
        };
        let in_quotes =
            |word: &str| if word.parse::<i64>().is_ok() || word == "true" { word.to_owned() } else { format!("\"{word}\"") };
        let defaults = flag.get_default_values().iter().flat_map(|words| words.to_str().unwrap().split(','));
        let words: Vec<String> = defaults.map(in_quotes).collect();
        let value = match (&words[..], flag.get_action()) {
            (words @ [_, ..], clap::ArgAction::Append) => format!("[{}]", words.join(", ")),
            ([word], _) => word.clone(),
            _ => form,
        };
        let has_default = !words.is_empty();
        let _ = write!(text, "\n# {}\n{}{name} = {value}\n", flag.get_help().unwrap(), if has_default { "#" } else { "# " });
    }
    text
}

#[test]
fn the_example_names_every_setting_with_its_default() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("parlor.example.toml");
    if std::env::var_os("PARLOR_WRITE_EXAMPLE").is_some() {
        std::fs::write(&path, example()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), example(), "PARLOR_WRITE_EXAMPLE=1 with this test writes it anew");
}

#[test]
fn the_example_changes_nothing_commented_out_or_not() {
    let uncommented: String = EXAMPLE
        .lines()
        .map(|line| format!("{}\n", line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line)))
        .collect();
    assert!(uncommented.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).count() > 20);
    assert_eq!(changes_by(EXAMPLE), Ok(Changes::default()));
    assert_eq!(changes_by(&uncommented), Ok(Changes::default()));
}

/// A daemon with a file of settings, whose log can be read while it runs.
struct Configured {
    _directory: tempfile::TempDir,
    file: PathBuf,
    daemon: Program,
    address: String,
}

impl Configured {
    /// Starts with these lines beside those that every test needs.
    fn start(lines: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("parlor.toml");
        write(&file, lines);
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlord"));
        command.current_dir(directory.path()).env("TZ", "UTC").args(arguments).envs(variables.iter().copied());
        if !variables.iter().any(|(name, _)| *name == "PARLOR_CONFIG") {
            command.arg("--config").arg(&file);
        }
        let mut daemon = Program::start(&mut command);
        let address = daemon.line().strip_prefix("listening on ").unwrap().to_owned();
        Self { _directory: directory, file, daemon, address }
    }

    fn connect(&self) -> Client {
        Client::over(TcpStream::connect(&self.address).unwrap())
    }

    /// The language a newcomer is spoken to in.
    fn language(&self) -> &'static str {
        if self.connect().ask("C").starts_with("ERR login-first log in first") { "en" } else { "zh" }
    }

    /// Writes other lines, sends SIGHUP and returns what the log says of it.
    fn reload(&mut self, lines: &str) -> String {
        write(&self.file, lines);
        assert!(Command::new("kill").arg("-HUP").arg(self.daemon.pid().to_string()).status().unwrap().success());
        self.log_line("SIGHUP")
    }

    fn log_line(&mut self, words: &str) -> String {
        loop {
            let line = self.daemon.error_line();
            if line.contains(words) {
                return line;
            }
        }
    }
}

fn write(file: &Path, lines: &str) {
    std::fs::write(
        file,
        format!("listen = [\"127.0.0.1:0\"]\ndata = \"data\"\nbcrypt-cost = 4\ndisk-reserve-mib = 16\n{lines}\n"),
    )
    .unwrap();
}

#[test]
fn a_flag_goes_before_a_variable_and_both_before_the_file() {
    for (arguments, variables, language) in [
        (&[][..], &[][..], "zh"),
        (&[], &[("PARLOR_LANG", "en")], "en"),
        (&["--lang", "zh"], &[("PARLOR_LANG", "en")], "zh"),
        (&["--lang", "en"], &[], "en"),
        (&[], &[("PARLOR_CONFIG", "parlor.toml")], "zh"),
    ] {
        let daemon = Configured::start("lang = \"zh\"", arguments, variables);
        assert_eq!(daemon.language(), language, "{arguments:?} {variables:?}");
        assert!(daemon.file.with_file_name("data").join("parlor.db").exists());
    }
}

#[test]
fn a_bad_file_starts_nothing_and_is_told_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let (file, data) = (directory.path().join("bad.toml"), directory.path().join("data"));
    let parlord = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlord"));
        command.arg("--data").arg(&data).arg("--config").arg(&file);
        command
    };
    refused(&mut parlord(), 78, &["cannot read the settings in ", "bad.toml", "--config names another file"]);
    for (text, words) in [
        ("lang = \"en\"\nlisen = []", "bad.toml:2:1: there is no setting lisen; did you mean listen?"),
        ("bcrypt-cost = 99", "bad.toml:1:15: invalid value '99' for '--bcrypt-cost <N>': 99 is not in 4..=31"),
        ("max-connections = \"9\"", "bad.toml:1:19: max-connections wants a whole number"),
        ("announce = \"hello\"", "bad.toml:1:1: --announce is for the command line alone"),
        ("lang = ", "bad.toml:1:"),
    ] {
        std::fs::write(&file, text).unwrap();
        refused(&mut parlord(), 78, &[words]);
        // Orders read it too: it may name the data directory.
        refused(parlord().args(["--announce", "x"]), 78, &[words]);
    }
    assert!(!data.exists());
}

#[test]
fn an_order_finds_the_daemon_by_the_file() {
    let daemon = Configured::start("", &[], &[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlord"));
    command.current_dir(daemon.file.parent().unwrap()).args(["--config", "parlor.toml", "--announce", "hello"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn sighup_reads_the_file_again() {
    let mut daemon = Configured::start("", &[], &[]);
    let mut alice = daemon.connect();
    alice.ask("V json");
    alice.log_in("alice");
    assert_eq!(daemon.language(), "en");
    assert!(daemon.reload("").ends_with("SIGHUP: the settings are as they were"));
    let told = daemon.reload("lang = \"zh\"\nmax-file-mib = 1\nticket-timeout-s = 7\nlog = \"debug\"\ninvitation-timeout-s = 1\nworker-threads = 2\nmax-transfers = 3");
    assert!(
        told.ends_with("SIGHUP: in force from now on: --invitation-timeout-s, --lang, --log, --max-file-mib, --ticket-timeout-s; these take effect at the next start only: --max-transfers, --worker-threads"),
        "{told}"
    );
    // Newcomers are spoken to in it, and logged; who is in goes on, with the new limits.
    assert_eq!(daemon.language(), "zh");
    daemon.log_line("connection ");
    alice.send(&json!({"do": "F", "file_name": "a.txt"}).to_string());
    assert_eq!(alice.json()["limit_bytes"], 1 << 20);
    alice.ask(r#"{"do":"G","game":"gomoku"}"#);
    let uninvite = loop {
        let event = alice.json();
        if event["event"] == "uninvite" {
            break event;
        }
    };
    assert_eq!(uninvite["reason"], "expired");
    alice.ask("V en");
    assert!(alice.ask("F - b.txt").contains("within 7 s"));
    // A bad file changes nothing, and says why in one line.
    let told = daemon.reload("lang = \"en\"\nlog = \"loud\"");
    assert!(
        told.contains("SIGHUP: the settings stay as they were: ") && told.contains("parlor.toml:6:7: invalid value 'loud'"),
        "{told}"
    );
    assert_eq!(daemon.language(), "zh");
    std::fs::remove_file(&daemon.file).unwrap();
    let told = daemon.reload("lang = \"en\"\nlog = \"debug\"\nworker-threads = 2");
    assert!(
        told.ends_with("in force from now on: --invitation-timeout-s, --lang, --max-file-mib, --ticket-timeout-s; these take effect at the next start only: --worker-threads"),
        "what was taken back is as it was: {told}"
    );
    assert_eq!(daemon.language(), "en");
    assert!(alice.ask("K").starts_with("OK"), "nobody was disconnected by all this");
}

#[test]
fn time_outs_change_for_who_comes_and_for_who_waits() {
    let mut daemon = Configured::start("", &[], &[]);
    let mut early = daemon.connect();
    early.ask("K");
    daemon.reload("first-line-timeout-s = 1\nlogin-timeout-s = 1");
    let mut late = daemon.connect();
    late.expect("Closing (login-timeout)");
    // It is looked at again with the next line.
    early.send("K");
    early.skip_to("Closing (login-timeout)");
}

#[test]
fn without_a_file_sighup_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = crate::harness::parlord(&directory.path().join("data"));
    let mut daemon = Program::start(&mut command);
    let address = daemon.line().strip_prefix("listening on ").unwrap().to_owned();
    assert!(Command::new("kill").arg("-HUP").arg(daemon.pid().to_string()).status().unwrap().success());
    while !daemon.error_line().ends_with("SIGHUP: there is nothing to read again") {}
    let mut alice = Client::over(TcpStream::connect(address).unwrap());
    alice.ask("U alice");
    assert!(alice.ask(&format!("P alice {PASSWORD}")).starts_with("OK alice "));
}
