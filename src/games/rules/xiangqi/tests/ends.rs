//! How games end.

use super::*;

/// Plays moves, none of which but the last may end the game; that one's end.
fn end_of(game: &mut Xiangqi, moves: &str) -> Option<(Option<Side>, String)> {
    for typed in moves.split(' ') {
        assert_eq!(game.end(), None, "before {typed}");
        game.play(typed).unwrap();
    }
    game.end().map(|end| (end.winner, end.reason.code.into_owned()))
}

#[track_caller]
fn assert_end(fen: &str, moves: &str, winner: Option<Side>, reason: &str) {
    let mut game = game(fen);
    assert_eq!(end_of(&mut game, moves), Some((winner, reason.to_owned())));
    assert_eq!(game.legal_moves(), [""; 0]);
    let position = game.position();
    assert_eq!(game.play("a0a1"), Err(OVER));
    assert_eq!(game.position(), position);
    let ends: Vec<&str> = GAME.ends.iter().map(|words| words.code.as_ref()).collect();
    assert!(ends.contains(&reason), "{reason} is not listed");
}

#[track_caller]
fn assert_goes_on(fen: &str, moves: &str) {
    assert_eq!(end_of(&mut game(fen), moves), None);
}

#[test]
fn who_is_mated_loses() {
    assert_end("4k4/R8/1R7/9/9/9/9/9/9/3K5 w", "b7b9", Some(Side::First), "checkmate");
    assert_end("3k5/9/9/9/9/9/9/r8/1r7/5K3 b", "a2a0", Some(Side::Second), "checkmate");
}

#[test]
fn who_cannot_move_loses() {
    // The general on d9 is not in check; a step to e9 would face the other one.
    assert_end("3k5/9/9/R8/9/9/9/9/9/4K4 w", "a6a8", Some(Side::First), "stalemate");
    assert_end("4k4/9/9/9/9/9/r8/9/9/3K5 b", "a3a1", Some(Side::Second), "stalemate");
}

#[test]
fn without_attackers_it_is_a_draw() {
    assert_end("3k5/9/9/9/9/9/9/3p5/4A4/4K4 w", "e1d2", None, "dead-position");
    assert_goes_on("3k5/9/9/9/9/9/6p2/3p5/4A4/4K4 w", "e1d2");
    let game = game("3kn4/9/9/9/9/9/9/9/4A4/2B1K1B2 w");
    assert!(!game.can_win(Side::First) && game.can_win(Side::Second));
    assert!(Side::BOTH.into_iter().all(|side| Xiangqi::at(Position::start()).can_win(side)));
}

/// Four half-moves in which red checks with both.
const RED_CHECKS: (&str, &str) = ("4k4/R8/9/9/9/9/9/9/9/3K5 w", "a8a9 e9e8 a9a8 e8e9");
/// The same by black.
const BLACK_CHECKS: (&str, &str) = ("5k3/9/9/9/9/9/9/9/r8/4K4 b", "a1a0 e0e1 a0a1 e1e0");

#[test]
fn who_checks_perpetually_loses() {
    let (fen, moves) = RED_CHECKS;
    assert_goes_on(fen, moves);
    assert_end(fen, &[moves, moves].join(" "), Some(Side::Second), "perpetual-check");
    let (fen, moves) = BLACK_CHECKS;
    assert_goes_on(fen, moves);
    assert_end(fen, &[moves, moves].join(" "), Some(Side::First), "perpetual-check");
}

#[test]
fn what_came_before_the_repetition_does_not_excuse() {
    // The repetition begins with the third position.
    let (fen, moves) = RED_CHECKS;
    let approach = fen.replace("4k4/R8/9", "5k3/9/R8");
    assert_end(&approach, &["a7a8 f9e9", moves, moves].join(" "), Some(Side::Second), "perpetual-check");
}

#[test]
fn a_single_quiet_move_makes_it_a_draw() {
    let (fen, moves) = RED_CHECKS;
    let quiet = "a8b8 e9f9 b8a8 f9e9";
    assert_end(fen, &[moves, quiet].join(" "), None, "repetition");
}

#[test]
fn when_both_check_perpetually_it_is_a_draw() {
    let cycle = "e5d5 e2d2 d5e5 d2e2";
    let fen = "2n6/9/3ck4/9/4r4/9/9/8C/3KR4/9 w";
    let mut once = game(fen);
    for typed in ["i2e2"].into_iter().chain(cycle.split(' ')) {
        once.play(typed).unwrap();
        assert!(once.position.in_check(), "{typed}");
    }
    assert_end(fen, &["i2e2", cycle, cycle].join(" "), None, "repetition");
}

#[test]
fn the_third_occurrence_is_a_draw() {
    let mut game = Xiangqi::at(Position::start());
    let cycle = "b0c2 b9c7 c2b0 c7b9";
    assert_eq!(end_of(&mut game, cycle), None);
    assert_eq!(end_of(&mut game, cycle), Some((None, "repetition".into())));
}

#[test]
fn sixty_moves_without_a_capture_are_a_draw() {
    let mut dice = Dice(60);
    let mut game = Xiangqi::at(Position::start());
    end_of(&mut game, "b2b9 a9b9");
    assert!(game.position().ends_with(" - - 0 2"));
    for ply in 0..QUIET_PLIES {
        assert_eq!(game.end(), None, "after {ply}");
        // A move that captures nothing, checks nobody and leads somewhere new.
        let moves = game.legal_moves();
        let quiet = (0..1000).find_map(|_| {
            let mut next = game.clone();
            next.play(&moves[dice.below(moves.len())]).unwrap();
            let new = !next.earlier.is_empty() && !next.earlier.contains(&next.position);
            (new && !next.position.in_check()).then_some(next)
        });
        game = quiet.unwrap();
    }
    assert_eq!(game.end(), Some(End { winner: None, reason: SIXTY_MOVES.clone() }));
    assert!(game.position().ends_with(" - - 120 62"));
}
