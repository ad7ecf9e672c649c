//! The documents name what the code has, all of it and nothing else: codes, closing reasons,
//! commands and flags. Also the rules of who may import whom, which the crate's map states.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use parlor::config::{Config, is_setting};
use parlor::protocol::closing::Closing;
use parlor::protocol::commands::COMMANDS;
use parlor::protocol::refusal::Refusal;

use crate::settings;

pub const PROTOCOL: &str = include_str!("../protocol.md");
pub const README: &str = include_str!("../README.md");

/// The first cells of a Markdown table, without their backticks, in the section that `heading` opens.
pub fn first_cells(document: &str, heading: &str) -> BTreeSet<String> {
    let (_, section) = document.split_once(heading).unwrap_or_else(|| panic!("no {heading:?}"));
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.filter_map(|row| row.split('`').nth(1)).map(str::to_owned).collect()
}

#[test]
fn every_code_is_documented_and_every_documented_code_exists() {
    let codes: BTreeSet<String> = Refusal::CODES.iter().map(|&code| code.to_owned()).collect();
    assert_eq!(first_cells(PROTOCOL, "\n## Codes\n"), codes);
}

#[test]
fn every_closing_reason_is_documented_and_every_documented_one_exists() {
    let reasons: BTreeSet<String> = Closing::ALL.iter().map(|closing| closing.code().to_owned()).collect();
    assert_eq!(first_cells(PROTOCOL, "\n## Closing\n"), reasons);
}

#[test]
fn every_command_is_documented_in_its_form() {
    let forms: BTreeSet<String> = COMMANDS.iter().map(|command| command.form()).collect();
    assert_eq!(first_cells(PROTOCOL, "\n## Requests\n"), forms);
    for form in forms {
        assert!(README.contains(&format!("`{form}`")), "{form} is missing in README.md");
    }
}

#[test]
fn every_flag_is_documented_with_its_variable_and_default() {
    let command = Config::command();
    let flags = command.get_arguments().filter(|flag| flag.get_id() != "help" && flag.get_id() != "version");
    let mut documented = first_cells(README, "\n## Options\n");
    for flag in flags {
        let name = format!("--{}", flag.get_long().unwrap());
        // An option, or a part of an order.
        let has_name = |cell: &str| cell.split([' ', '[', ']', '`']).any(|word| word == name);
        let row = README.lines().find(|line| line.starts_with("| `--") && line.split("` ").next().is_some_and(has_name));
        let row = row.unwrap_or_else(|| panic!("{name}"));
        documented.retain(|cell| cell.split(' ').next() != Some(&name));
        if let Some(variable) = flag.get_env() {
            assert!(row.contains(variable.to_str().unwrap()), "{row}");
        }
        let is_live = is_setting(flag) && !settings::effect_of(flag).now.is_empty();
        assert_eq!(row.contains("` ↻ |"), is_live, "SIGHUP changes it, or it does not: {row}");
        for default in flag.get_default_values() {
            assert!(row.contains(&format!("`{}`", default.to_str().unwrap())), "{row}");
        }
    }
    assert_eq!(documented, BTreeSet::new(), "documented, but no flags");
}

pub fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Which part of the crate may name which others; see the map in `src/lib.rs`.
pub const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("clock", &[]),
    ("metrics", &["protocol"]),
    ("store", &["protocol"]),
    ("connections", &["guard", "protocol", "store"]),
    ("room", &["clock", "connections", "mailbox", "metrics", "protocol", "store"]),
    ("background", &[]),
    ("mailbox", &[]),
    ("panics", &[]),
    ("client", &[]),
    ("auth", &["background", "protocol", "store"]),
    ("errors", &["auth", "guard", "logging", "protocol", "store"]),
    ("files", &["auth", "background", "clock", "connections", "logging", "mailbox", "panics", "protocol", "room", "store"]),
    ("games", &["clock", "connections", "mailbox", "panics", "protocol", "room", "store"]),
    ("guard", &["protocol", "store"]),
    ("live", &[]),
    ("reload", &["config", "files", "games", "live", "net", "session", "store"]),
    ("session", &["auth", "clock", "connections", "files", "games", "guard", "live", "metrics", "protocol", "room", "store"]),
    (
        "net",
        &["background", "clock", "connections", "files", "guard", "live", "logging", "metrics", "protocol", "room", "session"],
    ),
    ("config", &["files", "games", "guard", "net", "protocol", "session"]),
    ("exit", &["config", "net", "store"]),
    ("data_dir", &["exit", "store"]),
    (
        "admin",
        &[
            "clock",
            "config",
            "connections",
            "data_dir",
            "exit",
            "guard",
            "logging",
            "metrics",
            "protocol",
            "room",
            "session",
            "store",
        ],
    ),
    ("backup", &["admin", "background", "clock", "data_dir", "exit", "files", "protocol", "store"]),
    ("logging", &["protocol"]),
];

#[test]
fn nobody_imports_backwards() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for file in files {
        let part = file.strip_prefix(&root).unwrap().components().next().unwrap().as_os_str().to_str().unwrap();
        let part = part.trim_end_matches(".rs");
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == part) else {
            assert!(["lib", "main", "server"].contains(&part), "{} has no rule", file.display());
            continue;
        };
        let source = std::fs::read_to_string(&file).unwrap();
        for named in source.split("crate::").skip(1) {
            let named = named.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
            assert!(named == part || allowed.contains(&named), "{} names {named}", file.display());
        }
    }
}

#[test]
fn sockets_sql_and_bcrypt_have_one_place_each() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for (word, places) in [
        ("rusqlite::", &["store"][..]),
        ("bcrypt::", &["auth.rs"]),
        ("tokio::net::Tcp", &["client", "net", "server.rs"]),
        ("socket2::", &["net"]),
        ("rustls::", &["client", "net"]),
    ] {
        for file in &files {
            let place = file.strip_prefix(&root).unwrap().components().next().unwrap().as_os_str().to_str().unwrap();
            let source = std::fs::read_to_string(file).unwrap();
            assert!(places.contains(&place) || !source.contains(word), "{} uses {word}", file.display());
        }
    }
}

/// The tests of a file and of the folder beside it, as the document names them.
fn tests_of(module: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    if root.join("tests").join(module).is_dir() {
        sources(&root.join("tests").join(module), &mut files);
    }
    files.push(root.join(format!("tests/{module}.rs")));
    files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect()
}

#[test]
fn every_test_that_the_security_document_names_exists() {
    let security = include_str!("../SECURITY.md");
    let rows = security.lines().filter(|line| line.starts_with("| "));
    let held_by = rows.filter_map(|row| row.trim_end_matches(" |").rsplit(" | ").next());
    let names: Vec<&str> = held_by.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert!(names.len() > 40, "{names:?}");
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for name in names.into_iter().filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c))) {
        let (module, test) = name.split_once("::").unwrap_or((name, ""));
        let (test, tests) = (test.rsplit("::").next().unwrap(), tests_of(module));
        let is_there = match (tests.is_empty(), test) {
            // A part of the crate, with the tests in it.
            (true, _) => {
                let part = name.trim_end_matches("::tests").replace("::", "/");
                src.join(&part).is_dir() || src.join(part + ".rs").is_file()
            }
            (false, "") => tests.contains("#[test]"),
            (false, test) => tests.contains(&format!("fn {test}(")),
        };
        assert!(is_there, "there is no test {name}");
    }
}
