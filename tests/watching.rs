//! The promise about who looks on: what watchers see when they come and hear from then on, that they cannot
//! interfere and slow nobody down, and what the list of games tells.

use serde_json::{Value, json};

use crate::harness::{Client, Daemon, is_move, is_of_board, move_in, play, seat};

/// Alice and bob at a board as programs, alice having invited by this request.
fn two(daemon: &Daemon, invitation: &str) -> (Client, Client, u64) {
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Client::program(daemon, name));
    let id = seat(&mut alice, &mut bob, invitation);
    (alice, bob, id)
}

#[test]
fn people_watch_from_the_present_position_on() {
    let daemon = Daemon::start();
    let (mut alice, mut bob, id) = two(&daemon, "G - gomoku 5+3");
    play(&mut alice, &mut bob, "h8 i9 h9");
    for (voice, last) in [("en", "h9"), ("zh", "i8")] {
        let mut watcher = Client::speaking(&daemon, voice, voice);
        let lines = watcher.lines_of(&format!("O {id}"));
        let (reply, lines) = lines.split_last().unwrap();
        assert!(reply.starts_with(&format!("OK {id} ")), "{reply}");
        // One board, behind the words on whose it is.
        let board: Vec<&String> = lines.iter().filter(|line| is_of_board(line)).collect();
        assert!(lines[0].contains("[alice]") && lines[0].contains("[bob]") && lines[0].contains("5+3"), "{lines:#?}");
        // And on what bob had offered when the second one came.
        assert_eq!(lines.len(), board.len() + if voice == "en" { 1 } else { 2 }, "{lines:#?}");
        assert!(voice == "en" || lines[1].contains("[bob]") && lines[1].contains("M draw"), "{lines:#?}");
        assert!(board[0].starts_with("    15 ") && board.iter().any(|line| line.contains(last)), "{lines:#?}");
        watcher.only_reply("K");
        let [mover, other] = if voice == "en" { [&mut bob, &mut alice] } else { [&mut alice, &mut bob] };
        let typed = if voice == "en" { "i8" } else { "h10" };
        mover.moves(typed);
        other.hears_move();
        assert_eq!(move_in(&watcher.line()), Some((typed, voice)));
        assert!(watcher.board().len() > 15);
        mover.granted("M draw");
        assert!(watcher.line().contains(if voice == "en" { "[bob] " } else { "[alice] " }));
        if voice == "zh" {
            bob.granted("M resign");
            watcher.expect("[alice] 在五子棋中战胜了 [bob]（");
            // The room's word for it is not heard as well.
            alice.granted("C - done");
            assert!(watcher.lines_until(|line| line.contains("done")).iter().all(|line| !line.contains("战胜")));
        }
    }
}

#[test]
fn programs_watch_from_the_first_move_on() {
    let daemon = Daemon::start();
    let (mut alice, mut bob, id) = two(&daemon, "G - chess 5+3");
    play(&mut alice, &mut bob, "e4 e5 Nf3");
    let mut watcher = Client::program(&daemon, "watcher");
    let mut lines = watcher.objects_of(&json!({"do": "O", "game_id": id, "ref": "o1"}).to_string());
    assert_eq!(lines.pop().unwrap(), json!({"ok": "O", "ref": "o1", "game_id": id}));
    let board = lines.pop().unwrap();
    let want = [json!("board"), json!("o1"), json!(3), json!("bob"), json!("alice"), json!("5+3")];
    assert_eq!(["item", "ref", "ply", "turn", "first", "clock"].map(|key| board[key].clone()), want);
    assert_eq!(lines.len(), 3);
    for ((item, typed), ply) in lines.iter().zip(["e4", "e5", "Nf3"]).zip(1..) {
        let from = if ply == 2 { "bob" } else { "alice" };
        let want = [json!("move"), json!("o1"), json!(id), json!(ply), json!(from), json!(typed)];
        assert_eq!(["item", "ref", "game_id", "ply", "from", "move"].map(|key| item[key].clone()), want);
    }
    play(&mut bob, &mut alice, "Nc6");
    let told = watcher.json();
    assert_eq!(
        [&told["event"], &told["ply"], &told["move"], &told["turn"]],
        [&json!("move"), &json!(4), &json!("Nc6"), &json!("alice")]
    );
    bob.granted("M undo");
    assert_eq!(watcher.event("offer")["offer"], "undo");
    alice.granted("M undo");
    assert_eq!(watcher.event("takeback")["ply"], 3);
    bob.granted("M resign");
    assert_eq!(watcher.event("over")["result"], "first");
    assert_eq!(watcher.event("result")["game_id"], id);
}

