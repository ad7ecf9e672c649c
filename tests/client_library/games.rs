//! Games as typed events: each kind once, as the daemon tells it.

use parlor::client::{Client, Event, Events, GameEvent, GameHappening, Happening, RoomEvent};
use serde_json::json;
use tokio::runtime::Runtime;

use super::{enter, next, options};
use crate::harness::Daemon;

/// The next event of a game.
async fn next_of_game(events: &mut Events) -> GameEvent {
    loop {
        if let Event::Game(event) = next(events).await {
            return event;
        }
    }
}

/// The next thing in the room that is no entry.
async fn next_of_room(events: &mut Events) -> Happening {
    loop {
        if let Event::Room(RoomEvent { what, .. }) = next(events).await
            && !matches!(what, Happening::Enter { .. })
        {
            return what;
        }
    }
}

async fn moves(client: &Client, played: &str) {
    client.request('M', json!({ "move": played })).await.unwrap();
}

#[test]
fn a_game_is_told_from_the_invitation_to_the_result() {
    let daemon = Daemon::start();
    Runtime::new().unwrap().block_on(async {
        let (alice, mut of_alice) = enter(&options(daemon.address, "alice")).await;
        let (bob, mut of_bob) = enter(&options(daemon.address, "bob")).await;
        let (carol, mut of_carol) = enter(&options(daemon.address, "carol")).await;
        alice.request('G', json!({ "game": "chess" })).await.unwrap();
        alice.request('G', json!({ "game": "-" })).await.unwrap();
        let invited = alice.request('G', json!({ "game": "tic-tac-toe", "clock": "5+3", "seat": "bob" })).await.unwrap();
        let game_id = invited.number("game_id").unwrap();
        bob.request('D', json!({ "inviter": "alice" })).await.unwrap();
        let Happening::Invite { from, game, clock: None, seat: None, .. } = next_of_room(&mut of_carol).await else { panic!() };
        assert_eq!((from.as_str(), game.as_str()), ("alice", "chess"));
        let Happening::Uninvite { reason, .. } = next_of_room(&mut of_carol).await else { panic!() };
        assert_eq!(reason, "withdrawn");
        let (from, game) = ("alice".to_owned(), "tic-tac-toe".to_owned());
        let invite =
            Happening::Invite { from, game_id, game: game.clone(), clock: Some("5+3".into()), seat: Some("bob".into()) };
        assert_eq!(next_of_room(&mut of_carol).await, invite);
        let join = Happening::Join { from: "bob".into(), inviter: "alice".into(), game_id, game: game.clone() };
        assert_eq!(next_of_room(&mut of_carol).await, join);

        let begun = next_of_game(&mut of_bob).await;
        let GameHappening::Begun(board) = begun.what else { panic!() };
        assert_eq!((begun.game_id, &begun.game), (game_id, &game));
        assert_eq!((board.first.as_str(), board.second.as_str(), board.clock.as_deref()), ("alice", "bob", Some("5+3")));
        assert_eq!((board.position.ply, board.position.turn.as_deref(), board.is_paused), (0, Some("alice"), false));
        assert_eq!(board.position.clocks.unwrap()[1].as_secs(), 300);
        moves(&alice, "b2").await;
        let GameHappening::Move { from, played, position } = next_of_game(&mut of_bob).await.what else { panic!() };
        assert_eq!((from.as_str(), played.as_str(), position.ply), ("alice", "b2", 1));
        assert_eq!((position.turn.as_deref(), position.position.as_str()), (Some("bob"), ".../.x./... o"));
        moves(&alice, "undo").await;
        assert_eq!(next_of_game(&mut of_bob).await.what, GameHappening::Offer { from: "alice".into(), offer: "undo".into() });
        let look = bob.request('M', json!({})).await.unwrap();
        let GameHappening::Board(board) = GameEvent::of_item(look.items[0].clone()).unwrap().what else { panic!() };
        assert_eq!((board.offer, board.position.ply), (Some(("undo".into(), "alice".into())), 1));
        moves(&bob, "undo").await;
        let GameHappening::TakeBack { from, position } = next_of_game(&mut of_bob).await.what else { panic!() };
        assert_eq!((from.as_str(), position.ply), ("alice", 0));

        alice.leave().await;
        let GameHappening::Lost { from, timeout } = next_of_game(&mut of_bob).await.what else { panic!() };
        assert!(from == "alice" && timeout.as_secs() > 10);
        let (alice, mut of_alice_again) = enter(&options(daemon.address, "alice")).await;
        let GameHappening::Board(board) = next_of_game(&mut of_alice_again).await.what else { panic!() };
        assert_eq!((board.away, board.end, board.position.ply), (None, None, 0));
        assert_eq!(next_of_game(&mut of_bob).await.what, GameHappening::Back { from: "alice".into() });
        moves(&alice, "a1").await;
        let watched = carol.request('O', json!({ "game_id": game_id })).await.unwrap();
        let items: Vec<GameEvent> = watched.items.into_iter().filter_map(GameEvent::of_item).collect();
        let GameHappening::Move { played, position, .. } = &items[0].what else { panic!() };
        assert_eq!((played.as_str(), position.ply), ("a1", 1));
        assert!(matches!(&items[1].what, GameHappening::Board(board) if board.position.ply == 1));
        moves(&bob, "resign").await;
        let over = GameHappening::Over {
            first: "alice".into(),
            second: "bob".into(),
            result: "first".into(),
            reason: "resigned".into(),
        };
        loop {
            match next_of_game(&mut of_carol).await.what {
                what @ GameHappening::Over { .. } => break assert_eq!(what, over),
                what => assert!(!matches!(what, GameHappening::Other { .. }), "{what:?}"),
            }
        }
        let Happening::Result { game_id: of, result, reason, .. } = (loop {
            let what = next_of_room(&mut of_bob).await;
            if matches!(what, Happening::Result { .. }) {
                break what;
            }
        }) else {
            panic!()
        };
        assert_eq!((of, result.as_str(), reason.as_str()), (game_id, "first", "resigned"));
        // Who was replaced by the new login has ended by leaving.
        loop {
            if let Event::Ended { reason } = next(&mut of_alice).await {
                break assert_eq!(reason, "left");
            }
        }
    });
}
