//! The documents name what the code has, continued: environment variables, exit codes, the client's flags, and the keys
//! of voice `json`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use clap::CommandFactory;
use parlor::config::Config;
use parlor::protocol::commands::{COMMANDS, Shape};
use parlor::protocol::refusal::Refusal;

use crate::code_rules::{rust_files, source};
use crate::documents::{PROTOCOL, README, first_cells};
use crate::harness::example;

/// The words of a text that begin so, up to the first character that is no part of one.
fn words_with(text: &str, start: &str, is_part: fn(char) -> bool) -> BTreeSet<String> {
    let found = text.match_indices(start).map(|(at, _)| &text[at..]);
    found.map(|rest| rest.split(|c| !is_part(c)).next().unwrap().to_owned()).collect()
}

fn variables(text: &str) -> BTreeSet<String> {
    words_with(text, "PARLOR_", |c| c.is_ascii_uppercase() || c == '_')
}

fn flags(text: &str) -> BTreeSet<String> {
    let mut flags = words_with(text, "--", |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    flags.retain(|flag| flag.len() > 3);
    flags
}

/// What stands between a heading of the README and the next one of its rank.
fn section(heading: &str) -> &'static str {
    let (_, section) = README.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    section.split("\n## ").next().unwrap()
}

/// A source without its unit tests, which stand at its end or in a folder of their own.
fn code(file: &Path) -> String {
    let is_test = file.components().any(|part| part.as_os_str() == "model" || part.as_os_str() == "tests");
    let source = source(file);
    let code = source.split("\nmod tests {").next().unwrap_or_default();
    if is_test { String::new() } else { code.to_owned() }
}

#[test]
fn every_variable_is_documented_and_every_documented_one_is_read() {
    let read_in = |folder| rust_files(&[folder]).iter().flat_map(|file| variables(&code(file))).collect::<BTreeSet<String>>();
    let (daemons, programs) = (read_in("src"), read_in("examples"));
    assert_eq!(variables(README), &daemons | &programs);
    let command = Config::command();
    let of_flags = command.get_arguments().filter_map(|flag| flag.get_env().map(|name| name.to_owned()));
    let of_flags: BTreeSet<String> = of_flags.map(|name| name.into_string().unwrap()).collect();
    assert_eq!(daemons, of_flags, "the daemon reads no variable that is not a flag's");
}

/// The numbers that a file's `ExitCode::from(match …)` gives, with those that need no failure of ours.
fn exit_codes(file: &str) -> BTreeSet<String> {
    let source = source(&Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
    let (_, arms) = source.split_once("ExitCode::from(match self {").unwrap();
    let arms = arms.split("\n        })").next().unwrap();
    let codes = arms.lines().filter_map(|arm| arm.rsplit_once("=> ")?.1.strip_suffix(',')).map(str::to_owned);
    codes.chain(["0".into(), "2".into()]).collect()
}

fn rows(text: &str) -> BTreeSet<String> {
    let cells = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    cells.filter(|cell| cell.bytes().all(|byte| byte.is_ascii_digit())).map(str::to_owned).collect()
}

#[test]
fn every_exit_code_is_documented_and_every_documented_one_exists() {
    assert_eq!(rows(section("Operations")), exit_codes("src/exit.rs"));
    assert_eq!(rows(section("The client")), exit_codes("examples/client/exit.rs"));
}

fn client_help(verb: &[&str]) -> String {
    let output = Command::new(example("client")).args(verb).arg("--help").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Flags of other programs in the commands that the README shows.
const FLAGS_OF_OTHERS: [&str; 2] = ["--example", "--release"];

#[test]
fn the_clients_flags_and_verbs_that_are_documented_exist() {
    let verbs = ["send", "upload", "download", "tail"];
    let mut known = flags(&client_help(&[]));
    verbs.iter().for_each(|&verb| known.extend(flags(&client_help(&[verb]))));
    for flag in flags(section("The client")) {
        assert!(known.contains(&flag) || FLAGS_OF_OTHERS.contains(&flag.as_str()), "{flag} is none of the client's flags");
    }
    for verb in verbs {
        assert!(README.contains(&format!("$client {verb} ")), "{verb} is missing in README.md");
    }
    // Flags that --help tells best are not in the README; those of a login and of safety are.
    for flag in ["--user", "--password-file", "--register", "--voice"] {
        assert!(known.contains(flag) && section("The client").contains(flag), "{flag}");
    }
}

/// The keys of objects that a source writes: first arguments of the writer's methods.
fn keys_written() -> BTreeSet<String> {
    const METHODS: [&str; 8] = [".text(", ".number(", ".bool(", ".time(", ".hex(", ".names(", ".list(", ".number_as_text("];
    let mut keys = BTreeSet::from(["ok", "err", "item", "event"].map(str::to_owned));
    for file in rust_files(&["src/protocol/voice/json"]) {
        let source = source(&file);
        for method in METHODS {
            let arguments = source.split(method).skip(1).map(str::trim_start);
            let literals = arguments.filter_map(|arguments| arguments.strip_prefix('"')?.split('"').next());
            keys.extend(literals.map(str::to_owned));
        }
    }
    assert!(keys.len() > 40, "{keys:?}");
    keys
}

fn in_backticks(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_key_that_programs_read_is_documented() {
    let documented = in_backticks(PROTOCOL);
    let missing: Vec<String> = keys_written().into_iter().filter(|key| !documented.contains(key)).collect();
    assert_eq!(missing, [""; 0]);
    // Those of a request that stand in no line, so that the table of requests does not show them.
    for param in COMMANDS.iter().flat_map(|command| command.params) {
        let is_shown = matches!(param.shape, Shape::Word | Shape::Rest) && !param.name.contains('_');
        let is_spelt_out = documented.contains(param.name) || PROTOCOL.contains(&format!("\"{}\":", param.name));
        assert!(is_shown || is_spelt_out, "{} is not documented", param.name);
    }
}

/// Words in the tables of voice `json` that are values of keys, or name requests and refusals.
const VALUES: [&str; 22] = [
    "abort",
    "aborted",
    "busy",
    "claim",
    "draw",
    "expired",
    "false",
    "file-exists",
    "help",
    "invitation",
    "known",
    "left",
    "moves",
    "new",
    "pgn",
    "playing",
    "record",
    "rematch",
    "resign",
    "sgf",
    "undo",
    "withdrawn",
];

#[test]
fn every_key_in_the_tables_of_voice_json_is_written() {
    let (_, section) = PROTOCOL.split_once("\n## Voice `json`\n").unwrap();
    let (tables, _) = section.split_once("\n### ").unwrap();
    let keys = keys_written();
    let letters: BTreeSet<String> = COMMANDS.iter().map(|command| command.letter.to_string()).collect();
    let kinds = first_cells(PROTOCOL, "\n## Voice `json`\n");
    for row in tables.lines().filter(|line| line.starts_with("| ")) {
        let cells = row.splitn(3, " | ").skip(1).collect::<Vec<_>>().join(" ");
        for word in in_backticks(&cells) {
            let is_word = word.bytes().all(|byte| byte.is_ascii_lowercase() || b"_-".contains(&byte));
            let is_known = keys.contains(&word) || letters.contains(&word) || kinds.contains(&word);
            let is_value = VALUES.contains(&word.as_str()) || Refusal::CODES.contains(&word.as_str());
            assert!(!is_word || is_known || is_value, "{word:?} in {row}");
        }
    }
}