#[test]
fn who_stops_watching_hears_no_more_of_it() {
    let daemon = Daemon::start();
    let (mut alice, mut bob, id) = two(&daemon, "G - gomoku");
    let mut watcher = Client::enter(&daemon, "watcher");
    for stop in ["O -", "O －", r#"{"do":"O","game_id":"-"}"#] {
        watcher.granted(&format!("O {id}"));
        watcher.granted(&format!("O {id}"));
        let turn = watcher.lines_of("M");
        assert!(turn.last().unwrap().starts_with("ERR no-game "), "{turn:?}");
        if stop.starts_with('{') {
            watcher.ask("V json");
        }
        watcher.granted(stop);
        let moves = match stop {
            "O -" => "a1 o1",
            "O －" => "a3 o3",
            _ => "a5 o5",
        };
        play(&mut alice, &mut bob, moves);
        watcher.only_reply("K");
    }
    // Not watching anything is fine too.
    watcher.granted("O -");
    // Of the room one hears what everybody does.
    bob.granted("M resign");
    watcher.event("result");
}

#[test]
fn a_watcher_does_nothing_at_the_board() {
    let daemon = Daemon::start();
    let (mut alice, mut bob, id) = two(&daemon, "G - gomoku");
    let mut watcher = Client::enter(&daemon, "watcher");
    watcher.granted(&format!("O {id}"));
    for what in ["h8", "h8 1", "resign", "draw", "undo", "abort", "claim", "rematch"] {
        watcher.refused(&format!("M {what}"), "no-game");
        watcher.refused(&format!("M h8 1 {id}"), "no-game");
    }
    play(&mut alice, &mut bob, "h8 i8");
    for what in ["h9", "h9 3", "draw"] {
        watcher.refused(&format!("M {what}"), "no-game");
    }
    let board = alice.objects_of("M").into_iter().find(|line| line["item"] == "board").unwrap();
    assert_eq!((&board["ply"], board.get("offer")), (&json!(2), None));
}

#[test]
fn who_begins_a_game_stops_watching() {
    let daemon = Daemon::start();
    let (mut alice, mut bob, id) = two(&daemon, "G - gomoku");
    // One invites, the other one takes the seat.
    let [mut carol, mut dan] = ["carol", "dan"].map(|name| Client::enter(&daemon, name));
    for watcher in [&mut carol, &mut dan] {
        watcher.granted(&format!("O {id}"));
    }
    let own = carol.invite("G - chess");
    play(&mut alice, &mut bob, "h8");
    // Whose seat is not taken yet looks on.
    carol.hears_move();
    assert_eq!(dan.take_seat(), own);
    play(&mut bob, &mut alice, "i8 h9 i9");
    hear_only_chess(&mut carol, &mut dan, "e4 e5 Nf3");
    for player in [&mut carol, &mut dan] {
        player.refused(&format!("O {id}"), "already-playing");
    }
    alice.refused(&format!("O {own}"), "already-playing");
}

#[test]
fn who_begins_a_rematch_stops_watching() {
    let daemon = Daemon::start();
    let (mut alice, mut bob, id) = two(&daemon, "G - gomoku");
    let [mut carol, mut dan] = ["carol", "dan"].map(|name| Client::enter(&daemon, name));
    seat(&mut carol, &mut dan, "G - chess");
    dan.granted("M resign");
    // After the end one may look on, until the next begins.
    for player in [&mut carol, &mut dan] {
        player.granted(&format!("O {id}"));
        player.granted("M rematch");
    }
    play(&mut alice, &mut bob, "h8");
    hear_only_chess(&mut dan, &mut carol, "d4 d5 c4");
}

/// Lets two play, who should hear nothing of the game that they watched.
#[track_caller]
fn hear_only_chess(first: &mut Client, second: &mut Client, moves: &str) {
    let mut heard = play(first, second, moves).concat();
    heard.extend(first.lines_of("K"));
    heard.extend(second.lines_of("K"));
    assert!(!heard.iter().any(|line| line.contains("gomoku")), "{heard:#?}");
}

