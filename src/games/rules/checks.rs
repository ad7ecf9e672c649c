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

/// Ends that lie in how a position was come to, so that it does not show them.
const ENDS_OF_THE_WAY: [&str; 2] = ["repetition", "perpetual-check"];

/// Fails unless the text of a position is enough to go on with it.
fn is_read_back(game: &Game, played: &dyn Rules) {
    let text = played.position();
    let read = || (game.at)(&text).unwrap_or_else(|| panic!("{text}"));
    if played.end().is_some_and(|end| ENDS_OF_THE_WAY.contains(&end.reason.code.as_ref())) {
        return assert_eq!((read().position(), read().turn()), (text.clone(), played.turn()));
    }
    let again = read();
    look_the_same(&*again, played);
    let (moves, coordinates) = (played.legal_moves(), played.coordinates());
    assert_eq!((moves.len(), &coordinates), (coordinates.len(), &again.coordinates()));
    // What is the same is tried by whoever plays the moves.
    for (notation, squares) in moves.iter().zip(&coordinates).filter(|(notation, squares)| notation != squares) {
        assert_eq!(&read().play(squares).unwrap().notation, notation);
    }
}

/// Whether a text, whatever it may be, is read. Fails unless it is then that position's and can be played on.
fn is_read(game: &Game, text: &str) -> bool {
    let Some(read) = (game.at)(text) else { return false };
    assert_eq!(read.position(), text);
    is_drawn_within_limits(&*read);
    let (moves, coordinates) = (read.legal_moves(), read.coordinates());
    assert!((read.end().is_some() || !moves.is_empty()) && moves.len() == coordinates.len());
    assert_eq!(read.example().is_some(), !moves.is_empty());
    for (notation, squares) in moves.iter().zip(&coordinates) {
        let mut pointed = (game.at)(text).unwrap();
        assert_eq!(&pointed.play(squares).unwrap().notation, notation, "{text}");
        assert!(pointed.end().is_some() || !pointed.legal_moves().is_empty());
    }
    true
}

/// What a text of no game need be made of.
const FOREIGN: [char; 14] = [' ', '/', '-', '.', '0', '1', '9', 'x', 'o', 'K', 'k', 'p', 'é', '五'];

/// A text with some of its characters changed, taken out or doubled, or swapped with others of it.
fn spoilt(text: &str, dice: &mut Dice) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..=dice.below(3) {
        let (at, other) = (dice.below(characters.len()), dice.below(characters.len()));
        match dice.below(6) {
            0 => characters[at] = FOREIGN[dice.below(FOREIGN.len())],
            1 if characters.len() > 1 => drop(characters.remove(at)),
            2 => characters.insert(at, characters[other]),
            3 => characters[at] = characters[other],
            _ => characters.swap(at, other),
        }
    }
    characters.into_iter().collect()
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
        is_read_back(game, &*played);
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

#[test]
fn every_game_reads_its_own_texts_and_no_others() {
    let mut dice = Dice(11);
    let starts: Vec<String> = GAMES.iter().map(|game| (game.start)().position()).collect();
    for game in GAMES {
        for text in starts.iter().filter(|&text| *text != (game.start)().position()) {
            assert!((game.at)(text).is_none());
        }
        for garbage in ["", " ", "x", "/", " - - ", "é x", "五/五 o", "\u{0}", "9999999999999999999999/ w - - 0 1"] {
            assert!((game.at)(garbage).is_none() && (game.at)(&garbage.repeat(4096)).is_none());
        }
        let mut texts_read = 0;
        for _ in 0..10 {
            let mut played = (game.start)();
            for _ in 0..dice.below(60) {
                let moves = played.legal_moves();
                if moves.is_empty() {
                    break;
                }
                played.play(&moves[dice.below(moves.len())]).unwrap();
            }
            for _ in 0..20 {
                texts_read += usize::from(is_read(game, &spoilt(&played.position(), &mut dice)));
                let garbage: String = (0..dice.below(90)).map(|_| FOREIGN[dice.below(FOREIGN.len())]).collect();
                is_read(game, &garbage);
            }
        }
        assert!((1..200).contains(&texts_read), "{game:?}: {texts_read}");
    }
}
