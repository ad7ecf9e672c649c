//! The promise about what players do beside moving: give up, offer and accept, call off, claim; who may do
//! which when, and what both and the room hear of it.

use serde_json::{Value, json};

use crate::harness::{Client, Daemon, id_of, is_granted, play, seat};

/// Alice and bob as programs, and somebody in the room.
fn three(daemon: &Daemon) -> [Client; 3] {
    ["alice", "bob", "witness"].map(|name| Client::program(daemon, name))
}

/// The next result that the room hears, as its winner's side and the reason.
fn result(witness: &mut Client) -> (String, String) {
    let result = witness.event("result");
    let word = |key: &str| result[key].as_str().unwrap().to_owned();
    (word("result"), word("reason"))
}

fn ends(result: &str, reason: &str) -> (String, String) {
    (result.into(), reason.into())
}

/// Whether an offer was agreed on, by the reply to it.
#[track_caller]
fn agreed(player: &mut Client, what: &str) -> bool {
    let reply: Value = serde_json::from_str(&player.granted(&format!("M {what}"))).unwrap();
    reply["agreed"].as_bool().unwrap_or_else(|| panic!("{reply}"))
}

#[test]
fn who_resigns_loses_and_can_do_so_once() {
    let daemon = Daemon::start();
    let [mut alice, mut bob, mut witness] = three(&daemon);
    // Who is to move, who is not, and before the first move.
    for (moves, by_first, winner) in
        [("h8 i8", true, "second"), ("h8 i8", false, "first"), ("", true, "second"), ("h8", true, "second")]
    {
        let id = seat(&mut alice, &mut bob, "G - gomoku");
        play(&mut alice, &mut bob, moves);
        let (loser, other) = if by_first { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
        loser.granted(r#"{"do":"M","move":"RESIGN"}"#);
        loser.refused("M resign", "no-game");
        let over = other.event("over");
        assert_eq!((&over["game_id"], &over["result"], &over["reason"]), (&json!(id), &json!(winner), &json!("resigned")));
        other.refused("M resign", "no-game");
        assert_eq!(result(&mut witness), ends(winner, "resigned"));
    }
}

#[test]
fn of_two_who_resign_at_once_one_does() {
    let daemon = Daemon::start();
    let [mut alice, mut bob, mut witness] = three(&daemon);
    for _ in 0..10 {
        seat(&mut alice, &mut bob, "G - gomoku");
        alice.send("M resign");
        bob.send("M resign");
        let replies = [alice.reply(), bob.reply()];
        let winner = match replies.each_ref().map(|reply| is_granted(reply)) {
            [true, false] => "second",
            [false, true] => "first",
            _ => panic!("{replies:?}"),
        };
        assert!(replies.iter().any(|reply| reply.contains("\"err\":\"no-game\"")), "{replies:?}");
        assert_eq!(result(&mut witness), ends(winner, "resigned"));
    }
}

#[test]
fn a_draw_is_agreed_on_by_both() {
    let daemon = Daemon::start();
    let [mut alice, mut bob, mut witness] = three(&daemon);
    let id = seat(&mut alice, &mut bob, "G - chess");
    play(&mut alice, &mut bob, "e4 e5");
    assert!(!agreed(&mut bob, "draw"), "also by who is not to move");
    let mut offer = alice.event("offer");
    assert!(offer["at"].take().is_string());
    assert_eq!(offer, json!({"event": "offer", "game_id": id, "game": "chess", "at": null, "from": "bob", "offer": "draw"}));
    let board = alice.objects_of("M").into_iter().find(|line| line["item"] == "board").unwrap();
    assert_eq!((&board["offer"], &board["offered_by"]), (&json!("draw"), &json!("bob")));
    assert!(agreed(&mut alice, "draw"));
    assert_eq!(bob.event("over")["reason"], "agreed");
    assert_eq!(result(&mut witness), ends("draw", "agreed"));

    // Both at once.
    seat(&mut alice, &mut bob, "G - chess");
    alice.send("M draw");
    bob.send("M draw");
    let replies = [alice.reply(), bob.reply()];
    assert!(
        [true, false].iter().all(|agreed| replies.iter().any(|reply| reply.contains(&format!("\"agreed\":{agreed}")))),
        "{replies:?}"
    );
    assert_eq!(result(&mut witness), ends("draw", "agreed"));

    // People are told how to accept, and accept by it.
    let [mut alice, mut bob] = [("zh", "alice"), ("en", "bob")].map(|(voice, name)| Client::speaking(&daemon, voice, name));
    seat(&mut alice, &mut bob, "G - gomoku");
    assert!(alice.granted("M draw").starts_with("OK"));
    let offer = bob.lines_until(|line| line.contains("M draw")).pop().unwrap();
    assert!(offer.contains("[alice]"), "{offer}");
    let lines = bob.lines_of("M Draw");
    assert!(lines.last().unwrap().starts_with("OK"), "{lines:#?}");
    bob.read_on(lines, |line| line.starts_with("[alice] and [bob] drew at gomoku ("));
    alice.skip_to("[alice] 与 [bob] 下五子棋，和棋（");
    assert_eq!(result(&mut witness), ends("draw", "agreed"));
}

#[test]
fn offers_lapse_at_the_next_move() {
    let daemon = Daemon::start();
    let [mut alice, mut bob, _] = three(&daemon);
    seat(&mut alice, &mut bob, "G - gomoku");
    play(&mut alice, &mut bob, "h8 i8");
    for what in ["draw", "undo"] {
        // By who moves next, and by the other.
        for by_first in [true, false] {
            let (asker, other) = if by_first { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
            assert!(!agreed(asker, what));
            assert_eq!(other.event("offer")["offer"], what);
            let moves = match (what, by_first) {
                ("draw", true) => "a1 o1",
                ("draw", false) => "a3 o3",
                (_, true) => "a5 o5",
                (_, false) => "a7 o7",
            };
            play(&mut alice, &mut bob, moves);
            let other = if by_first { &mut bob } else { &mut alice };
            let board = other.objects_of("M").into_iter().find(|line| line["item"] == "board").unwrap();
            assert_eq!(board.get("offer"), None, "{board}");
            // So it is a new offer and no acceptance; and lapses too.
            assert!(!agreed(other, what));
            let moves = match (what, by_first) {
                ("draw", true) => "b1 n1",
                ("draw", false) => "b3 n3",
                (_, true) => "b5 n5",
                (_, false) => "b7 n7",
            };
            play(&mut alice, &mut bob, moves);
        }
    }
}

#[test]
fn moves_are_taken_back_when_both_want_it() {
    let daemon = Daemon::start();
    let [mut alice, mut bob, _] = three(&daemon);
    seat(&mut alice, &mut bob, "G - gomoku");
    alice.refused("M undo", "not-now");
    play(&mut alice, &mut bob, "h8");
    bob.refused("M undo", "not-now");
    // One's own last move, and what followed it: two where the other has answered.
    for (moves, left, turn) in [("i8", 0, "alice"), ("h8", 0, "alice"), ("h8 i8 h9 i9", 2, "alice"), ("h9", 2, "alice")] {
        if moves == "i8" {
            play(&mut bob, &mut alice, moves);
        } else {
            play(&mut alice, &mut bob, moves);
        }
        assert!(!agreed(&mut alice, "undo"));
        assert_eq!(bob.event("offer")["offer"], "undo");
        let lines = bob.lines_of("M undo");
        assert!(lines.last().unwrap().contains("\"agreed\":true"), "{lines:#?}");
        let is_back = |line: &str| line.starts_with(r#"{"event":"takeback""#);
        for lines in [bob.read_on(lines, is_back), alice.lines_until(is_back)] {
            let back: Value = serde_json::from_str(lines.iter().find(|line| is_back(line)).unwrap()).unwrap();
            assert_eq!((&back["from"], &back["ply"], &back["turn"]), (&json!("alice"), &json!(left), &json!(turn)), "{back}");
        }
    }
    // By the second player: its own and the first's.
    play(&mut alice, &mut bob, "h9 i9 h10");
    assert!(!agreed(&mut bob, "undo"));
    assert!(agreed(&mut alice, "undo"));
    let board = bob.objects_of("M").into_iter().find(|line| line["item"] == "board").unwrap();
    assert_eq!((&board["ply"], &board["turn"]), (&json!(3), &json!("bob")));
    // The places are free again, and the numbers too.
    assert!(bob.granted("M h10 4").contains("\"ply\":4"));
}

#[test]
fn taking_back_sets_no_clock_back() {
    let daemon = Daemon::start();
    let [mut alice, mut bob, _] = three(&daemon);
    seat(&mut alice, &mut bob, "G - chess 5+30");
    play(&mut alice, &mut bob, "e4 e5");
    for player in [&mut alice, &mut bob] {
        player.granted("M undo");
    }
    let board = alice.objects_of("M").into_iter().find(|line| line["item"] == "board").unwrap();
    assert_eq!((&board["ply"], &board["turn"]), (&json!(0), &json!("alice")));
    for clock in ["first_ms", "second_ms"] {
        assert!((300_001..=330_000).contains(&board[clock].as_u64().unwrap()), "{board}");
    }
}

#[test]
fn a_rematch_swaps_sides_and_keeps_the_clock() {
    let daemon = Daemon::start();
    let [mut alice, mut bob, mut witness] = three(&daemon);
    let id = seat(&mut alice, &mut bob, "G - connect-four 3+2");
    alice.refused("M rematch", "not-now");
    play(&mut alice, &mut bob, "4 4");
    alice.granted("M resign");
    // Once by the winner first, once by the loser.
    let mut last = id;
    for (names, bob_offers) in [(["bob", "alice"], true), (["alice", "bob"], false)] {
        let (asker, other) = if bob_offers { (&mut bob, &mut alice) } else { (&mut alice, &mut bob) };
        assert!(!agreed(asker, "rematch"));
        assert_eq!(other.event("offer")["offer"], "rematch");
        let lines = other.objects_of("M rematch");
        assert_eq!(lines.last().unwrap()["agreed"], true, "{lines:#?}");
        let begun = asker.event("begun");
        let want = [json!("connect-four"), json!("3+2"), json!(names[0]), json!(names[1]), json!(0), json!(names[0])];
        assert_eq!(["game", "clock", "first", "second", "ply", "turn"].map(|key| begun[key].clone()), want);
        assert!(begun["game_id"].as_u64().unwrap() > last, "{begun}");
        last = begun["game_id"].as_u64().unwrap();
        let (first, second) = if bob_offers { (&mut bob, &mut alice) } else { (&mut alice, &mut bob) };
        play(first, second, "4 4 3");
        second.granted("M resign");
    }
    for _ in 0..3 {
        witness.event("result");
    }
    alice.refused(&format!("O {last}"), "no-game");
}

#[test]
fn there_is_no_rematch_with_one_who_has_left_the_table() {
    let daemon = Daemon::start();
    let [mut alice, mut bob, mut carol] = ["alice", "bob", "carol"].map(|name| Client::program(&daemon, name));
    let is_refused = |reply: &str| ["no-game", "not-now"].iter().any(|code| reply.contains(&format!("\"err\":\"{code}\"")));
    // Inviting, taking a seat or leaving: by either, before the offer or after it.
    for step in 0..3 {
        for before in [true, false] {
            seat(&mut alice, &mut bob, "G - gomoku");
            alice.granted("M resign");
            bob.event("over");
            if !before {
                assert!(!agreed(&mut alice, "rematch"));
                bob.event("offer");
            }
            match step {
                0 => _ = bob.invite("G - chess"),
                1 => {
                    carol.invite("G - chess @bob");
                    bob.granted("D - carol");
                }
                _ => {
                    bob.granted("E");
                    carol.event("leave");
                    bob = Client::program(&daemon, "bob");
                }
            }
            let reply = alice.ask("M rematch");
            assert!(is_refused(&reply), "{reply}");
            match step {
                0 => _ = bob.granted("G - -"),
                1 => _ = bob.granted("M resign"),
                _ => (),
            }
            // Each finds no invitation of an earlier round.
            for client in [&mut alice, &mut bob, &mut carol] {
                client.granted("K");
            }
        }
    }
}

#[test]
fn a_game_is_called_off_before_ones_own_second_move() {
    let daemon = Daemon::start();
    let [mut alice, mut bob, mut witness] = three(&daemon);
    for (moves, by_first) in [("", true), ("", false), ("h8", true), ("h8", false), ("h8 i8", true), ("h8 i8 h9", false)] {
        let id = seat(&mut alice, &mut bob, "G - gomoku 5+3");
        play(&mut alice, &mut bob, moves);
        let (one, other) = if by_first { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
        one.granted("M abort");
        let over = other.event("over");
        assert_eq!((&over["game_id"], &over["result"], &over["reason"]), (&json!(id), &json!("aborted"), &json!("aborted")));
        assert_eq!(result(&mut witness), ends("aborted", "aborted"));
        one.refused("M abort", "no-game");
    }
    seat(&mut alice, &mut bob, "G - gomoku");
    play(&mut alice, &mut bob, "h8 i8 h9");
    alice.refused("M abort", "not-now");
    bob.moves("i9");
    bob.refused("M abort", "not-now");
    bob.granted("M resign");
    result(&mut witness);
    assert!(witness.granted("R").contains("\"ok\":\"R\""));

    let [mut en, mut zh] = ["en", "zh"].map(|voice| Client::speaking(&daemon, voice, voice));
    seat(&mut alice, &mut bob, "G - xiangqi");
    bob.granted("M abort");
    en.skip_to("[alice] and [bob] called off their xiangqi");
    zh.skip_to("[alice] 与 [bob] 取消了象棋对局");
}

#[test]
fn who_does_not_move_is_warned_once_and_may_be_claimed_against() {
    let daemon = Daemon::start_with(&["--idle-move-timeout-s", "1"]);
    let [mut carol, mut dan] = ["carol", "dan"].map(|name| Client::program(&daemon, name));
    seat(&mut carol, &mut dan, "G - gomoku");
    let [mut alice, mut bob, mut witness] = three(&daemon);
    let id = seat(&mut alice, &mut bob, "G - gomoku");
    assert_eq!(carol.moves("h8").1, 1);
    bob.refused("M claim", "not-now");
    alice.refused("M claim", "not-now");
    for player in [&mut alice, &mut bob] {
        let mut idle = player.event("idle");
        assert!(idle["at"].take().is_string());
        assert_eq!(idle, json!({"event": "idle", "game_id": id, "game": "gomoku", "at": null, "from": "alice"}));
    }
    // Who was warned cannot claim.
    alice.refused("M claim", "not-now");
    bob.granted("M claim");
    assert_eq!(alice.event("over")["reason"], "idle");
    assert_eq!(result(&mut witness), ends("second", "idle"));
    // But move, and is safe then.
    assert_eq!(carol.event("idle")["from"], "dan");
    assert_eq!(dan.moves("i8").1, 2);
    carol.refused("M claim", "not-now");
    dan.refused("M claim", "not-now");
}

#[test]
fn where_a_clock_runs_nothing_is_claimed() {
    let daemon = Daemon::start_with(&["--idle-move-timeout-s", "1"]);
    let [mut alice, mut bob, mut witness] = three(&daemon);
    seat(&mut alice, &mut bob, "G - chess 0+1");
    for player in [&mut alice, &mut bob] {
        player.refused("M claim", "not-now");
    }
    // The flag falls, and nobody was warned before.
    for player in [&mut alice, &mut bob] {
        let lines = player.lines_until(|line| line.starts_with(r#"{"event":"over""#));
        assert!(!lines.iter().any(|line| line.contains("\"idle\"")), "{lines:#?}");
        assert!(lines.last().unwrap().contains(r#""result":"second","reason":"time""#), "{lines:#?}");
    }
    assert_eq!(result(&mut witness), ends("second", "time"));
}

#[test]
fn the_seat_and_the_rematch_get_numbers_of_their_own() {
    let daemon = Daemon::start();
    let [mut alice, mut bob, _] = three(&daemon);
    let mut ids = vec![];
    for _ in 0..3 {
        ids.push(seat(&mut alice, &mut bob, "G - tic-tac-toe"));
        bob.granted("M resign");
        alice.event("over");
        assert!(!agreed(&mut alice, "rematch"));
        assert!(agreed(&mut bob, "rematch"));
        ids.push(alice.event("begun")["game_id"].as_u64().unwrap());
        bob.granted("M resign");
        alice.event("over");
    }
    ids.push(id_of(&alice.granted("G -")));
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
}
