//! The file of settings: TOML whose keys are the flags' own names. There is no second list of them. A key is looked up
//! among the flags, its value is judged by the flag's own parser, and then stands as the flag's default: so a variable goes
//! before it, and a flag before both.
//!
//! A setting is a flag that has a variable. What has none is an order for one call, and no setting.

use std::any::TypeId;
use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, Command};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A file that is not used, and why.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read the settings in {path}: {source}; --config names another file")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("{path}:{line}:{column}: {why}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// In characters, counted from 1.
        column: usize,
        /// What is wrong, and what to do.
        why: String,
    },
}

/// What is wrong with a part of the text.
struct Fault {
    span: Range<usize>,
    why: String,
}

impl Fault {
    fn new(span: Range<usize>, why: impl Into<String>) -> Self {
        Self { span, why: why.into() }
    }
}

/// Whether a flag can stand in the file.
pub fn is_setting(flag: &Arg) -> bool {
    flag.get_env().is_some() && flag.get_id() != "config"
}

/// The same command with the settings of a file as its defaults.
pub(super) fn with_file(command: Command, path: &Path) -> Result<Command, FileError> {
    let text = std::fs::read_to_string(path).map_err(|source| FileError::Unreadable { path: path.to_owned(), source })?;
    with_settings(command, &text).map_err(|Fault { span, why }| {
        let before = &text[..text.floor_char_boundary(span.start)];
        let (line, last) = (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap_or_default());
        FileError::Wrong { path: path.to_owned(), line, column: last.chars().count() + 1, why }
    })
}

fn with_settings(mut command: Command, text: &str) -> Result<Command, Fault> {
    let table = DeTable::parse(text).map_err(|error| Fault::new(error.span().unwrap_or_default(), error.message()))?;
    let mut settings: Vec<_> = table.get_ref().iter().collect();
    // The first fault in the file is told.
    settings.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in settings {
        let flag = find(&command, key, value)?;
        let (id, words) = (flag.get_id().clone(), words_of(flag, value)?);
        judge(&command, flag, value, &words)?;
        command = command.mut_arg(id, |flag| flag.default_values(words));
    }
    Ok(command)
}

fn find<'a>(command: &'a Command, key: &Spanned<impl AsRef<str>>, value: &Spanned<DeValue<'_>>) -> Result<&'a Arg, Fault> {
    let (name, span) = (key.get_ref().as_ref(), key.span());
    match command.get_arguments().find(|flag| flag.get_long() == Some(name)) {
        Some(flag) if is_setting(flag) => Ok(flag),
        Some(_) => Err(Fault::new(span, format!("--{name} is for the command line alone; take the line out"))),
        None if value.get_ref().is_table() => {
            Err(Fault::new(span, format!("there are no sections, as [{name}]; each setting is a line of its own")))
        }
        None => {
            let hint = "settings are the flags that --help lists, without their dashes";
            Err(Fault::new(
                span,
                match meant(command, name) {
                    Some(flag) => format!("there is no setting {name}; did you mean {flag}? ({hint})"),
                    None => format!("there is no setting {name}; {hint}"),
                },
            ))
        }
    }
}

/// The flag that clap would propose for a mistyped one, if that is a setting.
fn meant(command: &Command, name: &str) -> Option<String> {
    let error = command.clone().try_get_matches_from(["parlord".to_owned(), format!("--{name}")]).err()?;
    let Some(ContextValue::String(flag)) = error.get(ContextKind::SuggestedArg) else { return None };
    let name = flag.split(' ').next()?.trim_start_matches('-').to_owned();
    command.get_arguments().any(|flag| flag.get_long() == Some(&name) && is_setting(flag)).then_some(name)
}

/// The value as it would be written behind the flag, one word for each time that the flag would be given.
fn words_of(flag: &Arg, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Fault> {
    match value.get_ref() {
        DeValue::Array(list) if takes_several(flag) && !list.is_empty() => list.iter().map(|one| word_of(flag, one)).collect(),
        DeValue::Array(list) if takes_several(flag) && list.is_empty() => {
            Err(Fault::new(value.span(), format!("{} wants one value at least; or leave the line out", name_of(flag))))
        }
        _ => Ok(vec![word_of(flag, value)?]),
    }
}

fn word_of(flag: &Arg, value: &Spanned<DeValue<'_>>) -> Result<String, Fault> {
    let kind = kind_of(flag);
    let word = match (value.get_ref(), kind) {
        (DeValue::String(words), Kind::Text) => Some(words.to_string()),
        (DeValue::Integer(number), Kind::Number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number.to_string())
        }
        (DeValue::Boolean(on), Kind::Truth) => Some(on.to_string()),
        _ => None,
    };
    let wanted = match kind {
        Kind::Text if takes_several(flag) => "texts in quotes, as [\"one\", \"another\"]",
        Kind::Text => "a text in quotes",
        Kind::Number => "a whole number, without quotes",
        Kind::Truth => "true or false, without quotes",
    };
    word.ok_or_else(|| Fault::new(value.span(), format!("{} wants {wanted}", name_of(flag))))
}

