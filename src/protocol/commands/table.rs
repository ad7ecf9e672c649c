//! The table of commands: one row a letter. To add a request, add a row here, a variant of
//! [`Ask`] and a handler in `session`.

use super::super::digest::Digest;
use super::super::game::request::{Action, GameAsk, Invite, Whose};
use super::super::game::{GameId, TimeControl};
use super::super::name::Name;
use super::super::request::{Ask, HistoryRange, RangeEnd, TransferRequest};
use super::super::secret::Secret;
use super::super::tongue::Tongue;
use super::details::{DOWNLOAD_ON_WINDOWS, INVITING, MOVING, UPLOAD_ON_WINDOWS};
use super::{Command, Fields, Need, Param, Shape, When, Wrong, find, parse_digits};

const fn word(name: &'static str, need: Need) -> Param {
    Param { name, shape: Shape::Word, need }
}

const fn rest(name: &'static str) -> Param {
    Param { name, shape: Shape::Rest, need: Need::Required }
}

/// An argument that only JSON requests have.
const fn key(name: &'static str) -> Param {
    Param { name, shape: Shape::Key, need: Need::Optional }
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
        en: "look up a name: known: P logs in, new: registers",
        zh: "查名字：已注册用 P 登录，未注册用 P 注册",
        details: &[],
        read: |fields| Ok(Ask::Account { name: fields.name(0)? }),
    },
    Command {
        letter: 'P',
        params: &[word("name", Need::Required), rest("password"), flag("enter"), flag("listen")],
        when: When::Before,
        en: "log in; after U said new, register",
        zh: "登录；U 答复 new 之后则为注册",
        details: &[],
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
        details: &[],
        read: |fields| Ok(Ask::Token { token: Secret::new(fields.needed(0)?), presence: fields.presence(1, 2) }),
    },
    Command {
        letter: 'C',
        params: &[word("name", Need::RequiredInLine), rest("text")],
        when: When::After,
        en: "say it to all; - is your name; 'text says it too",
        zh: "说话；- 代表自己；也可直接输入汉字，或 'hello",
        details: &[],
        read: |fields| Ok(Ask::Chat { name: fields.someone(0), text: fields.text(1)? }),
    },
    Command {
        letter: 'H',
        params: &[word("left", Need::Optional), word("right", Need::Optional), word("n", Need::Optional)],
        when: When::After,
        en: "the last n lines after #left up to #right",
        zh: "编号 left 之后到 right 的最新 n 条",
        details: &[],
        read: read_history,
    },
    Command {
        letter: 'W',
        params: &[word("page", Need::Optional)],
        when: When::After,
        en: "who is here",
        zh: "谁在这里",
        details: &[],
        read: |fields| Ok(Ask::Who { page: fields.page(0)? }),
    },
    Command {
        letter: 'F',
        params: FILE,
        when: When::After,
        en: "share a file: shows the command that sends it",
        zh: "共享文件：给出发送文件的命令",
        details: UPLOAD_ON_WINDOWS,
        read: |fields| fields.file().map(Ask::Offer),
    },
    Command {
        letter: 'L',
        params: FILE,
        when: When::After,
        en: "fetch a shared file: shows the command for it",
        zh: "取文件：给出下载文件的命令",
        details: DOWNLOAD_ON_WINDOWS,
        read: |fields| fields.file().map(Ask::Fetch),
    },
    Command {
        letter: 'S',
        params: &[word("page", Need::Optional)],
        when: When::After,
        en: "what is shared, newest first",
        zh: "列出共享的文件，新的在前",
        details: &[],
        read: |fields| Ok(Ask::Shelf { page: fields.page(0)? }),
    },
    Command {
        letter: 'X',
        params: FILE,
        when: When::After,
        en: "withdraw a file that you have shared",
        zh: "撤下自己共享的文件",
        details: &[],
        read: |fields| fields.file().map(Ask::Withdraw),
    },
    Command {
        letter: 'G',
        params: &[
            word("name", Need::RequiredInLine),
            word("game", Need::Optional),
            word("clock", Need::Optional),
            Param { name: "seat", shape: Shape::Mention, need: Need::Optional },
            key("game_id"),
        ],
        when: When::After,
        en: "invite to a game: G - gomoku; ? G tells more",
        zh: "邀请对局：G - gomoku；详见 ? G",
        details: INVITING,
        read: read_invite,
    },
    Command {
        letter: 'D',
        params: &[word("name", Need::RequiredInLine), word("inviter", Need::Required)],
        when: When::After,
        en: "play with somebody who invites: D - alice",
        zh: "应邀入座：D - alice",
        details: &[],
        // As an invitation shows whom it is for.
        read: |fields| {
            let word = fields.needed(1)?;
            let inviter = Name::sought(word.strip_prefix('@').unwrap_or(word)).map_err(Wrong::Name)?;
            Ok(Ask::Game(GameAsk::Take { name: fields.someone(0), inviter }))
        },
    },
    Command {
        letter: 'M',
        params: &[word("move", Need::Optional), word("ply", Need::Optional), word("game_id", Need::Optional)],
        when: When::After,
        en: "move: M h8; alone: the board; ? M tells more",
        zh: "走棋：M h8；单独 M 显示棋盘；详见 ? M",
        details: MOVING,
        read: |fields| {
            let ply = fields.get(1).map(parse_digits).transpose()?;
            let action = fields.get(0).map(Action::read);
            if action.is_none() && (ply.is_some() || fields.get(2).is_some()) {
                return Err(Wrong::Form);
            }
            Ok(Ask::Game(GameAsk::Move { action, ply, game_id: fields.game_id(2)? }))
        },
    },
    Command {
        letter: 'N',
        params: &[word("page", Need::Optional)],
        when: When::After,
        en: "open invitations and games under way",
        zh: "列出邀请和进行中的对局",
        details: &[],
        read: |fields| Ok(Ask::Game(GameAsk::List { page: fields.page(0)? })),
    },
    Command {
        letter: 'O',
        params: &[word("game_id", Need::Required)],
        when: When::After,
        en: "watch a game that N lists; O - stops watching",
        zh: "观战（编号见 N）；O - 停止观战",
        details: &[],
        read: |fields| match fields.needed(0)? {
            "-" | "－" => Ok(Ask::Game(GameAsk::Watch(None))),
            _ => Ok(Ask::Game(GameAsk::Watch(fields.game_id(0)?))),
        },
    },
    Command {
        letter: 'R',
        params: &[word("name", Need::Optional)],
        when: When::After,
        en: "the best ratings, or somebody's and last games",
        zh: "等级分排行，或某人的等级分和最近对局",
        details: &[],
        read: |fields| match fields.get(0) {
            None => Ok(Ask::Game(GameAsk::Ratings(Whose::Best))),
            Some("-" | "－") => Ok(Ask::Game(GameAsk::Ratings(Whose::Own))),
            Some(_) => Ok(Ask::Game(GameAsk::Ratings(Whose::Of(fields.name(0)?)))),
        },
    },
    Command {
        letter: 'B',
        params: &[word("game_id", Need::Required)],
        when: When::After,
        en: "the record of a finished game",
        zh: "已结束对局的棋谱",
        details: &[],
        read: |fields| Ok(Ask::Game(GameAsk::Record(GameId(parse_digits(fields.needed(0)?)?)))),
    },
    Command {
        letter: 'T',
        params: &[word("ticket", Need::Required), word("size", Need::Optional), word("sha256", Need::Optional)],
        when: When::First,
        en: "send or fetch by a ticket: see protocol.md",
        zh: "凭 F 或 L 给的票传送文件，见 protocol.md",
        details: &[],
        read: read_transfer,
    },
    Command {
        letter: 'V',
        params: &[word("voice", Need::Optional)],
        when: When::Always,
        en: "speak en, zh (中文) or json; alone: version",
        zh: "语言 en、zh 或 json；不带参数显示版本",
        details: &[],
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
        details: &[],
        read: |_| Ok(Ask::Heartbeat),
    },
    Command {
        letter: '?',
        params: &[word("letter", Need::Optional)],
        when: When::Always,
        en: "this help, or help on one letter",
        zh: "显示帮助，或某个字母的帮助",
        details: &[],
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
        details: &[],
        read: |fields| Ok(Ask::Leave { name: fields.someone(0) }),
    },
];

/// What `F`, `L` and `X` are about.
const FILE: &[Param] = &[word("name", Need::RequiredInLine), rest("file_name")];

fn read_invite(fields: &Fields<'_>) -> Result<Ask, Wrong> {
    let invite = match (fields.get(1), fields.get(2)) {
        (Some("-" | "－"), None) => Invite::Withdraw,
        (Some(word), _) if word.eq_ignore_ascii_case("resume") => {
            let in_line = if fields.get(4).is_some() { 4 } else { 2 };
            Invite::Resume(fields.game_id(in_line)?)
        }
        // A clock alone: the game is left out.
        (Some(word), None) if word.contains('+') || TimeControl::parse(word).is_some() => {
            Invite::New { game: None, clock: fields.clock(1)?, seat: fields.mention(3)? }
        }
        (game, _) => Invite::New { game: game.map(str::to_owned), clock: fields.clock(2)?, seat: fields.mention(3)? },
    };
    let typed: Vec<&str> = (1..4).filter_map(|index| fields.get(index)).collect();
    Ok(Ask::Game(GameAsk::Invite { name: fields.someone(0), invite, typed: typed.join(" ") }))
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
