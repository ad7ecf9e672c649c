//! Commands: what a row of the [`table`] says of a letter, and how its arguments are read. The parser, the
//! check of who may ask what, the help text and the table in `protocol.md` (by a test) all read the rows.

mod details;
mod table;

pub use table::COMMANDS;

use std::borrow::Cow;

use super::file_name::{FileName, FileNameFault};
use super::game::refusal::GameRefusal;
use super::game::{GameId, TimeControl};
use super::limits::TEXT_BYTES;
use super::name::{Name, NameFault};
use super::refusal::{Instead, Refusal};
use super::request::{Ask, FileRequest, Manner, Presence};
use super::text::{Text, TextFault};

/// One letter of the protocol.
pub struct Command {
    /// The letter, in upper case.
    pub letter: char,
    /// Its arguments in order; their names are the keys of a JSON request.
    pub params: &'static [Param],
    /// In which state of a connection it may be asked.
    pub when: When,
    /// What it does, in English.
    pub en: &'static str,
    /// What it does, in Chinese.
    pub zh: &'static str,
    /// What help on this letter alone shows below.
    pub details: &'static [Detail],
    read: fn(&Fields<'_>) -> Result<Ask, Wrong>,
}

/// A line of help on one letter.
pub enum Detail {
    /// Words.
    Words {
        /// In English.
        en: &'static str,
        /// In Chinese.
        zh: &'static str,
    },
    /// Something to type, the same in every language.
    Line(&'static str),
}

/// In which state of a connection a command may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before and after login.
    Always,
    /// Only before login.
    Before,
    /// Only after login.
    After,
    /// Only as the first line of a connection, which it takes over.
    First,
}

/// One argument.
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// How it stands in a line.
    pub shape: Shape,
    /// Whether it may be left out.
    pub need: Need,
}

/// How an argument stands in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A word between blanks.
    Word,
    /// Everything to the end of the line, blanks and all.
    Rest,
    /// An account's name behind an `@`, before or behind any of the words that may be left out.
    Mention,
    /// True or false; only in JSON requests.
    Flag,
    /// A word that has a name of its own; only in JSON requests.
    Key,
}

/// Whether an argument may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It must be there.
    Required,
    /// It must be there in a line; in a JSON request leaving it out stands for oneself.
    RequiredInLine,
    /// It may be left out, and everything after it.
    Optional,
}

/// The row of a letter.
pub fn find(letter: char) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.letter == letter)
}

impl Command {
    /// The right form, as `H [left [right [n]]]`.
    pub fn form(&self) -> String {
        let mut form = String::from(self.letter);
        let mut open = 0;
        for param in self.params {
            match param.shape {
                Shape::Flag | Shape::Key => continue,
                Shape::Mention => {
                    form.extend(std::iter::repeat_n(']', std::mem::take(&mut open)));
                    form.push_str(" [@name]");
                    continue;
                }
                Shape::Word | Shape::Rest => form.push(' '),
            }
            if param.need == Need::Optional {
                form.push('[');
                open += 1;
            }
            form.push_str(&param.name.replace('_', "-"));
        }
        form.extend(std::iter::repeat_n(']', open));
        form
    }

    fn has_mention(&self) -> bool {
        self.params.iter().any(|param| param.shape == Shape::Mention)
    }

    /// Whether it may be asked in this state; `instead` makes what may have been meant.
    pub(super) fn check_state(&self, manner: Manner, instead: impl Fn() -> Option<Instead>) -> Result<(), Refusal> {
        match (self.when, manner.logged_in) {
            // Never with a password or a token in it.
            (When::Before, true) if matches!(self.letter, 'P' | 'I') => Err(Refusal::AlreadyIn { instead: None }),
            (When::Before, true) => Err(Refusal::AlreadyIn { instead: instead() }),
            (When::After, false) => Err(Refusal::LoginFirst),
            (When::First, _) if !manner.is_first => Err(Refusal::NotFirst { instead: instead() }),
            _ => Ok(()),
        }
    }

