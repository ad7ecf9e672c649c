//! The promise about moves: who may make which and when, what comes of wrong ones and of those sent again,
//! in which order everything is heard, and that each game can be played to its end.

use serde_json::{Value, json};

use crate::harness::{Client, Daemon, WHOLE_GAMES, is_granted, is_of_board, play, seat};

/// Alice and bob at a board, alice having invited by this request.
fn two(daemon: &Daemon, voice: &str, invitation: &str) -> (Client, Client, u64) {
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Client::speaking(daemon, voice, name));
    let id = seat(&mut alice, &mut bob, invitation);
    (alice, bob, id)
}

/// How many moves have been played, from a program's board.
fn ply(program: &mut Client) -> Value {
    program.objects_of("M").iter().find(|line| line["item"] == "board").unwrap()["ply"].clone()
}

#[test]
fn moves_alternate_and_are_counted() {
    let daemon = Daemon::start();
    let (mut alice, mut bob, _) = two(&daemon, "en", "G - gomoku");
    assert!(bob.refused("M h8", "not-your-turn").contains("alice"));
    assert_eq!(alice.moves("h8").1, 1);
    assert!(alice.refused("M i8", "not-your-turn").contains("bob"));
    bob.hears_move();
    assert_eq!(bob.moves("I8").1, 2, "either case");
    bob.refused("M h9", "not-your-turn");
    assert_eq!(alice.moves("h9").1, 3);
}

#[test]
fn who_plays_nothing_is_told_so() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    for voice in ["en", "zh", "json"] {
        alice.ask(&format!("V {voice}"));
        for what in ["", "h8", "h8 1", "h8 1 1", "e2e4", "resign", "draw", "undo", "rematch", "abort", "claim"] {
            alice.refused(&format!("M {what}"), "no-game");
        }
        // Whose invitation is open does not play yet.
        alice.invite("G -");
        alice.refused("M h8", "no-game");
        alice.granted("G - -");
    }
}

#[test]
fn what_is_no_move_is_refused_with_a_reason_and_changes_nothing() {
    let daemon = Daemon::start();
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Client::enter(&daemon, name));
    // Wrong squares, pieces that do not move so, and what is a move in another game only.
    let wrong: [(&str, &[&str], &str); 6] = [
        ("gomoku", &["p8", "h16", "h0", "8h", "4", "Nf3", "e2e4", "炮二平五", "pass", "O-O"], "h8"),
        ("tic-tac-toe", &["d1", "a4", "a0", "h8", "4", "g1f3", "炮二平五", "pass"], "b2"),
        ("connect-four", &["0", "8", "-1", "44", "d3", "b2", "Nf3", "h2e2", "pass"], "4"),
        ("reversi", &["a1", "d4", "h9", "i1", "e3", "4", "Nf3", "h2e2", "pass"], "d3"),
        ("chess", &["h8", "b2", "e5", "Nd2", "Ke2", "O-O", "e2e5", "h2e2", "4", "炮二平五", "pass", "e1e8q"], "Nf3"),
        ("xiangqi", &["h8", "4", "d3", "e2e4", "Nf3", "a0a3", "b0d1", "h2h9h2", "炮二平", "车二平五", "pass"], "h2e2"),
    ];
    for (game, refused, right) in wrong {
        seat(&mut alice, &mut bob, &format!("G - {game}"));
        for voice in ["en", "zh", "json"] {
            alice.ask(&format!("V {voice}"));
            for typed in refused.iter().copied().chain(["?", "h8h8h8h8", "!!", "0000", "M", "--"]) {
                let reply = alice.refused(&format!("M {typed}"), "illegal-move");
                let why = match serde_json::from_str::<Value>(&reply) {
                    Ok(object) => object["text"].as_str().unwrap().to_owned(),
                    Err(_) => reply["ERR illegal-move ".len()..].to_owned(),
                };
                assert!(why.trim().len() > 5 && why.is_ascii() == (voice != "zh"), "{game} {typed}: {reply}");
            }
        }
        assert_eq!(ply(&mut alice), 0);
        alice.ask("V en");
        assert_eq!(alice.moves(right).1, 1, "{game}");
        // A place or a column taken, or a piece that is gone from there.
        bob.hears_move();
        if !["connect-four", "chess"].contains(&game) {
            bob.refused(&format!("M {right}"), "illegal-move");
        }
        bob.granted("M resign");
        alice.lines_until(|line| line.contains("beat"));
    }
}

