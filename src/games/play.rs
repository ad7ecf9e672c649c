//! A game as it is played: the position, and the moves that led to it. Pure.

use super::rules::{Game, Illegal, Move, Rules};
use crate::protocol::game::{End, Side};

/// A game from its start to where it stands.
pub(super) struct Play {
    game: &'static Game,
    position: Box<dyn Rules>,
    plies: Vec<Ply>,
}

/// A move of one side.
struct Ply {
    by: Side,
    played: Move,
    /// The server played it, since there was no other.
    is_forced: bool,
}

impl Play {
    pub(super) fn new(game: &'static Game) -> Self {
        Self { game, position: (game.start)(), plies: Vec::new() }
    }

    /// The game that these moves, with blanks between them, led to; `None` if they are not all moves of it.
    pub(super) fn restore(game: &'static Game, moves: &str) -> Option<Self> {
        let mut play = Self::new(game);
        moves.split_whitespace().try_for_each(|played| play.push(played)).ok()?;
        Some(play)
    }

    pub(super) fn game(&self) -> &'static Game {
        self.game
    }

    pub(super) fn position(&self) -> &dyn Rules {
        &*self.position
    }

    /// Moves played so far.
    pub(super) fn count(&self) -> usize {
        self.plies.len()
    }

    /// Who is to move; nobody after the end.
    pub(super) fn turn(&self) -> Option<Side> {
        self.position.end().is_none().then(|| self.position.turn())
    }

    pub(super) fn end(&self) -> Option<End> {
        self.position.end()
    }

    /// Plays what was typed for the side to move.
    pub(super) fn play(&mut self, typed: &str) -> Result<(), Illegal> {
        self.push(typed)
    }

    /// Plays the one move there is for who has no choice, if the rules say so.
    pub(super) fn play_forced(&mut self) -> bool {
        let forced = self.position.end().is_none().then(|| self.position.forced()).flatten();
        forced.is_some_and(|forced| self.push(forced).is_ok())
    }

    fn push(&mut self, typed: &str) -> Result<(), Illegal> {
        let (by, is_forced) = (self.position.turn(), self.position.forced().is_some());
        let played = self.position.play(typed)?;
        self.plies.push(Ply { by, played, is_forced });
        Ok(())
    }

    /// Whether `typed` is what this side played as that ply, counted from 1.
    pub(super) fn has_played(&self, by: Side, ply: usize, typed: &str) -> bool {
        let before = ply.checked_sub(1);
        let Some((before, found)) = before.and_then(|before| Some((before, self.plies.get(before)?))) else { return false };
        if found.by != by || found.played.notation == typed {
            return found.by == by;
        }
        // There may be several ways to write it; only the rules know, in the position before it.
        let Some(mut there) = Self::restore(self.game, &self.moves_up_to(before)) else { return false };
        there.position.play(typed).is_ok_and(|again| again.notation == found.played.notation)
    }

    /// How many moves this side chose.
    pub(super) fn count_of(&self, side: Side) -> usize {
        self.plies.iter().filter(|ply| ply.by == side && !ply.is_forced).count()
    }

    /// Takes back the last move that this side chose, and what followed it; false if there is none.
    pub(super) fn take_back(&mut self, side: Side) -> bool {
        let Some(at) = self.plies.iter().rposition(|ply| ply.by == side && !ply.is_forced) else { return false };
        let kept = self.moves_up_to(at);
        // What led here once does so again.
        let Some(play) = Self::restore(self.game, &kept) else { return false };
        *self = play;
        true
    }

    /// The last move, and who made it.
    pub(super) fn last(&self) -> Option<(Side, Move)> {
        self.plies.last().map(|ply| (ply.by, ply.played.clone()))
    }

    /// Each move with its side.
    pub(super) fn moves(&self) -> Vec<(Side, String)> {
        self.plies.iter().map(|ply| (ply.by, ply.played.notation.clone())).collect()
    }

    /// The moves with blanks between them, as [`Play::restore`] takes them.
    pub(super) fn notation(&self) -> String {
        self.moves_up_to(self.plies.len())
    }

    fn moves_up_to(&self, count: usize) -> String {
        self.plies[..count].iter().map(|ply| ply.played.notation.as_str()).collect::<Vec<_>>().join(" ")
    }
}
