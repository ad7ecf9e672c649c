//! English.

mod games;

use std::fmt::Write;

use super::super::closing::Closing;
use super::super::commands::{self, Command, Detail};
use super::super::event::{Deed, Missed};
use super::super::file_name::{FileNameFault, FileNameWrong};
use super::super::limits::{FILE_NAME_BYTES, FILES_AN_ACCOUNT};
use super::super::limits::{MARKS_IN_A_RUN, NAME_CHARS, PASSWORD_MAX_BYTES, PASSWORD_MIN_BYTES};
use super::super::name::{Name, NameFault};
use super::super::refusal::{Banned, FileExists, Instead, Quota, Refusal, SizeMismatch, Unconfirmed};
use super::super::reply::{Found, Offered, Welcome};
use super::super::request::RangeEnd;
use super::super::text::TextFault;
use super::prose::games::GamePhrases;
use super::prose::{Phrases, list, size, zoned_time};

/// English words.
pub(super) struct English;

impl Phrases for English {
    fn deed(&self, deed: &Deed, out: &mut String) {
        let _ = match deed {
            Deed::Chat { from, text, .. } => write!(out, "[{from}]: {}", text.as_str()),
            Deed::Announcement { text } => write!(out, "Administrator: {}", text.as_str()),
            Deed::Enter { from } => write!(out, "[{from}] entered the room"),
            Deed::Leave { from } => write!(out, "[{from}] left the room"),
            Deed::File { from, file } => {
                let (name, size) = (&file.name, size(file.size_bytes));
                write!(out, "[{from}] shared {name} ({size}) - L - {name} fetches it")
            }
            Deed::Withdrawn { from: Some(from), file_name, .. } => write!(out, "[{from}] withdrew {file_name}"),
            Deed::Withdrawn { from: None, file_name, .. } => write!(out, "{file_name} is no longer kept"),
            Deed::Game(news) => write!(out, "{}", self.news(news)),
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

    fn offered(&self, offered: &Offered, limit: &str) -> String {
        let Offered { offset_bytes, ticket_timeout_s, .. } = offered;
        let kept = match offset_bytes {
            0 => String::new(),
            &count => format!("; {} of it are here already", size(count)),
        };
        format!("run the line above within {ticket_timeout_s} s, where the file is; at most {limit}{kept}")
    }

    fn found(&self, found: &Found, size: &str) -> String {
        let Found { file, ticket_timeout_s, .. } = found;
        format!("{size}; run the line above within {ticket_timeout_s} s: it writes {} where you are", file.name)
    }

    fn withdrawn(&self) -> &'static str {
        "it is no longer shared"
    }

    fn dropped(&self) -> &'static str {
        "your upload of it is given up"
    }

