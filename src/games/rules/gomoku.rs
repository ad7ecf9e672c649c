//! Gomoku in free style, its oldest form: black moves first, five stones or more in a row win, nothing is
//! forbidden to either side. What it shares with other games of rows is in [`super::grid`], the form of
//! [`Rules::position`] too. A move is a file `a` to `o` and a rank 1 to 15, from the bottom left: `h8`.
//!
//! Its record is SGF, FF\[4\] with GM\[4\] (<https://www.red-bean.com/sgf/>).

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::grid::{BLACK_AND_WHITE, BOARD_FULL, Grid, InARow, RowOne, STEPS};
use super::{Game, Illegal, Move, Played, Record, Rules, exactly};
use crate::protocol::game::{End, Side, Words};
use crate::protocol::tongue::Tongue;

/// The game in the list of games.
pub(super) const GAME: Game = Game {
    title: Words::new("gomoku", "gomoku", "五子棋"),
    sides: BLACK_AND_WHITE,
    start: || Box::new(Gomoku::START),
    at: |text| exactly(text, Gomoku(InARow::read(text, RowOne::Bottom)?)),
    ends: &[&FIVE, &BOARD_FULL],
    record: Some(Record { format: "sgf", write: record }),
};

static FIVE: Words = Words::new("five-in-a-row", "five in a row", "五子连珠");

const SIZE: usize = 15;
const CENTRE: &str = "h8";

#[derive(Clone)]
struct Gomoku(InARow<SIZE, SIZE, 5>);

impl Gomoku {
    const START: Self = Self(InARow::START);
}

impl Rules for Gomoku {
    fn turn(&self) -> Side {
        self.0.turn
    }

    fn play(&mut self, typed: &str) -> Result<Move, Illegal> {
        self.0.play(typed, CENTRE)
    }

    fn legal_moves(&self) -> Vec<String> {
        self.0.free().map(|place| place.to_string()).collect()
    }

    fn end(&self) -> Option<End> {
        self.0.end(&FIVE)
    }

    fn draw(&self, _tongue: Tongue) -> Vec<String> {
        self.0.grid.draw(RowOne::Bottom, self.0.last)
    }

    fn position(&self) -> String {
        self.0.grid.position(RowOne::Bottom, self.0.turn)
    }

    /// The centre, and later a place beside the last stone: a stone far from all others is no help.
    fn example(&self) -> Option<Move> {
        if self.0.is_over() {
            return None;
        }
        let Some(last) = self.0.last else { return Some(Move::plain(CENTRE.to_owned())) };
        let mut neighbours = STEPS.iter().filter_map(|&step| Grid::<SIZE, SIZE>::neighbour(last, step));
        let beside = neighbours.find(|&place| self.0.grid.at(place).is_none());
        beside.or_else(|| self.0.free().next()).map(|place| Move::plain(place.to_string()))
    }
}

/// How many moves of six characters stand in a line of the record.
const MOVES_A_LINE: usize = 12;

/// The game as SGF.
fn record(played: &Played<'_>) -> Vec<String> {
    let [black, white] = played.names.map(escaped);
    let date = Timestamp::from_millisecond(played.at_ms).ok().map(|at| at.to_zoned(TimeZone::UTC).date());
    let mut about = date.map(|date| format!("DT[{date}]")).unwrap_or_default();
    about += &format!("RE[{}]", result(played.end));
    if let Some(clock) = played.clock {
        about += &format!("TM[{}]", clock.initial_s());
        if clock.increment_s() > 0 {
            about += &format!("OT[{} fischer]", clock.increment_s());
        }
    }
    let mut lines = vec![format!("(;FF[4]GM[4]SZ[{SIZE}]CA[UTF-8]"), format!("PB[{black}]"), format!("PW[{white}]"), about];
    let nodes: Vec<String> = played.moves.iter().zip(["B", "W"].into_iter().cycle()).filter_map(node).collect();
    lines.extend(nodes.chunks(MOVES_A_LINE).map(|nodes| nodes.concat()));
    lines.push(")".to_owned());
    lines
}

fn result(end: &End) -> String {
    let Some(winner) = end.winner else {
        return if end.reason == End::ABORTED { "Void" } else { "Draw" }.to_owned();
    };
    let winner = if winner == Side::First { "B" } else { "W" };
    let how = match &end.reason {
        reason if *reason == End::RESIGNED => "R",
        reason if *reason == End::TIME => "T",
        reason if *reason == End::DISCONNECTED || *reason == End::IDLE => "F",
        _ => "",
    };
    format!("{winner}+{how}")
}

/// A move in SGF, which counts columns and rows from the top left, both in letters.
fn node((notation, colour): (&&str, &str)) -> Option<String> {
    let place = Grid::<SIZE, SIZE>::read(notation)?;
    let letter = |index: usize| (b'a'..=b'o').nth(index).map(char::from);
    Some(format!(";{colour}[{}{}]", letter(place.column)?, letter((SIZE - 1).checked_sub(place.row)?)?))
}

