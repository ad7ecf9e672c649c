//! The promises of `parlor::client`: over whatever network each message arrives once and in order, each
//! request is answered once, and files arrive whole.

mod files;
mod games;
mod leaving;
mod lists;
mod lost;
mod scripted;

use std::net::SocketAddr;
use std::time::Duration;

use parlor::client::{Client, Error, Event, Events, Happening, Login, Options, Presence};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::harness::{Client as Raw, Daemon, PASSWORD, PATIENCE, Proxy, repetitions};

/// What a proxy lets pass that cuts nothing.
pub const NEVER: std::ops::Range<u64> = 1 << 40..1 << 41;

pub fn options(address: SocketAddr, name: &str) -> Options {
    let login = Login::Password { name: name.into(), password: PASSWORD.into(), may_register: true };
    let mut options = Options::new(address.to_string(), login);
    (options.backoff, options.longest_backoff) = (Duration::from_millis(5), Duration::from_millis(50));
    options
}

/// The first login, however often the network cuts it.
pub async fn enter(options: &Options) -> (Client, Events) {
    loop {
        match Client::connect(options.clone()).await {
            Ok((client, events, _)) => return (client, events),
            Err(Error::Io(_)) => (),
            Err(error) => panic!("{error}"),
        }
    }
}

pub async fn next(events: &mut Events) -> Event {
    timeout(PATIENCE, events.next()).await.expect("an event in time").expect("the login goes on")
}

/// The next thing that somebody says.
pub async fn next_said(events: &mut Events) -> (u64, String) {
    loop {
        if let Event::Room(event) = next(events).await
            && let Happening::Chat { text, .. } = event.what
        {
            return (event.seq, text);
        }
    }
}

#[test]
fn over_a_bad_network_each_message_arrives_once_and_in_order() {
    const AT_ONCE: usize = 50;
    let messages = repetitions("PARLOR_TEST_MESSAGES", 1000).div_ceil(AT_ONCE) * AT_ONCE;
    let daemon = Daemon::start();
    let proxy = Proxy::start(daemon.address, 3_000..60_000);
    Runtime::new().unwrap().block_on(async {
        let listening = Options { after_seq: Some(0), ..options(proxy.address, "bob") };
        let (_bob, mut heard) = enter(&listening).await;
        let (alice, mut own) = enter(&options(proxy.address, "alice")).await;
        tokio::spawn(async move { while own.next().await.is_some() {} });
        let speaking = tokio::spawn(async move {
            let mut seqs = Vec::new();
            for batch in 0..messages / AT_ONCE {
                let said = (0..AT_ONCE).map(|number| {
                    let (alice, text) = (alice.clone(), format!("message {}", batch * AT_ONCE + number));
                    async move { alice.say(&text).await.unwrap() }
                });
                // Asked in this order, and answered in it.
                let said: Vec<_> = said.map(Box::pin).collect();
                seqs.extend(join_in_order(said).await);
            }
            seqs
        });
        let mut arrived = Vec::new();
        while arrived.len() < messages {
            arrived.push(next_said(&mut heard).await);
        }
        let seqs = speaking.await.unwrap();
        for (number, (seq, text)) in arrived.iter().enumerate() {
            assert_eq!((text.as_str(), *seq), (format!("message {number}").as_str(), seqs[number]));
        }
        println!("{messages} messages over {} cut connections: each once, in order", proxy.cuts());
        assert!(proxy.cuts() > 2);
    });
}

/// Polls all of them in order, and returns their outcomes in order.
async fn join_in_order<F: Future + Unpin>(mut futures: Vec<F>) -> Vec<F::Output> {
    let mut outcomes: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, outcome) in futures.iter_mut().zip(&mut outcomes) {
            if outcome.is_none()
                && let std::task::Poll::Ready(ready) = std::pin::Pin::new(future).poll(context)
            {
                *outcome = Some(ready);
            }
        }
        if outcomes.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    outcomes.into_iter().flatten().collect()
}

