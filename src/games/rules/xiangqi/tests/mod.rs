//! What the tests share, and what holds in every game.

mod ends;
mod moves;
mod written;

use super::super::checks::Dice;
use super::position::{Piece, Point};
use super::*;

/// Reads the first two fields of FEN.
fn position(fen: &str) -> Position {
    drawing::read(fen).unwrap_or_else(|| panic!("{fen}"))
}

/// A game that begins with a position.
fn game(fen: &str) -> Xiangqi {
    Xiangqi::at(position(fen))
}

/// How many columns a line takes where wide characters take two; refuses what has no certain width.
fn width(line: &str) -> usize {
    let columns = line.chars().map(|character| match character {
        ' '..='~' => 1,
        '\u{3000}'..='\u{303f}' | '\u{4e00}'..='\u{9fff}' | '\u{ff01}'..='\u{ff60}' => 2,
        other => panic!("{other:?} has no certain width"),
    });
    columns.sum()
}

#[test]
fn the_board_lines_up() {
    let english = "9 r n b a k a b n r\n8 . . . . . . . . .\n7 . c . . . . . c .\n6 p . p . p . p . p\n\
        5 . . . . . . . . .\n  ~~~~~ river ~~~~~\n4 . . . . . . . . .\n3 P . P . P . P . P\n\
        2 . C . . . . . C .\n1 . . . . . . . . .\n0 R N B A K A B N R\n  a b c d e f g h i";
    let chinese = "  １２３４５６７８９\n9 车马象士将士象马车\n8 ＋＋＋＋＋＋＋＋＋\n7 ＋砲＋＋＋＋＋砲＋\n\
        6 卒＋卒＋卒＋卒＋卒\n5 ＋＋＋＋＋＋＋＋＋\n  ～楚河～～～汉界～\n4 ＋＋＋＋＋＋＋＋＋\n\
        3 兵＋兵＋兵＋兵＋兵\n2 ＋炮＋＋＋＋＋炮＋\n1 ＋＋＋＋＋＋＋＋＋\n0 俥傌相仕帅仕相傌俥\n\
        \x20 ａｂｃｄｅｆｇｈｉ\n  九八七六五四三二一";
    let game = Xiangqi::at(Position::start());
    assert_eq!(game.draw(Tongue::En).join("\n"), english);
    assert_eq!(game.draw(Tongue::Zh).join("\n"), chinese);
}

#[test]
fn it_begins_as_every_other_program_has_it() {
    let game = (GAME.start)();
    assert_eq!(game.position(), "rnbakabnr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C5C1/9/RNBAKABNR w - - 0 1");
    assert_eq!((game.turn(), game.end(), game.legal_moves().len()), (Side::First, None, 44));
}

fn check_drawing(game: &dyn Rules) {
    for (tongue, widths) in [(Tongue::En, 19), (Tongue::Zh, 20)] {
        let lines = game.draw(tongue);
        assert!(lines.len() <= 17);
        assert!(tongue == Tongue::Zh || lines.iter().all(|line| line.is_ascii()));
        assert!(lines.iter().all(|line| width(line) == widths && line.trim_end() == line), "{lines:?}");
    }
}

/// What can be seen of a game.
fn seen(game: &dyn Rules) -> (String, Side, Vec<String>, Option<End>) {
    (game.position(), game.turn(), game.legal_moves(), game.end())
}

#[test]
fn a_game_is_the_list_of_its_moves() {
    let mut dice = Dice(1);
    for round in 0..100 {
        let mut game = Xiangqi::at(Position::start());
        let mut again = (GAME.start)();
        let length = if round % 50 == 0 { 200 } else { dice.below(25) };
        for _ in 0..length {
            if game.end.is_some() {
                break;
            }
            let moves = seen(&game).2;
            let made = game.play(&moves[dice.below(moves.len())]).unwrap();
            assert!(moves.contains(&made.notation));
            again.play(&made.notation).unwrap();
            assert_eq!(seen(&game), seen(again.as_ref()));
        }
        check_drawing(&game);
        for typed in game.legal_moves().iter().filter(|_| round % 10 == 0) {
            assert_eq!(game.clone().play(typed).unwrap().notation, *typed);
        }
    }
}

#[test]
fn what_is_no_legal_move_is_refused() {
    let mut game = Xiangqi::at(Position::start());
    for typed in ["h2e2", "h9g7", "e2e6"] {
        game.play(typed).unwrap();
    }
    let before = seen(&game);
    let steps = Point::all().flat_map(|from| Point::all().map(move |to| Step { from, to })).step_by(7);
    for typed in steps.map(notation::coordinates).filter(|typed| !before.2.contains(typed)) {
        assert!(game.play(&typed).is_err(), "{typed}");
    }
    assert_eq!(seen(&game), before);
}
