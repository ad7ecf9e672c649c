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
    /// As it was typed; unknown where it comes from the store.
    typed: Option<String>,
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
        moves.split_whitespace().try_for_each(|played| play.play(played)).ok()?;
        play.plies.iter_mut().for_each(|ply| ply.typed = None);
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
        let (by, is_forced) = (self.position.turn(), self.position.forced().is_some());
        let played = self.position.play(&narrow(typed))?;
        self.plies.push(Ply { by, played, typed: Some(typed.to_owned()), is_forced });
        Ok(())
    }

    /// Plays the one move there is for who has no choice, if the rules say so.
    pub(super) fn play_forced(&mut self) -> bool {
        let forced = self.position.end().is_none().then(|| self.position.forced()).flatten();
        forced.is_some_and(|forced| self.play(forced).is_ok())
    }

    /// Whether `typed` is what this side played as that ply, counted from 1.
    pub(super) fn has_played(&self, by: Side, ply: u64, typed: &str) -> bool {
        let at = usize::try_from(ply).ok().and_then(|ply| ply.checked_sub(1));
        let Some((at, found)) = at.and_then(|at| Some((at, self.plies.get(at)?))) else { return false };
        if found.by != by {
            return false;
        }
        if found.played.notation == typed {
            return true;
        }
        if let Some(before) = &found.typed {
            return before == typed;
        }
        // It comes from the store, where every move stands in one spelling; the rules know the others. That
        // takes as long as the game, so it is for the last moves only, which alone may be sent again.
        let is_recent = self.plies.len() - at <= 2;
        let there = is_recent.then(|| Self::restore(self.game, &self.moves_up_to(at))).flatten();
        let again = there.and_then(|mut there| there.position.play(&narrow(typed)).ok());
        again.is_some_and(|again| again.notation == found.played.notation)
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

/// What a Chinese keyboard makes of a move: its wide letters and digits (U+FF01 to U+FF5E) become ASCII, and
/// a stop at the end is dropped.
fn narrow(typed: &str) -> String {
    let narrowed = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c,
    };
    typed.trim().trim_end_matches('。').chars().map(narrowed).collect()
}

#[cfg(test)]
mod tests {
    use super::super::rules;
    use super::*;

    fn play(game: &str, moves: &str) -> Play {
        let mut play = Play::new(rules::find(game).unwrap());
        for typed in moves.split_whitespace() {
            play.play(typed).unwrap_or_else(|illegal| panic!("{typed}: {}", illegal.en));
            while play.play_forced() {}
        }
        play
    }

    #[test]
    fn a_game_comes_back_from_its_moves() {
        let chess = play("chess", "e2e4 e7e5 g1f3");
        assert_eq!(chess.notation(), "e4 e5 Nf3");
        let again = Play::restore(chess.game(), &chess.notation()).unwrap();
        assert_eq!(again.position().position(), chess.position().position());
        assert_eq!((again.count(), again.turn(), again.last()), (3, Some(Side::Second), chess.last()));
        assert!(Play::restore(chess.game(), "e4 e4").is_none());
    }

    #[test]
    fn what_was_played_is_known_as_it_was_typed() {
        let chess = play("chess", "e4 e5 Nf3");
        let restored = Play::restore(chess.game(), &chess.notation()).unwrap();
        for typed in ["Nf3", "g1f3", "nf3"] {
            assert!(restored.has_played(Side::First, 3, typed), "{typed}");
        }
        assert!(play("chess", "e4 e5 g1f3").has_played(Side::First, 3, "g1f3"));
        assert!(chess.has_played(Side::First, 1, "e4") && !restored.has_played(Side::First, 1, "e2e4"));
        for game in [chess, restored] {
            assert!(!game.has_played(Side::First, 3, "Nc3") && !game.has_played(Side::Second, 3, "Nf3"));
            assert!(!game.has_played(Side::First, 0, "e4") && !game.has_played(Side::Second, 4, "Nf6"));
        }
    }

    #[test]
    fn wide_letters_and_stops_of_chinese_keyboards_are_read() {
        let gomoku = play("gomoku", "Ｈ８ i8。 ｈ9");
        assert_eq!(gomoku.notation(), "h8 i8 h9");
    }

    #[test]
    fn taking_back_goes_to_ones_own_last_move() {
        let mut gomoku = play("gomoku", "h8 i8 h9");
        assert!(gomoku.take_back(Side::Second));
        assert_eq!((gomoku.notation().as_str(), gomoku.turn()), ("h8", Some(Side::Second)));
        assert!(!gomoku.take_back(Side::Second));
        assert!(gomoku.take_back(Side::First));
        assert_eq!((gomoku.count(), gomoku.turn()), (0, Some(Side::First)));
    }

    #[test]
    fn a_pass_is_a_ply_that_nobody_chose() {
        // Some game or other comes to one.
        let mut reversi = Play::new(rules::find("reversi").unwrap());
        let mut forced = None;
        'search: for seed in 0..200_usize {
            reversi = Play::new(reversi.game());
            while reversi.end().is_none() {
                let moves = reversi.position().legal_moves();
                reversi.play(&moves[(seed * 7 + reversi.count() * 13) % moves.len()]).unwrap();
                let by = reversi.last().unwrap().0;
                if reversi.play_forced() {
                    forced = Some(by);
                    break 'search;
                }
            }
        }
        let by = forced.expect("one of these games has a pass");
        let plies = reversi.count();
        assert_eq!(reversi.turn(), Some(by));
        assert_eq!(reversi.last().unwrap().0, by.other());
        assert_eq!(reversi.count_of(Side::First) + reversi.count_of(Side::Second), plies - 1);
        assert!(reversi.take_back(by));
        assert_eq!((reversi.count(), reversi.turn()), (plies - 2, Some(by)));
    }
}
