//! The table of commands: one row a letter. The parser, the check of who may ask what, the help text
//! and the table in `protocol.md` (by a test) all read it.

use std::borrow::Cow;

use super::digest::Digest;
use super::file_name::{FileName, FileNameFault};
use super::limits::TEXT_BYTES;
use super::name::{Name, NameFault};
use super::refusal::{Instead, Refusal};
use super::request::{Ask, FileRequest, HistoryRange, Manner, Presence, RangeEnd, TransferRequest};
use super::secret::Secret;
use super::text::{Text, TextFault};
use super::tongue::Tongue;

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
    /// Commands for systems without a POSIX shell; help on this letter alone shows them.
    pub elsewhere: &'static [&'static str],
    read: fn(&Fields<'_>) -> Result<Ask, Wrong>,
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
    /// True or false; only in JSON requests.
    Flag,
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

const fn word(name: &'static str, need: Need) -> Param {
    Param { name, shape: Shape::Word, need }
}

const fn rest(name: &'static str) -> Param {
    Param { name, shape: Shape::Rest, need: Need::Required }
}

const fn flag(name: &'static str) -> Param {
    Param { name, shape: Shape::Flag, need: Need::Optional }
}

/// Every command, in the order of the help.
pub const COMMANDS: &[Command] = &[
    Command {
        letter: 'U',
        params: &[word("name", Need::Required)],
        when: When::Before,
        en: "look up a name: known (P logs in), new (P registers)",
        zh: "查名字：已注册用 P 登录，未注册用 P 注册",
        elsewhere: &[],
        read: |fields| Ok(Ask::Account { name: fields.name(0)? }),
    },
    Command {
        letter: 'P',
        params: &[word("name", Need::Required), rest("password"), flag("enter"), flag("listen")],
        when: When::Before,
        en: "log in; after U said new, register",
        zh: "登录；U 答复 new 之后则为注册",
        elsewhere: &[],
        read: |fields| {
            let name = fields.name(0)?;
            Ok(Ask::Password { name, password: Secret::new(fields.needed(1)?), presence: fields.presence(2, 3) })
        },
    },
    Command {
        letter: 'I',
        params: &[word("token", Need::Required), flag("enter"), flag("listen")],
        when: When::Before,
        en: "log in by the token of an earlier json login",
        zh: "用 json 登录时得到的令牌登录",
        elsewhere: &[],
        read: |fields| Ok(Ask::Token { token: Secret::new(fields.needed(0)?), presence: fields.presence(1, 2) }),
    },
    Command {
        letter: 'C',
        params: &[word("name", Need::RequiredInLine), rest("text")],
        when: When::After,
        en: "say it to all; - is your name; 'text says it too",
        zh: "说话；- 代表自己；也可直接输入汉字，或 'hello",
        elsewhere: &[],
        read: |fields| Ok(Ask::Chat { name: fields.someone(0), text: fields.text(1)? }),
    },
    Command {
        letter: 'H',
        params: &[word("left", Need::Optional), word("right", Need::Optional), word("n", Need::Optional)],
        when: When::After,
        en: "the last n lines after #left up to #right",
        zh: "编号 left 之后到 right 的最新 n 条",
        elsewhere: &[],
        read: read_history,
    },
    Command {
        letter: 'W',
        params: &[word("page", Need::Optional)],
        when: When::After,
        en: "who is here",
        zh: "谁在这里",
        elsewhere: &[],
        read: |fields| Ok(Ask::Who { page: fields.page(0)? }),
    },
    Command {
        letter: 'F',
        params: FILE,
        when: When::After,
        en: "share a file: shows the command that sends it",
        zh: "共享文件：给出发送文件的命令",
        elsewhere: UPLOAD_ON_WINDOWS,
        read: |fields| fields.file().map(Ask::Offer),
    },
    Command {
        letter: 'L',
        params: FILE,
        when: When::After,
        en: "fetch a shared file: shows the command for it",
        zh: "取文件：给出下载文件的命令",
        elsewhere: DOWNLOAD_ON_WINDOWS,
        read: |fields| fields.file().map(Ask::Fetch),
    },
    Command {
        letter: 'S',
        params: &[word("page", Need::Optional)],
        when: When::After,
        en: "what is shared, newest first",
        zh: "列出共享的文件，新的在前",
        elsewhere: &[],
        read: |fields| Ok(Ask::Shelf { page: fields.page(0)? }),
    },
    Command {
        letter: 'X',
        params: FILE,
        when: When::After,
        en: "withdraw a file that you have shared",
        zh: "撤下自己共享的文件",
        elsewhere: &[],
        read: |fields| fields.file().map(Ask::Withdraw),
    },
    Command {
        letter: 'T',
        params: &[word("ticket", Need::Required), word("size", Need::Optional), word("sha256", Need::Optional)],
        when: When::First,
        en: "send or fetch by a ticket of F or L: see protocol.md",
        zh: "凭 F 或 L 给的票传送文件，见 protocol.md",
        elsewhere: &[],
        read: read_transfer,
    },
    Command {
        letter: 'V',
        params: &[word("voice", Need::Optional)],
        when: When::Always,
        en: "speak en, zh (中文) or json; alone: version",
        zh: "语言 en、zh 或 json；不带参数显示版本",
        elsewhere: &[],
        read: |fields| match fields.get(0) {
            None => Ok(Ask::Voice(None)),
            Some(code) => Tongue::parse(code).map(|tongue| Ask::Voice(Some(tongue))).ok_or(Wrong::Form),
        },
    },
    Command {
        letter: 'K',
        params: &[],
        when: When::Always,
        en: "heartbeat: answered OK",
        zh: "心跳，答复 OK",
        elsewhere: &[],
        read: |_| Ok(Ask::Heartbeat),
    },
    Command {
        letter: '?',
        params: &[word("letter", Need::Optional)],
        when: When::Always,
        en: "this help, or help on one letter",
        zh: "显示帮助，或某个字母的帮助",
        elsewhere: &[],
        read: |fields| {
            let Some(word) = fields.get(0) else { return Ok(Ask::Help(None)) };
            let [byte] = word.as_bytes() else { return Err(Wrong::Form) };
            let letter = char::from(byte.to_ascii_uppercase());
            find(letter).map(|_| Ask::Help(Some(letter))).ok_or(Wrong::Form)
        },
    },
    Command {
        letter: 'E',
        params: &[word("name", Need::Optional)],
        when: When::Always,
        en: "leave",
        zh: "离开",
        elsewhere: &[],
        read: |fields| Ok(Ask::Leave { name: fields.someone(0) }),
    },
];

/// What `F`, `L` and `X` are about.
const FILE: &[Param] = &[word("name", Need::RequiredInLine), rest("file_name")];

/// For PowerShell, which cannot run the command of the reply.
const UPLOAD_ON_WINDOWS: &[&str] = &[
    "  $f = Get-Item -LiteralPath 'report.pdf'; $s = [Net.Sockets.TcpClient]::new('HOST', PORT).GetStream()",
    "  $t = \"T TICKET $($f.Length) $((Get-FileHash -LiteralPath $f.FullName).Hash)`n\"",
    "  $s.Write([Text.Encoding]::ASCII.GetBytes($t), 0, $t.Length)",
    "  $i = $f.OpenRead(); $i.Position = OFFSET; $i.CopyTo($s); $i.Close()",
    "  [IO.StreamReader]::new($s).ReadToEnd()",
];
const DOWNLOAD_ON_WINDOWS: &[&str] = &[
    "  $s = [Net.Sockets.TcpClient]::new('HOST', PORT).GetStream(); $t = \"T TICKET`n\"",
    "  $s.Write([Text.Encoding]::ASCII.GetBytes($t), 0, $t.Length)",
    "  $o = [IO.File]::Create(\"$PWD\\report.pdf\"); $s.CopyTo($o); $o.Close()",
];

/// The row of a letter.
pub fn find(letter: char) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.letter == letter)
}

