//! Tests of the game as a whole: counts of moves, ends, published games, random games.

use std::collections::HashMap;

use super::super::Played;
use super::super::checks::Dice;
use super::*;
use crate::protocol::game::GameId;

const START: &str = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1";
const KIWIPETE: &str = "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1";

fn game(fen: &str) -> Chess {
    Chess::new(fen.parse().unwrap())
}

/// The game after these moves; each must be typed as it is noted.
fn after(fen: &str, moves: &str) -> Chess {
    let mut game = game(fen);
    for typed in moves.split(' ') {
        assert_eq!(game.play(typed).unwrap().notation, typed);
    }
    game
}

fn end_of(game: &Chess) -> (Option<Side>, String) {
    game.end().map(|end| (end.winner, end.reason.code.into_owned())).unwrap_or((None, "none".into()))
}

fn is_drawn_by(game: &Chess, code: &str) -> bool {
    end_of(game) == (None, code.into())
}

/// The number of sequences of moves of this length.
fn perft(game: &Chess, depth: u32) -> usize {
    let moves = game.moves();
    if depth == 1 {
        return moves.len();
    }
    let after = |step| {
        let mut game = game.clone();
        game.step(step);
        perft(&game, depth - 1)
    };
    moves.into_iter().map(after).sum()
}

#[test]
fn the_moves_are_as_many_as_published() {
    let counts = |fen, depths: &[u32]| depths.iter().map(|&depth| perft(&game(fen), depth)).collect::<Vec<_>>();
    assert_eq!(counts(START, &[1, 2, 3, 4]), [20, 400, 8_902, 197_281]);
    assert_eq!(counts(KIWIPETE, &[1, 2, 3]), [48, 2_039, 97_862]);
    assert_eq!(counts("8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1", &[1, 2, 3, 4]), [14, 191, 2_812, 43_238]);
    assert_eq!(counts("r3k2r/Pppp1ppp/1b3nbN/nP6/BBP1P3/q4N2/Pp1P2PP/R2Q1RK1 w kq - 0 1", &[1, 2, 3]), [6, 264, 9_467]);
}

#[test]
fn en_passant_is_for_one_move_and_never_opens_check() {
    let mut taken = after(START, "e4 a6 e5 d5");
    assert!(taken.legal_moves().contains(&"exd6".to_string()));
    assert_eq!(taken.play("e5d6").unwrap().notation, "exd6");
    assert!(!after(START, "e4 a6 e5 d5 a3 a5").legal_moves().contains(&"exd6".to_string()));

    let beside_the_king = "8/8/8/8/k2Pp2Q/8/8/3K4 b - d3 0 1";
    let on_the_diagonal = "4k3/8/8/b7/3pP3/8/8/3K4 b - e3 0 1";
    assert!(!game(beside_the_king).legal_moves().contains(&"exd3".to_string()));
    assert_eq!(game(beside_the_king).play("exd3").unwrap_err().en, "that would leave your king in check");
    assert!(game(on_the_diagonal).legal_moves().contains(&"dxe3".to_string()));
}

