//! The promise about seats: who may take one and who not, that exactly one gets it, and that it stays taken
//! over whatever happens to the connections.

use serde_json::{Value, json};

use crate::harness::{Client, Daemon, PASSWORD, bare, id_of, play, repetitions, seat};

#[test]
fn taking_a_seat_ends_ones_own_invitation() {
    let daemon = Daemon::start();
    let [mut alice, mut bob, mut carol] = ["alice", "bob", "carol"].map(|name| Client::enter(&daemon, name));
    let mut witness = Client::program(&daemon, "witness");
    alice.invite("G - gomoku");
    carol.invite("G - gomoku @alice");
    let own = bob.invite("G - chess 5+3");
    // As long as bob gets no seat, his invitation stands.
    bob.refused("D - carol", "reserved");
    bob.refused("D - nobody", "no-invitation");
    assert!(witness.granted("N").contains("\"count\":3"));
    bob.granted("D - alice");
    let ended = witness.event("uninvite");
    let want = (json!("bob"), json!(own), json!("chess"), json!("busy"));
    assert_eq!((&ended["from"], &ended["game_id"], &ended["game"], &ended["reason"]), (&want.0, &want.1, &want.2, &want.3));
    bob.refused("G - -", "no-invitation");
    bob.refused("G - gomoku", "already-playing");
    play(&mut alice, &mut bob, "h8 i8");
}

#[test]
fn a_taken_seat_says_by_whom() {
    let daemon = Daemon::start();
    let [mut alice, mut bob, mut carol, mut dan] = ["alice", "bob", "carol", "dan"].map(|name| Client::enter(&daemon, name));
    carol.ask("V zh");
    dan.ask("V json");
    seat(&mut alice, &mut bob, "G - gomoku");
    for late in [&mut carol, &mut dan] {
        assert!(late.refused("D - alice", "taken").contains("bob"));
    }
    let refusal = bare(&dan.refused(r#"{"do":"D","inviter":"ALICE","ref":"d1"}"#, "taken"));
    assert_eq!(refusal, json!({"err": "taken", "ref": "d1", "from": "bob"}));
}

#[test]
fn who_took_a_seat_has_none_to_offer() {
    let daemon = Daemon::start();
    let [mut alice, mut bob, mut carol] = ["alice", "bob", "carol"].map(|name| Client::enter(&daemon, name));
    // Neither one who never invited nor one whose own invitation has ended with it.
    for own in [false, true] {
        if own {
            bob.invite("G - chess");
        }
        alice.invite("G - gomoku");
        bob.granted("D - alice");
        carol.refused("D - bob", "no-invitation");
        bob.granted("M resign");
    }
}

#[test]
fn nobody_sits_opposite_oneself() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "Alice");
    for request in ["G - @Alice", "G - chess 5+3 @ALICE", "G alice @ａｌｉｃｅ"] {
        alice.refused(request, "own-invitation");
    }
    alice.invite("G - gomoku");
    for request in ["D - Alice", "D - alice", "D Alice ALICE"] {
        alice.refused(request, "own-invitation");
    }
    assert!(alice.granted("N").starts_with("OK 1"));
}

#[test]
fn a_reserved_seat_is_for_one_alone_however_the_name_is_spelt() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut carol = Client::enter(&daemon, "carol");
    // Who is not here may be waited for.
    Client::enter(&daemon, "Straße").ask("E");
    alice.invite("G - gomoku @STRASSE");
    for voice in ["en", "zh", "json"] {
        carol.ask(&format!("V {voice}"));
        assert!(carol.refused("D - alice", "reserved").contains("Straße"), "it says for whom");
    }
    let mut other = Client::enter(&daemon, "Straße");
    other.granted("D strasse ALICE");
    alice.board();
    play(&mut alice, &mut other, "h8 i8");
    assert!(carol.refused("D - alice", "taken").contains("Straße"));
}

#[test]
fn who_plays_neither_invites_nor_takes_a_seat() {
    let daemon = Daemon::start();
    let [mut alice, mut bob, mut carol] = ["alice", "bob", "carol"].map(|name| Client::enter(&daemon, name));
    seat(&mut alice, &mut bob, "G - gomoku");
    carol.invite("G - chess");
    for player in [&mut alice, &mut bob] {
        for request in ["G -", "G - chess 5+3 @carol", "D - carol"] {
            player.refused(request, "already-playing");
        }
        player.refused("G - -", "no-invitation");
    }
    alice.granted("M resign");
    // From then on again.
    bob.granted("D - carol");
    alice.invite("G - gomoku");
}

