//! What lies between an accepted socket and a connection that is served, where the listener speaks TLS.

use std::io;

use tokio::net::TcpStream;
use tokio::time::Instant;

use super::connection::say_and_close;
use super::stream::Stream;
use super::tls::{Refused, Tls, shake_hands};
use crate::metrics::METRICS;
use crate::protocol::closing::Closing;
use crate::protocol::voice::Voice;

/// Agrees on TLS with a peer; or tells it why not, closes, and returns why. `voice` is for who does not speak TLS.
pub(super) async fn come_in(socket: TcpStream, tls: &Tls, voice: Voice, deadline: Instant) -> Result<Stream, Refused> {
    let refused = match shake_hands(&socket, tls, deadline).await {
        Ok(session) => return Ok(Stream::tls(socket, session)),
        Err(refused) => refused,
    };
    let mut last_words = String::new();
    match &refused {
        Refused::NotTls => {
            METRICS.closed(Closing::NeedsTls);
            voice.closing(Closing::NeedsTls, &mut last_words);
        }
        // An alert has told it.
        Refused::Disagreed(_) => (),
        Refused::TooSlow | Refused::Lost(_) => return Err(refused),
    }
    // The peer may be gone.
    let _: io::Result<()> = say_and_close(Stream::Plain(socket), &last_words).await;
    Err(refused)
}
