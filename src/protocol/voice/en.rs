//! English.

use std::fmt::Write;

use super::super::closing::Closing;
use super::super::commands::{self, Command};
use super::super::event::{Deed, Missed};
use super::super::limits::{NAME_CHARS, PASSWORD_MAX_BYTES, PASSWORD_MIN_BYTES};
use super::super::name::{Name, NameFault};
use super::super::refusal::Refusal;
use super::super::reply::Welcome;
use super::super::request::RangeEnd;
use super::super::text::TextFault;
use super::prose::{Phrases, list};

/// English words.
pub(super) struct English;

impl Phrases for English {
    fn deed(&self, deed: &Deed, out: &mut String) {
        let _ = match deed {
            Deed::Chat { from, text, .. } => write!(out, "[{from}]: {}", text.as_str()),
            Deed::Announcement { text } => write!(out, "Administrator: {}", text.as_str()),
            Deed::Enter { from } => write!(out, "[{from}] entered the room"),
            Deed::Leave { from } => write!(out, "[{from}] left the room"),
            Deed::Started => write!(out, "The server started."),
            Deed::Stopping => write!(out, "The server is stopping."),
        };
    }

    fn known(&self, name: &Name) -> String {
        format!("to log in: P {name} your-password")
    }

    fn unknown(&self, name: &Name) -> String {
        format!("nobody has that name; to register it: P {name} a-new-password")
    }

    fn welcome(&self, welcome: &Welcome) -> String {
        let mut words = format!("here: {}", list(&welcome.names, ", "));
        let more = welcome.count.saturating_sub(welcome.names.len());
        if more > 0 {
            let _ = write!(words, " and {more} more (W lists all)");
        }
        if welcome.names.is_empty() {
            words = "nobody is here".into();
        }
        words + " - to speak: C - hello"
    }

    fn further(&self, from: RangeEnd, ask: &str) -> String {
        match from {
            RangeEnd::Newest => format!("earlier: {ask}"),
            RangeEnd::Oldest => format!("later: {ask}"),
        }
    }

    fn next_page(&self, ask: &str) -> String {
        format!("more: {ask}")
    }

    fn speaking(&self) -> &'static str {
        "English from now on"
    }

    fn about(&self, version: &str, voices: &str) -> String {
        format!("parlor {version}, voices: {voices}")
    }

    fn help(&self, command: &Command) -> &'static str {
        command.en
    }

    fn bye(&self) -> &'static str {
        "goodbye"
    }

    fn refusal(&self, refusal: &Refusal) -> String {
        match refusal {
            Refusal::AlreadyIn { say } => instead("you are logged in already".into(), say.as_deref()),
            Refusal::BadJson(why) => format!("not a request object: {why}"),
            Refusal::BadName(NameFault::TooLong) => format!("a name has at most {NAME_CHARS} characters"),
            Refusal::BadName(NameFault::BadCharacter) => "use letters, digits, _ - and . and do not begin with -".into(),
            Refusal::BadName(NameFault::Reserved) => "that name is the server's own; choose another".into(),
            Refusal::BadPassword => {
                format!("a password has {PASSWORD_MIN_BYTES} to {PASSWORD_MAX_BYTES} bytes; choose another and send P again")
            }
            Refusal::BadText(TextFault::Escape) => "arrow keys do not work here; nothing was sent".into(),
            Refusal::BadText(_) => "control and text-direction characters are not allowed; nothing was sent".into(),
            Refusal::BadToken => "that token is unknown or too old; log in with U and P".into(),
            Refusal::Busy => "too many are logging in at this moment; send the line again in a few seconds".into(),
            Refusal::LineTooLong { limit_bytes } => {
                format!("a line or text has at most {limit_bytes} bytes here; the whole line was ignored")
            }
            Refusal::LoginFirst => "log in first: U your-name, then P your-name your-password".into(),
            Refusal::NameTaken(name) => format!("somebody has just registered {name}; choose another with U"),
            Refusal::NoSuchUser(name) => format!("nobody is called {name}; to register, send U {name} first"),
            Refusal::NotUtf8 => "the line is not UTF-8; nothing was sent".into(),
            Refusal::NotYou { own, say } => instead(format!("you are {own}"), say.as_deref()),
            Refusal::StoreFailed => "the server cannot store or read at the moment; nothing happened, try again later".into(),
            Refusal::Unconfirmed { seq: Some(seq) } => format!("{seq} was heard but is not stored yet; do not repeat it"),
            Refusal::Unconfirmed { seq: None } => "your registration is not stored yet; send P again in a while".into(),
            Refusal::UnknownCommand { say: None, stranger: true } => {
                "to enter: U your-name, then P your-name your-password; ? shows all".into()
            }
            Refusal::UnknownCommand { say: None, .. } => "no such command; ? shows all".into(),
            Refusal::UnknownCommand { say, .. } => instead("? shows all".into(), say.as_deref()),
            Refusal::Usage { letter, say } => {
                let form = commands::find(*letter).map(Command::form).unwrap_or_default();
                instead(format!("the form is {form}"), say.as_deref())
            }
            Refusal::WrongPassword { tries_left: 0 } => "0 tries left".into(),
            Refusal::WrongPassword { tries_left: 1 } => "1 try left".into(),
            Refusal::WrongPassword { tries_left } => format!("{tries_left} tries left"),
        }
    }

    fn closing(&self, closing: Closing) -> String {
        let why = match closing {
            Closing::Full => "the server is full; come back later",
            Closing::LoginTimeout => "no login came in time; come again and send U your-name, then P your-name your-password",
            Closing::NotHttp => "this is a chat room, not a web server; try: nc host port",
            Closing::Replaced => "your account logged in over another connection",
            Closing::ShuttingDown => "the server stops; come back later",
            Closing::Stalled => "nothing was read for too long",
            Closing::StoreFailed => "the server cannot store anything at the moment; come back later",
            Closing::WrongPassword => "too many wrong passwords",
        };
        format!("Closing ({}): {why}", closing.code())
    }

    fn missed(&self, missed: Missed, ask: &str) -> String {
        let Missed { first_seq, last_seq } = missed;
        format!("(You were too slow for #{first_seq} to #{last_seq}; they can be read with: {ask})")
    }
}

fn instead(what: String, say: Option<&str>) -> String {
    match say {
        Some(line) => format!("{what}; to say it: {line}"),
        None => what,
    }
}
