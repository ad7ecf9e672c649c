//! The promise about a seat: however many want it at once, exactly one gets it, everyone else is told by
//! whom, and there is never a game with one player or a player in two games. PARLOR_SEAT_RACES says how
//! many invitations are raced for.

use std::sync::Barrier;
use std::thread;

use serde_json::Value;

use crate::harness::player::{Player, game_id};
use crate::harness::{Daemon, Dice, repetitions};

const RACERS: usize = 64;
const THREADS: usize = 8;

/// What came of one race.
struct Race {
    id: u64,
    winner: String,
}

/// Sends the same line over all connections and returns the reply to each.
fn race(racers: &mut [Player], line: &str, start: &Barrier) -> Vec<Value> {
    start.wait();
    racers.iter_mut().for_each(|racer| racer.client.send(line));
    racers.iter_mut().map(|racer| racer.reply()).collect()
}

/// What is open and under way, as everyone is told.
fn games(player: &mut Player) -> Vec<Value> {
    let mut lines = player.lines_of("N");
    let reply = lines.pop().unwrap();
    assert_eq!(reply["count"], lines.len(), "{reply}, {lines:?}");
    lines
}

/// One invitation, and everyone for its seat.
fn race_for_a_seat(inviter: &mut Player, racers: &mut [Player], start: &Barrier) -> Race {
    let id = inviter.invites("tic-tac-toe");
    let line = format!("D - {inviter}");
    let replies: Vec<Value> = thread::scope(|scope| {
        let race = |racers| scope.spawn(|| race(racers, &line, start));
        let threads: Vec<_> = racers.chunks_mut(RACERS / THREADS).map(race).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let (winners, losers): (Vec<usize>, Vec<usize>) = (0..RACERS).partition(|&racer| replies[racer]["ok"] == "D");
    assert_eq!((winners.len(), losers.len()), (1, RACERS - 1), "{replies:#?}");
    let winner = &mut racers[winners[0]];
    let won = &replies[winners[0]];
    assert_eq!((game_id(won), &won["opponent"], &won["side"]), (id, &inviter.name.as_str().into(), &"second".into()));
    for loser in losers {
        let told = &replies[loser];
        assert_eq!((&told["err"], &told["from"]), (&"taken".into(), &winner.name.as_str().into()), "{told}");
    }
    let listed = games(winner);
    assert!(matches!(&listed[..], [one] if one["item"] == "playing"), "{listed:?}");
    for seen in [&listed[0], &winner.board(), &inviter.board()] {
        let told = (game_id(seen), &seen["first"], &seen["second"], &seen["ply"]);
        assert_eq!(told, (id, &inviter.name.as_str().into(), &winner.name.as_str().into(), &0.into()), "{seen}");
    }
    winner.ok("M abort");
    let over = inviter.hears("over");
    assert_eq!((game_id(&over), &over["result"]), (id, &"aborted".into()), "{over}");
    Race { id, winner: winner.name.clone() }
}

#[test]
fn sixty_four_racers_for_one_seat_have_one_winner() {
    let daemon = Daemon::start();
    let mut inviter = Player::enter(&daemon, "inviter");
    let mut racers: Vec<Player> = (0..RACERS).map(|n| Player::enter(&daemon, &format!("racer{n}"))).collect();
    let (start, invitations) = (Barrier::new(THREADS), repetitions("PARLOR_SEAT_RACES", 30));
    let races: Vec<Race> = (0..invitations).map(|_| race_for_a_seat(&mut inviter, &mut racers, &start)).collect();
    assert!(races.is_sorted_by(|a, b| a.id < b.id), "each has a number of its own");
    assert_eq!(games(&mut inviter), [Value::Null; 0]);
    let sql = "SELECT g.id, a.name, b.name, g.result FROM game_record g
               LEFT JOIN base_info a ON a.id = g.uid LEFT JOIN base_info b ON b.id = g.opponent ORDER BY g.id";
    let database = daemon.database();
    let mut statement = database.prepare(sql).unwrap();
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let stored: Vec<(u64, String, String, String)> = statement.query_map([], row).unwrap().map(Result::unwrap).collect();
    let held = races.iter().map(|race| (race.id, "inviter".to_owned(), race.winner.clone(), "aborted".to_owned()));
    assert_eq!(stored, held.collect::<Vec<_>>());
    println!(
        "{invitations} invitations, each raced for by {RACERS}: {} OK, {} taken, 0 seats lost, 0 games with one player",
        races.len(),
        races.len() * (RACERS - 1)
    );
}

/// Both send their lines at the same moment, a random one of them first; the reply to the last line of each.
fn at_once(dice: &mut Dice, players: [&mut Player; 2], lines: [&str; 2]) -> [Value; 2] {
    let start = Barrier::new(2);
    let [late, skew] = [dice.below(2) as usize, dice.below(1 << 16) as usize];
    thread::scope(|scope| {
        let mut number = 0;
        let threads = players.map(|player| {
            let (line, is_late, start) = (lines[number], number == late, &start);
            number += 1;
            scope.spawn(move || {
                start.wait();
                // A moment that no clock of the system is fine enough for.
                (0..if is_late { skew } else { 0 }).for_each(|step| _ = std::hint::black_box(step));
                player.ask(line)
            })
        });
        threads.map(|thread| thread.join().unwrap())
    })
}

/// The one game that is under way, which both are in; neither invites.
#[track_caller]
fn assert_in_one_game(players: [&mut Player; 2]) -> u64 {
    let [one, other] = players;
    let listed = games(one);
    assert!(matches!(&listed[..], [game] if game["item"] == "playing"), "{listed:?}");
    let names = [&listed[0]["first"], &listed[0]["second"]];
    assert!(names.contains(&&one.name.as_str().into()) && names.contains(&&other.name.as_str().into()), "{listed:?}");
    assert_eq!([game_id(&one.board()), game_id(&other.board())], [game_id(&listed[0]); 2]);
    game_id(&listed[0])
}

#[test]
fn two_who_accept_each_other_at_once_are_in_one_game() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = (Player::enter(&daemon, "alice"), Player::enter(&daemon, "bob"));
    let mut dice = Dice::new();
    for _ in 0..repetitions("PARLOR_SEAT_RACES", 30) {
        let ids = [alice.invites("tic-tac-toe"), bob.invites("tic-tac-toe")];
        let replies = at_once(&mut dice, [&mut alice, &mut bob], ["D - bob", "D - alice"]);
        let winner = replies.iter().position(|reply| reply["ok"] == "D").unwrap_or_else(|| panic!("{replies:?}"));
        assert_eq!(game_id(&replies[winner]), ids[1 - winner], "{replies:?}");
        assert_eq!(replies[1 - winner]["err"], "already-playing", "{replies:?}");
        assert_eq!(assert_in_one_game([&mut alice, &mut bob]), ids[1 - winner]);
        alice.ok("M abort");
        bob.hears("over");
    }
}

#[test]
fn one_who_accepts_two_invitations_at_once_gets_the_first() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = (Player::enter(&daemon, "alice"), Player::enter(&daemon, "bob"));
    let mut carol = Player::enter(&daemon, "carol");
    let (id, left) = (alice.invites("tic-tac-toe"), bob.invites("tic-tac-toe"));
    carol.client.send_raw(b"D - alice\nD - bob\nD - alice\n");
    let replies: Vec<Value> = (0..3).map(|_| carol.reply()).collect();
    assert_eq!((game_id(&replies[0]), &replies[0]["opponent"]), (id, &"alice".into()));
    for refusal in &replies[1..] {
        assert_eq!(refusal["err"], "already-playing", "{replies:?}");
    }
    let listed = games(&mut carol);
    let kinds: Vec<(&str, u64)> = listed.iter().map(|game| (game["item"].as_str().unwrap(), game_id(game))).collect();
    assert_eq!(kinds.len(), 2, "{listed:?}");
    assert!(kinds.contains(&("playing", id)) && kinds.contains(&("invitation", left)), "{listed:?}");
}

