//! Reversi by the rules of Othello (World Othello Federation): black moves first from the crosswise start,
//! a move must turn discs, who cannot move passes, and when neither can, more discs win. The board is that
//! of [`super::grid`], the form of [`Rules::position`] too. A move is a column `a` to `h` and a row 1 to 8,
//! from the top left as in Othello: `d3`; or `pass`, which the server plays where it is the only one.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::grid::{BLACK_AND_WHITE, Grid, OVER, Place, RowOne, STEPS, Step};
use super::{Game, Illegal, Move, Rules, exactly};
use crate::protocol::game::{End, Side, Words};
use crate::protocol::tongue::Tongue;

/// The game in the list of games.
pub(super) const GAME: Game = Game {
    title: Words::new("reversi", "reversi", "黑白棋"),
    sides: BLACK_AND_WHITE,
    start: || Box::new(Reversi::start()),
    at: |text| exactly(text, Reversi::read(text)?),
    ends: &[&MORE_DISCS, &EQUAL_DISCS],
    record: None,
};

static MORE_DISCS: Words = Words::new("more-discs", "more discs", "子多者胜");
static EQUAL_DISCS: Words = Words::new("equal-discs", "equal discs", "子数相等");

const PASS: &str = "pass";
const PASS_ZH: &str = "停一手";

type Discs = Grid<8, 8>;

#[derive(Clone)]
struct Reversi {
    discs: Discs,
    /// Where the last disc was put.
    last: Option<Place>,
    turn: Side,
}

impl Reversi {
    fn start() -> Self {
        let mut discs = Discs::EMPTY;
        for (column, row, side) in [(3, 3, Side::Second), (4, 3, Side::First), (3, 4, Side::First), (4, 4, Side::Second)] {
            discs.put(Place { column, row }, side);
        }
        Self { discs, last: None, turn: Side::First }
    }

    fn read(text: &str) -> Option<Self> {
        let (discs, turn) = Discs::read_position(text, RowOne::Top)?;
        Some(Self { discs, last: None, turn })
    }

    /// How many discs this side's disc here would turn in one direction.
    fn turned(&self, side: Side, place: Place, step: Step) -> usize {
        let mut count = 0;
        for next in Discs::ray(place, step) {
            match self.discs.at(next) {
                Some(own) if own == side => return count,
                Some(_) => count += 1,
                None => return 0,
            }
        }
        0
    }

    fn may_put(&self, side: Side, place: Place) -> bool {
        self.discs.at(place).is_none() && STEPS.iter().any(|&step| self.turned(side, place, step) > 0)
    }

    /// The moves of a side but for the pass.
    fn moves(&self, side: Side) -> impl Iterator<Item = Place> {
        Discs::places().filter(move |&place| self.may_put(side, place))
    }

    fn has_move(&self, side: Side) -> bool {
        self.moves(side).next().is_some()
    }

    fn must_pass(&self) -> bool {
        !self.has_move(self.turn) && self.has_move(self.turn.other())
    }

    fn is_over(&self) -> bool {
        !self.has_move(self.turn) && !self.has_move(self.turn.other())
    }

    fn put(&mut self, place: Place) {
        for step in STEPS {
            let count = self.turned(self.turn, place, step);
            for next in Discs::ray(place, step).take(count) {
                self.discs.put(next, self.turn);
            }
        }
        self.discs.put(place, self.turn);
        self.last = Some(place);
        self.turn = self.turn.other();
    }

    fn count(&self, side: Side) -> usize {
        Discs::places().filter(|&place| self.discs.at(place) == Some(side)).count()
    }

    /// Why somebody may not pass or put a disc there, with what they may do instead.
    fn refused(&self, en: &str, zh: &str) -> Illegal {
        let example = self.example().map(|example| example.notation).unwrap_or_default();
        Illegal { en: Cow::Owned(format!("{en}; try {example}")), zh: Cow::Owned(format!("{zh}；可走 {example}")) }
    }
}

impl Rules for Reversi {
    fn turn(&self) -> Side {
        self.turn
    }

    fn play(&mut self, typed: &str) -> Result<Move, Illegal> {
        if self.is_over() {
            return Err(OVER);
        }
        if typed.eq_ignore_ascii_case(PASS) || typed == PASS_ZH {
            if !self.must_pass() {
                return Err(self.refused("you have a move, so you may not pass", "有处可下，不能停一手"));
            }
            self.turn = self.turn.other();
            return Ok(Move { notation: PASS.to_owned(), zh: Some(PASS_ZH.to_owned()) });
        }
        let place = self.discs.read_empty(typed, "d3")?;
        if !self.may_put(self.turn, place) {
            let (en, zh) = (format!("no disc would be turned at {place}"), format!("下在 {place} 不能翻转任何棋子"));
            return Err(self.refused(&en, &zh));
        }
        self.put(place);
        Ok(Move { notation: place.to_string(), zh: None })
    }

    fn legal_moves(&self) -> Vec<String> {
        if self.must_pass() {
            return vec![PASS.to_owned()];
        }
        self.moves(self.turn).map(|place| place.to_string()).collect()
    }

    fn end(&self) -> Option<End> {
        if !self.is_over() {
            return None;
        }
        let [first, second] = Side::BOTH.map(|side| self.count(side));
        Some(match first.cmp(&second) {
            Ordering::Greater => End { winner: Some(Side::First), reason: MORE_DISCS.clone() },
            Ordering::Less => End { winner: Some(Side::Second), reason: MORE_DISCS.clone() },
            Ordering::Equal => End { winner: None, reason: EQUAL_DISCS.clone() },
        })
    }