fn read_history(fields: &Fields<'_>) -> Result<Ask, Wrong> {
    let bound = |index| match fields.get(index) {
        None | Some("-") => Ok(None),
        Some(word) => parse_digits(word).map(Some),
    };
    let (count, from) = match fields.get(2) {
        None | Some("-") => (None, RangeEnd::Newest),
        Some(word) => match word.strip_prefix('+') {
            Some(digits) => (Some(parse_digits(digits)?), RangeEnd::Oldest),
            None => (Some(parse_digits(word)?), RangeEnd::Newest),
        },
    };
    if count == Some(0) {
        return Err(Wrong::Form);
    }
    let count = count.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    Ok(Ask::History(HistoryRange { left: bound(0)?, right: bound(1)?, count, from }))
}

fn read_transfer(fields: &Fields<'_>) -> Result<Ask, Wrong> {
    let ticket = Secret::new(fields.needed(0)?);
    let size_bytes = fields.get(1).map(parse_digits).transpose()?;
    let digest = fields.get(2).map(|word| Digest::parse(word).ok_or(Wrong::Form)).transpose()?;
    Ok(Ask::Transfer(TransferRequest { ticket, size_bytes, digest }))
}

/// A number of at most 18 digits, so that it also fits the store's signed 64 bits.
fn parse_digits(word: &str) -> Result<u64, Wrong> {
    let is_number = (1..=18).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit());
    if is_number { word.parse().map_err(|_| Wrong::Form) } else { Err(Wrong::Form) }
}

