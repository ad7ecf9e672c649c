//! Somebody at a board, in voice `json`.

use std::collections::VecDeque;
use std::fmt;
use std::net::Shutdown;
use std::time::Instant;

use serde_json::Value;

use super::{Client, Daemon, Dice};

/// A program that plays. What it hears while it waits for a reply is kept until it is looked for.
pub struct Player {
    pub name: String,
    /// Opens the account without hashing.
    pub token: String,
    pub client: Client,
    heard: VecDeque<Value>,
}

impl Player {
    /// Registers `name`, or logs it in.
    pub fn enter(daemon: &Daemon, name: &str) -> Self {
        let mut client = Client::connect(daemon);
        client.ask("V json");
        let reply: Value = serde_json::from_str(&client.log_in(name)).unwrap();
        let token = reply["token"].as_str().unwrap().to_owned();
        Self { name: name.to_owned(), token, client, heard: VecDeque::new() }
    }

    /// The same account on a connection of its own, which has not logged in yet.
    pub fn beside(&self, daemon: &Daemon) -> Self {
        let mut client = Client::connect(daemon);
        client.ask("V json");
        Self { name: self.name.clone(), token: self.token.clone(), client, heard: VecDeque::new() }
    }

    /// Logs in once more, by token. What the login finds comes next.
    pub fn again(&mut self, daemon: &Daemon) {
        *self = self.beside(daemon);
        self.ok(&format!("I {}", self.token));
    }

    /// The connection is gone from one moment to the next.
    pub fn hang_up(&self) {
        let _ = self.client.stream().shutdown(Shutdown::Both);
    }

    /// The next reply, with the items before it, which it ends.
    pub fn answer(&mut self) -> Vec<Value> {
        let mut lines = Vec::new();
        loop {
            let line = self.client.json();
            if line["event"].is_string() {
                self.heard.push_back(line);
                continue;
            }
            let is_item = line["item"].is_string();
            lines.push(line);
            if !is_item {
                return lines;
            }
        }
    }

    /// The next reply.
    pub fn reply(&mut self) -> Value {
        self.answer().pop().unwrap()
    }

    /// Sends a request and returns its items and its reply.
    pub fn lines_of(&mut self, request: &str) -> Vec<Value> {
        self.client.send(request);
        self.answer()
    }

    /// Sends a request and returns the items it is answered with; it must be answered with an OK.
    #[track_caller]
    pub fn items_of(&mut self, request: &str) -> Vec<Value> {
        let mut lines = self.lines_of(request);
        let reply = lines.pop().unwrap();
        assert!(reply["ok"].is_string(), "{} sent {request}: {reply}", self.name);
        lines
    }

    /// Sends a request and returns its reply.
    pub fn ask(&mut self, request: &str) -> Value {
        self.lines_of(request).pop().unwrap()
    }

    /// Sends a request, which must be answered with an OK.
    #[track_caller]
    pub fn ok(&mut self, request: &str) -> Value {
        let reply = self.ask(request);
        assert!(reply["ok"].is_string(), "{} sent {request}: {reply}", self.name);
        reply
    }

    /// Sends a request, which must be refused with this code.
    #[track_caller]
    pub fn refused(&mut self, request: &str, code: &str) -> Value {
        let reply = self.ask(request);
        assert_eq!(reply["err"], code, "{} sent {request}: {reply}", self.name);
        reply
    }

    /// The next event.
    pub fn event(&mut self) -> Value {
        loop {
            match self.heard.pop_front() {
                Some(event) => return event,
                None => self.heard.push_back(self.client.json()),
            }
        }
    }

    /// The next event that is like this; what comes before it is passed over.
    pub fn hears_where(&mut self, is_meant: impl Fn(&Value) -> bool) -> Value {
        std::iter::repeat_with(|| self.event()).find(is_meant).unwrap()
    }

