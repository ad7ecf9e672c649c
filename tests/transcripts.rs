//! The transcripts in `protocol.md` and `README.md` are true: each is typed to a fresh daemon, and
//! every line that comes back is compared.

use std::collections::{BTreeMap, VecDeque};
use std::process::Command;

use crate::harness::{Client, Daemon};

/// Whether a line is as a transcript has it; `…` stands for anything.
pub fn is_like(line: &str, pattern: &str) -> bool {
    let mut rest = line;
    let mut pieces = pattern.split('…');
    let Some(tail) = pieces.next().and_then(|first| rest.strip_prefix(first)) else { return false };
    rest = tail;
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

/// The fenced blocks of a document that are marked `transcript`.
pub fn blocks<'a>(document: &'a str, mark: &str) -> Vec<&'a str> {
    let opening = format!("```{mark}\n");
    let blocks: Vec<&str> = document.split(&opening).skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty(), "no {mark} in the document");
    blocks
}

#[derive(Default)]
struct Cast {
    clients: BTreeMap<String, Client>,
}

impl Cast {
    fn client(&mut self, daemon: &Daemon, name: &str) -> &mut Client {
        self.clients.entry(name.to_owned()).or_insert_with(|| Client::connect(daemon))
    }
}

fn announce(daemon: &Daemon, text: &str) {
    let output = daemon.announce(text);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn the_protocol_is_as_its_document_shows() {
    for block in blocks(include_str!("../protocol.md"), "transcript") {
        let (daemon, mut cast) = (Daemon::start(), Cast::default());
        for step in block.lines() {
            if let Some(text) = step.strip_prefix("operator> ") {
                announce(&daemon, text);
            } else if let Some((name, line)) = step.split_once("> ") {
                cast.client(&daemon, name).send(line);
            } else if let Some((name, pattern)) = step.split_once("< ") {
                let line = cast.client(&daemon, name).line();
                assert!(is_like(&line, pattern), "{step:?} in protocol.md, but {line:?} came; in\n{block}");
            } else {
                panic!("{step:?} is no step of a transcript");
            }
        }
    }
}

/// A shell of somebody who has a file, and pastes what the room answers.
struct Shell {
    directory: tempfile::TempDir,
    output: VecDeque<String>,
}

impl Shell {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("report.pdf"), "not a report\n").unwrap();
        Self { directory, output: VecDeque::new() }
    }

    /// One cell of its column: a command, or what the last one printed.
    fn play(&mut self, cell: &str, heard: &[String]) {
        if let Some(typed) = cell.strip_prefix("$ ") {
            let pasted = heard.iter().rev().find(|line| is_like(line, typed));
            self.run(pasted.map_or(typed, String::as_str));
        } else if !cell.is_empty() {
            let line = self.output.pop_front().unwrap_or_default();
            assert!(is_like(&line, cell), "{cell:?} in README.md, but {line:?} came");
        }
    }

    fn run(&mut self, command: &str) {
        assert!(self.output.is_empty(), "{:?} came, and README.md does not show it", self.output);
        let output = Command::new("sh").args(["-c", command]).current_dir(&self.directory).output().unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
        self.output.extend(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned));
    }
}

/// The README shows two terminals side by side; a line of a letter and a blank is typed, others are read.
/// A cell that begins with `$` is typed into a shell; one with a `…` in it stands for the last line like it
/// that came, pasted.
#[test]
fn the_room_is_as_the_readme_shows() {
    const COLUMN: usize = 44;
    for block in blocks(include_str!("../README.md"), "console") {
        let Some((first, block)) = block.split_once('\n').filter(|(first, _)| first.contains("$ nc")) else { continue };
        let (daemon, mut cast, mut shell) = (Daemon::start(), Cast::default(), Shell::new());
        let has_shell = first.ends_with("$ ls");
        if has_shell {
            shell.run("ls");
        }
        let mut heard = Vec::new();
        let mut announced = false;
        for row in block.lines() {
            let left: String = row.chars().take(COLUMN).collect();
            let right: String = row.chars().skip(COLUMN).collect();
            if row.contains("Administrator") && !announced {
                announce(&daemon, "closing at ten");
                announced = true;
            }
            for (name, cell) in [("left", left.trim_end()), ("right", right.trim_end())] {
                if name == "right" && has_shell {
                    shell.play(cell, &heard);
                    continue;
                }
                let client = cast.client(&daemon, name);
                match cell.as_bytes() {
                    [] => (),
                    [b'A'..=b'Z', b' ', ..] | [b'S'] => client.send(cell),
                    _ => {
                        let line = client.line();
                        assert!(is_like(&line, cell), "{cell:?} in README.md, but {line:?} came");
                        heard.push(line);
                    }
                }
            }
        }
    }
}

#[test]
fn patterns_tell_lines_apart() {
    for (line, pattern) in [("OK 4", "OK 4"), ("OK new x y", "OK new …"), ("a-b-c", "a…c"), ("OK", "…")] {
        assert!(is_like(line, pattern), "{line} {pattern}");
    }
    for (line, pattern) in [("OK 45", "OK 4"), ("OK known", "OK new …"), ("a-b", "a…c"), ("", "OK")] {
        assert!(!is_like(line, pattern), "{line} {pattern}");
    }
}