impl Command {
    /// The right form, as `H [left [right [n]]]`.
    pub fn form(&self) -> String {
        let mut form = String::from(self.letter);
        let mut open = 0;
        for param in self.params.iter().filter(|param| param.shape != Shape::Flag) {
            form.push(' ');
            if param.need == Need::Optional {
                form.push('[');
                open += 1;
            }
            form.push_str(&param.name.replace('_', "-"));
        }
        form.extend(std::iter::repeat_n(']', open));
        form
    }

    /// Whether it may be asked in this state; `instead` is what may have been meant.
    pub(super) fn check_state(&self, manner: Manner, instead: Option<&Instead>) -> Result<(), Refusal> {
        match (self.when, manner.logged_in) {
            // Never with a password or a token in it.
            (When::Before, true) if matches!(self.letter, 'P' | 'I') => Err(Refusal::AlreadyIn { instead: None }),
            (When::Before, true) => Err(Refusal::AlreadyIn { instead: instead.cloned() }),
            (When::After, false) => Err(Refusal::LoginFirst),
            (When::First, _) if !manner.is_first => Err(Refusal::NotFirst { instead: instead.cloned() }),
            _ => Ok(()),
        }
    }

    /// Reads the arguments that stand in a line after the letter and one blank.
    pub(super) fn read_line(&self, mut arguments: &str) -> Result<Ask, Wrong> {
        let mut fields = Fields { values: Default::default(), may_have_lines: false };
        for (param, value) in self.params.iter().zip(&mut fields.values) {
            let found = match param.shape {
                Shape::Flag => continue,
                Shape::Rest => std::mem::take(&mut arguments),
                Shape::Word => {
                    let (word, after) = split_word(arguments.trim_start_matches([' ', '\t']));
                    arguments = after;
                    word
                }
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
        (self.read)(&Fields { values, may_have_lines: true })
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
}

impl Wrong {
    /// The refusal that says so; `instead` is what may have been meant.
    pub fn into_refusal(self, letter: char, instead: Option<Instead>) -> Refusal {
        match self {
            Wrong::Form => Refusal::Usage { letter, instead },
            Wrong::Name(fault) => Refusal::BadName(fault),
            Wrong::FileName(fault) => Refusal::BadFileName { letter, fault },
            Wrong::Text(TextFault::Blank) => Refusal::Usage { letter, instead },
            Wrong::Text(TextFault::TooLong) => Refusal::LineTooLong { limit_bytes: TEXT_BYTES },
            Wrong::Text(fault @ (TextFault::Escape | TextFault::Control)) => Refusal::BadText(fault),
        }
    }
}

/// The first word of `line` and what follows the one blank after it.
pub(super) fn split_word(line: &str) -> (&str, &str) {
    match memchr::memchr2(b' ', b'\t', line.as_bytes()) {
        Some(at) => (&line[..at], &line[at + 1..]),
        None => (line, ""),
    }
}

/// The most arguments a command has.
pub(super) const MAX_PARAMS: usize = 4;

/// The arguments of one request, in the order of the command's `params`.
struct Fields<'a> {
    values: [Option<Cow<'a, str>>; MAX_PARAMS],
    may_have_lines: bool,
}

impl Fields<'_> {
    fn get(&self, index: usize) -> Option<&str> {
        self.values[index].as_deref()
    }

    fn needed(&self, index: usize) -> Result<&str, Wrong> {
        self.get(index).ok_or(Wrong::Form)
    }

    fn name(&self, index: usize) -> Result<Name, Wrong> {
        Name::parse(self.needed(index)?).map_err(Wrong::Name)
    }

    /// A sender's name as written; `None` for oneself. Chinese keyboards also have a wide dash.
    fn someone(&self, index: usize) -> Option<String> {
        self.get(index).filter(|word| !["-", "－"].contains(word)).map(str::to_owned)
    }

    fn text(&self, index: usize) -> Result<Text, Wrong> {
        let words = self.needed(index)?;
        if self.may_have_lines { Text::parse_lines(words) } else { Text::parse(words) }.map_err(Wrong::Text)
    }

    /// A page counted from 1; the first if none is named.
    fn page(&self, index: usize) -> Result<usize, Wrong> {
        let Some(page) = self.get(index) else { return Ok(1) };
        match usize::try_from(parse_digits(page)?) {
            Ok(page @ 1..) => Ok(page),
            Ok(0) | Err(_) => Err(Wrong::Form),
        }
    }

    /// The arguments of [`FILE`].
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
        const BEFORE_WORDS: usize = 27;
        let columns = |words: &str| words.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum::<usize>();
        for command in COMMANDS {
            assert!(command.form().len() < BEFORE_WORDS - 2);
            for words in [command.en, command.zh] {
                assert!(BEFORE_WORDS + columns(words) <= 80, "{words}");
            }
        }
    }
}
