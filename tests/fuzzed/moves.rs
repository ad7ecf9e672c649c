//! Games: any text as a move, on positions that legal moves lead to; and any text as a position.

use parlor::games::rules::{GAMES, Game, Played, Rules};
use parlor::protocol::game::{End, GameId, Side, TimeControl};
use parlor::protocol::tongue::Tongue;

use super::{Choices, acts_on_terminals};

/// Ends that lie in how a position was come to, so that it does not show them.
const ENDS_OF_THE_WAY: [&str; 2] = ["repetition", "perpetual-check"];

/// The first byte says which game, the second how many of the bytes behind it choose moves; what is left is text,
/// each line of which is typed as a move and read as a position.
pub fn holds(input: &[u8]) {
    let mut choices = Choices(input);
    let game = GAMES[choices.below(GAMES.len())];
    let plies = usize::from(choices.byte()).min(choices.0.len());
    let (chosen, text) = choices.0.split_at(plies);
    let (position, moves) = play(game, chosen);
    is_sound(game, &*position, &moves);
    for line in String::from_utf8_lossy(text).lines().take(4) {
        is_typed(game, &moves, line);
        is_read(game, line);
    }
}

/// Plays the moves that the bytes choose among the legal ones.
fn play(game: &Game, chosen: &[u8]) -> (Box<dyn Rules>, Vec<String>) {
    let (mut position, mut moves) = ((game.start)(), Vec::new());
    for &choice in chosen {
        let legal = position.legal_moves();
        if legal.is_empty() {
            break;
        }
        let notation = &legal[usize::from(choice) % legal.len()];
        let made = position.play(notation).unwrap_or_else(|illegal| panic!("{notation}: {}", illegal.en));
        assert_eq!(&made.notation, notation);
        moves.push(made.notation);
    }
    (position, moves)
}

fn replay(game: &Game, moves: &[String]) -> Box<dyn Rules> {
    let mut position = (game.start)();
    for notation in moves {
        position.play(notation).unwrap_or_else(|illegal| panic!("{notation}: {}", illegal.en));
    }
    position
}

fn look_the_same(one: &dyn Rules, other: &dyn Rules) {
    assert_eq!(one.position(), other.position());
    assert_eq!((one.turn(), one.end(), one.forced()), (other.turn(), other.end(), other.forced()));
    assert_eq!((one.legal_moves(), one.coordinates()), (other.legal_moves(), other.coordinates()));
    for tongue in Tongue::ALL {
        assert_eq!(one.draw(tongue), other.draw(tongue));
    }
    for side in Side::BOTH {
        assert_eq!(one.can_win(side), other.can_win(side));
    }
}

/// What holds of a position that moves have led to.
fn is_sound(game: &Game, position: &dyn Rules, moves: &[String]) {
    look_the_same(position, &*replay(game, moves));
    is_shown_well(position);
    let legal = position.legal_moves();
    assert_eq!(legal.is_empty(), position.end().is_some(), "who can do nothing has reached an end, or passes");
    assert_eq!(legal.len(), position.coordinates().len());
    assert!(position.forced().is_none_or(|forced| legal == [forced]));
    if let Some(example) = position.example() {
        assert!(legal.contains(&example.notation));
    }
    is_found_again(game, position);
    is_recorded(game, position, moves);
}

fn is_shown_well(position: &dyn Rules) {
    assert_eq!(position.position().trim(), position.position());
    assert!(!position.position().contains(acts_on_terminals));
    for tongue in Tongue::ALL {
        let board = position.draw(tongue);
        assert!(board.len() <= 17 && board.iter().all(|line| line.chars().count() <= 36 && !line.contains(acts_on_terminals)));
    }
}

