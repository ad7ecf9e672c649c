//! The promise about games in the room's history: it tells them in the very words in which they were
//! heard, in each voice, also by another run of the daemon.

use serde_json::Value;

use crate::harness::player::{Player, number, play, seat};
use crate::harness::{Client, Daemon, seq_of};

/// Everything that the room can hear of games.
fn a_day_of_games(daemon: &Daemon) {
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(daemon, name));
    alice.invites("gomoku");
    alice.ok("G - -");
    alice.invites("chess 5+3 @bob");
    bob.ok("D - alice");
    play(&mut alice, &mut bob, &["e4"]);
    bob.ok("M resign");
    alice.hears("over");
    bob.invites("connect-four");
    seat(&mut alice, &mut bob, "tic-tac-toe 0+30");
    alice.ok("M draw");
    bob.ok("M draw");
    alice.hears("over");
    seat(&mut alice, &mut bob, "reversi");
    bob.ok("M abort");
    alice.hears("over");
    bob.invites("xiangqi");
    bob.ok("E");
    bob.again(daemon);
    let ended_by_the_rules: [(&str, &[&str]); 4] = [
        ("gomoku", &["a1", "b1", "a2", "b2", "a3", "b3", "a4", "b4", "a5"]),
        ("tic-tac-toe", &["b2", "a1", "b1", "b3", "a3", "c1", "c2", "a2", "c3"]),
        ("connect-four", &["1", "2", "1", "2", "3", "2", "1", "2"]),
        ("chess", &["f3", "e5", "g4", "Qh4"]),
    ];
    for (game, moves) in ended_by_the_rules {
        seat(&mut alice, &mut bob, game);
        play(&mut alice, &mut bob, moves);
        alice.hears("over");
    }
    bob.invites("gomoku 3+2");
    while alice.hears("uninvite")["reason"] != "expired" {}
}

/// Everything heard up to a word that is said last.
fn heard(listener: &mut Client, last: &str) -> Vec<String> {
    let mut lines = vec![listener.line()];
    while !lines.last().unwrap().contains(last) {
        lines.push(listener.line());
    }
    lines
}

fn is_presence(line: &str) -> bool {
    ["entered the room", "left the room", "进入了聊天室", "退出了聊天室"].iter().any(|end| line.ends_with(end))
}

/// A game that is gone on with, as the second player offers it.
fn a_game_in_two_parts(daemon: &Daemon) {
    let [mut alice, mut bob, mut carol] = ["alice", "bob", "carol"].map(|name| Player::enter(daemon, name));
    let id = seat(&mut alice, &mut bob, "gomoku 5+3");
    play(&mut alice, &mut bob, &["h8", "a1"]);
    carol.ok(&format!("O {id}"));
    alice.ok("E");
    bob.ok("E");
    carol.hears("adjourned");
    alice.again(daemon);
    bob.again(daemon);
    alice.ok(&format!("G - resume {id}"));
    alice.ok("G - -");
    bob.ok(&format!("G - resume {id}"));
    alice.ok("D - bob");
    alice.ok("M resign");
}

/// Three hear it live; then the daemon is killed, and three ask what it was.
fn assert_told_as_heard(flags: &[&str], happens: fn(&Daemon)) -> Vec<Value> {
    let mut daemon = Daemon::start_with(flags);
    let mut program = Client::program(&daemon, "program");
    let mut people = ["en", "zh"].map(|voice| {
        let mut client = Client::enter(&daemon, voice);
        client.ask(&format!("V {voice}"));
        client
    });
    happens(&daemon);
    Client::enter(&daemon, "last").ask("C - the end");
    let live: Vec<Value> = heard(&mut program, "the end").iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let people_live = people.each_mut().map(|client| {
        let mut lines = heard(client, "the end");
        lines.retain(|line| !is_presence(line));
        lines
    });
    let told: Vec<Value> = live.iter().filter(|event| event["game_id"].is_u64()).cloned().collect();
    daemon.kill();
    daemon.restart();

    let seqs: Vec<u64> = told.iter().map(|event| number(event, "seq")).collect();
    let mut program = Client::program(&daemon, "program");
    let (from, to) = (seqs[0] - 1, seqs.last().unwrap());
    let mut kept = program.objects_of(&format!("H {from} {to} +1000"));
    kept.retain(|line| line["game_id"].is_u64());
    let as_items: Vec<Value> = told.iter().cloned().map(as_item).collect();
    assert_eq!(kept, as_items);

    for (voice, live) in ["en", "zh"].into_iter().zip(people_live) {
        let mut client = Client::enter(&daemon, voice);
        client.ask(&format!("V {voice}"));
        let (mut kept, mut left) = (Vec::new(), from);
        for page in seqs.chunks(10) {
            let right = page.last().unwrap();
            let mut lines = client.lines_of(&format!("H {left} {right} 20"));
            let reply = lines.pop().unwrap();
            assert_eq!(seq_of(&reply), page.len() as u64, "{reply}, {lines:?}");
            kept.extend(lines.into_iter().map(|line| line.splitn(4, ' ').last().unwrap().to_owned()));
            left = *right;
        }
        assert_eq!(kept, live[..live.len() - 1], "in {voice}");
    }
    told
}

/// The same event as history tells it.
fn as_item(event: Value) -> Value {
    let Value::Object(mut keys) = event else { unreachable!() };
    let kind = keys.remove("event").unwrap();
    keys.insert("item".into(), kind);
    keys.into()
}

/// What events of a kind have under a key.
fn words<'a>(told: &'a [Value], kind: &str, key: &str) -> Vec<&'a str> {
    told.iter().filter(|event| event["event"] == kind).map(|event| event[key].as_str().unwrap()).collect()
}

#[test]
fn history_tells_games_in_the_words_in_which_they_were_heard() {
    let told = assert_told_as_heard(&["--invitation-timeout-s", "2"], a_day_of_games);
    assert_eq!(words(&told, "uninvite", "reason"), ["withdrawn", "busy", "left", "expired"]);
    let reasons = ["resigned", "agreed", "aborted", "five-in-a-row", "board-full", "four-in-a-row", "checkmate"];
    assert_eq!(words(&told, "result", "reason"), reasons);
    assert_eq!((words(&told, "invite", "from").len(), words(&told, "join", "inviter").len()), (11, 7));
}

#[test]
fn history_tells_who_offered_to_go_on_with_a_game_and_who_took_it_up() {
    let told = assert_told_as_heard(&["--adjourn-timeout-s", "1"], a_game_in_two_parts);
    assert_eq!(words(&told, "invite", "from"), ["alice", "alice", "bob"]);
    assert_eq!(words(&told, "join", "inviter"), ["alice", "bob"]);
    assert_eq!(words(&told, "join", "from"), ["bob", "alice"]);
    assert_eq!((words(&told, "uninvite", "from"), words(&told, "result", "result")), (vec!["alice"], vec!["second"]));
}