/// A text where a bracket would end it.
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace(']', r"\]")
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::super::grid::Place;
    use super::super::grid::checks::{Dice, after, agrees_on_rows, keeps_its_promises, refusal};
    use super::*;
    use crate::protocol::game::{GameId, TimeControl};

    #[test]
    fn keeps_the_promises_of_a_game() {
        keeps_its_promises(&GAME, Gomoku::START, if cfg!(debug_assertions) { 30 } else { 300 });
    }

    #[test]
    fn a_second_look_finds_the_same_winners_of_a_hundred_thousand_games() {
        const GAMES: usize = 100_000;
        let choose = |grid: &Grid<SIZE, SIZE>, dice: &mut Dice| {
            let place = || Place { column: dice.below(SIZE), row: dice.below(SIZE) };
            iter::repeat_with(place).find(|&place| grid.at(place).is_none()).unwrap()
        };
        let [first, second, nobody] = agrees_on_rows::<SIZE, SIZE, 5>(GAMES, choose);
        assert_eq!(first + second + nobody, GAMES);
        assert!(first > 0 && second > 0);
    }

    #[test]
    fn five_or_more_in_a_row_win() {
        let first = Some(End { winner: Some(Side::First), reason: FIVE.clone() });
        let four = after(Gomoku::START, "a1 o1 b1 o2 c1 o3 d1 o5");
        assert_eq!(four.end(), None);
        assert_eq!(after(four, "e1").end(), first);
        let six = after(Gomoku::START, "k15 a1 k14 a3 k13 a5 k11 a7 k10 a9 k12");
        assert_eq!(six.end(), first);
        let second = after(Gomoku::START, "a1 o1 a3 n2 a5 l4 a7 k5 a9 m3").end();
        assert_eq!(second.unwrap().winner, Some(Side::Second));
    }

    #[test]
    fn a_full_board_is_a_draw() {
        // Nowhere more than two in a row.
        let is_black = |place: &Place| (place.column + 2 * place.row) % 4 < 2;
        let (black, white): (Vec<Place>, Vec<Place>) = Grid::<SIZE, SIZE>::places().partition(is_black);
        let mut game = Gomoku::START;
        for index in 0..SIZE * SIZE {
            assert_eq!(game.end(), None);
            let places = if index % 2 == 0 { &black } else { &white };
            game.play(&places[index / 2].to_string()).unwrap();
        }
        assert_eq!(game.end(), Some(End { winner: None, reason: BOARD_FULL.clone() }));
    }

    #[test]
    fn is_drawn_with_row_1_at_the_bottom() {
        let board = after(Gomoku::START, "h8 O15 a1").draw(Tongue::Zh);
        assert_eq!(board.len(), 16);
        assert_eq!(board[0], "15 . . . . . . . . . . . . . . o");
        assert_eq!(board[7], " 8 . . . . . . . x . . . . . . .");
        assert_eq!(board[14], " 1 X . . . . . . . . . . . . . .");
        assert_eq!(board[15], "   a b c d e f g h i j k l m n o");
    }

    #[test]
    fn the_example_is_the_centre_and_then_beside_the_last_stone() {
        assert_eq!(Gomoku::START.example().map(|example| example.notation).as_deref(), Some("h8"));
        assert_eq!(after(Gomoku::START, "h8").example().map(|example| example.notation).as_deref(), Some("i8"));
        let in_a_full_corner = after(Gomoku::START, "o2 n1 n2 o1");
        assert_eq!(in_a_full_corner.example().map(|example| example.notation).as_deref(), Some("a1"));
    }

    #[test]
    fn what_is_no_move_is_explained() {
        let game = after(Gomoku::START, "h8");
        assert_eq!(refusal(&game, "H8"), "h8 is taken; choose an empty place (.)");
        assert_eq!(refusal(&game, "p8"), "off the board: the letters are a to o, the numbers 1 to 15");
        assert_eq!(refusal(&game, "h0"), refusal(&game, "h16"));
        assert_eq!(refusal(&game, "hello"), "a move is a letter and a number, like h8");
        assert_eq!(game.clone().play("h8").unwrap_err().zh, "h8 已有棋子；请选空位（.）");
    }

    #[test]
    fn the_record_is_sgf() {
        let end = End { winner: Some(Side::Second), reason: FIVE.clone() };
        let moves = ["h8", "a15", "o1", "b14", "n1", "c13", "m1", "d12", "k9", "f4", "k1", "g3", "a1", "e11"];
        let mut played = Played {
            names: ["王小明", r"a]b\c"],
            moves: &moves,
            end: &end,
            at_ms: 1_795_305_599_999,
            clock: TimeControl::parse("10+5"),
            id: GameId(7),
        };
        let lines = [
            "(;FF[4]GM[4]SZ[15]CA[UTF-8]",
            "PB[王小明]",
            r"PW[a\]b\\c]",
            "DT[2026-11-21]RE[W+]TM[600]OT[5 fischer]",
            ";B[hh];W[aa];B[oo];W[bb];B[no];W[cc];B[mo];W[dd];B[kg];W[fl];B[ko];W[gm]",
            ";B[ao];W[ee]",
            ")",
        ];
        assert_eq!(record(&played), lines);
        let end = End { winner: Some(Side::First), reason: End::RESIGNED };
        played = Played { end: &end, clock: None, moves: &[], ..played };
        assert_eq!(record(&played)[3..], ["DT[2026-11-21]RE[B+R]", ")"]);
    }
}