#[test]
fn what_was_missed_while_the_daemon_was_gone_is_told_when_it_is_back() {
    let mut daemon = Daemon::start();
    let proxy = Proxy::start(daemon.address, NEVER);
    Runtime::new().unwrap().block_on(async {
        let (bob, mut events) = enter(&options(proxy.address, "bob")).await;
        assert!(matches!(next(&mut events).await, Event::Back));
        let first = bob.say("before").await.unwrap();
        assert_eq!(next_said(&mut events).await, (first, "before".into()));
        daemon.kill();
        assert!(matches!(next(&mut events).await, Event::Lost { .. }));
        daemon.restart();
        let mut alice = Raw::enter(&daemon, "alice");
        alice.ask("C - meanwhile");
        // It has another port now.
        proxy.lead_to(daemon.address);
        assert_eq!(next_said(&mut events).await.1, "meanwhile");
        // Whoever begins later is told the same from where they were.
        let again = Options { after_seq: Some(first), ..options(daemon.address, "bob") };
        let (_bob, mut events) = enter(&again).await;
        assert_eq!(next_said(&mut events).await.1, "meanwhile");
    });
}

#[test]
fn who_does_not_look_for_long_misses_nothing() {
    const MESSAGES: usize = 4500;
    let daemon = Daemon::start();
    Runtime::new().unwrap().block_on(async {
        let (bob, mut events) = enter(&options(daemon.address, "bob")).await;
        assert!(matches!(next(&mut events).await, Event::Back));
        // More than the client keeps, the kernel takes and the room's ring holds.
        let mut talker = Raw::enter(&daemon, "talker");
        for batch in 0..MESSAGES / 50 {
            let word = |number: usize| format!("C - {} {}\n", batch * 50 + number, "x".repeat(3900));
            talker.send_raw((0..50).map(word).collect::<String>().as_bytes());
            (0..50).for_each(|_| assert!(talker.reply().starts_with("OK ")));
        }
        // The answer does not wait for what is not taken.
        bob.say("I am busy").await.unwrap();
        let mut last_seq = 0;
        for number in 0..MESSAGES {
            let (seq, text) = next_said(&mut events).await;
            assert!(seq > last_seq && text.starts_with(&format!("{number} ")), "{number}: {}", &text[..10]);
            last_seq = seq;
        }
    });
}

#[test]
fn who_is_replaced_stays_away_and_says_why() {
    let daemon = Daemon::start();
    Runtime::new().unwrap().block_on(async {
        let (client, mut events) = enter(&options(daemon.address, "alice")).await;
        let mut other = Raw::connect(&daemon);
        other.log_in("alice");
        loop {
            match next(&mut events).await {
                Event::Ended { reason } => break assert_eq!(reason, "replaced"),
                Event::Lost { .. } => panic!("it comes back"),
                _ => (),
            }
        }
        assert!(timeout(PATIENCE, events.next()).await.unwrap().is_none());
        assert!(matches!(client.say("too late").await, Err(Error::Over | Error::OutcomeUnknown)));
        assert!(other.ask("W").starts_with("OK 1 alice"));
    });
}

#[test]
fn refusals_have_their_codes_and_logins_their_errors() {
    let daemon = Daemon::start();
    Runtime::new().unwrap().block_on(async {
        let (alice, _events) = enter(&options(daemon.address, "alice")).await;
        let refused = alice.request('L', json!({ "file_name": "nothing" })).await.unwrap_err();
        assert_eq!(refused.code(), Some("no-such-file"));
        // The server cannot read the ref of these, but they are answered.
        assert_eq!(alice.say("a\u{202e}b").await.unwrap_err().code(), Some("bad-text"));
        assert_eq!(alice.say(&"x".repeat(20_000)).await.unwrap_err().code(), Some("line-too-long"));
        assert!(matches!(alice.request('v', json!({ "voice": "en" })).await, Err(Error::Protocol(_))));
        let who = alice.request('W', json!({})).await.unwrap();
        assert_eq!(who.number("count"), Some(1));
        let login = |password: &str, may_register| {
            let login = Login::Password { name: "carol".into(), password: password.into(), may_register };
            Client::connect(Options { login, presence: Presence::Silent, ..options(daemon.address, "carol") })
        };
        assert_eq!(login(PASSWORD, false).await.err().unwrap().code(), Some("no-such-user"));
        assert!(login(PASSWORD, true).await.is_ok());
        assert_eq!(login("another-one", false).await.err().unwrap().code(), Some("wrong-password"));
        let (events, has_more) = alice.history(0, None, 2).await.unwrap();
        assert_eq!((events.len(), has_more), (2, false));
    });
}
