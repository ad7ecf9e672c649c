//! The promise about invitations: how one is made and what the room hears of it, and every way in which one
//! ends without a game.

use serde_json::json;

use crate::harness::{Client, Daemon, bare, id_of, play, seat};

/// Lets everyone hear all that was before.
fn quiet(speaker: &mut Client, others: &mut [&mut Client]) {
    speaker.granted("C - quiet");
    others.iter_mut().for_each(|other| _ = other.lines_until(|line| line.contains("quiet")));
}

#[test]
fn an_invitation_is_heard_by_the_room_in_every_voice() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let [mut en, mut zh, mut json] =
        [("en", "Bob"), ("zh", "carol"), ("json", "dan")].map(|(voice, name)| Client::speaking(&daemon, voice, name));
    quiet(&mut alice, &mut [&mut en, &mut zh, &mut json]);
    let mut last_id = 0;
    // Request, game, titles, clock, seat.
    for (request, game, [in_en, in_zh], clock, seat) in [
        ("G -", "gomoku", ["gomoku", "五子棋"], "", ""),
        ("G － gomoku", "gomoku", ["gomoku", "五子棋"], "", ""),
        ("g ALICE tic-tac-toe", "tic-tac-toe", ["tic-tac-toe", "井字棋"], "", ""),
        ("G - connect-four 0+1", "connect-four", ["connect-four", "四子棋"], "0+1", ""),
        ("G - reversi 180+180", "reversi", ["reversi", "黑白棋"], "180+180", ""),
        ("G -  chess   5+3 ", "chess", ["chess", "国际象棋"], "5+3", ""),
        ("G - xiangqi 10+0", "xiangqi", ["xiangqi", "象棋"], "10+0", ""),
        ("G - 5+3", "gomoku", ["gomoku", "五子棋"], "5+3", ""),
        ("G - @bob", "gomoku", ["gomoku", "五子棋"], "", "Bob"),
        ("G - chess 5+3 @Bob", "chess", ["chess", "国际象棋"], "5+3", "Bob"),
        ("G - chess @BOB 5+3", "chess", ["chess", "国际象棋"], "5+3", "Bob"),
        ("G - @bob chess 5+3", "chess", ["chess", "国际象棋"], "5+3", "Bob"),
        ("G - @bob 5+3", "gomoku", ["gomoku", "五子棋"], "5+3", "Bob"),
        ("G - 五子棋", "gomoku", ["gomoku", "五子棋"], "", ""),
        ("G - 井字棋", "tic-tac-toe", ["tic-tac-toe", "井字棋"], "", ""),
        ("G - 四子棋", "connect-four", ["connect-four", "四子棋"], "", ""),
        ("G - 黑白棋", "reversi", ["reversi", "黑白棋"], "", ""),
        ("G - 国际象棋 1+1 @bob", "chess", ["chess", "国际象棋"], "1+1", "Bob"),
        ("G - 象棋", "xiangqi", ["xiangqi", "象棋"], "", ""),
    ] {
        let id = alice.invite(request);
        assert!(id > last_id, "{request}: game {id} after {last_id}");
        last_id = id;
        let blank_and = |word: &str| if word.is_empty() { String::new() } else { format!(" {word}") };
        let whom = if seat.is_empty() { String::new() } else { format!(" [{seat}]") };
        let want = format!("[alice] invites{whom} to {in_en}{} - D - alice takes the seat", blank_and(clock));
        assert_eq!(en.line(), want, "{request}");
        let whom = if seat.is_empty() { String::new() } else { format!(" [{seat}] ") };
        assert_eq!(zh.line(), format!("[alice] 邀请{whom}对局：{in_zh}（{game}）{clock}；应邀请发：D - alice"), "{request}");
        let mut want = json!({"event": "invite", "room": "lobby", "from": "alice", "game_id": id, "game": game});
        for (key, value) in [("clock", clock), ("seat", seat)].into_iter().filter(|(_, value)| !value.is_empty()) {
            want[key] = json!(value);
        }
        assert_eq!(bare(&json.line()), want, "{request}");

        alice.granted("G - -");
        let told = en.line();
        assert!(told.starts_with(&format!("[alice]'s invitation to {in_en} has ended (")), "{told}");
        let told = zh.line();
        assert!(told.starts_with(&format!("[alice] 的{in_zh}邀请已结束（")), "{told}");
        let want = json!({
            "event": "uninvite", "room": "lobby", "from": "alice", "game_id": id, "game": game, "reason": "withdrawn",
        });
        assert_eq!(bare(&json.line()), want, "{request}");
    }
}

