//! How a login ends by the caller's own wish.

use parlor::client::{Error, Event};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::{enter, next, options};
use crate::harness::{Client as Raw, Daemon, PATIENCE};

#[test]
fn who_leaves_is_answered_before_and_the_room_hears_it_at_once() {
    let daemon = Daemon::start();
    let mut bob = Raw::enter(&daemon, "bob");
    Runtime::new().unwrap().block_on(async {
        let (alice, mut events) = enter(&options(daemon.address, "alice")).await;
        let last_words = tokio::spawn({
            let alice = alice.clone();
            async move { alice.say("good night").await }
        });
        bob.skip_to("[alice]: good night");
        alice.leave().await;
        bob.skip_to("[alice] left the room");
        last_words.await.unwrap().unwrap();
        loop {
            match next(&mut events).await {
                Event::Ended { reason } => break assert_eq!(reason, "left"),
                Event::Lost { .. } => panic!("it is not lost"),
                _ => (),
            }
        }
        assert!(timeout(PATIENCE, events.next()).await.unwrap().is_none());
        assert!(matches!(alice.say("too late").await, Err(Error::Over)));
        // Once more is no harm.
        alice.leave().await;
    });
}

#[test]
fn who_drops_the_last_handle_leaves_and_who_drops_the_events_stays() {
    let daemon = Daemon::start();
    let mut bob = Raw::enter(&daemon, "bob");
    Runtime::new().unwrap().block_on(async {
        let (alice, events) = enter(&options(daemon.address, "alice")).await;
        drop(events);
        alice.say("deaf").await.unwrap();
        bob.skip_to("[alice]: deaf");
        bob.ask("C - do you hear?");
        alice.say("still here").await.unwrap();
        bob.skip_to("[alice]: still here");
        drop(alice);
        bob.skip_to("[alice] left the room");
        let (alice, mut events) = enter(&options(daemon.address, "alice")).await;
        drop(alice);
        assert!(matches!(next(&mut events).await, Event::Back));
        assert!(matches!(next(&mut events).await, Event::Ended { reason } if reason == "left"));
    });
}
