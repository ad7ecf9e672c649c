//! What the tests of all games share: random games that are the same in every run, and what the rest of
//! the program relies on, tried for every game in the list. A game that is added is tried by itself.

use super::{GAMES, Game, Rules};
use crate::protocol::tongue::Tongue;

/// Random numbers (SplitMix64), the same in every run.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

/// Fails unless two positions are the same to everybody who looks at them.
pub(super) fn look_the_same(one: &dyn Rules, other: &dyn Rules) {
    assert_eq!(one.position(), other.position());
    assert_eq!(one.turn(), other.turn());
    assert_eq!(one.legal_moves(), other.legal_moves());
    assert_eq!(one.end(), other.end());
}

/// Fails unless the boards fit where they are shown.
pub(super) fn is_drawn_within_limits(game: &dyn Rules) {
    assert_eq!(game.position().trim(), game.position());
    for tongue in [Tongue::En, Tongue::Zh] {
        let board = game.draw(tongue);
        assert!(board.len() <= 17);
        for line in board {
            let columns: usize = line.chars().map(|character| columns(character, tongue)).sum();
            assert!(columns <= 36 && line.trim_end() == line, "{line:?}");
        }
    }
}

/// How wide a character is on every terminal: East Asian Width (UAX #11) W and F take two columns, and what
/// is ambiguous shears the board.
fn columns(character: char, tongue: Tongue) -> usize {
    match character {
        ' '..='~' => 1,
        '\u{3000}'..='\u{303f}' | '\u{4e00}'..='\u{9fff}' | '\u{ff01}'..='\u{ff60}' if tongue == Tongue::Zh => 2,
        other => panic!("{other:?} has no certain width in {tongue:?}"),
    }
}

fn refuses_garbage(game: &mut dyn Rules, replayed: &dyn Rules) {
    for garbage in ["", " ", "?", "0", "-1", "+8", "a-1", "z99", "h8h8h8", "h8 h9", "五", "e\u{301}8", "resign"] {
        let illegal = game.play(garbage).unwrap_err();
        assert!(illegal.en.is_ascii() && illegal.en.len() < 160 && illegal.zh.len() < 240, "{garbage:?}: {illegal:?}");
    }
    for letter in ["8", "h", "N", "炮"] {
        assert!(game.play(&letter.repeat(4096 / letter.len())).is_err());
    }
    look_the_same(game, replayed);
}

fn keeps_its_promises(game: &Game, dice: &mut Dice) {
    let (mut played, mut replayed) = ((game.start)(), (game.start)());
    for ply in 0..80 {
        look_the_same(&*played, &*replayed);
        is_drawn_within_limits(&*played);
        let moves = played.legal_moves();
        if let Some(end) = played.end() {
            assert!(game.ends.contains(&&end.reason));
            assert!(moves.is_empty() && played.forced().is_none() && played.example().is_none());
            assert!(played.play("b2").is_err());
            return;
        }
        if ply % 16 == 0 {
            refuses_garbage(&mut *played, &*replayed);
        }
        assert!(moves.contains(&played.example().unwrap().notation));
        assert!(played.forced().is_none_or(|forced| moves == [forced]));
        let notation = &moves[dice.below(moves.len())];
        assert!(!notation.contains(char::is_whitespace));
        let made = played.play(notation).unwrap();
        assert_eq!((&made.notation, replayed.play(notation)), (notation, Ok(made.clone())));
    }
}

#[test]
fn every_game_keeps_the_promises_of_one() {
    let mut dice = Dice(7);
    for game in GAMES {
        (0..20).for_each(|_| keeps_its_promises(game, &mut dice));
    }
}

#[test]
fn every_game_is_told_apart_by_its_words() {
    for (at, game) in GAMES.iter().enumerate() {
        assert!(game.title.code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
        let others = || GAMES[..at].iter();
        assert!(others().all(|other| other.title.code != game.title.code && other.title.zh != game.title.zh));
        for word in [&game.title.code, &game.title.zh] {
            assert!(std::ptr::eq(super::find(word).unwrap(), *game));
        }
    }
    assert!(super::find("go").is_none() && super::find("-").is_none() && super::find("resume").is_none());
}