#[test]
fn programs_invite_by_objects() {
    let daemon = Daemon::start();
    let mut alice = Client::program(&daemon, "alice");
    let mut bob = Client::program(&daemon, "bob");
    for (keys, game, clock, seat) in [
        (json!({}), "gomoku", None, None),
        (json!({"name": "-", "game": null, "clock": null, "seat": null}), "gomoku", None, None),
        (json!({"name": "alice", "game": "chess", "clock": "5+3"}), "chess", Some("5+3"), None),
        (json!({"clock": "0+30"}), "gomoku", Some("0+30"), None),
        (json!({"seat": "bob"}), "gomoku", None, Some("bob")),
        (json!({"game": "象棋", "seat": "@BOB"}), "xiangqi", None, Some("bob")),
    ] {
        let mut request = json!({"do": "G", "ref": "g1"});
        request.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        let reply = bare(&alice.granted(&request.to_string()));
        let id = reply["game_id"].as_u64().unwrap();
        assert_eq!(reply, json!({"ok": "G", "ref": "g1", "game_id": id, "game": game}), "{request}");
        let invited = bob.event("invite");
        assert_eq!((invited["clock"].as_str(), invited["seat"].as_str()), (clock, seat), "{request}");
        alice.granted(r#"{"do":"G","game":"-"}"#);
    }
    let id = alice.invite(r#"{"do":"G","game":"reversi"}"#);
    let reply = bare(&bob.granted(r#"{"do":"D","inviter":"Alice","ref":"d1"}"#));
    let want = json!({"ok": "D", "ref": "d1", "game_id": id, "game": "reversi", "opponent": "alice", "side": "second"});
    assert_eq!(reply, want);
    bob.granted("M resign");
    for request in [r#"{"do":"G","game":"resume","game_id":7,"ref":"r"}"#, r#"{"do":"G","game":"resume","game_id":"7"}"#] {
        alice.refused(request, "no-game");
    }
    alice.refused(r#"{"do":"G","game":"resume"}"#, "no-game");
    alice.refused(r#"{"do":"D"}"#, "usage");
    alice.refused(r#"{"do":"G","seat":["bob"]}"#, "bad-json");
}

#[test]
fn a_game_that_nobody_knows_is_answered_with_those_there_are() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    for voice in ["en", "zh", "json"] {
        alice.ask(&format!("V {voice}"));
        for request in ["G - go", "G - gomoku-2", "G - chess960 5+3", "G - 围棋", "G - M"] {
            let refusal = alice.refused(request, "no-such-game");
            for game in ["gomoku", "tic-tac-toe", "connect-four", "reversi", "chess", "xiangqi"] {
                assert!(refusal.contains(game), "{game} is not in {refusal}");
            }
        }
    }
    alice.refused("G - -", "no-invitation");
}

#[test]
fn an_impossible_clock_is_refused() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    for clock in ["0+0", "181+0", "0+181", "5:3", "-1+3", "+3", "5+", "5+-3", "5+3+1", "５+３", "5.5+0", "x", "999999999999+1"]
    {
        alice.refused(&format!("G - chess {clock}"), "bad-clock");
        alice.refused(&format!("G - chess {clock} @alice"), "bad-clock");
    }
    alice.refused("G - -", "no-invitation");
    for wrong in ["G", "G - chess 5+3 more", "G - resume x", "G - resume -1", "D", "D -", "D - a b"] {
        alice.refused(wrong, "usage");
    }
}

#[test]
fn one_invites_once_at_a_time_and_can_withdraw() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    alice.refused("G - -", "no-invitation");
    for request in ["G - -", "G － －", "G alice -"] {
        alice.invite("G - gomoku");
        for again in ["G - gomoku", "G - chess 5+3", "G - @bob"] {
            alice.refused(again, "already-inviting");
        }
        alice.granted(request);
        alice.refused(request, "no-invitation");
        bob.refused("D - alice", "no-invitation");
    }
    // Others' invitations are nobody else's to withdraw, and none of the others' business.
    alice.invite("G - gomoku");
    bob.refused("G - -", "no-invitation");
    bob.invite("G - gomoku");
    assert!(bob.granted("N").starts_with("OK 2"));
}

#[test]
fn an_invitation_expires_by_itself() {
    let daemon = Daemon::start_with(&["--invitation-timeout-s", "1"]);
    let mut alice = Client::enter(&daemon, "alice");
    let [mut en, mut zh, mut json] =
        [("en", "bob"), ("zh", "carol"), ("json", "dan")].map(|(voice, name)| Client::speaking(&daemon, voice, name));
    // A seat that is taken does not expire.
    let [mut erin, mut frank] = ["erin", "frank"].map(|name| Client::program(&daemon, name));
    seat(&mut erin, &mut frank, "G - chess");
    let id = alice.invite("G - gomoku");
    assert_eq!(alice.skip_to("[alice]"), "[alice]'s invitation to gomoku has ended (expired)");
    en.skip_to("[alice] invites");
    assert_eq!(en.line(), "[alice]'s invitation to gomoku has ended (expired)");
    zh.skip_to("[alice] 邀请");
    assert_eq!(zh.line(), "[alice] 的五子棋邀请已结束（超时）");
    let want = json!({
        "event": "uninvite", "room": "lobby", "from": "alice", "game_id": id, "game": "gomoku", "reason": "expired",
    });
    assert_eq!(bare(&json.skip_to(r#"{"event":"uninvite""#)), want);
    en.refused("D - alice", "no-invitation");
    alice.refused("G - -", "no-invitation");
    assert!(en.granted("N").starts_with("OK 1"));
    play(&mut erin, &mut frank, "e4 e5");
    // And nothing of it is left that would end the next one at once.
    alice.invite("G - gomoku");
    alice.granted("G - -");
}

#[test]
fn an_invitation_ends_when_its_maker_leaves() {
    let daemon = Daemon::start();
    let mut bob = Client::enter(&daemon, "bob");
    let mut witness = Client::program(&daemon, "witness");
    let ways: [fn(Client); 3] = [|mut alice| _ = alice.granted("E"), |mut alice| alice.end_input(), |alice| drop(alice)];
    for leave in ways {
        let mut alice = Client::enter(&daemon, "alice");
        let id = alice.invite("G - gomoku @bob");
        leave(alice);
        let ended = witness.event("uninvite");
        assert_eq!((&ended["game_id"], &ended["reason"]), (&json!(id), &json!("left")));
        bob.refused("D - alice", "no-invitation");
        assert!(bob.granted("N").starts_with("OK 0"));
    }
}

#[test]
fn a_seat_is_reserved_for_accounts_only() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    for request in ["G - @nobody", "G - chess 5+3 @nobody", "G - @alic"] {
        alice.refused(request, "no-such-user");
    }
    alice.ask("V json");
    alice.refused(r#"{"do":"G","seat":"nobody"}"#, "no-such-user");
    alice.refused("G - -", "no-invitation");
}

#[test]
fn one_plays_in_ones_own_name_and_who_leaves_it_out_is_shown_the_line() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    alice.refused("G bob gomoku", "not-you");
    alice.refused("G bob -", "not-you");
    alice.refused("D bob alice", "not-you");
    for (typed, meant) in [("G gomoku", "G - gomoku"), ("g chess", "G - chess"), ("D bob", "D - bob")] {
        for voice in ["en", "zh"] {
            alice.ask(&format!("V {voice}"));
            let refusal = alice.ask(typed);
            assert!(refusal.starts_with("ERR ") && refusal.ends_with(meant), "{typed} was answered {refusal}");
        }
    }
    alice.refused("G - -", "no-invitation");
    alice.ask("V json");
    alice.refused(r#"{"do":"G","name":"bob"}"#, "not-you");
    for (inviter, taker) in [("G alice gomoku", "D bob alice"), ("G ALICE gomoku", "D Bob Alice"), ("G - gomoku", "D - alice")]
    {
        let id = alice.invite(inviter);
        assert_eq!(id_of(&bob.granted(taker)), id);
        bob.granted("M resign");
    }
}

#[test]
fn a_game_that_is_not_adjourned_is_not_resumed() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    alice.refused("G - resume 7", "no-game");
    alice.refused("G - resume 4000000000", "no-game");
    let id = seat(&mut alice, &mut bob, "G - gomoku");
    play(&mut alice, &mut bob, "h8 i8");
    alice.granted("M resign");
    for player in [&mut alice, &mut bob] {
        player.refused(&format!("G - resume {id}"), "no-game");
    }
}
