//! What the tests of the games on a grid have in common: that a game keeps what the server relies on, and a
//! second way to find rows of stones.

use std::collections::BTreeSet;

use super::super::checks::look_the_same;
pub(in crate::games::rules) use super::super::checks::{Dice, is_drawn_within_limits};
use super::super::{Game, Rules};
use super::*;

/// A game after these moves.
pub(in crate::games::rules) fn after<R: Rules>(mut game: R, moves: &str) -> R {
    for typed in moves.split(' ') {
        game.play(typed).unwrap_or_else(|illegal| panic!("{typed}: {}", illegal.en));
    }
    game
}

/// What a person reads who types this.
pub(in crate::games::rules) fn refusal<R: Rules + Clone>(game: &R, typed: &str) -> String {
    game.clone().play(typed).unwrap_err().en.into_owned()
}

/// Plays random games and checks at every position what the server relies on.
pub(in crate::games::rules) fn keeps_its_promises<R: Rules + Clone>(listed: &Game, start: R, games: usize) {
    look_the_same(&start, (listed.start)().as_ref());
    let mut dice = Dice(1);
    for _ in 0..games {
        let (mut game, mut replayed) = (start.clone(), start.clone());
        loop {
            look_the_same(&game, &replayed);
            is_drawn_within_limits(&game);
            refuses_garbage(&game);
            let moves = game.legal_moves();
            if let Some(end) = game.end() {
                assert!(listed.ends.contains(&&end.reason));
                assert!(moves.is_empty() && game.forced().is_none() && game.example().is_none());
                assert_eq!(game.play("b2"), Err(OVER));
                break;
            }
            assert!(moves.contains(&game.example().unwrap().notation));
            for notation in &moves {
                let played = game.clone().play(&notation.to_uppercase()).unwrap();
                assert_eq!(&played.notation, notation);
            }
            // What anybody could think of; not everywhere, for it takes its time.
            if dice.below(16) == 0 {
                accepts_nothing_else(&game, moves.iter().cloned().collect());
            }
            let played = game.play(&moves[dice.below(moves.len())]).unwrap();
            assert_eq!(replayed.play(&played.notation), Ok(played));
        }
    }
}

fn refuses_garbage<R: Rules + Clone>(game: &R) {
    const GARBAGE: [&str; 16] =
        ["", " ", "h", "0", "8", "-1", "+8", "a0", "a-1", "h17", "z1", "8h", "h8h8", "ｈ８", "五", "e\u{301}8"];
    let mut attempted = game.clone();
    for garbage in GARBAGE {
        let illegal = attempted.play(garbage).unwrap_err();
        assert!(illegal.en.is_ascii() && illegal.en.len() < 80 && illegal.zh.len() < 120, "{illegal:?}");
    }
    assert!(attempted.play(&"8".repeat(4096)).is_err() && attempted.play(&"h".repeat(4096)).is_err());
    look_the_same(game, &attempted);
}

fn accepts_nothing_else<R: Rules + Clone>(game: &R, legal: BTreeSet<String>) {
    let places = ('a'..='p').flat_map(|letter| (0..=16).map(move |number| format!("{letter}{number}")));
    let numbers = (0..=10).map(|number| number.to_string());
    let candidates = places.chain(numbers).chain(["pass".to_owned()]);
    let accepted = candidates.filter(|candidate| game.clone().play(candidate).is_ok()).collect();
    assert_eq!(legal, accepted);
}

/// Who has so many stones in a row, looked for at every place of a position and in every direction:
/// the bars between its rows keep a row of stones from going on at the other edge.
pub(in crate::games::rules) fn who_has_a_row(position: &str, goal: usize) -> Option<char> {
    let (board, _) = position.split_once(' ').unwrap();
    let (board, width) = (board.as_bytes(), board.find('/').unwrap() + 1);
    for from in (0..board.len()).filter(|&from| board[from] == b'x' || board[from] == b'o') {
        for stride in [1, width - 1, width, width + 1] {
            let mut length = 1;
            while board.get(from + length * stride) == Some(&board[from]) {
                length += 1;
            }
            if length >= goal {
                return Some(char::from(board[from]));
            }
        }
    }
    None
}

/// Plays random games and compares who has won with who has a row. Since stones stay, a row that was
/// not there before the last move was at no time. Returns how many each side has won, and nobody.
pub(in crate::games::rules) fn agrees_on_rows<const COLUMNS: usize, const ROWS: usize, const GOAL: usize>(
    games: usize,
    choose: impl Fn(&Grid<COLUMNS, ROWS>, &mut Dice) -> Place,
) -> [usize; 3] {
    let mut dice = Dice(2);
    let mut outcomes = [0; 3];
    for _ in 0..games {
        let mut game = InARow::<COLUMNS, ROWS, GOAL>::START;
        let mut before = game.clone();
        while !game.is_over() {
            before = game.clone();
            game.put(choose(&game.grid, &mut dice));
        }
        let row = |game: &InARow<COLUMNS, ROWS, GOAL>| {
            let position = game.grid.position(RowOne::Bottom, game.turn);
            (who_has_a_row(&position, GOAL), position.contains('.'))
        };
        assert_eq!(row(&before), (None, true));
        let (winner, has_space) = row(&game);
        assert_eq!(winner, game.winner.map(|side| mark(Some(side))));
        assert!(winner.is_some() || !has_space);
        outcomes[game.winner.map_or(2, Side::index)] += 1;
    }
    outcomes
}

#[test]
fn a_row_is_found_in_every_direction_and_not_around_an_edge() {
    assert_eq!(who_has_a_row("xxx/.../... o", 3), Some('x'));
    assert_eq!(who_has_a_row("..o/..o/..o o", 3), Some('o'));
    assert_eq!(who_has_a_row("x../.x./..x o", 3), Some('x'));
    assert_eq!(who_has_a_row("..x/.x./x.. o", 3), Some('x'));
    assert_eq!(who_has_a_row(".xx/x../.x. o", 3), None);
    assert_eq!(who_has_a_row(".x./..x/x.. o", 3), None);
}
