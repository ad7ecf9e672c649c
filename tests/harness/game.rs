//! Games: how two come to sit at a board, how moves go to and fro, and what a whole game is.

use serde_json::Value;

use super::{Client, Daemon, is_reply, seq_of};

/// A game from its first move to its last.
pub struct Whole {
    /// What is typed for it.
    pub game: &'static str,
    /// What it is called in English and in Chinese.
    pub titles: [&'static str; 2],
    /// Its moves as they are written; `pass` is the server's.
    pub moves: &'static str,
    /// `first`, `second` or `draw`.
    pub result: &'static str,
    pub reason: &'static str,
}

/// One of each game.
pub const WHOLE_GAMES: [Whole; 6] = [
    Whole {
        game: "gomoku",
        titles: ["gomoku", "五子棋"],
        moves: "h8 i9 h9 i8 h10 i10 h11 i11 h7",
        result: "first",
        reason: "five-in-a-row",
    },
    Whole {
        game: "tic-tac-toe",
        titles: ["tic-tac-toe", "井字棋"],
        moves: "a3 b2 a2 a1 c3 b3 b1 c2 c1",
        result: "draw",
        reason: "board-full",
    },
    Whole {
        game: "connect-four",
        titles: ["connect-four", "四子棋"],
        moves: "3 1 4 1 5 1 7 1",
        result: "second",
        reason: "four-in-a-row",
    },
    Whole {
        game: "reversi",
        titles: ["reversi", "黑白棋"],
        // Both sides have to pass once.
        moves: "e6 d6 c3 d3 c4 b5 d2 f7 d7 c6 a6 d8 g8 f5 e8 c5 g4 f6 g7 h3 e7 f8 b6 h6 g6 c7 b7 h8 pass b2 h7 e3 \
                a1 f4 h4 f3 g3 g2 g5 b3 c2 b1 e2 a7 h2 d1 e1 h5 f2 g1 a8 c1 a2 b4 h1 a5 b8 f1 c8 pass a4 a3",
        result: "draw",
        reason: "equal-discs",
    },
    Whole {
        game: "chess",
        titles: ["chess", "国际象棋"],
        // Sam Loyd's, the shortest stalemate known.
        moves: "e3 a5 Qh5 Ra6 Qxa5 h5 h4 Rah6 Qxc7 f6 Qxd7+ Kf7 Qxb7 Qd3 Qxb8 Qh7 Qxc8 Kg6 Qe6",
        result: "draw",
        reason: "stalemate",
    },
    Whole {
        game: "xiangqi",
        titles: ["xiangqi", "象棋"],
        moves: "h2e2 a9a8 e2e6 a8a9 b2b5 a9a8 b5e5",
        result: "first",
        reason: "checkmate",
    },
];

impl Whole {
    /// What people read of its result, up to the reason, in English and in Chinese.
    pub fn result_lines(&self, first: &str, second: &str) -> [String; 2] {
        let [en, zh] = self.titles;
        let (winner, loser) = if self.result == "second" { (second, first) } else { (first, second) };
        match self.result {
            "draw" => [format!("[{first}] and [{second}] drew at {en} ("), format!("[{first}] 与 [{second}] 下{zh}，和棋（")],
            _ => [format!("[{winner}] beat [{loser}] at {en} ("), format!("[{winner}] 在{zh}中战胜了 [{loser}]（")],
        }
    }
}

impl Client {
    /// Registers `name`, or logs it in, in a voice.
    pub fn speaking(daemon: &Daemon, voice: &str, name: &str) -> Self {
        let mut client = Self::connect(daemon);
        client.ask(&format!("V {voice}"));
        client.log_in(name);
        client
    }

    /// All lines up to one that is like this, itself included.
    pub fn lines_until(&mut self, is_last: impl Fn(&str) -> bool) -> Vec<String> {
        let mut lines = vec![self.line()];
        while lines.last().is_some_and(|line| !is_last(line)) {
            lines.push(self.line());
        }
        lines
    }

    /// Reads on, behind these lines, until there is one like this.
    pub fn read_on(&mut self, mut lines: Vec<String>, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
        if !lines.iter().any(|line| is_wanted(line)) {
            lines.extend(self.lines_until(is_wanted));
        }
        lines
    }

    /// The next event of this kind, in voice `json`.
    pub fn event(&mut self, kind: &str) -> Value {
        let line = self.skip_to(&format!("{{\"event\":\"{kind}\""));
        serde_json::from_str(&line).unwrap()
    }

    /// Sends a request that must be answered `OK`, in any voice; returns the reply.
    #[track_caller]
    pub fn granted(&mut self, request: &str) -> String {
        let reply = self.ask(request);
        assert!(is_granted(&reply), "{request} was answered {reply}");
        reply
    }

    /// Sends a request that must be refused with this code, in any voice; returns the refusal.
    #[track_caller]
    pub fn refused(&mut self, request: &str, code: &str) -> String {
        let reply = self.ask(request);
        let is_so = [format!("ERR {code} "), format!("{{\"err\":\"{code}\"")].iter().any(|start| reply.starts_with(start));
        assert!(is_so, "{request} was answered {reply}, not {code}");
        reply
    }

