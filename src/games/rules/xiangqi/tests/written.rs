//! How moves are typed and written.

use super::notation::{chinese, coordinates, read};
use super::*;

/// Checks that each move is written like this, and means the same when it is read.
#[track_caller]
fn assert_written(fen: &str, moves: &[(&str, &str)]) {
    for &(typed, zh) in moves {
        let expected = Move { notation: typed.to_owned(), zh: Some(zh.to_owned()) };
        assert_eq!(game(fen).play(typed), Ok(expected.clone()));
        assert_eq!(game(fen).play(zh), Ok(expected), "{zh}");
    }
}

/// Checks what a move in Chinese is taken for.
#[track_caller]
fn assert_read(fen: &str, moves: &[(&str, &str)]) {
    for &(zh, expected) in moves {
        assert_eq!(game(fen).play(zh).map(|played| played.notation), Ok(expected.to_owned()), "{zh}");
    }
}

const START: &str = "rnbakabnr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C5C1/9/RNBAKABNR w";
const BLACK_STARTS: &str = "rnbakabnr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C5C1/9/RNBAKABNR b";

#[test]
fn each_side_counts_from_its_right_with_its_own_digits() {
    let red = [("h2e2", "炮二平五"), ("b0c2", "马八进七"), ("i0i2", "车一进二"), ("e3e4", "兵五进一")];
    assert_written(START, &red);
    assert_written(START, &[("g0e2", "相三进五"), ("f0e1", "仕四进五"), ("e0e1", "帅五进一")]);
    let black = [("h7e7", "炮8平5"), ("b9c7", "马2进3"), ("i9i7", "车9进2"), ("e6e5", "卒5进1")];
    assert_written(BLACK_STARTS, &black);
    assert_written(BLACK_STARTS, &[("g9e7", "象7进5"), ("f9e8", "士6进5"), ("e9e8", "将5进1")]);
    assert_written("3k5/9/9/9/9/9/4N4/9/4C4/5K3 w", &[("e3d1", "马五退六"), ("e1e0", "炮五退一")]);
}

#[test]
fn glyphs_and_digits_of_either_kind_are_read() {
    for typed in ["h2e2", "H2E2", "h2-e2", " h2e2 ", "ｈ２ｅ２", "炮二平五", "砲2平5", "包２平五"] {
        assert_read(START, &[(typed, "h2e2")]);
    }
    let glyphs = "馬八進七 傌八进七 㐷8進7 車一進一 俥一进一 伡一进一 帥五進一 將五进一 士四进五 象三进五 卒五进一";
    let moves = "b0c2 b0c2 b0c2 i0i1 i0i1 i0i1 e0e1 e0e1 f0e1 g0e2 e3e4";
    let pairs: Vec<(&str, &str)> = glyphs.split(' ').zip(moves.split(' ')).collect();
    assert_read(START, &pairs);
    assert_read(BLACK_STARTS, &[("馬八進七", "h9g7"), ("马８进７", "h9g7"), ("兵五进一", "e6e5"), ("仕4進5", "d9e8")]);
}

#[test]
fn two_on_a_file_are_told_apart() {
    let red = "3k5/9/9/9/R8/9/R8/1N7/9/1N2K4 w";
    assert_written(red, &[("a5b5", "前车平八"), ("a3a2", "后车退一"), ("b2a4", "前马进九"), ("b0c2", "后马进七")]);
    assert_written("3k5/r8/9/r8/9/9/9/9/9/4K4 b", &[("a6a5", "前车进1"), ("a8b8", "后车平2")]);
    assert_read(red, &[("前俥平8", "a5b5"), ("後車退一", "a3a2")]);
    // The direction tells advisors and elephants.
    let home = "3k1r3/9/9/9/9/2B6/9/5A3/9/2B1KA3 w";
    assert_written(home, &[("f0e1", "仕四进五"), ("f2e1", "仕四退五"), ("c0a2", "相七进九"), ("c4a2", "相七退九")]);
    assert_read(home, &[("后仕进五", "f0e1"), ("前仕退五", "f2e1")]);
}

#[test]
fn three_four_and_five_pawns_on_a_file_are_told_apart() {
    let three = "3k5/9/9/P8/P8/P8/9/9/9/4K4 w";
    assert_written(three, &[("a6b6", "前兵平八"), ("a5b5", "中兵平八")]);
    assert_read(three, &[("一兵平八", "a6b6"), ("二兵平八", "a5b5"), ("前九平八", "a6b6")]);
    let four = "3k5/P8/P8/P8/P8/9/9/9/9/4K4 w";
    assert_written(four, &[("a8b8", "一兵平八"), ("a7b7", "二兵平八"), ("a6b6", "三兵平八"), ("a5b5", "四兵平八")]);
    assert_read(four, &[("前兵平八", "a8b8"), ("后兵平八", "a5b5")]);
    let five = "3k5/9/9/9/p8/p8/p8/p8/p8/4K4 b";
    assert_written(five, &[("a1b1", "一卒平2"), ("a2b2", "二卒平2"), ("a4b4", "四卒平2"), ("a1a0", "一卒进1")]);
}