    /// Reads the arguments that stand in a line after the letter and one blank.
    pub(super) fn read_line(&self, mut arguments: &str) -> Result<Ask, Wrong> {
        let mut fields = Fields { values: Default::default(), is_object: false };
        let mut mention = None;
        for (param, value) in self.params.iter().zip(&mut fields.values) {
            let found = match param.shape {
                Shape::Flag | Shape::Key => continue,
                Shape::Rest => std::mem::take(&mut arguments),
                Shape::Mention => mention.take().unwrap_or_else(|| next_word(&mut arguments)),
                Shape::Word => match next_word(&mut arguments) {
                    word if word.starts_with('@') && self.has_mention() && mention.is_none() => {
                        mention = Some(word);
                        next_word(&mut arguments)
                    }
                    word => word,
                },
            };
            if !found.is_empty() {
                *value = Some(Cow::Borrowed(found));
            } else if param.need != Need::Optional {
                return Err(Wrong::Form);
            }
        }
        if !arguments.trim_matches([' ', '\t']).is_empty() {
            return Err(Wrong::Form);
        }
        (self.read)(&fields)
    }

    /// Reads the arguments of a JSON request, in the order of `params`.
    pub(super) fn read_object(&self, values: [Option<Cow<'_, str>>; MAX_PARAMS]) -> Result<Ask, Wrong> {
        let missing = self.params.iter().zip(&values).any(|(param, value)| param.need == Need::Required && value.is_none());
        if missing {
            return Err(Wrong::Form);
        }
        (self.read)(&Fields { values, is_object: true })
    }
}

/// What is wrong with the arguments of a known letter.
#[derive(Debug)]
pub enum Wrong {
    /// Their number or form.
    Form,
    /// A name that is none.
    Name(NameFault),
    /// A text that is none.
    Text(TextFault),
    /// A file name that is none.
    FileName(FileNameFault),
    /// A clock that is none.
    Clock,
}

impl Wrong {
    /// The refusal that says so; `instead` is what may have been meant.
    pub fn into_refusal(self, letter: char, instead: Option<Instead>) -> Refusal {
        match self {
            Wrong::Form => Refusal::Usage { letter, instead },
            Wrong::Name(fault) => Refusal::BadName(fault),
            Wrong::FileName(fault) => Refusal::BadFileName { letter, fault },
            Wrong::Clock => GameRefusal::BadClock.into(),
            Wrong::Text(TextFault::Blank) => Refusal::Usage { letter, instead },
            Wrong::Text(TextFault::TooLong) => Refusal::LineTooLong { limit_bytes: TEXT_BYTES },
            Wrong::Text(fault @ (TextFault::Escape | TextFault::Control | TextFault::Marks)) => Refusal::BadText(fault),
        }
    }
}

/// A number of at most 18 digits, so that it also fits the store's signed 64 bits.
fn parse_digits(word: &str) -> Result<u64, Wrong> {
    let is_number = (1..=18).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit());
    if is_number { word.parse().map_err(|_| Wrong::Form) } else { Err(Wrong::Form) }
}

/// Takes the first word from a line, and the blanks before it.
fn next_word<'a>(line: &mut &'a str) -> &'a str {
    let (word, after) = split_word(line.trim_start_matches([' ', '\t']));
    *line = after;
    word
}

/// The first word of `line` and what follows the one blank after it.
pub(super) fn split_word(line: &str) -> (&str, &str) {
    match memchr::memchr2(b' ', b'\t', line.as_bytes()) {
        Some(at) => (&line[..at], &line[at + 1..]),
        None => (line, ""),
    }
}

/// The most arguments a command has.
pub(super) const MAX_PARAMS: usize = 5;

/// The arguments of one request, in the order of the command's `params`.
struct Fields<'a> {
    values: [Option<Cow<'a, str>>; MAX_PARAMS],
    /// Whether they came as a JSON object.
    is_object: bool,
}