#[test]
fn an_invitation_withdrawn_at_the_moment_of_the_accept_is_one_or_the_other() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = (Player::enter(&daemon, "alice"), Player::enter(&daemon, "bob"));
    let (mut dice, mut seated) = (Dice::new(), 0);
    let races = repetitions("PARLOR_SEAT_RACES", 30);
    for _ in 0..races {
        let id = alice.invites("tic-tac-toe");
        let replies = at_once(&mut dice, [&mut alice, &mut bob], ["G - -", "D - alice"]);
        if replies[1]["ok"] == "D" {
            seated += 1;
            assert_eq!(replies[0]["err"], "no-invitation", "{replies:?}");
            assert_eq!(assert_in_one_game([&mut alice, &mut bob]), id);
            bob.ok("M abort");
            alice.hears("over");
        } else {
            assert_eq!((&replies[0]["ok"], &replies[1]["err"]), (&"G".into(), &"no-invitation".into()), "{replies:?}");
        }
        assert_eq!(games(&mut bob), [Value::Null; 0]);
    }
    println!("{races} invitations withdrawn while they were accepted: {seated} games");
}

#[test]
fn an_inviter_who_leaves_at_the_moment_of_the_accept_leaves_a_whole_game_or_none() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = (Player::enter(&daemon, "alice"), Player::enter(&daemon, "bob"));
    let (mut dice, mut seated) = (Dice::new(), 0);
    let races = repetitions("PARLOR_SEAT_RACES", 30);
    for _ in 0..races {
        let id = alice.invites("tic-tac-toe");
        let replies = at_once(&mut dice, [&mut alice, &mut bob], ["E", "D - alice"]);
        assert_eq!(replies[0]["ok"], "E");
        alice.again(&daemon);
        if replies[1]["ok"] == "D" {
            seated += 1;
            assert_eq!(assert_in_one_game([&mut alice, &mut bob]), id);
            alice.ok("M abort");
            bob.hears("over");
        } else {
            assert_eq!(replies[1]["err"], "no-invitation", "{replies:?}");
        }
        assert_eq!(games(&mut bob), [Value::Null; 0]);
    }
    println!("{races} inviters who left while they were accepted: {seated} games");
}