#[test]
fn pawns_on_two_files_are_told_apart() {
    // The example of the draft standard at xqbase.com: it counts through both files.
    let fen = "4k4/3P1P3/9/3P1P3/9/9/9/9/9/3K5 w";
    assert_read(fen, &[("一兵平五", "f8e8"), ("二兵平五", "f6e6"), ("三兵平五", "d8e8"), ("四兵平五", "d6e6")]);
    assert_written(fen, &[("f8e8", "前兵四平五"), ("f6e6", "后兵四平五"), ("d8e8", "前兵六平五"), ("d6d7", "后兵六进一")]);
    assert_read(fen, &[("前六平五", "d8e8"), ("后四进一", "f6f7"), ("二兵六进一", "d6d7")]);
    let both = game(fen).play("前兵平五").unwrap_err();
    assert_eq!(both.en, "that can be d8e8 or f8e8; type one of these");
    assert_eq!(both.zh, "这可以是 d8e8 或 f8e8；请输入其中之一");
    // One that stands alone keeps its file, and what only one can do is clear.
    let alone = "4k4/3P1P3/9/3P1P3/8P/9/9/9/9/3K5 w";
    assert_written(alone, &[("i5i6", "兵一进一"), ("i5h5", "兵一平二")]);
    assert_read(alone, &[("前兵平三", "f8g8")]);
}

#[test]
fn what_is_not_clear_is_refused() {
    let fen = "3k5/9/9/9/R8/9/R8/9/9/4K4 w";
    assert_eq!(game(fen).play("车九平八").unwrap_err().en, "that can be a3b3 or a5b5; type one of these");
    assert_eq!(game(fen).play("前马平八"), Err(NO_SUCH_MOVE));
    assert_eq!(game(fen).play("中车平八"), Err(NO_SUCH_MOVE));
    assert_eq!(game(START).play("前炮平五"), Err(NO_SUCH_MOVE));
}

#[test]
fn a_refusal_says_why() {
    for (typed, why) in [
        ("e5e6", NOT_YOURS),
        ("h7e7", NOT_YOURS),
        ("a0a3", OWN_PIECE),
        ("b0d1", HORSE_BLOCKED),
        ("b0b1", CANNOT_GO),
        ("a0b1", CANNOT_GO),
        ("e0e0", OWN_PIECE),
        ("炮二进八", NO_SUCH_MOVE),
    ] {
        assert_eq!(game(START).play(typed), Err(why), "{typed}");
    }
    let fen = "4k4/9/9/9/9/9/4R4/9/3P5/2B1K4 w";
    assert_eq!(game(fen).play("c0e2"), Err(ELEPHANT_BLOCKED));
    for typed in ["e3d3", "车五平六"] {
        assert_eq!(game(fen).play(typed), Err(EXPOSES_GENERAL));
    }
    let refusals = [UNREADABLE, NOT_YOURS, OWN_PIECE, HORSE_BLOCKED, ELEPHANT_BLOCKED];
    for why in refusals.iter().chain(&[CANNOT_GO, NO_SUCH_MOVE, EXPOSES_GENERAL, OVER]) {
        assert!(why.en.is_ascii() && !why.zh.is_ascii());
    }
}

#[test]
fn garbage_is_refused_and_changes_nothing() {
    let mut game = Xiangqi::at(Position::start());
    let before = game.position();
    let long = "炮".repeat(1300);
    let garbage = ["", " ", "h2", "h2e", "h2e2e", "h2+e2", "j2e2", "h2e", "h2 e2", "0000", "马", "炮二平", "炮〇平五"];
    let more = ["炮二平0", "二二平五", "炮炮平五", "前前平五", "炮二五平", "前炮二五平", "👍👍👍👍", "a\u{301}2e2", &long];
    for typed in garbage.into_iter().chain(more) {
        let why = game.play(typed).unwrap_err();
        assert!(why == UNREADABLE || why == NO_SUCH_MOVE, "{typed}: {why:?}");
        assert_eq!(game.position(), before);
    }
}

/// Checks of every move of a position that what is written means it, and nothing else does.
fn check_writing(game: &Xiangqi) {
    let position = &game.position;
    for &step in &game.legal {
        let simplified = chinese(position, step);
        for written in [simplified.chars().map(traditional).collect(), simplified] {
            let Some(Typed::Pattern(pattern)) = read(&written) else { panic!("{written} is not read") };
            let meant: Vec<Step> = game.legal.iter().copied().filter(|&other| pattern.fits(position, other)).collect();
            assert_eq!(meant, [step], "{written} in {}", drawing::fen(position));
        }
        assert_eq!(read(&coordinates(step)), Some(Typed::Step(step)));
    }
}

fn traditional(character: char) -> char {
    match character {
        '车' => '車',
        '马' => '傌',
        '炮' => '砲',
        '帅' => '帥',
        '将' => '將',
        '进' => '進',
        '后' => '後',
        digit @ '1'..='9' => char::from_u32(digit as u32 + 0xfee0).unwrap(),
        other => other,
    }
}