#[test]
fn castling_goes_neither_out_of_check_nor_through_it_nor_into_it() {
    let castlings = |fen| {
        let moves = game(fen).legal_moves();
        moves.into_iter().filter(|notation| notation.starts_with("O-O")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(castlings("4k3/8/8/8/8/8/8/R3K2R w KQ - 0 1"), "O-O-O O-O");
    assert_eq!(castlings("4k3/4r3/8/8/8/8/8/R3K2R w KQ - 0 1"), "");
    assert_eq!(castlings("3rk3/8/8/8/8/8/8/R3K2R w KQ - 0 1"), "O-O");
    assert_eq!(castlings("4k1r1/8/8/8/8/8/8/R3K2R w KQ - 0 1"), "O-O-O");
    assert_eq!(castlings("1r2k3/8/8/8/8/8/8/R3K2R w KQ - 0 1"), "O-O-O O-O", "the rook may pass an attacked square");
    assert_eq!(castlings("4k3/8/8/8/8/8/8/Rn2K2R w KQ - 0 1"), "O-O");
    assert_eq!(castlings("4k3/8/8/8/8/8/8/R3K2R w Q - 0 1"), "O-O-O");
}

#[test]
fn a_pawn_becomes_whatever_is_asked_for() {
    for (typed, notation, position) in [
        ("e8=Q", "e8=Q+", "k3Q3/8/8/8/8/8/8/K7 b - - 0 1"),
        ("e8R", "e8=R+", "k3R3/8/8/8/8/8/8/K7 b - - 0 1"),
        ("e7e8b", "e8=B", "k3B3/8/8/8/8/8/8/K7 b - - 0 1"),
        ("e8=n", "e8=N", "k3N3/8/8/8/8/8/8/K7 b - - 0 1"),
    ] {
        let mut game = game("k7/4P3/8/8/8/8/8/K7 w - - 0 1");
        assert_eq!(game.play(typed).unwrap().notation, notation);
        assert_eq!(game.position(), position);
    }
}

#[test]
fn notation_is_no_longer_than_it_must_be() {
    let notations = |fen| game(fen).legal_moves();
    let three_queens = notations("1k6/8/8/8/4Q2Q/8/8/K6Q w - - 0 1");
    for notation in ["Qh4e1", "Qee1", "Q1e1"] {
        assert!(three_queens.contains(&notation.to_string()), "{three_queens:?}");
    }
    let pinned_other = notations("4k3/8/8/8/1b6/2N5/8/4K1N1 w - - 0 1");
    assert!(pinned_other.contains(&"Ne2".to_string()), "a pinned piece makes nothing ambiguous");
}

#[test]
fn mate_and_stalemate_end_the_game() {
    let mated = after(START, "f3 e5 g4 Qh4#");
    assert_eq!(end_of(&mated), (Some(Side::Second), "checkmate".into()));
    assert!(mated.legal_moves().is_empty());
    assert_eq!(mated.clone().play("a3").unwrap_err().en, "the game is over");
    // Sam Loyd's: the shortest way to a stalemate.
    let loyd = "e3 a5 Qh5 Ra6 Qxa5 h5 h4 Rah6 Qxc7 f6 Qxd7+ Kf7 Qxb7 Qd3 Qxb8 Qh7 Qxc8 Kg6 Qe6";
    assert!(is_drawn_by(&after(START, loyd), "stalemate"));
}

#[test]
fn the_third_repetition_draws() {
    let there_and_back = "Nf3 Nf6 Ng1 Ng8 Nf3 Nf6 Ng1";
    assert!(after(START, there_and_back).end().is_none());
    assert!(is_drawn_by(&after(START, &format!("{there_and_back} Ng8")), "repetition"));
    let rook_has_moved = "Nf3 Nf6 Rg1 Ng8 Rh1 Nf6 Ng1 Ng8 Nf3 Nf6 Ng1 Ng8";
    assert!(after(START, rook_has_moved).end().is_none(), "the first time there was a right to castle");
}

#[test]
fn en_passant_makes_another_position_only_where_it_is_legal() {
    let nobody_beside = "e4 Nc6 Nf3 Nb8 Ng1 Nc6 Nf3 Nb8 Ng1";
    assert!(is_drawn_by(&after(START, nobody_beside), "repetition"));
    let twice_around = "d5 Nf3 Kh8 Ng1 Kg8 Nf3 Kh8 Ng1 Kg8";
    let free = "6k1/3p4/8/4P3/8/8/8/4K1N1 b - - 0 1";
    assert!(after(free, twice_around).end().is_none());
    assert!(is_drawn_by(&after(free, &format!("{twice_around} Nf3")), "repetition"));
    let pinned = "4r1k1/3p4/8/4P3/8/8/8/4K1N1 b - - 0 1";
    assert!(is_drawn_by(&after(pinned, twice_around), "repetition"));
}

#[test]
fn fifty_moves_draw_unless_the_last_one_mates() {
    let rook = |clock| format!("7k/8/6K1/8/8/8/P7/1R6 w - - {clock} 90");
    assert!(after(&rook(98), "Rb2").end().is_none());
    assert!(is_drawn_by(&after(&rook(99), "Rb2"), "fifty-moves"));
    assert!(after(&rook(99), "a3").end().is_none());
    assert_eq!(end_of(&after(&rook(99), "Rb8#")), (Some(Side::First), "checkmate".into()));
    assert!(is_drawn_by(&after("7k/8/6K1/8/8/5Q2/8/8 w - - 99 90", "Qf7"), "stalemate"));
}

#[test]
fn the_last_capture_can_leave_a_dead_position() {
    assert!(is_drawn_by(&after("4k3/8/8/8/8/8/4p3/4KB2 w - - 0 1", "Bxe2"), "dead-position"));
    assert!(after("4k3/p7/8/8/8/8/4p3/4KB2 w - - 0 1", "Bxe2").end().is_none());
    let game = game("4k3/p7/8/8/8/8/8/4K3 w - - 0 1");
    assert_eq!(Side::BOTH.map(|side| game.can_win(side)), [false, true]);
}

#[test]
fn the_first_example_is_a_good_move() {
    assert_eq!(game(START).example().unwrap().notation, "e4");
    assert_eq!(after(START, "f3 e5 g4 Qh4#").example(), None);
}

#[test]
fn a_board_is_drawn() {
    let expected = "8 r n b q k b n r\n7 p p p p . p p p\n6 . . . . . . . .\n5 . . . . p . . .\n4 . . . . P . . .\n\
                    3 . . . . . . . .\n2 P P P P . P P P\n1 R N B Q K B N R\n  a b c d e f g h";
    for tongue in Tongue::ALL {
        assert_eq!(after(START, "e4 e5").draw(tongue).join("\n"), expected);
    }
}

/// The published games: tags and moves by turns, with an empty line between them.
fn published() -> Vec<(&'static str, &'static str)> {
    let blocks: Vec<_> = include_str!("../../../../tests/data/chess-games.pgn").split("\n\n").map(str::trim_end).collect();
    blocks.chunks(2).map(|block| (block[0], block[1])).collect()
}

#[test]
fn published_games_play_through() {
    let games = published();
    assert!(games.len() >= 36);
    for (tags, text) in games {
        let tokens: Vec<_> = text.split_whitespace().collect();
        let (result, tokens) = tokens.split_last().unwrap();
        let moves: Vec<_> = tokens.iter().copied().filter(|token| !token.ends_with('.')).collect();
        let mut game = game(START);
        for notation in &moves {
            assert_eq!(game.play(notation).unwrap_or_else(|why| panic!("{notation}: {why:?}\n{tags}")).notation, *notation);
        }
        let winner = [("1-0", Side::First), ("0-1", Side::Second)].into_iter().find(|(token, _)| token == result);
        let winner = winner.map(|(_, side)| side);
        let is_mate = moves.last().unwrap().ends_with('#');
        let expected = if is_mate { (winner, "checkmate") } else { (None, "none") };
        assert_eq!(end_of(&game), (expected.0, expected.1.into()), "{tags}");
        assert!(tags.contains(&format!("[Result \"{result}\"]")) && (winner.is_some() || *result == "1/2-1/2"));
        let end = End { winner, reason: CHECKMATE.clone() };
        let names = ["a", "b"];
        let record = pgn::record(&Played { names, moves: &moves, end: &end, at_ms: 0, clock: None, id: GameId(1) });
        assert_eq!(record[8..].join("\n"), text);
    }
}

/// Where random games begin: at the start, and where they end by themselves.
const BEGINNINGS: [&str; 5] = [
    START,
    KIWIPETE,
    "8/2k5/8/8/4b3/8/5K2/R7 w - - 0 1",
    "4k3/P2p3p/8/4P3/3p4/8/p3P2P/4K3 w - - 0 1",
    "6k1/5ppp/8/8/8/8/5PPP/6K1 w - - 60 40",
];

/// What is to be seen of a position.
fn seen(game: &Chess) -> (String, Side, Vec<String>, (Option<Side>, String)) {
    (game.position(), game.turn(), game.legal_moves(), end_of(game))
}

#[test]
fn random_games_are_the_same_when_they_are_replayed() {
    let mut dice = Dice(1);
    for round in 0..150 {
        let beginning = BEGINNINGS[round % BEGINNINGS.len()];
        let (mut game, mut again) = (game(beginning), game(beginning));
        let mut played = Vec::new();
        for _ in 0..40 {
            let now = seen(&game);
            let Some(notation) = now.2.get(dice.below(now.2.len().max(1))).cloned() else { break };
            assert_eq!(game.play(&notation).unwrap().notation, notation);
            played.push((now, notation));
        }
        for (then, notation) in played {
            assert_eq!(seen(&again), then);
            again.play(&notation).unwrap();
        }
        assert_eq!(seen(&again), seen(&game));
    }
}

/// Other ways to type a move.
fn spellings(board: &Board, step: cozy_chess::Move, notation: &str) -> Vec<String> {
    let bare = notation.trim_end_matches(['+', '#']);
    let mut spellings = vec![
        cozy_chess::util::display_uci_move(board, step).to_string(),
        bare.replace(['x', '='], ""),
        format!("{notation}!?"),
        bare.replace('O', "0"),
        bare.replace('O', "o"),
    ];
    if let Some(letter @ ('N' | 'R' | 'Q' | 'K')) = notation.chars().next() {
        spellings.push(format!("{letter}{}{}", step.from, step.to));
        spellings.push(notation.to_ascii_lowercase());
    }
    spellings
}

/// The notation of a piece's move with less said of where it comes from, in every way.
fn shortened(notation: &str) -> Vec<String> {
    let bare = notation.replace(['x', '+', '#'], "");
    let is_pieces = !bare.starts_with('O') && bare.starts_with(|letter: char| letter.is_uppercase());
    let said = if is_pieces { 1..bare.len() - 2 } else { 0..0 };
    said.map(|at| [&bare[..at], &bare[at + 1..]].concat()).collect()
}

#[test]
fn every_move_is_read_in_every_spelling_and_written_as_short_as_can_be() {
    let mut dice = Dice(2);
    for round in 0..40 {
        let mut game = game([START, KIWIPETE, "6k1/8/8/2Q1Q3/8/2Q1Q3/3N1N2/K2N1N2 w - - 0 1"][round % 3]);
        for _ in 0..20 {
            let notations = game.legal_moves();
            for (&step, notation) in game.moves().iter().zip(&notations).step_by(3) {
                assert_eq!(notation::read(&game.board, notation), Ok(step));
                for spelling in spellings(&game.board, step, notation) {
                    assert_eq!(notation::read(&game.board, &spelling), Ok(step), "{spelling} for {notation}");
                }
                for short in shortened(notation) {
                    let refusal = notation::read(&game.board, &short).unwrap_err();
                    assert!(refusal.en.starts_with("which one"), "{short} for {notation}");
                }
            }
            let Some(notation) = notations.get(dice.below(notations.len().max(1))) else { break };
            game.play(notation).unwrap();
        }
    }
}

/// Counts for itself, from what is printed.
#[test]
fn repetitions_and_the_fifty_moves_are_counted() {
    let mut dice = Dice(3);
    let mut ends = HashMap::new();
    for round in 0..60 {
        let mut game = game(BEGINNINGS[2 + round % 3]);
        let mut times = HashMap::new();
        let mut quiet = game.board.halfmove_clock();
        let end = loop {
            let position = game.position();
            let fields: Vec<_> = position.split(' ').collect();
            let taking = format!("x{}", fields[3]);
            let can_take = fields[3] != "-" && game.legal_moves().iter().any(|notation| notation[1..].starts_with(&taking));
            let here: &mut u32 = times.entry(format!("{:?}{can_take}", &fields[..3])).or_default();
            *here += 1;
            match end_of(&game).1.as_str() {
                "none" => assert!(*here < 3 && quiet < 100),
                "repetition" => assert!(*here == 3 && quiet < 100),
                "fifty-moves" => assert_eq!(quiet, 100),
                _ => {}
            }
            if game.end().is_some() {
                break end_of(&game).1;
            }
            let moves = game.moves();
            let notation = game.play(&moves[dice.below(moves.len())].to_string()).unwrap().notation;
            let is_quiet = notation.starts_with(|letter: char| letter.is_uppercase()) && !notation.contains('x');
            quiet = if is_quiet { quiet + 1 } else { 0 };
        };
        *ends.entry(end).or_insert(0) += 1;
    }
    let met = |code: &&str| ends.contains_key(*code);
    assert!(["repetition", "fifty-moves", "dead-position"].iter().all(met), "{ends:?}");
}

#[test]
fn garbage_is_refused_and_changes_nothing() {
    let mut dice = Dice(4);
    let mut game = after(START, "e4 e5 Nf3");
    let before = seen(&game);
    let letters: Vec<char> = "abcdefgh12345678NBRQKPxO0-=+#!?.:/ \u{0}é马".chars().collect();
    for _ in 0..2_000 {
        let typed: String = (0..dice.below(9)).map(|_| letters[dice.below(letters.len())]).collect();
        assert!(notation::read(&game.board, &typed).is_ok() || game.play(&typed).is_err());
    }
    for typed in ["", "=", "+", "x", "-", "Q", "=Q", "e", "Nf", "e8=", "e9", "i4", "--", "O-O-O-O", "e4 e5", "ｅ４"] {
        assert!(game.play(typed).is_err(), "{typed}");
    }
    assert!(game.play(&"Nf3".repeat(1_300)).is_err());
    assert_eq!(seen(&game), before);
}

#[test]
fn a_move_is_told_by_its_squares_as_uci_has_it() {
    let castling = "r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1";
    for (fen, notation, squares) in [
        (START, "e4", "e2e4"),
        (castling, "O-O", "e1g1"),
        (castling, "O-O-O", "e1c1"),
        (castling, "Rxa8+", "a1a8"),
        ("1n2k3/P7/8/8/8/8/8/4K3 w - - 0 1", "axb8=Q+", "a7b8q"),
        ("1n2k3/P7/8/8/8/8/8/4K3 w - - 0 1", "a8=N", "a7a8n"),
        ("4k3/1P6/8/8/8/8/8/4K3 w - - 0 1", "b8=B", "b7b8b"),
        ("4k3/8/8/3pP3/8/8/8/4K3 w - d6 0 1", "exd6", "e5d6"),
    ] {
        let game = game(fen);
        let at = game.legal_moves().iter().position(|legal| legal == notation).unwrap();
        assert_eq!(game.coordinates()[at], squares);
        assert_eq!(game.clone().play(squares).unwrap().notation, notation);
    }
}

#[test]
fn a_position_is_read_as_it_was_written() {
    // The en passant square stands there whether or not anything can take.
    for moves in ["e4", "e4 a6 e5 d5", "Nf3", "f3 e5 g4 Qh4#"] {
        let played = after(START, moves);
        let read = (GAME.at)(&played.position()).unwrap();
        assert_eq!((read.position(), read.end(), read.legal_moves()), (played.position(), played.end(), played.legal_moves()));
    }
    let fifty_moves = (GAME.at)("4k3/8/8/8/8/8/8/R3K3 w - - 100 90").unwrap();
    assert_eq!(fifty_moves.end().unwrap().reason, FIFTY_MOVES);
    for other in [
        // Kings side by side, or castling from elsewhere.
        "8/8/8/3kK3/8/8/8/8 w - - 0 1",
        "4k3/8/8/8/8/8/8/R2K4 w Q - 0 1",
        // The side that has moved in check.
        "4k3/8/8/8/8/8/8/4RK2 w - - 0 1",
        // The same written otherwise.
        "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w HAha - 0 1",
        "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w qkQK - 0 1",
        "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 01",
        "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq -",
    ] {
        assert!((GAME.at)(other).is_none(), "{other}");
    }
}