    /// Invites by this request; returns the game's number.
    #[track_caller]
    pub fn invite(&mut self, request: &str) -> u64 {
        id_of(&self.granted(request))
    }

    /// Takes the seat of the next invitation that is heard, by the request that it shows; returns the game's number.
    #[track_caller]
    pub fn take_seat(&mut self) -> u64 {
        let invitation = self.lines_until(|line| line.starts_with("{\"event\":\"invite\"") || line.contains("D - ")).pop();
        let inviter = invitation.as_deref().and_then(inviter_in).expect("whom to answer");
        id_of(&self.granted(&format!("D - {inviter}")))
    }

    /// Plays a move, which must be answered with a ply; returns the lines up to the answer, and the ply.
    #[track_caller]
    pub fn moves(&mut self, typed: &str) -> (Vec<String>, u64) {
        let lines = self.lines_of(&format!("M {typed}"));
        let reply = lines.last().unwrap();
        assert!(is_granted(reply), "{typed} was answered {reply}");
        let ply = number_of(reply, "ply");
        (lines, ply)
    }

    /// All lines up to the one with which the next move is told; a board for people follows it.
    pub fn hears_move(&mut self) -> Vec<String> {
        self.lines_until(is_move)
    }

    /// The next board for people, from its first indented line to what one could move.
    pub fn board(&mut self) -> Vec<String> {
        let lines = self.lines_until(|line| example_in(line).is_some());
        lines.into_iter().filter(|line| is_of_board(line)).collect()
    }
}

/// Lets `first` invite by this request and `second` take the seat; returns the game's number once both have the board.
#[track_caller]
pub fn seat(first: &mut Client, second: &mut Client, invitation: &str) -> u64 {
    let id = first.invite(invitation);
    assert_eq!(second.take_seat(), id);
    first.lines_until(|line| line.starts_with("{\"event\":\"begun\"") || example_in(line).is_some());
    id
}

/// Plays moves in turn: each is answered and then heard by the other. Returns what both have read of it.
#[track_caller]
pub fn play(first: &mut Client, second: &mut Client, moves: &str) -> [Vec<String>; 2] {
    let players = [first, second];
    let mut read = [vec![], vec![]];
    for (index, typed) in moves.split_ascii_whitespace().enumerate() {
        let (mover, other) = (index % 2, 1 - index % 2);
        if typed == "pass" {
            // For the other it is among the lines before its next answer.
            read[mover].extend(players[mover].hears_move());
            continue;
        }
        read[mover].extend(players[mover].moves(typed).0);
        read[other].extend(players[other].hears_move());
    }
    read
}

/// A reply or event as an object, without what differs from run to run.
pub fn bare(line: &str) -> Value {
    let mut object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    for key in ["seq", "at", "text"] {
        object.as_object_mut().unwrap().remove(key);
    }
    object
}

/// Whether a reply is no refusal.
pub fn is_granted(reply: &str) -> bool {
    is_reply(reply) && !reply.starts_with("ERR ") && !reply.starts_with("{\"err\"")
}

/// The game's number in a reply.
#[track_caller]
pub fn id_of(reply: &str) -> u64 {
    number_of(reply, "game_id")
}

#[track_caller]
fn number_of(reply: &str, key: &str) -> u64 {
    match serde_json::from_str::<Value>(reply) {
        Ok(object) => object[key].as_u64().unwrap_or_else(|| panic!("no {key}: {reply}")),
        Err(_) => seq_of(reply),
    }
}

/// Who invites, by an event or by the request that people are shown.
fn inviter_in(invitation: &str) -> Option<String> {
    if let Ok(event) = serde_json::from_str::<Value>(invitation) {
        return event["from"].as_str().map(str::to_owned);
    }
    let (_, shown) = invitation.split_once("D - ")?;
    shown.split(' ').next().map(str::to_owned)
}

/// The move that a line tells, and the voice it is told in.
pub fn move_in(line: &str) -> Option<(&str, &'static str)> {
    let told = |words: &str| line.split_once(words).map(|(_, rest)| rest);
    let (rest, voice) = if line.starts_with("{\"event\":\"move\"") {
        (told(r#""move":""#)?, "json")
    } else if let Some(rest) = told("] played ") {
        (rest, "en")
    } else {
        (told("] 走了 ")?, "zh")
    };
    Some((rest.split(['"', ',', '，', ' ']).next()?, voice))
}

/// Whether a line tells that somebody has moved.
pub fn is_move(line: &str) -> bool {
    move_in(line).is_some()
}

/// Whether a line is one of a board for people.
pub fn is_of_board(line: &str) -> bool {
    line.starts_with("    ")
}

/// The request that a board's last line shows: what could be moved.
pub fn example_in(line: &str) -> Option<&str> {
    let at = line.find(": M ").map(|at| at + 2).or_else(|| line.find("：M ").map(|at| at + "：".len()));
    at.filter(|_| is_of_board(line)).map(|at| &line[at..])
}