#[test]
fn only_games_under_way_are_watched() {
    let daemon = Daemon::start();
    let (mut alice, mut bob, id) = two(&daemon, "G - gomoku");
    let mut watcher = Client::enter(&daemon, "watcher");
    for number in [id + 1, 0, 4_000_000_000] {
        watcher.refused(&format!("O {number}"), "no-game");
    }
    for wrong in ["O", "O x", "O 1 2", "O -1", "O alice"] {
        watcher.refused(wrong, "usage");
    }
    let own = watcher.invite("G -");
    watcher.refused(&format!("O {own}"), "no-game");
    watcher.granted("G - -");
    // Who watches this one and is refused another goes on watching.
    watcher.granted(&format!("O {id}"));
    watcher.refused(&format!("O {own}"), "no-game");
    play(&mut alice, &mut bob, "h8");
    watcher.hears_move();
    bob.granted("M resign");
    watcher.skip_to("[alice] beat");
    watcher.refused(&format!("O {id}"), "no-game");
}

#[test]
fn a_watcher_who_reads_too_slowly_is_told_and_slows_nobody() {
    let daemon = Daemon::start();
    let (mut alice, mut bob, id) = two(&daemon, "G - gomoku");
    let mut slow = Client::connect_slow(&daemon);
    slow.ask("V json");
    slow.log_in("slow");
    slow.granted(&format!("O {id}"));
    // Whatever the kernel takes for it is full.
    let mut talker = Client::enter(&daemon, "talker");
    let burst = format!("C - {}\n", "x".repeat(4000)).repeat(50);
    for _ in 0..30 {
        talker.send_raw(burst.as_bytes());
        (0..50).for_each(|_| assert!(talker.reply().starts_with("OK ")));
    }
    // More than is kept of a game.
    for _ in 0..200 {
        alice.send("M h8\nM undo");
        alice.reply();
        alice.reply();
        bob.granted("M undo");
        alice.event("takeback");
    }
    play(&mut alice, &mut bob, "a1 o15");
    let missed: Value = loop {
        let line = slow.line_or_end().expect("the connection lives on");
        if line.starts_with(r#"{"event":"missed""#) && line.contains("game_id") {
            break serde_json::from_str(&line).unwrap();
        }
    };
    assert_eq!(missed, json!({"event": "missed", "game_id": id}));
    // It goes on from there, up to the newest.
    slow.lines_until(|line| line.contains(r#""move":"o15""#));
    let board = slow.objects_of(&format!("O {id}")).into_iter().find(|line| line["item"] == "board").unwrap();
    assert_eq!(board["ply"], 2);
    play(&mut alice, &mut bob, "b1");
    assert_eq!(slow.event("move")["move"], "b1");
}

/// The items of a page and its reply, as a program gets them.
fn page(client: &mut Client, request: &str) -> (Vec<Value>, Value) {
    let mut lines = client.objects_of(request);
    let reply = lines.pop().unwrap();
    lines.retain(|line| line.get("item").is_some());
    (lines, reply)
}

#[test]
fn the_list_tells_who_invites_and_who_plays() {
    let daemon = Daemon::start();
    let (mut alice, mut bob, id) = two(&daemon, "G - reversi 5+3");
    let [mut carol, mut dan] = [("en", "carol"), ("zh", "dan")].map(|(voice, name)| Client::speaking(&daemon, voice, name));
    play(&mut alice, &mut bob, "d3 c3");
    let open = carol.invite("G - chess 10+0 @alice");
    let open_for_all = dan.invite("G -");
    carol.skip_to("[dan] invites");
    let (items, reply) = page(&mut alice, r#"{"do":"N","ref":"n1"}"#);
    assert_eq!(reply, json!({"ok": "N", "ref": "n1", "count": 3}));
    let want = [
        json!({"item": "playing", "ref": "n1", "game_id": id, "game": "reversi", "clock": "5+3", "first": "alice", "second": "bob",
            "ply": 2, "paused": false}),
        json!({"item": "invitation", "ref": "n1", "game_id": open, "game": "chess", "clock": "10+0", "from": "carol", "seat": "alice"}),
        json!({"item": "invitation", "ref": "n1", "game_id": open_for_all, "game": "gomoku", "from": "dan"}),
    ];
    assert!(want.iter().all(|want| items.contains(want)) && items.len() == 3, "{items:#?}");
    for reader in [&mut carol, &mut dan] {
        let lines = reader.lines_of("N");
        let (reply, lines) = lines.split_last().unwrap();
        assert!(reply.starts_with("OK 3") && lines.len() == 3, "{lines:#?} {reply}");
        for words in [
            vec![id.to_string(), "alice".into(), "bob".into(), "5+3".into(), format!("O {id}")],
            vec![open.to_string(), "carol".into(), "alice".into(), "10+0".into(), "D - carol".into()],
            vec![open_for_all.to_string(), "D - dan".into()],
        ] {
            assert!(lines.iter().any(|line| words.iter().all(|word| line.contains(word))), "{words:?} in {lines:#?}");
        }
    }
    bob.granted("M resign");
    carol.granted("G - -");
    dan.granted("G - -");
    assert!(dan.granted("N").starts_with("OK 0"));
    for wrong in ["N 0", "N x", "N 1 2"] {
        dan.refused(wrong, "usage");
    }
}

#[test]
fn the_list_comes_in_pages() {
    const INVITATIONS: usize = 103;
    let daemon = Daemon::start();
    let mut inviters: Vec<Client> = (0..INVITATIONS).map(|_| Client::connect(&daemon)).collect();
    // Many at once, so that none waits for the others, and few enough for the hashing threads.
    let mut number = 0;
    for some in inviters.chunks_mut(40) {
        for inviter in &mut *some {
            number += 1;
            inviter.send(&format!("U p{number}\nP p{number} correct-horse\nG - gomoku 1+{number}"));
        }
        for inviter in some {
            (0..3).for_each(|_| assert!(inviter.reply().starts_with("OK ")));
        }
    }
    let mut program = Client::program(&daemon, "program");
    let (first, reply) = page(&mut program, "N");
    assert_eq!(reply, json!({"ok": "N", "count": INVITATIONS, "next_page": 2}));
    let (second, reply) = page(&mut program, r#"{"do":"N","page":2}"#);
    assert_eq!((first.len(), second.len(), reply), (100, 3, json!({"ok": "N", "count": INVITATIONS})));
    let ids: Vec<u64> = first.iter().chain(&second).map(|item| item["game_id"].as_u64().unwrap()).collect();
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
    assert_eq!(page(&mut program, "N 3"), (vec![], json!({"ok": "N", "count": INVITATIONS})));
    let mut person = Client::enter(&daemon, "person");
    let mut listed = Vec::new();
    for number in 1..=7 {
        let mut lines = person.lines_of(&format!("N {number}"));
        let reply = lines.pop().unwrap();
        assert!(reply.starts_with(&format!("OK {INVITATIONS}")), "{reply}");
        assert_eq!(reply.contains(&format!("N {}", number + 1)), number <= 5, "{reply}");
        assert_eq!(lines.len(), [20, 20, 20, 20, 20, 3, 0][number - 1]);
        listed.extend(lines);
    }
    assert!(listed.iter().zip(&ids).all(|(line, id)| line.contains(&id.to_string())), "{listed:#?}");
}

#[test]
fn leaving_a_finished_game_does_not_touch_what_one_watches() {
    let daemon = Daemon::start();
    let (mut alice, mut bob, watched) = two(&daemon, "G - gomoku");
    let [mut carol, mut dan] = ["carol", "dan"].map(|name| Client::enter(&daemon, name));
    seat(&mut carol, &mut dan, "G - gomoku");
    carol.granted("M resign");
    carol.granted(&format!("O {watched}"));
    // The table of the finished game is gone with dan, or when carol invites.
    dan.granted("E");
    carol.skip_to("[dan] left the room");
    carol.granted(&format!("O {watched}"));
    play(&mut alice, &mut bob, "h8");
    carol.hears_move();
    let heard = carol.lines_of("K");
    assert!(!heard.iter().any(|line| is_move(line)), "the board came twice: {heard:#?}");
    carol.granted("O -");
    play(&mut bob, &mut alice, "a1");
    let heard = carol.lines_of("K");
    assert_eq!(heard, ["OK"], "it is watched no more");
}

#[test]
fn who_waits_for_a_rematch_is_told_when_the_other_has_left_the_table() {
    let daemon = Daemon::start();
    let (mut alice, mut bob, id) = two(&daemon, "G - gomoku");
    alice.granted("M resign");
    bob.event("over");
    bob.granted("M rematch");
    alice.granted("G - chess");
    let left = bob.event("left");
    assert_eq!((left["from"].as_str(), left["game_id"].as_u64()), (Some("alice"), Some(id)), "{left}");
    bob.refused("M rematch", "no-game");
}