    fn nothing_shared(&self) -> &'static str {
        "nothing is shared; F - file-name shares a file"
    }

    fn detail(&self, detail: &Detail) -> &'static str {
        match detail {
            Detail::Words { en, .. } => en,
            Detail::Line(line) => line,
        }
    }

    fn received(&self) -> &'static str {
        "the room has it"
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
            Refusal::AlreadyIn { instead } => or("you are logged in already".into(), instead.as_ref()),
            Refusal::BadFileName { letter, fault } => bad_file_name(*letter, fault),
            Refusal::BadJson(why) => format!("not a request object: {why}"),
            Refusal::BadName(NameFault::TooLong) => format!("a name has at most {NAME_CHARS} characters"),
            Refusal::BadName(NameFault::BadCharacter) => {
                "use letters, digits, _ - and . of one writing direction and do not begin with -".into()
            }
            Refusal::BadName(NameFault::Marks) => format!("a name has at most {MARKS_IN_A_RUN} combining marks on one letter"),
            Refusal::BadName(NameFault::Reserved) => "that name is the server's own; choose another".into(),
            Refusal::BadPassword => {
                format!("a password has {PASSWORD_MIN_BYTES} to {PASSWORD_MAX_BYTES} bytes; choose another and send P again")
            }
            Refusal::BadText(TextFault::Escape) => "arrow keys do not work here; nothing was sent".into(),
            Refusal::BadText(TextFault::Marks) => {
                format!("at most {MARKS_IN_A_RUN} combining marks may stand on one letter; nothing was sent")
            }
            Refusal::BadText(_) => {
                "control, text-direction and line-separator characters are not allowed; nothing was sent".into()
            }
            Refusal::BadTicket => {
                "that ticket is unknown, used, too old or for the other direction; F or L gives a new one".into()
            }
            Refusal::BadToken => "that token is unknown or too old; log in with U and P".into(),
            Refusal::Banned(ban) => banned(ban),
            Refusal::Busy => "too many are logging in at this moment; send the line again in a few seconds".into(),
            Refusal::BusyTransfers => "too many transfers are running; run the same command again in a few seconds".into(),
            Refusal::DiskFull => {
                "the server's disk is too full for files; try F again later, what has come of one is kept".into()
            }
            Refusal::FileExists(exists) => file_exists(exists),
            Refusal::Failed => {
                "the server failed in this; the game or file that it was about is broken off, everything else goes on".into()
            }
            Refusal::FileFailed => "the server's disk fails for this file; try again later with F or L".into(),
            Refusal::ForShell => {
                "that line is for a shell: open another terminal, where the file is, and paste it there".into()
            }
            Refusal::Game(refusal) => self.game_refusal(refusal),
            Refusal::HashMismatch => {
                "the file changed while it was read, or on its way; nothing is kept, begin again with F".into()
            }
            Refusal::HashNeeded => {
                "no sha256 came with it: is the file in the directory where you ran the line? go there and run it again".into()
            }
            Refusal::LineTooLong { limit_bytes } => {
                format!("a line or text has at most {limit_bytes} bytes here; the whole line was ignored")
            }
            Refusal::LoginFirst => "log in first: U your-name, then P your-name your-password".into(),
            Refusal::LookAlike(name) => format!("that looks like {name}, who is registered; choose another with U"),
            Refusal::NameTaken(name) => format!("somebody has just registered {name}; choose another with U"),
            Refusal::NoSuchFile(name) => format!("nothing called {name} is shared; S lists what is"),
            Refusal::NoSuchAccount(name) => format!("nobody is called {name}; W lists who is here"),
            Refusal::NoSuchUser(name) => format!("nobody is called {name}; to register, send U {name} first"),
            Refusal::NotFirst { instead } => or("T must be the first line of a new connection".into(), instead.as_ref()),
            Refusal::NotUtf8 => "the line is not UTF-8; nothing was sent".into(),
            Refusal::NotYou { own, instead } => or(format!("you are {own}"), instead.as_ref()),
            Refusal::NotYours(owner) => format!("it is {owner}'s; only {owner} or an administrator can withdraw it"),
            Refusal::Quota(Quota::Account) => "your files take all the space that an account has; X withdraws one".into(),
            Refusal::Quota(Quota::Files) => format!("you share {FILES_AN_ACCOUNT} files already; X withdraws one"),
            Refusal::Quota(Quota::Room) => {
                "the room's files take all the space there is for them; somebody has to withdraw one".into()
            }
            Refusal::SizeMismatch(mismatch) => size_mismatch(*mismatch),
            Refusal::SlowDown { retry_ms } => {
                format!("too much at once; nothing happened, send the line again in {} s", retry_ms.div_ceil(1000))
            }
            Refusal::StoreFailed => "the server cannot store or read at the moment; nothing happened, try again later".into(),
            Refusal::TooLarge { limit_bytes } => format!("at most {limit_bytes} bytes ({}) can be sent", size(*limit_bytes)),
            Refusal::TooSlow => "bytes came too slowly; what came is kept, go on with F".into(),
            Refusal::Unconfirmed(Unconfirmed::Event(seq)) => format!("{seq} was heard but is not stored yet; do not repeat it"),
            Refusal::Unconfirmed(Unconfirmed::Move) => {
                "your move was seen but is not stored yet; M shows how the game stands".into()
            }
            Refusal::Unconfirmed(Unconfirmed::Registration) => {
                "your registration is not stored yet; send P again in a while".into()
            }
            Refusal::UnknownCommand { instead: None, stranger: true } => {
                "to enter: U your-name, then P your-name your-password; ? shows all".into()
            }
            Refusal::UnknownCommand { instead: None, .. } => "no such command; ? shows all".into(),
            Refusal::UnknownCommand { instead, .. } => or("? shows all".into(), instead.as_ref()),
            Refusal::Usage { letter, instead } => {
                let form = commands::find(*letter).map(Command::form).unwrap_or_default();
                or(format!("the form is {form}"), instead.as_ref())
            }
            Refusal::WrongPassword { tries_left: 0 } => "0 tries left".into(),
            Refusal::WrongPassword { tries_left: 1 } => "1 try left".into(),
            Refusal::WrongPassword { tries_left } => format!("{tries_left} tries left"),
        }
    }

    fn closing(&self, closing: Closing) -> String {
        let why = match closing {
            Closing::Banned => "the operator does not let you in",
            Closing::Full => "the server is full; come back later",
            Closing::Kicked => "the operator ended your session; you may log in again",
            Closing::LoginTimeout => "no login came in time; come again and send U your-name, then P your-name your-password",
            Closing::NeedsTls => "this port speaks TLS; try: ncat --ssl host port",
            Closing::NotHttp => "this is a chat room, not a web server; try: nc host port",
            Closing::NotTls => "this port does not speak TLS; connect without it",
            Closing::PasswordChanged => "your account has a new password; log in with that",
            Closing::Replaced => "your account logged in over another connection",
            Closing::ShuttingDown => "the server stops; come back later",
            Closing::Stalled => "nothing was read for too long",
            Closing::StoreFailed => "the server cannot store anything at the moment; come back later",
            Closing::TooMany => "your address holds as many connections as one may; come back later",
            Closing::WrongPassword => "too many wrong passwords",
        };
        format!("Closing ({}): {why}", closing.code())
    }

    fn missed(&self, missed: Missed, ask: &str) -> String {
        let Missed { first_seq, last_seq } = missed;
        format!("(You were too slow for #{first_seq} to #{last_seq}; they can be read with: {ask})")
    }
}

