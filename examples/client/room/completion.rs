//! What Tab makes of an unfinished line: commands, names, files and paths.

use std::ops::Range;
use std::path::{Path, PathBuf};

use parlor::games::rules::GAMES;

use super::commands::{Argument, COMMANDS};

/// Where to look besides the disk.
pub(crate) struct Sources<'a> {
    pub(crate) members: Vec<&'a str>,
    pub(crate) shared: Vec<&'a str>,
    pub(crate) transfers: Vec<&'a str>,
    pub(crate) inviters: Vec<&'a str>,
}

/// What could stand in place of a part of the line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Completion {
    /// The bytes to replace.
    pub(crate) range: Range<usize>,
    /// What they could be, at least one, each whole.
    pub(crate) choices: Vec<String>,
}

impl Completion {
    /// As much as all choices agree on.
    pub(crate) fn common(&self) -> &str {
        let Some(first) = self.choices.first() else { return "" };
        let agreed = self.choices.iter().map(|choice| agreed_bytes(first, choice)).min().unwrap_or(0);
        &first[..agreed]
    }
}

fn agreed_bytes(one: &str, other: &str) -> usize {
    let differs = one.char_indices().zip(other.chars()).find(|((_, one), other)| one != other);
    differs.map_or(one.len().min(other.len()), |((at, _), _)| at)
}

/// What the line up to the cursor could go on with; nothing if there is nothing.
pub(crate) fn complete(line: &str, sources: &Sources<'_>) -> Option<Completion> {
    let found = match line.strip_prefix('/') {
        Some(typed) if !typed.starts_with('/') => match typed.split_once(' ') {
            None => (0, begins(typed, COMMANDS.iter().map(|command| command.name), |name| format!("/{name} "))),
            Some((name, argument)) => {
                let command = COMMANDS.iter().find(|command| command.name == name)?;
                let at = line.len() - argument.len();
                of_argument(command.argument, argument, at, sources)
            }
        },
        _ => {
            // Who is spoken to stands first, with a colon; elsewhere a name is a word.
            let at = line.rfind(' ').map_or(0, |blank| blank + 1);
            let ending = if at == 0 { ": " } else { " " };
            let typed = line[at..].trim_start_matches('@');
            if typed.is_empty() {
                return None;
            }
            (line.len() - typed.len(), begins(typed, sources.members.iter().copied(), |name| format!("{name}{ending}")))
        }
    };
    let (at, choices) = found;
    (!choices.is_empty()).then_some(Completion { range: at..line.len(), choices })
}

/// Those that begin with what was typed, in any case.
fn begins<'a>(typed: &str, known: impl Iterator<Item = &'a str>, whole: impl Fn(&str) -> String) -> Vec<String> {
    let typed = typed.to_lowercase();
    known.filter(|name| name.to_lowercase().starts_with(&typed)).map(whole).collect()
}

fn of_argument(argument: Argument, typed: &str, at: usize, sources: &Sources<'_>) -> (usize, Vec<String>) {
    let last = typed.rfind(' ').map_or(0, |blank| blank + 1);
    let blank = |name: &str| format!("{name} ");
    let whole = |name: &str| name.to_owned();
    match argument {
        Argument::None | Argument::Word => (at, Vec::new()),
        Argument::Path => (at, paths(typed, false)),
        Argument::SharedFile => {
            let names = begins(typed, sources.shared.iter().copied(), blank);
            let behind =
                sources.shared.iter().filter(|name| typed.strip_prefix(**name).is_some_and(|rest| rest.starts_with(' ')));
            match behind.max_by_key(|name| name.len()) {
                // Behind a whole name stands a directory.
                Some(name) if names.is_empty() => (at + name.len() + 1, paths(&typed[name.len() + 1..], true)),
                _ => (at, names),
            }
        }
        Argument::Transfer => (at, begins(typed, sources.transfers.iter().copied(), whole)),
        Argument::Member => (at, begins(typed, sources.members.iter().copied(), whole)),
        Argument::Inviter => (at, begins(typed, sources.inviters.iter().copied(), whole)),
        Argument::Invitation => match typed[last..].strip_prefix('@') {
            Some(name) => (at + last, begins(name, sources.members.iter().copied(), |name| format!("@{name}"))),
            None if last == 0 => (at, begins(typed, GAMES.iter().map(|game| &*game.title.code), blank)),
            None => (at, Vec::new()),
        },
    }
}

