//! Games: seats, moves and ends that were answered are recorded; no move is on a board that nobody made.

use std::collections::{BTreeMap, BTreeSet};

use super::{Answer, Deed, Faults, GameRow, Kind, Log, Step, Stored};

const ENDS: [&str; 4] = ["first", "second", "draw", "aborted"];

pub(super) fn check(logs: &[&Log], stored: &Stored, faults: &mut Faults) {
    for log in logs {
        for (deed, answer) in log.deeds() {
            check_deed(&log.account, deed, answer, stored, faults);
        }
    }
    check_boards(logs, stored, faults);
    check_seen(logs, stored, faults);
    check_results(stored, faults);
}

fn check_deed(who: &str, deed: &Deed, answer: Option<&Answer>, stored: &Stored, faults: &mut Faults) {
    let row = |game: &u64| stored.games.get(game);
    let (is_there, what) = match (deed, answer) {
        (Deed::Invite, Some(Answer::Game(id))) => (row(id).is_some_and(|row| row.first == who), format!("invitation {id}")),
        (Deed::TakeSeat, Some(Answer::Game(id))) => {
            let is_seated = |row: &GameRow| row.second.as_deref() == Some(who) && !["invited", "void"].contains(&&*row.result);
            (row(id).is_some_and(is_seated), format!("seat in game {id}"))
        }
        (Deed::Move { game, ply, played }, Some(Answer::Done | Answer::Seq(_))) => {
            let is_played = |row: &GameRow| row.moves.get(ply - 1) == Some(played);
            (row(game).is_some_and(is_played), format!("move {played}, ply {ply} of game {game}"))
        }
        (Deed::Resign { game }, Some(answer)) if answer.is_ok() => {
            (row(game).is_some_and(|row| row.reason.as_deref() == Some("resigned")), format!("resignation in game {game}"))
        }
        _ => return,
    };
    if !is_there {
        faults.add(Kind::Lost, format!("{who}'s {what} was answered OK and is not there"));
    }
}

/// The moves that are recorded were sent.
fn check_boards(logs: &[&Log], stored: &Stored, faults: &mut Faults) {
    let mut sent: BTreeMap<u64, BTreeSet<(usize, &str)>> = BTreeMap::new();
    for log in logs {
        for (deed, answer) in log.deeds() {
            if let Deed::Move { game, ply, played } = deed
                && !matches!(answer, Some(Answer::Refused(_)))
            {
                sent.entry(*game).or_default().insert((*ply, played));
            }
        }
    }
    for (game, row) in &stored.games {
        let is_logged = |name: &str| logs.iter().any(|log| log.account == name);
        if !is_logged(&row.first) && !row.second.as_deref().is_some_and(is_logged) {
            continue;
        }
        for (ply, played) in (1..).zip(&row.moves) {
            if !sent.get(game).is_some_and(|sent| sent.contains(&(ply, played.as_str()))) {
                faults.add(Kind::Invented, format!("nobody played {played}, ply {ply} of game {game}"));
            }
        }
    }
}

/// Everyone saw the same moves, and those that are recorded.
fn check_seen(logs: &[&Log], stored: &Stored, faults: &mut Faults) {
    let mut seen: BTreeMap<(u64, usize), &str> = BTreeMap::new();
    for log in logs {
        for step in &log.steps {
            if let Step::Saw { game, ply, played } = step {
                let before = *seen.entry((*game, *ply)).or_insert(played);
                if before != played {
                    faults.add(Kind::Ambiguous, format!("ply {ply} of game {game} is {before} and {played}"));
                }
            }
        }
    }
    let has_crashed = stored.has_crashed();
    for ((game, ply), played) in seen {
        match stored.games.get(&game).and_then(|row| row.moves.get(ply - 1)) {
            Some(recorded) if recorded == played => (),
            Some(recorded) => faults.add(Kind::Ambiguous, format!("ply {ply} of game {game} was {played} and is {recorded}")),
            None if has_crashed => (),
            None => faults.add(Kind::HeardOnly, format!("{played}, ply {ply} of game {game}, was seen and is not there")),
        }
    }
}

/// A game that has ended has one event that tells it, and no other game has.
fn check_results(stored: &Stored, faults: &mut Faults) {
    let mut told: BTreeMap<u64, u64> = BTreeMap::new();
    for event in stored.events.values().filter(|event| event.kind == "result") {
        *told.entry(event.text.parse().unwrap_or(0)).or_default() += 1;
    }
    for (game, row) in &stored.games {
        let (is_ended, times) = (ENDS.contains(&row.result.as_str()), told.remove(game).unwrap_or(0));
        if times != u64::from(is_ended) {
            faults.add(Kind::Changed, format!("{times} results were told of game {game}: {row:?}"));
        }
    }
    for game in told.keys() {
        faults.add(Kind::Changed, format!("the result of game {game} was told, which is not there"));
    }
}
