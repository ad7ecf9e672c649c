//! How the pieces go.

use super::*;

fn perft(position: &Position, depth: u32) -> usize {
    let steps = position.legal_steps();
    match depth {
        1 => steps.len(),
        _ => steps.iter().map(|&step| perft(&position.after(step), depth - 1)).sum(),
    }
}

/// Eleven positions of "Chinese Chess Perft Results" at chessprogramming.org, with the counts of
/// moves 1, 2 and 3 half-moves deep.
const PERFT: [(&str, [usize; 3]); 11] = [
    ("rnbakabnr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C5C1/9/RNBAKABNR w", [44, 1_920, 79_666]),
    ("r1ba1a3/4kn3/2n1b4/pNp1p1p1p/4c4/6P2/P1P2R2P/1CcC5/9/2BAKAB2 w", [38, 1_128, 43_929]),
    ("1cbak4/9/n2a5/2p1p3p/5cp2/2n2N3/6PCP/3AB4/2C6/3A1K1N1 w", [7, 281, 8_620]),
    ("5a3/3k5/3aR4/9/5r3/5n3/9/3A1A3/5K3/2BC2B2 w", [25, 424, 9_850]),
    ("CRN1k1b2/3ca4/4ba3/9/2nr5/9/9/4B4/4A4/4KA3 w", [28, 516, 14_808]),
    ("R1N1k1b2/9/3aba3/9/2nr5/2B6/9/4B4/4A4/4KA3 w", [21, 364, 7_626]),
    ("C1nNk4/9/9/9/9/9/n1pp5/B3C4/9/3A1K3 w", [28, 222, 6_241]),
    ("4ka3/4a4/9/9/4N4/p8/9/4C3c/7n1/2BK5 w", [23, 345, 8_124]),
    ("2b1ka3/9/b3N4/4n4/9/9/9/4C4/2p6/2BK5 w", [21, 195, 3_883]),
    ("1C2ka3/9/C1Nab1n2/p3p3p/6p2/9/P3P3P/3AB4/3p2c2/c1BAK4 w", [30, 830, 22_787]),
    ("CnN1k1b2/c3a4/4ba3/9/2nr5/9/9/4C4/4A4/4KA3 w", [19, 583, 11_714]),
];

#[test]
fn moves_are_counted_right() {
    for (fen, counts) in PERFT {
        let position = position(fen);
        for (depth, count) in (1..=3).zip(counts) {
            assert_eq!(perft(&position, depth), count, "{fen} at depth {depth}");
        }
    }
}

#[test]
#[ignore = "a quarter of a minute without optimisation"]
fn moves_are_counted_right_deeper() {
    assert_eq!(perft(&Position::start(), 4), 3_290_240);
}

/// Where the piece on a point may go, in the order of the coordinates.
fn reach(fen: &str, from: &str) -> String {
    let moves: Vec<String> = position(fen).legal_steps().into_iter().map(notation::coordinates).collect();
    let mut reach: Vec<&str> = moves.iter().filter_map(|typed| typed.strip_prefix(from)).collect();
    reach.sort_unstable();
    reach.join(" ")
}

#[test]
fn generals_and_advisors_stay_in_the_palace() {
    assert_eq!(reach("3k5/9/9/9/9/9/9/5K3/9/9 w", "f2"), "e2 f1");
    assert_eq!(reach("3k5/9/9/9/9/9/9/5A3/9/5K3 w", "f2"), "e1");
    assert_eq!(reach("9/4a4/3k5/9/9/9/9/9/9/5K3 b", "e8"), "d9 f7 f9");
}

#[test]
fn elephants_stay_at_home_and_do_not_pass_an_eye_that_is_blocked() {
    assert_eq!(reach("3k5/9/9/9/9/9/9/4B4/9/5K3 w", "e2"), "c0 c4 g0 g4");
    assert_eq!(reach("3k5/9/9/9/9/9/3p1P3/4B4/9/5K3 w", "e2"), "c0 g0");
    assert_eq!(reach("3k5/9/9/9/9/2B6/9/9/9/5K3 w", "c4"), "a2 e2");
    assert_eq!(reach("3k5/9/9/9/6b2/9/9/9/9/5K3 b", "g5"), "e7 i7");
}

#[test]
fn horses_do_not_pass_a_leg_that_is_blocked() {
    assert_eq!(reach("3k5/9/9/9/9/4N4/9/9/9/5K3 w", "e4"), "c3 c5 d2 d6 f2 f6 g3 g5");
    assert_eq!(reach("3k5/9/9/9/4p4/4NP3/9/9/9/5K3 w", "e4"), "c3 c5 d2 f2");
}

#[test]
fn chariots_go_straight_and_cannons_take_over_one_piece() {
    assert_eq!(reach("3k5/9/9/9/9/1P1R1p3/9/9/9/4K4 w", "d4"), "c4 d0 d1 d2 d3 d5 d6 d7 d8 d9 e4 f4");
    let fen = "5k3/9/9/9/3p5/1P1C1p1p1/9/3P5/3n5/4K4 w";
    assert_eq!(reach(fen, "d4"), "c4 d1 d3 e4 h4");
}

#[test]
fn pawns_go_on_and_beyond_the_river_aside() {
    assert_eq!(reach("3k5/9/9/9/9/P8/9/9/9/4K4 w", "a4"), "a5");
    assert_eq!(reach("3k5/9/9/9/2P6/9/9/9/9/4K4 w", "c5"), "b5 c6 d5");
    assert_eq!(reach("2P6/3k5/9/9/9/9/9/9/9/4K4 w", "c9"), "b9 d9");
    assert_eq!(reach("3k5/9/9/9/9/8p/9/9/9/4K4 b", "i4"), "h4 i3");
    assert_eq!(reach("3k5/9/9/8p/9/9/9/9/9/4K4 b", "i6"), "i5");
}

#[test]
fn generals_must_not_face_each_other() {
    assert_eq!(reach("3k5/9/9/9/9/9/9/9/9/4K4 w", "e0"), "e1 f0");
    assert_eq!(reach("4k4/9/9/9/9/4R4/9/9/9/4K4 w", "e4"), "e1 e2 e3 e5 e6 e7 e8 e9");
}

#[test]
fn a_check_must_be_met() {
    let horse = "4k4/r8/3N5/9/9/9/9/9/9/5K3 b";
    assert_eq!((reach(horse, "a8"), reach(horse, "e9")), ("d8".into(), "d9 e8".into()));
    let cannon = "3k5/9/9/9/9/4c4/9/4p4/5R3/4K4 w";
    assert_eq!((reach(cannon, "f1"), reach(cannon, "e0")), ("e1".into(), "f0".into()));
    let pawn = "3k5/9/9/9/9/9/9/9/4p3R/4K4 w";
    assert_eq!((reach(pawn, "i1"), reach(pawn, "e0")), ("e1".into(), "e1 f0".into()));
}
