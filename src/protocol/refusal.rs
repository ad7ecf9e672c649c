//! Every way a request can be refused: one closed list of codes, documented in `protocol.md`.

use std::time::Duration;

use super::file_name::{FileName, FileNameFault};
use super::game::refusal::GameRefusal;
use super::name::{Name, NameFault};
use super::text::TextFault;

/// A request that was not carried out, with what its words need.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// `U`, `P` or `I` after login.
    AlreadyIn {
        /// What may have been meant.
        instead: Option<Instead>,
    },
    /// No possible name of a file.
    BadFileName {
        /// The request it was named in.
        letter: char,
        /// What is wrong with it.
        fault: FileNameFault,
    },
    /// A line that begins with `{` but is no request object; why.
    BadJson(String),
    /// No possible account name.
    BadName(NameFault),
    /// No possible password: too short or too long.
    BadPassword,
    /// Characters that no terminal should be sent.
    BadText(TextFault),
    /// A ticket that is unknown, used, too old, malformed or for the other direction.
    BadTicket,
    /// A token that is unknown, too old or malformed.
    BadToken,
    /// The account may not come in.
    Banned(Box<Banned>),
    /// Too many passwords are being hashed.
    Busy,
    /// Too many transfers are running.
    BusyTransfers,
    /// The disk has no room for files left; talk goes on.
    DiskFull,
    /// The daemon has a bug, and what was asked ran into it.
    Failed,
    /// The name is taken on the shelf, or about to be.
    FileExists(Box<FileExists>),
    /// The disk fails for this file.
    FileFailed,
    /// About games.
    Game(Box<GameRefusal>),
    /// The bytes are not those of the SHA-256 that was sent.
    HashMismatch,
    /// An upload of nothing, or from an offset on, without the SHA-256 of the whole file.
    HashNeeded,
    /// A line over the limit, in bytes.
    LineTooLong {
        /// The limit that was exceeded.
        limit_bytes: usize,
    },
    /// A request that needs a login.
    LoginFirst,
    /// A new name that looks like this one, which is somebody's.
    LookAlike(Name),
    /// A command for a shell, pasted into the room.
    ForShell,
    /// Somebody registered the name in between.
    NameTaken(Name),
    /// Nothing of this name is shared.
    NoSuchFile(FileName),
    /// Nobody is called so.
    NoSuchAccount(Name),
    /// A password for an account that does not exist, and no `U` that said so.
    NoSuchUser(Name),
    /// A transfer that does not begin its connection.
    NotFirst {
        /// What may have been meant.
        instead: Option<Instead>,
    },
    /// Bytes that are not UTF-8.
    NotUtf8,
    /// A request in somebody else's name.
    NotYou {
        /// The session's own name.
        own: Name,
        /// What may have been meant.
        instead: Option<Instead>,
    },
    /// Somebody else's file; whose.
    NotYours(Name),
    /// No more may be shared.
    Quota(Quota),
    /// Another number of bytes than was said.
    SizeMismatch(SizeMismatch),
    /// Too much was asked for; nothing happened.
    SlowDown {
        /// After this long it may be asked again.
        retry_ms: u64,
    },
    /// The store cannot take or give anything at the moment.
    StoreFailed,
    /// A file over the largest size, in bytes.
    TooLarge {
        /// The largest size.
        limit_bytes: u64,
    },
    /// Bytes came more slowly than is acceptable.
    TooSlow,
    /// Not stored in time, but it may still be.
    Unconfirmed(Unconfirmed),
    /// No such letter.
    UnknownCommand {
        /// Whether it was sent before login.
        stranger: bool,
        /// What may have been meant.
        instead: Option<Instead>,
    },
    /// Wrong arguments for the letter.
    Usage {
        /// The letter whose form was not kept.
        letter: char,
        /// What may have been meant.
        instead: Option<Instead>,
    },
    /// A wrong password.
    WrongPassword {
        /// How many more this connection may send.
        tries_left: u32,
    },
}

/// Until when an account may not come in, and why.
#[derive(Clone, Debug)]
pub struct Banned {
    /// In milliseconds since 1970 UTC; `None` for ever.
    pub until_ms: Option<i64>,
    /// The operator's words, if there are any.
    pub why: String,
}

impl Banned {
    /// Whether it is still so at that time.
    pub fn holds_at(&self, now_ms: i64) -> bool {
        self.until_ms.is_none_or(|until_ms| now_ms < until_ms)
    }
}

/// A line that may have been meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instead {
    /// It would have said it to the room.
    Say(String),
    /// It would have asked it.
    Ask(String),
    /// The words were for the room, or a move.
    SayOrMove(String),
}

