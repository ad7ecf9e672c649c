//! The canonical forms of a request: the line and the object that ask for the same. Written from the table in
//! `protocol.md`, not from the parser, and given back to it.

use parlor::protocol::game::request::{Action, GameAsk, Invite, Whose};
use parlor::protocol::name::Name;
use parlor::protocol::request::{Ask, FileRequest, HistoryRange, Presence, RangeEnd, Request};
use serde_json::{Map, Value, json};

/// The object that asks for the same, without its `ref`.
pub fn object(request: &Request) -> String {
    let mut object = Map::new();
    object.insert("do".into(), request.letter.to_string().into());
    for (key, value) in fields(&request.ask) {
        object.insert(key.into(), value);
    }
    if let Some(reference) = &request.reference {
        object.insert("ref".into(), reference.as_str().into());
    }
    Value::Object(object).to_string()
}

/// The line that asks for the same; `None` where only an object can.
pub fn line(request: &Request) -> Option<String> {
    let letter = request.letter;
    let someone = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".into());
    let words: Vec<String> = match &request.ask {
        Ask::Account { name } => vec![name.to_string()],
        Ask::Password { name, password, presence: Presence::Member } => {
            vec![name.to_string(), password.expose().to_owned()]
        }
        Ask::Token { token, presence: Presence::Member } => vec![token.expose().to_owned()],
        Ask::Password { .. } | Ask::Token { .. } => return None,
        Ask::Chat { name, text } => vec![someone(name), text.as_str().to_owned()],
        Ask::History(range) => history(range).to_vec(),
        Ask::Who { page } | Ask::Shelf { page } | Ask::Game(GameAsk::List { page }) => vec![page.to_string()],
        Ask::Offer(FileRequest { name, file_name })
        | Ask::Fetch(FileRequest { name, file_name })
        | Ask::Withdraw(FileRequest { name, file_name }) => vec![someone(name), file_name.to_string()],
        Ask::Transfer(transfer) => {
            let size = transfer.size_bytes.map(|size| size.to_string());
            let digest = transfer.digest.map(|digest| digest.to_string());
            [Some(transfer.ticket.expose().to_owned()), size, digest].into_iter().flatten().collect()
        }
        Ask::Game(GameAsk::Take { name, inviter }) => vec![someone(name), mentioned(inviter)],
        // The first word with an `@` is whom the seat is for, wherever it stands.
        Ask::Game(GameAsk::Invite { name: Some(name), .. }) if name.starts_with('@') => return None,
        Ask::Game(GameAsk::Invite { name, invite, .. }) => [vec![someone(name)], invitation(invite)?].concat(),
        Ask::Game(GameAsk::Move { action, ply, game_id }) => {
            // In an object the number of the game may stand without a ply.
            if ply.is_none() && game_id.is_some() {
                return None;
            }
            [action.as_ref().map(action_word), ply.map(|ply| ply.to_string()), game_id.map(|id| id.to_string())]
                .into_iter()
                .flatten()
                .collect()
        }
        Ask::Game(GameAsk::Watch(game_id)) => vec![game_id.map_or_else(|| "-".into(), |id| id.to_string())],
        Ask::Game(GameAsk::Ratings(whose)) => match whose {
            Whose::Best => vec![],
            Whose::Own => vec!["-".into()],
            Whose::Of(name) => vec![name.to_string()],
        },
        Ask::Game(GameAsk::Record(game_id)) => vec![game_id.to_string()],
        Ask::Voice(tongue) => tongue.iter().map(|tongue| tongue.code().to_owned()).collect(),
        Ask::Heartbeat => vec![],
        Ask::Help(letter) => letter.iter().map(char::to_string).collect(),
        Ask::Leave { name } => name.iter().cloned().collect(),
    };
    // In an object any string can stand where a line has one word; and what a text begins with belongs to it.
    let (last, before) = match words.split_last() {
        Some((last, before)) => (last.as_str(), before),
        None => ("", &[][..]),
    };
    let is_word = |word: &str| !word.is_empty() && !word.contains([' ', '\t']);
    let takes_rest =
        matches!(request.ask, Ask::Chat { .. } | Ask::Password { .. } | Ask::Offer(_) | Ask::Fetch(_) | Ask::Withdraw(_));
    let is_line = before.iter().all(|word| is_word(word)) && (words.is_empty() || is_word(last) || takes_rest);
    let line = [vec![letter.to_string()], words.clone()].concat().join(" ");
    (is_line && !last.contains('\n') && !(takes_rest && last.is_empty())).then_some(line)
}

