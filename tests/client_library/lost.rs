//! Lost connections: to another daemon, in the middle of a game, while nobody looks.

use parlor::client::{Client, Error, Event, Events, GameEvent, GameHappening};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::{NEVER, enter, next, next_said, options};
use crate::harness::{Client as Raw, Daemon, PATIENCE, Proxy, WHOLE_GAMES, eventually};

#[test]
fn a_daemon_that_begins_anew_is_told_as_such_and_heard_from_then_on() {
    let mut daemon = Daemon::start();
    let proxy = Proxy::start(daemon.address, NEVER);
    Runtime::new().unwrap().block_on(async {
        let (alice, mut events) = enter(&options(proxy.address, "alice")).await;
        let mut last = 0;
        for number in 0..20 {
            last = alice.say(&number.to_string()).await.unwrap();
        }
        let other = Daemon::start();
        proxy.lead_to(other.address);
        daemon.kill();
        loop {
            match next(&mut events).await {
                Event::NewLog => break,
                Event::Ended { reason } => panic!("{reason}"),
                _ => (),
            }
        }
        assert!(matches!(next(&mut events).await, Event::Back));
        let mut bob = Raw::enter(&other, "bob");
        bob.ask("C - welcome");
        let (seq, text) = next_said(&mut events).await;
        assert!(text == "welcome" && seq < last);
        assert!(alice.say("thanks").await.unwrap() < last);
    });
}

#[test]
fn who_leaves_while_the_connection_is_lost_is_not_kept() {
    let mut daemon = Daemon::start();
    Runtime::new().unwrap().block_on(async {
        let (alice, mut events) = enter(&options(daemon.address, "alice")).await;
        daemon.kill();
        while !matches!(next(&mut events).await, Event::Lost { .. }) {}
        let said = tokio::spawn({
            let alice = alice.clone();
            async move { alice.say("is anybody there?").await }
        });
        alice.leave().await;
        assert!(matches!(next(&mut events).await, Event::Ended { reason } if reason == "left"));
        assert!(matches!(said.await.unwrap(), Err(Error::Over | Error::OutcomeUnknown)));
    });
}

/// Plays one's side of a game to its end, over whatever network. What is on the board is looked up whenever
/// something was told, and a move whose answer was lost is sent again for its ply.
async fn play_to_the_end(client: Client, mut events: Events, game_id: u64, moves: &[&str]) {
    loop {
        let look = match client.request('M', json!({})).await {
            Err(Error::OutcomeUnknown) => continue,
            // The other has left the table, which nobody does before the end.
            Err(error) if error.code() == Some("no-game") => return,
            look => look.unwrap(),
        };
        let GameEvent { what: GameHappening::Board(board), .. } = GameEvent::of_item(look.items[0].clone()).unwrap() else {
            panic!("{look:?}")
        };
        if board.end.is_some() {
            return;
        }
        if !board.is_paused && board.position.turn.as_deref() == Some(client.name()) {
            let ply = board.position.ply + 1;
            let played = json!({ "move": moves[ply as usize - 1], "ply": ply, "game_id": game_id });
            match client.request('M', played).await {
                Ok(answer) => assert_eq!(answer.number("ply"), Some(ply)),
                // It pauses while both are away.
                Err(Error::OutcomeUnknown) => (),
                Err(error) if matches!(error.code(), Some("not-now" | "wrong-ply")) => (),
                Err(error) => panic!("{error:?}"),
            }
            continue;
        }
        match next(&mut events).await {
            Event::Ended { reason } => panic!("{reason}"),
            _ => continue,
        }
    }
}

#[test]
fn a_game_survives_a_network_that_cuts_it() {
    let whole = WHOLE_GAMES.iter().find(|whole| whole.game == "reversi").unwrap();
    let moves: Vec<&str> = whole.moves.split_ascii_whitespace().collect();
    let daemon = Daemon::start();
    let proxy = Proxy::start(daemon.address, 3_000..9_000);
    Runtime::new().unwrap().block_on(async {
        let (alice, of_alice) = enter(&options(proxy.address, "alice")).await;
        let (bob, of_bob) = enter(&options(proxy.address, "bob")).await;
        let game_id = seat(&alice, &bob).await;
        let games = async {
            tokio::join!(play_to_the_end(alice, of_alice, game_id, &moves), play_to_the_end(bob, of_bob, game_id, &moves))
        };
        timeout(PATIENCE, games).await.unwrap();
        let record = || -> (String, String) {
            let query = "SELECT moves, result FROM game_record WHERE id = ?1";
            daemon.database().query_row(query, [game_id], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
        };
        eventually("the result on disk", || record() == (moves.join(" "), whole.result.to_owned()));
        println!("{} plies over {} cut connections", moves.len(), proxy.cuts());
        assert!(proxy.cuts() > 2, "{}", proxy.cuts());
    });
}

/// Begins a game of reversi, however often the network cuts it: its number is looked up.
async fn seat(alice: &Client, bob: &Client) -> u64 {
    loop {
        let _ = alice.request('G', json!({ "game": "reversi", "seat": "bob" })).await;
        let _ = bob.request('D', json!({ "inviter": "alice" })).await;
        let games = alice.request('N', json!({})).await;
        let playing = games.ok().and_then(|games| games.items.into_iter().find(|item| item["item"] == "playing"));
        if let Some(playing) = playing {
            return playing["game_id"].as_u64().unwrap();
        }
    }
}