/// Its text is enough to go on with it.
fn is_found_again(game: &Game, position: &dyn Rules) {
    let text = position.position();
    let again = (game.at)(&text).unwrap_or_else(|| panic!("{text:?} is not read"));
    assert_eq!((again.position(), again.turn()), (text.clone(), position.turn()));
    if position.end().is_none_or(|end| !ENDS_OF_THE_WAY.contains(&end.reason.code.as_ref())) {
        assert_eq!((again.end(), again.legal_moves()), (position.end(), position.legal_moves()), "{text:?}");
    }
}

/// The record is harmless to show, and holds every move.
fn is_recorded(game: &Game, position: &dyn Rules, moves: &[String]) {
    let end = position.end().unwrap_or(End { winner: Some(Side::Second), reason: End::RESIGNED });
    assert!(game.ends.contains(&&end.reason) || end.reason == End::RESIGNED);
    let moves: Vec<&str> = moves.iter().map(String::as_str).collect();
    let clock = TimeControl::parse("5+3");
    let played =
        Played { names: ["王小明", "bob"], moves: &moves, end: &end, at_ms: 1_795_142_340_123, clock, id: GameId(7) };
    let (format, lines) = game.record(&played);
    assert!(!lines.iter().any(|line| line.contains(acts_on_terminals)));
    match format {
        "moves" => assert_eq!(lines.iter().flat_map(|line| line.split(' ')).collect::<Vec<_>>(), moves),
        "pgn" => {
            let text: Vec<&str> = lines.iter().skip_while(|line| !line.is_empty()).flat_map(|line| line.split(' ')).collect();
            let is_move = |token: &&str| !token.is_empty() && !token.ends_with('.');
            let mut told: Vec<&str> = text.into_iter().filter(is_move).collect();
            assert!(["1-0", "0-1", "1/2-1/2", "*"].contains(&told.pop().unwrap_or_default()));
            assert_eq!(told, moves);
        }
        "sgf" => {
            let told = lines.iter().filter(|line| line.starts_with(';')).flat_map(|line| line[1..].split(';'));
            let told: Vec<&str> = told.collect();
            assert_eq!(told.len(), moves.len());
            for (at, step) in told.into_iter().enumerate() {
                let side = if at % 2 == 0 { "B[" } else { "W[" };
                assert!(step.len() == 5 && step.starts_with(side) && step.ends_with(']'), "{step:?}");
            }
        }
        other => panic!("{other} is no format known here"),
    }
}

/// What somebody types is a legal move, or is refused in short words and changes nothing.
fn is_typed(game: &Game, moves: &[String], typed: &str) {
    let mut position = replay(game, moves);
    let before = replay(game, moves);
    match position.play(typed) {
        Ok(made) => {
            assert!(before.end().is_none() && before.legal_moves().contains(&made.notation), "{typed:?}: {}", made.notation);
            let moves = [moves, &[made.notation]].concat();
            is_sound(game, &*position, &moves);
        }
        Err(illegal) => {
            look_the_same(&*position, &*before);
            assert!(illegal.en.is_ascii() && !illegal.en.is_empty() && illegal.en.len() < 160, "{:?}", illegal.en);
            assert!(!illegal.zh.is_empty() && illegal.zh.len() < 240 && !illegal.zh.contains(acts_on_terminals));
        }
    }
}

/// A text that is read as a position is that position's, and can be played on.
fn is_read(game: &Game, text: &str) {
    let Some(position) = (game.at)(text) else { return };
    assert_eq!(position.position(), text);
    is_shown_well(&*position);
    let (legal, coordinates) = (position.legal_moves(), position.coordinates());
    assert_eq!(legal.is_empty(), position.end().is_some());
    assert_eq!(legal.len(), coordinates.len());
    for (notation, squares) in legal.iter().zip(&coordinates) {
        let [mut told, mut pointed] = [notation, squares].map(|typed| {
            let mut position = (game.at)(text).expect("it was read before");
            assert_eq!(&position.play(typed).expect("a legal move").notation, notation, "{text:?}");
            position
        });
        assert_eq!(told.position(), pointed.position());
        assert_eq!(told.play("?").is_err(), pointed.play("?").is_err());
        is_shown_well(&*told);
    }
}