    /// The next event of this kind.
    pub fn hears(&mut self, kind: &str) -> Value {
        self.hears_where(|event| event["event"] == kind)
    }

    /// Every event up to the next of this kind, which is the last.
    pub fn hears_up_to(&mut self, kind: &str) -> Vec<Value> {
        let mut heard = vec![self.event()];
        while heard.last().unwrap()["event"] != kind {
            heard.push(self.event());
        }
        heard
    }

    /// The board, asked for.
    #[track_caller]
    pub fn board(&mut self) -> Value {
        self.items_of("M").pop().filter(|item| item["item"] == "board").unwrap_or_else(|| panic!("{} has no board", self.name))
    }

    /// Moves; returns the ply.
    #[track_caller]
    pub fn plays(&mut self, played: &str) -> u64 {
        self.ok(&format!("M {played}"))["ply"].as_u64().unwrap()
    }

    /// Invites to a game, such as `gomoku 5+3`; returns its number.
    #[track_caller]
    pub fn invites(&mut self, game: &str) -> u64 {
        game_id(&self.ok(&format!("G - {game}")))
    }
}

impl fmt::Display for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The number of the game that a line is about.
#[track_caller]
pub fn game_id(line: &Value) -> u64 {
    line["game_id"].as_u64().unwrap_or_else(|| panic!("no game_id: {line}"))
}

/// A number in a line.
#[track_caller]
pub fn number(line: &Value, key: &str) -> u64 {
    line[key].as_u64().unwrap_or_else(|| panic!("no {key}: {line}"))
}

/// Puts two at a board; both have heard it begin. Returns the game's number.
#[track_caller]
pub fn seat(first: &mut Player, second: &mut Player, game: &str) -> u64 {
    let id = first.invites(game);
    assert_eq!(game_id(&second.ok(&format!("D - {first}"))), id);
    for player in [first, second] {
        begins(player, id);
    }
    id
}

/// The event that a game begins.
pub fn begins(player: &mut Player, id: u64) -> Value {
    player.hears_where(|event| event["event"] == "begun" && event["game_id"] == id)
}

/// Plays moves in turn, beginning with `first`; each is heard by the other before the next.
#[track_caller]
pub fn play(first: &mut Player, second: &mut Player, moves: &[&str]) {
    for (number, played) in moves.iter().enumerate() {
        let (mover, other) = if number % 2 == 0 { (&mut *first, &mut *second) } else { (&mut *second, &mut *first) };
        let ply = mover.plays(played);
        let heard = hears_move(other, ply);
        assert_eq!(heard["from"], mover.name, "{heard}");
    }
}

/// The event of the move that is this ply.
pub fn hears_move(player: &mut Player, ply: u64) -> Value {
    player.hears_where(|event| event["event"] == "move" && event["ply"] == ply)
}

/// Milliseconds since a moment, not rounded up.
pub fn ms_since(begin: Instant) -> u64 {
    u64::try_from(begin.elapsed().as_millis()).unwrap()
}

/// A whole game of gomoku that nobody wins: the stones of the full board never lie more than two in a row,
/// in whichever order they came.
pub fn peaceful_moves(dice: &mut Dice) -> Vec<String> {
    let points = (0..15).flat_map(|row| (0..15).map(move |column| (row, column)));
    let (first, second): (Vec<_>, Vec<_>) = points.partition(|(row, column)| (column + 2 * row) % 4 < 2);
    let mut sides = [first, second].map(|points| shuffled(points, dice).into_iter());
    let name = |(row, column): (u8, u8)| format!("{}{}", char::from(b'a' + column), row + 1);
    (0..225).map(|ply| name(sides[ply % 2].next().unwrap())).collect()
}

fn shuffled<T>(mut things: Vec<T>, dice: &mut Dice) -> Vec<T> {
    for end in (1..things.len()).rev() {
        things.swap(end, dice.below(end as u64 + 1) as usize);
    }
    things
}