impl Fields<'_> {
    fn get(&self, index: usize) -> Option<&str> {
        self.values[index].as_deref()
    }

    fn needed(&self, index: usize) -> Result<&str, Wrong> {
        self.get(index).ok_or(Wrong::Form)
    }

    fn name(&self, index: usize) -> Result<Name, Wrong> {
        Name::sought(self.needed(index)?).map_err(Wrong::Name)
    }

    /// A sender's name as written; `None` for oneself. Chinese keyboards also have a wide dash.
    fn someone(&self, index: usize) -> Option<String> {
        self.get(index).filter(|word| !["-", "－"].contains(word)).map(str::to_owned)
    }

    fn text(&self, index: usize) -> Result<Text, Wrong> {
        let words = self.needed(index)?;
        if self.is_object { Text::parse_lines(words) } else { Text::parse(words) }.map_err(Wrong::Text)
    }

    /// A page counted from 1; the first if none is named.
    fn page(&self, index: usize) -> Result<usize, Wrong> {
        let Some(page) = self.get(index) else { return Ok(1) };
        match usize::try_from(parse_digits(page)?) {
            Ok(page @ 1..) => Ok(page),
            Ok(0) | Err(_) => Err(Wrong::Form),
        }
    }

    /// An account's name behind an `@`, which a JSON request may leave out.
    fn mention(&self, index: usize) -> Result<Option<Name>, Wrong> {
        let Some(word) = self.get(index) else { return Ok(None) };
        let name = word.strip_prefix('@').or(self.is_object.then_some(word)).ok_or(Wrong::Form)?;
        Name::sought(name).map(Some).map_err(Wrong::Name)
    }

    fn game_id(&self, index: usize) -> Result<Option<GameId>, Wrong> {
        self.get(index).map(|word| parse_digits(word).map(GameId)).transpose()
    }

    fn clock(&self, index: usize) -> Result<Option<TimeControl>, Wrong> {
        self.get(index).map(|word| TimeControl::parse(word).ok_or(Wrong::Clock)).transpose()
    }

    /// In whose name, and which file: the arguments of `F`, `L` and `X`.
    fn file(&self) -> Result<FileRequest, Wrong> {
        let file_name = self.needed(1)?;
        if file_name.trim_matches([' ', '\t']).is_empty() {
            return Err(Wrong::Form);
        }
        Ok(FileRequest { name: self.someone(0), file_name: FileName::parse(file_name).map_err(Wrong::FileName)? })
    }

    fn presence(&self, enter: usize, listen: usize) -> Presence {
        match (self.get(enter), self.get(listen)) {
            (Some("false"), Some("true")) => Presence::Listener,
            (Some("false"), _) => Presence::Silent,
            _ => Presence::Member,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_read_as_people_write_them() {
        for (letter, form) in [
            ('C', "C name text"),
            ('F', "F name file-name"),
            ('T', "T ticket [size [sha256]]"),
            ('H', "H [left [right [n]]]"),
            ('P', "P name password"),
            ('K', "K"),
            ('G', "G name [game [clock]] [@name]"),
            ('M', "M [move [ply [game-id]]]"),
            ('E', "E [name]"),
        ] {
            assert_eq!(find(letter).unwrap().form(), form);
        }
    }

    #[test]
    fn letters_are_unique_and_rows_fit() {
        for (at, command) in COMMANDS.iter().enumerate() {
            assert!(command.params.len() <= MAX_PARAMS);
            assert!(COMMANDS[..at].iter().all(|other| other.letter != command.letter));
        }
    }

    #[test]
    fn help_fits_a_terminal_of_80_columns() {
        // Blanks, the form, and then the words: see the people's voices.
        const BEFORE_WORDS: usize = 32;
        let columns = |words: &str| words.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum::<usize>();
        for command in COMMANDS {
            assert!(command.form().len() < BEFORE_WORDS - 2, "{}", command.form());
            for words in [command.en, command.zh] {
                assert!(BEFORE_WORDS + columns(words) <= 80, "{words}");
            }
        }
    }
}
