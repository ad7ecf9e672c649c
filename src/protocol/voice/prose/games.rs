//! What the people's tongues share about games: how a board stands on the screen, how lists of games and
//! ratings look.

use std::fmt::Write;
use std::time::Duration;

use super::super::super::game::event::{Board, GameNews, Position, TableDeed, TableEvent};
use super::super::super::game::refusal::GameRefusal;
use super::super::super::game::reply::{Finished, GameReply, Listed, Rated};
use super::super::super::game::{GameId, Move, Side, Words};
use super::{Phrases, Prose};

/// What stands before each line of a board, so that none can be taken for a reply.
const INDENT: &str = "    ";

/// The words of one people's language about games.
pub(in super::super) trait GamePhrases {
    /// These words in this language.
    fn words<'a>(&self, words: &'a Words) -> &'a str;
    /// The board in this language.
    fn board<'a>(&self, board: &'a Board) -> &'a [String];
    /// A move in this language.
    fn notation<'a>(&self, played: &'a Move) -> &'a str;
    fn news(&self, news: &GameNews) -> String;
    /// The line above the board, or the only one.
    fn headline(&self, event: &TableEvent) -> String;
    /// What was played last, by whom.
    fn last(&self, side: &Words, played: &str) -> String;
    /// Who is to move, with a move to show how that is typed.
    fn turn(&self, side: &Words, example: Option<&str>) -> String;
    /// Behind `OK` and the words that are fixed.
    fn game_reply(&self, reply: &GameReply) -> String;
    fn listed(&self, listed: &Listed) -> String;
    /// A line of a list of ratings; `rank` where it is a list of the best.
    fn rated(&self, rated: &Rated, rank: Option<usize>) -> String;
    /// A line of an account's games; `day` is the day of its end.
    fn finished(&self, finished: &Finished, day: &str) -> String;
    fn game_refusal(&self, refusal: &GameRefusal) -> String;
    /// What can be played, in the words that are typed.
    fn titles(&self, titles: &[Words]) -> String;
    fn missed_moves(&self, game_id: GameId) -> String;
}

impl<P: Phrases> Prose<P> {
    pub(super) fn table_event(&self, event: &TableEvent, out: &mut String) {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "{}", self.0.headline(event));
        if let Some(board) = &event.position.board {
            self.position(event, board, out);
        }
    }

    fn position(&self, event: &TableEvent, board: &Board, out: &mut String) {
        let words = &self.0;
        let Position { turn, last, left, example, .. } = &event.position;
        let side = |side: Side| &event.players[side.index()].side;
        words.board(board).iter().for_each(|line| _ = writeln!(out, "{INDENT}{line}"));
        if let Some(left) = left {
            let [first, second] = &event.players;
            let of = |words_of: &Words, left: Duration| format!("{} {}", words.words(words_of), clock_time(left));
            let _ = writeln!(out, "{INDENT}{} - {}", of(&first.side, left[0]), of(&second.side, left[1]));
        }
        if let Some((by, played)) = last {
            let _ = writeln!(out, "{INDENT}{}", words.last(side(*by), words.notation(played)));
        }
        let is_paused = matches!(&event.deed, TableDeed::Look(situation) if situation.pause.is_some());
        if let Some(turn) = turn.filter(|_| !is_paused) {
            let _ =
                writeln!(out, "{INDENT}{}", words.turn(side(turn), example.as_ref().map(|example| words.notation(example))));
        }
    }

    pub(super) fn listed(&self, listed: &Listed, out: &mut String) {
        let _ = writeln!(out, "{}", self.0.listed(listed));
    }

    pub(super) fn game_answer(&self, reply: &GameReply, out: &mut String) {
        match reply {
            GameReply::Board(look) => self.table_event(look, out),
            GameReply::Watching { look, .. } => self.table_event(look, out),
            GameReply::Games(games) => games.listed.iter().chain(&games.adjourned).for_each(|listed| self.listed(listed, out)),
            GameReply::Ratings(ratings) => {
                let mut rank = 0;
                let mut game = None;
                for rated in &ratings.ratings {
                    rank = if game == Some(&rated.title.code) { rank + 1 } else { 1 };
                    game = Some(&rated.title.code);
                    let _ = writeln!(out, "{}", self.0.rated(rated, ratings.of.is_none().then_some(rank)));
                }
                for finished in &ratings.games {
                    let day = super::local_time(finished.at_ms);
                    let _ = writeln!(out, "{}", self.0.finished(finished, day.split(' ').next().unwrap_or_default()));
                }
            }
            GameReply::Record { lines, .. } => lines.iter().for_each(|line| _ = writeln!(out, "{line}")),
            _ => (),
        }
        let mut fixed = String::from("OK");
        let _ = match reply {
            GameReply::Invited { game_id, .. } | GameReply::Seated { game_id, .. } => write!(fixed, " {game_id}"),
            GameReply::Watching { look, .. } => write!(fixed, " {}", look.game_id),
            GameReply::Moved { ply } => write!(fixed, " {ply}"),
            GameReply::Games(games) => write!(fixed, " {}", games.count),
            GameReply::Ratings(ratings) => write!(fixed, " {}", ratings.ratings.len() + ratings.games.len()),
            GameReply::Record { lines, .. } => write!(fixed, " {}", lines.len()),
            _ => Ok(()),
        };
        let _ = match self.0.game_reply(reply) {
            words if words.is_empty() => writeln!(out, "{fixed}"),
            words => writeln!(out, "{fixed} {words}"),
        };
    }
}

/// A clock as players read it: `4:59`, and tenths in the last ten seconds.
fn clock_time(left: Duration) -> String {
    let seconds = left.as_secs();
    if seconds < 10 {
        return format!("0:{seconds:02}.{}", left.subsec_millis() / 100);
    }
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// A span of time as people read it: `45 s`, `10 min`.
pub(in super::super) fn span(span: Duration, second: &str, minute: &str) -> String {
    let seconds = span.as_secs() + u64::from(span.subsec_millis() > 0);
    if seconds >= 120 && seconds.is_multiple_of(60) {
        format!("{} {minute}", seconds / 60)
    } else {
        format!("{seconds} {second}")
    }
}