#[test]
fn no_line_however_bad_spoils_a_game() {
    let daemon = Daemon::start();
    for (game, moves) in [("gomoku", "h8 i8"), ("chess", "e4 e5"), ("xiangqi", "h2e2 h9g7"), ("connect-four", "4 4")] {
        let [mut alice, mut bob] = ["alice", "bob"].map(|name| Client::enter(&daemon, name));
        seat(&mut alice, &mut bob, &format!("G - {game}"));
        alice.granted("K");
        let long = format!("M {}", "h".repeat(4094));
        let too_long = format!("{long}h");
        let hans = format!("M {}", "炮".repeat(1364));
        let bytes: [(&[u8], &str); 9] = [
            (b"M h\x80", "not-utf8"),
            (b"M h\x008", "bad-text"),
            (b"M h8\x1b[2J", "bad-text"),
            ("M \u{202e}8h".as_bytes(), "bad-text"),
            (long.as_bytes(), "illegal-move"),
            (too_long.as_bytes(), "line-too-long"),
            (hans.as_bytes(), "illegal-move"),
            (b"M h8 x", "usage"),
            (b"M h8 1 1 1", "usage"),
        ];
        for (line, code) in bytes {
            let reply = alice.only_reply(line);
            assert!(reply.starts_with(&format!("ERR {code} ")), "{game}: {:?} was answered {reply}", line.escape_ascii());
        }
        alice.ask("V json");
        alice.refused(&json!({"do": "M", "move": "h".repeat(4096)}).to_string(), "illegal-move");
        assert!(!is_granted(&alice.ask(r#"{"do":"M","move":"two\nlines"}"#)));
        alice.refused(r#"{"do":"M","move":["h8"]}"#, "bad-json");
        alice.refused(r#"{"do":"M","ply":1}"#, "usage");
        play(&mut alice, &mut bob, moves);
        bob.granted("M resign");
    }
}

#[test]
fn a_move_sent_again_for_its_ply_is_answered_as_before_and_not_played_twice() {
    let daemon = Daemon::start();
    let (mut alice, mut bob, id) = two(&daemon, "json", "G - gomoku");
    let mut watcher = Client::program(&daemon, "watcher");
    watcher.granted(&format!("O {id}"));
    for line in ["M h8 1", "M h8 1", r#"{"do":"M","move":"h8","ply":1}"#, r#"{"do":"M","move":"h8","ply":"1"}"#] {
        assert!(alice.granted(line).contains("\"ply\":1"), "{line}");
    }
    // Another move for it, another's, or one for a ply to come.
    for (by_alice, line) in [(true, "M i8 1"), (false, "M h8 1"), (false, "M i8 1"), (false, "M i8 3")] {
        let player = if by_alice { &mut alice } else { &mut bob };
        let refusal: Value = serde_json::from_str(&player.refused(line, "wrong-ply")).unwrap();
        assert_eq!(refusal["ply"], 2, "{line}");
    }
    assert!(bob.granted(&format!("M i8 2 {id}")).contains("\"ply\":2"));
    alice.hears_move();
    play(&mut alice, &mut bob, "h9 i9");
    for (by_alice, line, ply) in [(true, "M h8 1", 1), (false, "M i8 2", 2), (true, "M h9 3", 3)] {
        let player = if by_alice { &mut alice } else { &mut bob };
        assert!(player.granted(line).contains(&format!("\"ply\":{ply}")), "{line}");
    }
    // The next ply is no ply of one's own where it is the other's turn.
    bob.refused("M j8 5", "not-your-turn");
    play(&mut alice, &mut bob, "h10");
    for (ply, played) in (1..).zip(["h8", "i8", "h9", "i9", "h10"]) {
        let event = watcher.event("move");
        assert_eq!((&event["ply"], &event["move"]), (&json!(ply), &json!(played)));
    }
}

#[test]
fn the_winning_move_can_be_sent_again_too() {
    let daemon = Daemon::start();
    let (mut alice, mut bob, id) = two(&daemon, "json", "G - tic-tac-toe");
    play(&mut alice, &mut bob, "a1 b1 a2 b2 a3");
    for line in ["M a3 5".to_owned(), format!("M a3 5 {id}")] {
        assert!(alice.granted(&line).contains("\"ply\":5"), "{line}");
    }
    bob.refused("M b3 6", "no-game");
}

#[test]
fn a_move_for_another_game_is_not_played_in_this_one() {
    let daemon = Daemon::start();
    let (mut alice, mut bob, earlier) = two(&daemon, "en", "G - gomoku");
    play(&mut alice, &mut bob, "h8 i8");
    alice.granted("M resign");
    let id = seat(&mut alice, &mut bob, "G - gomoku");
    for other in [earlier, id + 1, 0, 4_000_000_000] {
        alice.refused(&format!("M h9 1 {other}"), "no-game");
    }
    // Sent again: it was played there, and is not played here.
    assert_eq!(alice.granted(&format!("M h8 1 {earlier}")), "OK 1");
    bob.refused(&format!("M h8 1 {earlier}"), "no-game");
    alice.ask("V json");
    alice.refused(&format!(r#"{{"do":"M","move":"h8","game_id":{earlier}}}"#), "no-game");
    assert!(alice.granted(&format!(r#"{{"do":"M","move":"h8","game_id":{id}}}"#)).contains("\"ply\":1"));
}

#[test]
fn after_the_end_nothing_is_moved() {
    let daemon = Daemon::start();
    let (mut alice, mut bob, _) = two(&daemon, "en", "G - tic-tac-toe");
    play(&mut alice, &mut bob, "a1 b1 a2 b2 a3");
    for player in [&mut alice, &mut bob] {
        for what in ["c1", "c1 6", "resign", "draw", "undo", "abort", "claim"] {
            player.refused(&format!("M {what}"), "no-game");
        }
    }
}

#[test]
fn the_board_is_shown_on_request() {
    let daemon = Daemon::start();
    let (mut alice, mut bob, id) = two(&daemon, "json", "G - chess 5+3");
    play(&mut alice, &mut bob, "e4");
    let shown = bob.objects_of(r#"{"do":"M","ref":"m1"}"#);
    let [mut board, reply] = <[Value; 2]>::try_from(shown).unwrap();
    assert_eq!(reply, json!({"ok": "M", "ref": "m1"}));
    let mut take = |key: &str| board.as_object_mut().unwrap().remove(key).unwrap_or_else(|| panic!("no {key}"));
    assert!(take("at").is_string());
    let left = [take("first_ms"), take("second_ms")].map(|left| left.as_u64().unwrap());
    // Who has moved has got the seconds of a move.
    assert!((300_001..=303_000).contains(&left[0]) && (270_000..=300_000).contains(&left[1]), "{left:?}");
    let fen = take("position");
    assert!(fen.as_str().unwrap().starts_with("rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq "), "{fen}");
    let want = json!({
        "item": "board", "ref": "m1", "game_id": id, "game": "chess", "first": "alice", "second": "bob",
        "clock": "5+3", "paused": false, "ply": 1, "turn": "bob",
    });
    assert_eq!(board, want);
    for voice in ["en", "zh"] {
        alice.ask(&format!("V {voice}"));
        let lines = alice.lines_of("M");
        let (reply, lines) = lines.split_last().unwrap();
        assert!(reply.starts_with("OK"), "{reply}");
        assert!(lines.iter().filter(|line| is_of_board(line)).count() > 8, "{lines:#?}");
    }
}

#[test]
fn both_see_the_game_begin_with_all_there_is_to_know() {
    let daemon = Daemon::start();
    let [mut alice, mut bob, mut carol] = ["alice", "bob", "carol"].map(|name| Client::program(&daemon, name));
    let id = alice.invite("G - tic-tac-toe 1+2");
    bob.granted("D - alice");
    let joined = carol.event("join");
    let want = [json!("bob"), json!("alice"), json!(id), json!("tic-tac-toe")];
    assert_eq!(["from", "inviter", "game_id", "game"].map(|key| joined[key].clone()), want);
    let mut begun = alice.event("begun");
    let position = begun["position"].take();
    let rows: Vec<&str> = position.as_str().unwrap().split(' ').next().unwrap().split('/').collect();
    assert!(rows.len() == 3 && rows.iter().all(|row| row.len() == 3), "{position}");
    assert!(begun["at"].take().is_string());
    let want = json!({
        "event": "begun", "game_id": id, "game": "tic-tac-toe", "at": null, "first": "alice", "second": "bob",
        "clock": "1+2", "paused": false, "ply": 0, "turn": "alice", "position": null,
        "first_ms": 60_000, "second_ms": 60_000,
    });
    assert_eq!(begun, want);
}

#[test]
fn a_board_comes_before_the_answer_and_the_last_board_before_the_result() {
    let daemon = Daemon::start();
    for voice in ["en", "zh", "json"] {
        let (mut alice, mut bob, _) = two(&daemon, voice, "G - tic-tac-toe");
        let is_board = |line: &str| is_of_board(line) || line.starts_with(r#"{"event":"move""#);
        let is_end = |line: &str| ["] beat [", "战胜了", r#"{"event":"over""#].iter().any(|words| line.contains(words));
        let (lines, _) = alice.moves("a1");
        assert!(lines.iter().any(|line| is_board(line)), "{lines:#?}");
        // Nothing of it comes behind the answer.
        alice.only_reply("K");
        bob.hears_move();
        play(&mut bob, &mut alice, "b1 a2 b2");
        let (lines, _) = alice.moves("a3");
        for lines in [alice.read_on(lines, is_end), bob.lines_until(is_end)] {
            let last_board = lines.iter().rposition(|line| is_board(line)).unwrap();
            let end = lines.iter().position(|line| is_end(line)).unwrap();
            assert!(last_board < end, "{lines:#?}");
        }
    }
}

#[test]
fn people_at_the_board_hear_who_joined_and_the_result_once_and_programs_in_both_logs() {
    let daemon = Daemon::start();
    let mut witness = Client::program(&daemon, "witness");
    for voice in ["en", "zh", "json"] {
        let [mut alice, mut bob] = ["alice", "bob"].map(|name| Client::speaking(&daemon, voice, name));
        alice.invite("G -");
        let mut lines = bob.lines_of("D - alice");
        lines.extend(bob.lines_of("M resign"));
        witness.event("result");
        witness.granted(&format!("C - done in {voice}"));
        let kinds: &[&str] = match voice {
            "en" => &["[bob] joined [alice]'s gomoku", "[alice] beat [bob] at gomoku (resigned)", "done in en"],
            "zh" => &["[bob] 加入了 [alice] 的五子棋", "[alice] 在五子棋中战胜了 [bob]（认输）", "done in zh"],
            _ => &[r#""event":"join""#, r#""event":"begun""#, r#""event":"result""#, r#""event":"over""#, "done in json"],
        };
        for (player, lines) in [(&mut alice, vec![]), (&mut bob, lines)] {
            let lines = kinds.iter().fold(lines, |lines, kind| player.read_on(lines, |line| line.contains(kind)));
            for kind in kinds {
                assert_eq!(lines.iter().filter(|line| line.contains(kind)).count(), 1, "{kind}: {lines:#?}");
            }
            player.only_reply("K");
        }
    }
}

#[test]
fn what_the_room_hears_of_games_is_in_its_history() {
    let daemon = Daemon::start();
    let (mut alice, mut bob, _) = two(&daemon, "json", "G - chess 5+3 @bob");
    let mut witnesses = ["json", "en", "zh"].map(|voice| Client::speaking(&daemon, voice, voice));
    bob.granted("M resign");
    alice.invite("G -");
    alice.granted("G - -");
    bob.granted("C - done");
    for (witness, live) in witnesses.iter_mut().zip(["{\"event\":", "[", "["]) {
        // Entries and leavings are not told to people again.
        let is_told = |line: &String| !["enter", "entered", "进入"].iter().any(|word| line.contains(word));
        let heard: Vec<String> = witness.lines_until(|line| line.contains("done")).into_iter().filter(is_told).collect();
        assert_eq!(heard.len(), 4, "{heard:#?}");
        let shown = witness.lines_of("H");
        for line in &heard {
            let words = line.strip_prefix(live).unwrap();
            assert!(shown.iter().any(|shown| shown.ends_with(words)), "{line} is not in {shown:#?}");
        }
    }
    // What was before they came, too.
    let [json, en, zh] = witnesses.map(|mut witness| witness.lines_of("H").join("\n"));
    assert!(json.contains(r#""item":"invite""#) && json.contains(r#""clock":"5+3","seat":"bob"}"#), "{json}");
    assert!(json.contains(r#"{"item":"join""#) && json.contains(r#""inviter":"alice""#), "{json}");
    assert!(
        en.contains(" [alice] invites [bob] to chess 5+3 - D - alice") && en.contains(" [bob] joined [alice]'s chess"),
        "{en}"
    );
    assert!(
        zh.contains(" [alice] 邀请 [bob] 对局：国际象棋（chess）5+3") && zh.contains(" [bob] 加入了 [alice] 的国际象棋"),
        "{zh}"
    );
}

#[test]
fn programs_play_each_game_to_its_end() {
    let daemon = Daemon::start();
    let [mut alice, mut bob, mut carol] = ["alice", "bob", "carol"].map(|name| Client::program(&daemon, name));
    for whole in &WHOLE_GAMES {
        let id = seat(&mut alice, &mut bob, &format!("G - {}", whole.game));
        let read = play(&mut alice, &mut bob, whole.moves);
        let moves: Vec<&str> = whole.moves.split_ascii_whitespace().collect();
        for (player, lines) in [&mut alice, &mut bob].into_iter().zip(read) {
            let lines = player.read_on(lines, |line| line.starts_with(r#"{"event":"over""#));
            let events: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
            let played: Vec<&Value> = events.iter().filter(|event| event["event"] == "move").collect();
            assert_eq!(played.len(), moves.len(), "{}", whole.game);
            for (index, (event, notation)) in played.into_iter().zip(&moves).enumerate() {
                let [mover, other] = if index % 2 == 0 { ["alice", "bob"] } else { ["bob", "alice"] };
                let is_last = index + 1 == moves.len();
                let want = (json!(id), json!(index + 1), json!(mover), json!(notation));
                assert_eq!(
                    (&event["game_id"], &event["ply"], &event["from"], &event["move"]),
                    (&want.0, &want.1, &want.2, &want.3)
                );
                assert_eq!(event["turn"], if is_last { Value::Null } else { json!(other) }, "{event}");
            }
            let mut over = events.into_iter().find(|event| event["event"] == "over").unwrap();
            assert!(over["at"].take().is_string());
            let want = json!({
                "event": "over", "game_id": id, "game": whole.game, "at": null, "first": "alice", "second": "bob",
                "result": whole.result, "reason": whole.reason,
            });
            assert_eq!(over, want);
        }
        let result = carol.event("result");
        let want = [json!(id), json!(whole.game), json!(whole.result), json!(whole.reason)];
        assert_eq!(["game_id", "game", "result", "reason"].map(|key| result[key].clone()), want);
    }
}

#[test]
fn people_play_each_game_to_its_end() {
    let daemon = Daemon::start();
    let [mut alice, mut carol] = ["alice", "carol"].map(|name| Client::speaking(&daemon, "en", name));
    let [mut bob, mut dan] = ["bob", "dan"].map(|name| Client::speaking(&daemon, "zh", name));
    for whole in &WHOLE_GAMES {
        seat(&mut alice, &mut bob, &format!("G - {}", whole.game));
        let read = play(&mut alice, &mut bob, whole.moves);
        let [en, zh] = whole.result_lines("alice", "bob");
        for ((player, lines), result) in [&mut alice, &mut bob].into_iter().zip(read).zip([&en, &zh]) {
            player.read_on(lines, |line| line.starts_with(result));
        }
        carol.skip_to(&en);
        dan.skip_to(&zh);
    }
}
