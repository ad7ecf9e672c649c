//! The record of a game in the export format of the PGN standard (1994): the seven tag roster, the clock,
//! and the moves. Names are kept in UTF-8, as everybody has them today.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::Played;
use crate::protocol::game::{End, Side, TimeControl};

/// The longest line of moves.
const LINE_COLUMNS: usize = 79;

/// The game, line by line.
pub(super) fn record(played: &Played<'_>) -> Vec<String> {
    let result = result(played);
    let mut lines = vec![
        tag("Event", "Parlor"),
        tag("Site", "?"),
        tag("Date", &date(played.at_ms)),
        tag("Round", "-"),
        tag("White", played.names[0]),
        tag("Black", played.names[1]),
        tag("Result", result),
    ];
    lines.extend(played.clock.map(|clock| tag("TimeControl", &time_control(clock))));
    lines.extend(termination(played.end).map(|how| tag("Termination", how)));
    lines.push(String::new());
    lines.extend(movetext(played.moves, result));
    lines
}

fn result(played: &Played<'_>) -> &'static str {
    match played.end.winner {
        Some(Side::First) => "1-0",
        Some(Side::Second) => "0-1",
        None if played.end.reason == End::ABORTED => "*",
        None => "1/2-1/2",
    }
}

/// How it ended where that is not seen from the moves (PGN 9.8.1).
fn termination(end: &End) -> Option<&'static str> {
    let words = [
        (End::TIME, "time forfeit"),
        (End::TIME_NO_WIN, "time forfeit"),
        (End::DISCONNECTED, "abandoned"),
        (End::IDLE, "abandoned"),
        (End::ABORTED, "unterminated"),
    ];
    words.into_iter().find(|(reason, _)| *reason == end.reason).map(|(_, word)| word)
}

fn tag(name: &str, value: &str) -> String {
    format!("[{name} \"{}\"]", value.replace('\\', r"\\").replace('"', r#"\""#))
}

/// The day in UTC.
fn date(at_ms: i64) -> String {
    match Timestamp::from_millisecond(at_ms) {
        Ok(at) => at.to_zoned(TimeZone::UTC).strftime("%Y.%m.%d").to_string(),
        Err(_) => "????.??.??".into(),
    }
}

fn time_control(clock: TimeControl) -> String {
    match (clock.initial_s(), clock.increment_s()) {
        (seconds, 0) => seconds.to_string(),
        (seconds, increment_s) => format!("{seconds}+{increment_s}"),
    }
}

/// The moves and the result, as many on a line as it holds.
fn movetext(moves: &[&str], result: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut add = |token: &str| match lines.last_mut() {
        Some(line) if line.is_empty() => line.push_str(token),
        Some(line) if line.len() + 1 + token.len() <= LINE_COLUMNS => {
            line.push(' ');
            line.push_str(token);
        }
        _ => lines.push(token.into()),
    };
    for (index, step) in moves.iter().enumerate() {
        if index % 2 == 0 {
            add(&format!("{}.", index / 2 + 1));
        }
        add(step);
    }
    add(result);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::game::{GameId, Words};

    fn played<'a>(moves: &'a [&'a str], end: &'a End) -> Played<'a> {
        Played { names: ["ann", "李雷"], moves, end, at_ms: 1_700_000_000_000, clock: None, id: GameId(7) }
    }

    fn end(winner: Option<Side>) -> End {
        End { winner, reason: Words::new("x", "x", "x") }
    }

    #[test]
    fn a_record_has_the_seven_tags_the_clock_and_the_moves() {
        let end = end(Some(Side::Second));
        let played = Played { clock: TimeControl::parse("5+3"), ..played(&["f3", "e5", "g4", "Qh4#"], &end) };
        let expected = "[Event \"Parlor\"]\n[Site \"?\"]\n[Date \"2023.11.14\"]\n[Round \"-\"]\n[White \"ann\"]\n\
                        [Black \"李雷\"]\n[Result \"0-1\"]\n[TimeControl \"300+3\"]\n\n1. f3 e5 2. g4 Qh4# 0-1";
        assert_eq!(record(&played).join("\n"), expected);
    }

    #[test]
    fn every_result_has_its_token() {
        let aborted = End { winner: None, reason: End::ABORTED };
        for (end, token) in [(aborted, "*"), (end(None), "1/2-1/2"), (end(Some(Side::First)), "1-0")] {
            let lines = record(&played(&[], &end));
            assert_eq!(lines.last().map(String::as_str), Some(token));
            assert!(lines.contains(&format!("[Result \"{token}\"]")));
        }
    }

    #[test]
    fn what_a_name_or_a_time_may_be_breaks_no_tag() {
        assert_eq!(tag("White", r#"a"b\c"#), r#"[White "a\"b\\c"]"#);
        assert_eq!(date(-1), "1969.12.31");
        assert_eq!(date(i64::MAX), "????.??.??");
        assert_eq!(TimeControl::parse("10").map(time_control).as_deref(), Some("600"));
        assert_eq!(TimeControl::parse("0+5").map(time_control).as_deref(), Some("5+5"));
    }

    #[test]
    fn long_games_are_wrapped() {
        let moves = ["Nf3", "Nf6", "Ng1", "Ng8"].repeat(60);
        let lines = movetext(&moves, "1/2-1/2");
        assert!(lines.len() > 10);
        assert!(lines.iter().all(|line| line.len() <= LINE_COLUMNS && line.trim() == line && !line.is_empty()));
        let tokens: Vec<_> = lines.iter().flat_map(|line| line.split(' ')).collect();
        assert_eq!(tokens.len(), 240 + 120 + 1);
        assert_eq!(&tokens[357..], ["120.", "Ng1", "Ng8", "1/2-1/2"]);
    }
}