fn fields(ask: &Ask) -> Vec<(&'static str, Value)> {
    let mut fields = Vec::new();
    let mut put = |key, value: Value| fields.push((key, value));
    match ask {
        Ask::Account { name } => put("name", name.as_str().into()),
        Ask::Password { name, password, presence } => {
            put("name", name.as_str().into());
            put("password", password.expose().into());
            put_presence(*presence, put);
        }
        Ask::Token { token, presence } => {
            put("token", token.expose().into());
            put_presence(*presence, put);
        }
        Ask::Chat { name, text } => {
            put_name(name.as_deref(), &mut put);
            put("text", text.as_str().into());
        }
        Ask::History(range) => {
            let [left, right, n] = history(range);
            put("left", left.into());
            put("right", right.into());
            put("n", n.into());
        }
        Ask::Who { page } | Ask::Shelf { page } | Ask::Game(GameAsk::List { page }) => put("page", json!(page)),
        Ask::Offer(file) | Ask::Fetch(file) | Ask::Withdraw(file) => {
            put_name(file.name.as_deref(), &mut put);
            put("file_name", file.file_name.as_str().into());
        }
        Ask::Transfer(transfer) => {
            put("ticket", transfer.ticket.expose().into());
            put("size", json!(transfer.size_bytes));
            put("sha256", json!(transfer.digest.map(|digest| digest.to_string())));
        }
        Ask::Game(GameAsk::Invite { name, invite, .. }) => {
            put_name(name.as_deref(), &mut put);
            match invite {
                Invite::New { game, clock, seat } => {
                    put("game", json!(game));
                    put("clock", json!(clock.map(|clock| clock.to_string())));
                    put("seat", json!(seat.as_ref().map(mentioned)));
                }
                Invite::Resume(game_id) => {
                    put("game", "resume".into());
                    put("game_id", json!(game_id.map(|id| id.0)));
                }
                Invite::Withdraw => put("game", "-".into()),
            }
        }
        Ask::Game(GameAsk::Take { name, inviter }) => {
            put_name(name.as_deref(), &mut put);
            put("inviter", mentioned(inviter).into());
        }
        Ask::Game(GameAsk::Move { action, ply, game_id }) => {
            put("move", json!(action.as_ref().map(action_word)));
            put("ply", json!(ply));
            put("game_id", json!(game_id.map(|id| id.0)));
        }
        Ask::Game(GameAsk::Watch(game_id)) => put("game_id", game_id.map_or_else(|| "-".into(), |id| json!(id.0))),
        Ask::Game(GameAsk::Ratings(Whose::Best)) => (),
        Ask::Game(GameAsk::Ratings(Whose::Own)) => put("name", "-".into()),
        Ask::Game(GameAsk::Ratings(Whose::Of(name))) => put("name", name.as_str().into()),
        Ask::Game(GameAsk::Record(game_id)) => put("game_id", json!(game_id.0)),
        Ask::Voice(tongue) => put("voice", json!(tongue.map(|tongue| tongue.code()))),
        Ask::Heartbeat => (),
        Ask::Help(letter) => put("letter", json!(letter.map(|letter| letter.to_string()))),
        Ask::Leave { name } => put_name(name.as_deref(), &mut put),
    }
    fields
}

fn put_name(name: Option<&str>, put: &mut impl FnMut(&'static str, Value)) {
    if let Some(name) = name {
        put("name", name.into());
    }
}

fn put_presence(presence: Presence, mut put: impl FnMut(&'static str, Value)) {
    put("enter", json!(presence == Presence::Member));
    put("listen", json!(presence != Presence::Silent));
}

fn history(range: &HistoryRange) -> [String; 3] {
    let bound = |bound: Option<u64>| bound.map_or_else(|| "-".into(), |seq| seq.to_string());
    let sign = if range.from == RangeEnd::Oldest { "+" } else { "" };
    let count = range.count.map_or_else(|| "-".into(), |count| format!("{sign}{count}"));
    [bound(range.left), bound(range.right), count]
}

/// The words of an invitation; `None` where a line cannot say it.
fn invitation(invite: &Invite) -> Option<Vec<String>> {
    match invite {
        Invite::Withdraw => Some(vec!["-".into()]),
        Invite::Resume(game_id) => {
            Some([Some("resume".into()), game_id.map(|id| id.to_string())].into_iter().flatten().collect())
        }
        // The game comes first in a line, and no clock may stand for it.
        Invite::New { game: Some(game), .. } if game.starts_with('@') || game.is_empty() => None,
        Invite::New { game, clock, seat } => {
            let seat = seat.as_ref().map(|seat| format!("@{seat}"));
            Some([game.clone(), clock.map(|clock| clock.to_string()), seat].into_iter().flatten().collect())
        }
    }
}

/// A name where an `@` before it is left out: one that begins with it needs another.
fn mentioned(name: &Name) -> String {
    if name.as_str().starts_with('@') { format!("@{name}") } else { name.to_string() }
}

fn action_word(action: &Action) -> String {
    match action {
        Action::Play(typed) => typed.clone(),
        Action::Resign => "resign".into(),
        Action::Offer(offer) => offer.code().into(),
        Action::Abort => "abort".into(),
        Action::Claim => "claim".into(),
    }
}