/// Entries of the directory that the path is in. Hidden ones only where a dot was typed.
fn paths(typed: &str, is_directory: bool) -> Vec<String> {
    let (parent, beginning) = typed.rsplit_once('/').map_or(("", typed), |(parent, name)| (&typed[..=parent.len()], name));
    let directory = if parent.is_empty() { PathBuf::from(".") } else { expand(parent) };
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut found: Vec<String> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let is_wanted = name.starts_with(beginning) && (beginning.starts_with('.') || !name.starts_with('.'));
            // A link to a directory is one.
            let leads_on = is_wanted && entry.path().is_dir();
            let ending = if leads_on { "/" } else { "" };
            (is_wanted && (leads_on || !is_directory)).then(|| format!("{parent}{name}{ending}"))
        })
        .collect();
    found.sort_unstable();
    found
}

/// A path as people type it: `~` is one's home, and what terminals put in when a file is dropped on them,
/// quotes and backslashes, is taken off if there is no file of that very name.
pub(crate) fn expand(typed: &str) -> PathBuf {
    let typed = typed.trim();
    let home = |path: &str| match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        (None, Some(home)) if path == "~" => PathBuf::from(home),
        _ => PathBuf::from(path),
    };
    let plain = home(typed);
    if plain.exists() {
        return plain;
    }
    let quoted = ['\'', '"'].iter().find_map(|&quote| typed.strip_prefix(quote)?.strip_suffix(quote));
    match quoted {
        Some(inner) => home(inner),
        None if typed.contains('\\') => {
            let unescaped = home(&typed.replace("\\ ", " ").replace("\\\\", "\\"));
            if unescaped.exists() { unescaped } else { plain }
        }
        None => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(line: &str) -> Vec<String> {
        let sources = Sources {
            members: vec!["alice", "Albert", "李雷"],
            shared: vec!["report.pdf", "report two.pdf"],
            transfers: vec!["film.mkv"],
            inviters: vec!["bob"],
        };
        complete(line, &sources).map_or_else(Vec::new, |completion| completion.choices)
    }

    #[test]
    fn commands_names_and_files_are_completed() {
        assert_eq!(choices("/sh"), ["/shelf "]);
        assert_eq!(choices("/re"), ["/resign ", "/rematch ", "/resume ", "/record ", "/reconnect "]);
        assert_eq!(choices("al"), ["alice: ", "Albert: "]);
        assert_eq!(choices("ask @李"), ["李雷 "]);
        assert_eq!(choices("/get report"), ["report.pdf ", "report two.pdf "]);
        assert_eq!(choices("/get report t"), ["report two.pdf "]);
        assert_eq!(choices("/cancel f"), ["film.mkv"]);
        assert_eq!(choices("/accept "), ["bob"]);
        assert_eq!(choices("/invite ch"), ["chess "]);
        assert_eq!(choices("/invite chess 5+3 @AL"), ["@alice", "@Albert"]);
        assert!(choices("").is_empty() && choices("hello ").is_empty() && choices("/nothing x").is_empty());
    }

    #[test]
    fn paths_are_completed_and_understood_as_terminals_paste_them() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        for name in ["one file.txt", "two.txt", ".hidden"] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        let root = folder.path().to_str().unwrap();
        assert_eq!(choices(&format!("/file {root}/o")), [format!("{root}/one file.txt")]);
        assert_eq!(choices(&format!("/file {root}/")).len(), 3);
        assert_eq!(choices(&format!("/file {root}/.h")), [format!("{root}/.hidden")]);
        assert_eq!(choices(&format!("/get report.pdf {root}/")), [format!("{root}/deep/")]);
        for typed in [format!("{root}/one file.txt"), format!("'{root}/one file.txt'"), format!("{root}/one\\ file.txt")] {
            assert!(expand(&typed).is_file(), "{typed}");
        }
    }

    #[test]
    fn what_choices_agree_on_is_cut_between_characters() {
        let completion = Completion { range: 0..0, choices: vec!["李雷".into(), "李林".into()] };
        assert_eq!(completion.common(), "李");
    }
}