/// Lets the flag's own parser judge the words.
fn judge(command: &Command, flag: &Arg, value: &Spanned<DeValue<'_>>, words: &[String]) -> Result<(), Fault> {
    // Such a flag has no value on a command line, and its type says it all.
    if kind_of(flag) == Kind::Truth {
        return Ok(());
    }
    for (at, word) in words.iter().enumerate() {
        let line = ["parlord".to_owned(), format!("--{}={word}", name_of(flag))];
        if let Err(error) = command.clone().try_get_matches_from(line) {
            let span = match value.get_ref() {
                DeValue::Array(list) => list.get(at).map_or(value.span(), Spanned::span),
                _ => value.span(),
            };
            return Err(Fault::new(span, first_paragraph(&error.to_string())));
        }
    }
    Ok(())
}

/// What clap says is wrong, without how it goes on to the help.
fn first_paragraph(words: &str) -> String {
    let paragraph = words.split("\n\n").next().unwrap_or_default();
    paragraph.trim_start_matches("error: ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Truth,
}

fn kind_of(flag: &Arg) -> Kind {
    let kind = flag.get_value_parser().type_id();
    let numbers = [TypeId::of::<u16>(), TypeId::of::<u32>(), TypeId::of::<u64>(), TypeId::of::<usize>()];
    if kind == TypeId::of::<bool>() || matches!(flag.get_action(), ArgAction::SetTrue) {
        Kind::Truth
    } else if numbers.into_iter().any(|number| kind == number) {
        Kind::Number
    } else {
        Kind::Text
    }
}

fn takes_several(flag: &Arg) -> bool {
    matches!(flag.get_action(), ArgAction::Append)
}

fn name_of(flag: &Arg) -> &str {
    flag.get_long().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::Config;
    use super::*;

    fn fault(text: &str) -> (usize, usize, String) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("parlor.toml");
        std::fs::write(&path, text).unwrap();
        match with_file(Config::command(), &path).unwrap_err() {
            FileError::Wrong { line, column, why, .. } => (line, column, why),
            error => panic!("{error}"),
        }
    }

    #[test]
    fn a_fault_is_told_with_its_place_and_what_to_do() {
        for (text, line, column, words) in [
            ("lang = \"en\"\nlisen = [\"127.0.0.1:1\"]\n", 2, 1, "there is no setting lisen; did you mean listen?"),
            ("nonsense = 1", 1, 1, "settings are the flags that --help lists"),
            ("\n\n  announce = \"hello\"", 3, 3, "--announce is for the command line alone"),
            ("config = \"other.toml\"", 1, 1, "--config is for the command line alone"),
            ("help = true", 1, 1, "there is no setting help"),
            ("[files]\nmax-file-mib = 1", 1, 2, "there are no sections, as [files]"),
            ("# 你好\nmax-connections = \"100\"", 2, 19, "max-connections wants a whole number, without quotes"),
            ("max-connections = 1.5", 1, 19, "a whole number"),
            ("max-connections = [1]", 1, 19, "a whole number"),
            ("data = 5", 1, 8, "data wants a text in quotes"),
            ("listen = 7171", 1, 10, "texts in quotes"),
            ("listen = []", 1, 10, "listen wants one value at least"),
            ("listen = [\"127.0.0.1:1\", \"nowhere\"]", 1, 26, "invalid value 'nowhere' for '--listen <ADDR>'"),
            ("bcrypt-cost = 3", 1, 15, "3 is not in 4..=31"),
            ("bcrypt-cost = -3", 1, 15, "-3 is not in 4..=31"),
            ("lang = \"fr\"", 1, 8, "[possible values: en, zh]"),
            ("lang = \"en\"\nlang = \"zh\"", 2, 1, "duplicate key"),
            ("lang = \"en", 1, 11, ""),
            ("bcrypt-cost = 3\nlisen = 1", 1, 15, "3 is not in"),
        ] {
            let (got_line, got_column, why) = fault(text);
            assert_eq!((got_line, got_column), (line, column), "{text:?}: {why}");
            assert!(why.contains(words) && !why.contains('\n'), "{text:?}: {why}");
        }
    }

    #[test]
    fn a_flag_without_a_value_is_true_or_false() {
        let command =
            || Command::new("parlord").arg(Arg::new("quiet").long("quiet").env("PARLOR_QUIET").action(ArgAction::SetTrue));
        for (text, want) in [("quiet = true", true), ("quiet = false", false), ("", false)] {
            let command = with_settings(command(), text).unwrap_or_else(|fault| panic!("{}", fault.why));
            assert_eq!(command.get_matches_from(["parlord"]).get_flag("quiet"), want, "{text}");
        }
        let Err(Fault { why, .. }) = with_settings(command(), "quiet = 1") else { panic!("a number") };
        assert_eq!(why, "quiet wants true or false, without quotes");
    }

    #[test]
    fn every_way_to_write_a_number_is_read() {
        for text in ["max-connections = 0x64", "max-connections = 1_00", "'max-connections' = 100"] {
            let command = with_settings(Config::command(), text).unwrap_or_else(|fault| panic!("{}", fault.why));
            let defaults =
                command.get_arguments().find(|flag| flag.get_id() == "max_connections").unwrap().get_default_values();
            assert_eq!(defaults, ["100"], "{text}");
        }
    }
}