fn or(what: String, instead: Option<&Instead>) -> String {
    match instead {
        Some(Instead::Say(line)) => format!("{what}; to say it: {line}"),
        Some(Instead::Ask(line)) => format!("{what}; try: {line}"),
        Some(Instead::SayOrMove(words)) => format!("{what}; to say it: C - {words}, to play it: M {words}"),
        None => what,
    }
}

fn banned(ban: &Banned) -> String {
    let until =
        ban.until_ms.map_or_else(|| "you may not come in".into(), |at_ms| format!("come back after {}", zoned_time(at_ms)));
    if ban.why.is_empty() { until } else { format!("{until}; the operator says: {}", ban.why) }
}

fn bad_file_name(letter: char, fault: &FileNameFault) -> String {
    let why = match fault.wrong {
        FileNameWrong::Path => "a name without directories, please".into(),
        FileNameWrong::Hidden => "a name may not begin with a dot".into(),
        FileNameWrong::TooLong => format!("a file's name has at most {FILE_NAME_BYTES} bytes"),
        FileNameWrong::Marks => format!("a file's name has at most {MARKS_IN_A_RUN} combining marks on one letter"),
        FileNameWrong::BadCharacter => "a file's name may not have characters that nobody can see".into(),
    };
    or(why, fault.instead.as_ref().map(|name| Instead::Ask(format!("{letter} - {name}"))).as_ref())
}

fn file_exists(exists: &FileExists) -> String {
    match exists {
        FileExists::Uploading { is_own: true, .. } => {
            "it is being uploaded by you; if that was cut, send F again in half a minute to go on".into()
        }
        FileExists::Uploading { by, free_name, .. } => {
            format!("it is being uploaded by {by}; under another name: F - {free_name}")
        }
        FileExists::Shared { file_name, is_own: true, free_name, .. } => {
            format!("you share {file_name} already; X - {file_name} withdraws it, or under another name: F - {free_name}")
        }
        FileExists::Shared { file_name, by, free_name, .. } => {
            format!("{by} shares {file_name} already; under another name: F - {free_name}")
        }
    }
}

fn size_mismatch(mismatch: SizeMismatch) -> String {
    match mismatch {
        SizeMismatch::OtherFile => "what came before was of another size; it is dropped, begin again with F".into(),
        SizeMismatch::TooFew { received_bytes, size_bytes } => {
            format!("{received_bytes} of {size_bytes} bytes came and are kept; go on with F")
        }
        SizeMismatch::TooMany => "more bytes came than the size says; nothing is kept, begin again with F".into(),
        SizeMismatch::PastEnd { size_bytes } => format!("the file has {size_bytes} bytes"),
    }
}