    fn draw(&self, _tongue: Tongue) -> Vec<String> {
        let mut lines = self.discs.draw(RowOne::Top, self.last);
        let [first, second] = Side::BOTH.map(|side| self.count(side));
        lines.push(format!("x: {first}, o: {second}"));
        lines
    }

    fn position(&self) -> String {
        self.discs.position(RowOne::Top, self.turn)
    }

    fn forced(&self) -> Option<&'static str> {
        self.must_pass().then_some(PASS)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::RangeInclusive;

    use super::super::grid::checks::{after, keeps_its_promises, refusal};
    use super::*;

    #[test]
    fn keeps_the_promises_of_a_game() {
        keeps_its_promises(&GAME, Reversi::start(), if cfg!(debug_assertions) { 60 } else { 300 });
    }

    /// How many ways there are to play so many moves, a pass being one. A game that ends before counts as one.
    fn perft(game: &Reversi, depth: usize) -> u64 {
        if game.must_pass() && depth > 0 {
            let passed = Reversi { turn: game.turn.other(), ..game.clone() };
            return perft(&passed, depth - 1);
        }
        let moves = game.moves(game.turn);
        match depth {
            0 => 1,
            1 => (moves.count() as u64).max(1),
            _ => {
                let after = |place| {
                    let mut next = game.clone();
                    next.put(place);
                    perft(&next, depth - 1)
                };
                moves.map(after).sum::<u64>().max(1)
            }
        }
    }

    /// As Aart Bik has published them; there are passes from depth 9 on, and early ends from depth 11 on.
    const PERFT: [u64; 12] = [1, 4, 12, 56, 244, 1_396, 8_200, 55_092, 390_216, 3_005_288, 24_571_284, 212_258_800];

    fn counts_as_others_do(depths: RangeInclusive<usize>) {
        for depth in depths {
            assert_eq!(perft(&Reversi::start(), depth), PERFT[depth], "at depth {depth}");
        }
    }

    #[test]
    fn there_are_as_many_ways_to_play_as_others_count() {
        counts_as_others_do(0..=7);
    }

    #[test]
    #[cfg_attr(debug_assertions, ignore = "slow without optimisation")]
    fn there_are_as_many_ways_to_play_up_to_the_first_passes() {
        counts_as_others_do(8..=10);
    }

    #[test]
    #[ignore = "slow: a quarter of a minute with optimisation"]
    fn there_are_as_many_ways_to_play_up_to_the_first_ends() {
        counts_as_others_do(11..=11);
    }

    #[test]
    fn begins_as_in_othello() {
        let start = Reversi::start();
        assert_eq!(start.legal_moves(), ["d3", "c4", "f5", "e6"]);
        assert_eq!(start.position(), "......../......../......../...ox.../...xo.../......../......../........ x");
        assert_eq!((start.forced(), start.end()), (None, None));
    }

    #[test]
    fn is_drawn_with_row_1_at_the_top_and_the_discs_counted() {
        let board = [
            "  a b c d e f g h",
            "1 . . . . . . . .",
            "2 . . . . . . . .",
            "3 . . O x . . . .",
            "4 . . . o x . . .",
            "5 . . . x o . . .",
            "6 . . . . . . . .",
            "7 . . . . . . . .",
            "8 . . . . . . . .",
            "x: 3, o: 3",
        ];
        assert_eq!(after(Reversi::start(), "d3 C3").draw(Tongue::En), board);
    }

    #[test]
    fn who_cannot_move_passes_and_nobody_else() {
        let mut game = after(Reversi::start(), "d3 c3 b3 b2 f5 a3 a1");
        assert_eq!(
            refusal(&game, "pass"),
            format!("you have a move, so you may not pass; try {}", game.example().unwrap().notation)
        );
        game.play("c1").unwrap();
        assert_eq!((game.turn(), game.forced(), game.end()), (Side::First, Some("pass"), None));
        assert_eq!(game.legal_moves(), ["pass"]);
        assert_eq!(refusal(&game, "h8"), "no disc would be turned at h8; try pass");
        assert!(game.clone().play("停一手").is_ok());
        let passed = Move { notation: "pass".to_owned(), zh: Some("停一手".to_owned()) };
        assert_eq!(game.play("Pass"), Ok(passed));
        assert_eq!((game.turn(), game.forced()), (Side::Second, None));
    }

    #[test]
    fn a_side_without_discs_has_lost_on_an_empty_board_too() {
        // The shortest game there is.
        let game = after(Reversi::start(), "e6 f4 e3 f6 g5 d6 e7 f5 c5");
        assert_eq!(game.end(), Some(End { winner: Some(Side::First), reason: MORE_DISCS.clone() }));
        assert_eq!(game.draw(Tongue::En).last().unwrap(), "x: 13, o: 0");
    }

    #[test]
    fn as_many_discs_are_a_draw() {
        let mut game = Reversi::start();
        for place in Discs::places() {
            game.discs.put(place, if place.row < 4 { Side::First } else { Side::Second });
        }
        assert_eq!(game.end(), Some(End { winner: None, reason: EQUAL_DISCS.clone() }));
        game.discs.put(Place { column: 0, row: 0 }, Side::Second);
        assert_eq!(game.end(), Some(End { winner: Some(Side::Second), reason: MORE_DISCS.clone() }));
    }

    #[test]
    fn what_is_no_move_is_explained() {
        let game = Reversi::start();
        assert_eq!(refusal(&game, "d4"), "d4 is taken; choose an empty place (.)");
        assert_eq!(refusal(&game, "a1"), "no disc would be turned at a1; try f5");
        assert_eq!(refusal(&game, "i1"), "off the board: the letters are a to h, the numbers 1 to 8");
        assert_eq!(refusal(&game, "passe"), "a move is a letter and a number, like d3");
    }
}