#[test]
fn only_members_of_the_room_invite_and_take_seats() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    Client::enter(&daemon, "bob").ask("E");
    let mut beside = Client::connect(&daemon);
    beside.ask("V json");
    let login = json!({"do": "P", "name": "bob", "password": PASSWORD, "enter": false, "listen": true});
    beside.granted(&login.to_string());
    alice.invite("G - gomoku @bob");
    beside.event("invite");
    for request in ["G -", "G - chess 5+3", "G - -", "D - alice", "M", "M h8", "M resign"] {
        beside.refused(request, "members-only");
    }
    assert!(beside.granted("N").contains("\"count\":1"), "looking is free");
    assert!(beside.granted("R").contains("\"ok\":\"R\""));
    // Beside a player of the same account nothing changes.
    let mut bob = Client::enter(&daemon, "bob");
    bob.granted("D - alice");
    beside.refused("M", "members-only");
    alice.moves("h8");
}

#[test]
fn a_second_login_keeps_the_invitation() {
    let daemon = Daemon::start();
    let mut first = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    let id = first.invite("G - gomoku");
    let mut alice = Client::enter(&daemon, "alice");
    assert!(first.rest().pop().unwrap().starts_with("Closing (replaced)"));
    alice.refused("G - chess", "already-inviting");
    assert_eq!(bob.take_seat(), id);
    assert!(!alice.board().is_empty());
    play(&mut alice, &mut bob, "h8 i8");
    // And of a game too, at once and with the board.
    let mut newer = Client::enter(&daemon, "alice");
    assert!(newer.board().iter().any(|line| line.contains("i8")), "where it stood");
    play(&mut newer, &mut bob, "h9 i9");
}

#[test]
fn an_inviter_replaced_at_the_moment_of_the_accept_plays_on_over_the_new_connection() {
    let daemon = Daemon::start();
    let [mut alice, mut bob, mut witness] = ["alice", "bob", "witness"].map(|name| Client::program(&daemon, name));
    // How long bob waits, in heartbeats: longer after each round where he was before the login, else shorter.
    let mut wait: usize = 32;
    for round in 0..repetitions("PARLOR_TEST_REPLACED", 48) {
        let id = alice.invite("G -");
        let mut newer = Client::connect(&daemon);
        newer.ask("V json");
        newer.ask("U alice");
        newer.send(&format!("P alice {PASSWORD}"));
        (0..wait).for_each(|_| _ = bob.ask("K"));
        assert_eq!(id_of(&bob.granted("D - alice")), id);
        let mut seen = newer.lines_until(|line| is_start(line, id));
        let is_late = seen.last().unwrap().contains(r#""event":"begun""#);
        wait = if is_late { wait.saturating_sub(3) } else { wait + 4 };
        assert_eq!(newer.moves("h8").1, 1);
        bob.hears_move();
        assert_eq!(bob.moves("i8").1, 2);
        bob.granted("M abort");
        seen.extend(newer.lines_until(|line| line.starts_with(r#"{"event":"over""#)));
        assert_eq!(seen.iter().filter(|line| is_start(line, id)).count(), 1, "one board: {seen:#?}");
        assert!(alice.rest().pop().unwrap().contains(r#""reason":"replaced""#));
        // The room has heard of one game, and of nobody's coming or going.
        let heard = witness.lines_until(|line| line.starts_with(r#"{"event":"result""#));
        let heard: Vec<Value> = heard.iter().map(|line| bare(line)).collect();
        let kinds: Vec<&Value> =
            heard.iter().filter(|event| event.get("game_id").is_some()).map(|event| &event["event"]).collect();
        assert_eq!(kinds, ["invite", "join", "result"], "{heard:#?}");
        assert!(round == 0 || heard.len() == 3, "{heard:#?}");
        alice = newer;
    }
    assert!(witness.granted("N").contains("\"count\":0"));
}

/// Whether a line shows the beginning of this game, live or behind a login.
fn is_start(line: &str, id: u64) -> bool {
    let is_one = ["begun", "board"].iter().any(|kind| line.starts_with(&format!(r#"{{"event":"{kind}""#)));
    is_one && line.contains(&format!(r#""game_id":{id},"#))
}