#[test]
fn what_is_written_is_read_as_the_same_move() {
    let mut dice = Dice(2);
    for _ in 0..10 {
        let mut game = Xiangqi::at(Position::start());
        for ply in 0..120 {
            if game.end.is_some() {
                break;
            }
            if ply % 8 == 0 {
                check_writing(&game);
            }
            let moves = game.legal_moves();
            game.play(&moves[dice.below(moves.len())]).unwrap();
        }
    }
}

#[test]
fn crowds_of_pawns_are_written_clearly() {
    let mut dice = Dice(5);
    for round in 0..100 {
        let turn = Side::BOTH[round % 2];
        let mut points = vec![(4, 0, Side::First, Kind::General), (3, 9, Side::Second, Kind::General)];
        for side in Side::BOTH {
            // Five pawns of each side beyond the river on two or three files.
            let first = dice.below(7);
            for _ in 0..5 {
                let advance = 5 + dice.below(4);
                let rank = if side == Side::First { advance } else { 9 - advance };
                points.push((first + dice.below(2 + round % 2), rank, side, Kind::Pawn));
            }
        }
        let position = Position::with(turn, |at| {
            let here = |&&(file, rank, ..): &&(usize, usize, Side, Kind)| (file as i8, rank as i8) == (at.file(), at.rank());
            points.iter().find(here).map(|&(_, _, side, kind)| Piece { side, kind })
        });
        check_writing(&Xiangqi::at(position));
    }
}

/// Games of masters; what the lines are is said in the file.
const GAMES: &str = include_str!("../../../../../tests/data/xiangqi-games.txt");

#[test]
fn games_of_masters_play_through() {
    for printed in GAMES.split("\n\n").skip(1) {
        let (title, moves) = printed.split_once('\n').unwrap();
        let endings: Vec<String> = moves.lines().map(|line| play_through(title, line)).collect();
        assert!(endings.iter().all(|ending| *ending == endings[0]), "{title}: {endings:?}");
    }
}

fn play_through(title: &str, moves: &str) -> String {
    let mut game = Xiangqi::at(Position::start());
    for typed in moves.split(' ') {
        let played = game.play(typed).unwrap_or_else(|why| panic!("{title}: {typed}: {why:?}"));
        let printed: String = typed.chars().map(narrow).collect();
        assert!(printed == played.notation || Some(printed) == played.zh, "{title}: {typed}");
    }
    let end = game.end().map(|end| end.reason.code);
    assert_eq!(end.as_deref(), title.split_once(" = ").map(|(_, reason)| reason), "{title}");
    game.position()
}

fn narrow(character: char) -> char {
    match character {
        '１'..='９' => char::from_u32(character as u32 - 0xfee0).unwrap(),
        other => other,
    }
}

#[test]
fn a_position_is_read_as_it_was_written() {
    let start = (GAME.start)().position();
    for text in [start.as_str(), "3k5/9/9/9/9/9/9/R8/9/4K4 b - - 119 70"] {
        let mut read = (GAME.at)(text).unwrap();
        assert_eq!((read.position(), read.end()), (text.to_owned(), None));
        let (quiet, turn) = (text.ends_with("119 70"), read.turn());
        let first = read.legal_moves().swap_remove(0);
        read.play(&first).unwrap();
        assert_eq!((read.turn(), read.end().is_some()), (turn.other(), quiet));
        assert!(read.position().ends_with(if quiet { " w - - 120 71" } else { " b - - 1 1" }));
    }
    let mated = (GAME.at)("1R2k4/R8/9/9/9/9/9/9/9/3K5 b - - 3 9").unwrap();
    assert_eq!(mated.end(), Some(End { winner: Some(Side::First), reason: CHECKMATE.clone() }));
}

#[test]
fn what_no_game_can_look_like_is_not_read() {
    for text in [
        // No general, one outside the palace, two of a side, and the side that has moved in check.
        "9/9/9/9/9/9/9/R8/9/4K4 w - - 0 1",
        "k8/9/9/9/9/9/9/R8/9/4K4 w - - 0 1",
        "3kk4/9/9/9/9/9/9/R8/9/5K3 w - - 0 1",
        "3k5/9/9/9/9/9/9/3R5/9/4K4 w - - 0 1",
        // More than five pawns, which the notation has no words for.
        "3k4P/8P/8P/8P/8P/8P/8P/8P/8P/4K3P w - - 0 1",
        "3k5/9/9/9/9/9/9/R8/9/4K4 w - - 0 0",
        "3k5/9/9/9/9/9/9/R8/9/4K4 w - - +0 1",
        "3k5/9/9/9/9/9/9/R8/9/4K4 w - - 0 65536",
        "3k5/9/9/9/9/9/9/R8/9/4K4 w",
        "3k5/9/9/9/9/9/9/R8/9/4K4 x - - 0 1",
        "3k5/54/9/9/9/9/9/R8/9/4K4 w - - 0 1",
    ] {
        assert!((GAME.at)(text).is_none(), "{text}");
    }
}