/// Who has the name of a file.
#[derive(Clone, Debug)]
pub enum FileExists {
    /// It is shared.
    Shared {
        /// Under this name.
        file_name: FileName,
        /// By whom.
        by: Name,
        /// Whether that is who asks.
        is_own: bool,
        /// The next name after it that is free.
        free_name: FileName,
    },
    /// It is being sent, or is about to be.
    Uploading {
        /// By whom.
        by: Name,
        /// Whether that is who asks.
        is_own: bool,
        /// The next name after it that is free.
        free_name: FileName,
    },
}

/// What is not stored in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unconfirmed {
    /// An event of this number, which the room has heard.
    Event(u64),
    /// A move, which the other player has seen.
    Move,
    /// A registration.
    Registration,
}

/// Whose share of the disk is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// The account's bytes.
    Account,
    /// The account's number of files.
    Files,
    /// The room's bytes.
    Room,
}

/// How a number of bytes is not the one that was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeMismatch {
    /// What came before was part of a file of another size.
    OtherFile,
    /// The input ended too early; what came is kept.
    TooFew {
        /// How much of the file is here.
        received_bytes: u64,
        /// The whole file's size.
        size_bytes: u64,
    },
    /// More came than the whole file.
    TooMany,
    /// A download from behind the end.
    PastEnd {
        /// The file's size.
        size_bytes: u64,
    },
}

impl Refusal {
    /// The closed list of codes, in the order of `protocol.md`.
    pub const CODES: [&str; 48] = [
        "already-in",
        "already-inviting",
        "already-playing",
        "bad-clock",
        "bad-file-name",
        "bad-json",
        "bad-name",
        "bad-password",
        "bad-text",
        "bad-ticket",
        "bad-token",
        "banned",
        "busy",
        "disk-full",
        "failed",
        "file-exists",
        "hash-mismatch",
        "illegal-move",
        "line-too-long",
        "login-first",
        "look-alike",
        "members-only",
        "name-taken",
        "no-game",
        "no-invitation",
        "no-such-file",
        "no-such-game",
        "no-such-user",
        "not-first",
        "not-now",
        "not-utf8",
        "not-you",
        "not-your-turn",
        "not-yours",
        "own-invitation",
        "quota",
        "reserved",
        "size-mismatch",
        "slow-down",
        "store-failed",
        "taken",
        "too-large",
        "too-slow",
        "unconfirmed",
        "unknown-command",
        "usage",
        "wrong-password",
        "wrong-ply",
    ];

    /// Too much was asked; after so long it can be asked again.
    pub fn slow_down(wait: Duration) -> Self {
        let retry_ms = u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        Refusal::SlowDown { retry_ms: retry_ms.max(1) }
    }

    /// The code: short lower-case words for programs, the same in every voice.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::AlreadyIn { .. } => "already-in",
            Refusal::BadFileName { .. } => "bad-file-name",
            Refusal::BadJson(_) => "bad-json",
            Refusal::BadName(_) => "bad-name",
            Refusal::BadPassword => "bad-password",
            Refusal::BadText(_) => "bad-text",
            Refusal::BadTicket => "bad-ticket",
            Refusal::BadToken => "bad-token",
            Refusal::Banned(_) => "banned",
            Refusal::Busy | Refusal::BusyTransfers => "busy",
            Refusal::DiskFull => "disk-full",
            Refusal::Failed => "failed",
            Refusal::FileExists(_) => "file-exists",
            Refusal::Game(refusal) => refusal.code(),
            Refusal::HashMismatch => "hash-mismatch",
            Refusal::LineTooLong { .. } => "line-too-long",
            Refusal::LoginFirst => "login-first",
            Refusal::LookAlike(_) => "look-alike",
            Refusal::NameTaken(_) => "name-taken",
            Refusal::NoSuchFile(_) => "no-such-file",
            Refusal::NoSuchAccount(_) | Refusal::NoSuchUser(_) => "no-such-user",
            Refusal::NotFirst { .. } => "not-first",
            Refusal::NotUtf8 => "not-utf8",
            Refusal::NotYou { .. } => "not-you",
            Refusal::NotYours(_) => "not-yours",
            Refusal::Quota(_) => "quota",
            Refusal::SizeMismatch(_) => "size-mismatch",
            Refusal::SlowDown { .. } => "slow-down",
            Refusal::StoreFailed | Refusal::FileFailed => "store-failed",
            Refusal::TooLarge { .. } => "too-large",
            Refusal::TooSlow => "too-slow",
            Refusal::Unconfirmed(_) => "unconfirmed",
            Refusal::UnknownCommand { .. } | Refusal::ForShell => "unknown-command",
            Refusal::Usage { .. } | Refusal::HashNeeded => "usage",
            Refusal::WrongPassword { .. } => "wrong-password",
        }
    }
}

impl From<GameRefusal> for Refusal {
    fn from(refusal: GameRefusal) -> Self {
        Refusal::Game(Box::new(refusal))
    }
}
