//! `tail`: what happens in the room, a line each, over lost connections too, until it is killed or nobody
//! reads it any more.

use std::io::{self, Write};

use parlor::client::{Event, Presence};
use parlor::protocol::tongue::Tongue;

use super::arguments::{Arguments, Voice};
use super::exit::{self, Failure};
use super::verbs::{Connection, enter};
use super::wording;

pub(super) async fn run(arguments: &Arguments, from: Option<u64>) -> Result<(), Failure> {
    let tongue = arguments.voice.map_or(Tongue::En, Voice::tongue);
    let after_seq = from.map(|seq| seq.saturating_sub(1));
    // Held: dropping it would leave the room.
    let (_client, mut events) = enter(arguments, Presence::Listener, after_seq).await?;
    exit::leave_when_unread();
    let mut connection = Connection::default();
    while let Some(event) = events.next().await {
        let Event::Room(event) = event else {
            if let Some(words) = connection.note(&event) {
                exit::tell(&words);
            }
            continue;
        };
        let mut output = io::stdout().lock();
        let written = output.write_all(wording::line(&event, tongue).as_bytes()).and_then(|()| output.flush());
        if let Err(error) = written {
            return Failure::of_output(&error);
        }
    }
    Err(connection.failure())
}
