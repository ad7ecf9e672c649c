//! A client library: for the bundled client, for tests and for other programs.
//!
//! [`Client`] asks, [`Events`] tells. A task behind them speaks voice `json`: it pairs replies with requests,
//! and when the connection is lost it comes back by its token and reads from the room's log what was missed, so
//! that the caller sees each event of the room once and in order. After `replaced` it does not come back by
//! itself: that would push out the other.
//!
//! This part knows `protocol.md` and nothing of the daemon: it imports none of its parts.
//!
//! # Connecting
//!
//! ```no_run
//! use parlor::client::{Client, Event, Happening, Login, Options};
//!
//! # async fn example() -> Result<(), parlor::client::Error> {
//! let login = Login::Password { name: "alice".into(), password: "correct-horse".into(), may_register: true };
//! let (client, mut events, welcome) = Client::connect(Options::new("127.0.0.1:7171", login)).await?;
//! println!("{} are here", welcome.count);
//! let seq = client.say("hello").await?;
//! while let Some(event) = events.next().await {
//!     match event {
//!         Event::Room(event) if event.seq == seq => client.leave().await,
//!         Event::Room(event) => {
//!             if let Happening::Chat { from, text } = event.what {
//!                 println!("{from}: {text}");
//!             }
//!         }
//!         Event::Lost { .. } => println!("the connection is lost; it comes back by itself"),
//!         Event::Ended { reason } => println!("over: {reason}"),
//!         _ => (),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Where the server speaks TLS, the options say whom to trust:
//!
//! ```no_run
//! use parlor::client::{Login, Options, Tls};
//!
//! # fn example(login: Login) -> Result<Options, parlor::client::Error> {
//! let tls = Tls::of_file("chat.pem".as_ref())?; // or Tls::of_system()
//! Ok(Options { tls: Some(tls), ..Options::new("chat.example.org:7172", login) })
//! # }
//! ```
//!
//! # What a lost connection means for what was asked
//!
//! | asked | when its answer was lost |
//! |---|---|
//! | [`say`](Client::say), or a `C` | sent again under its old `ref`, which the server says once |
//! | [`history`](Client::history), [`history_before`](Client::history_before), [`members`](Client::members), [`shelf`](Client::shelf) | asked again: they change nothing |
//! | [`upload`](Client::upload), [`download`](Client::download) | gone on with from where they were |
//! | any other [`request`](Client::request) | ends as [`Error::OutcomeUnknown`]: look (`S`, `N`, `M`), and decide |
//!
//! Events that are not taken are kept up to a bound. Beyond it those of the room are read again from its log when
//! there is room, and of a game it is told that something was [missed](GameHappening::Missed). Requests are
//! answered all the same.
//!
//! # Games
//!
//! Games are asked for by [`request`](Client::request) and told as [`GameEvent`]s. They are not read again after
//! a lost connection, so whoever plays looks at the board after each [`Event::Back`], and a move whose answer was
//! lost is sent again with its ply and the game's number: it counts once.
//!
//! ```no_run
//! use parlor::client::{Client, Error, Event, Events, GameEvent, GameHappening};
//! use serde_json::json;
//!
//! /// Plays what it is told to, until the game is over.
//! async fn play(client: &Client, mut events: Events, choose: impl Fn(&str) -> String) -> Result<(), Error> {
//!     while let Some(event) = events.next().await {
//!         let position = match event {
//!             Event::Back => {
//!                 let Ok(look) = client.request('M', json!({})).await else { continue };
//!                 match look.items.into_iter().find_map(GameEvent::of_item).map(|event| event.what) {
//!                     Some(GameHappening::Board(board)) => board.position,
//!                     _ => continue,
//!                 }
//!             }
//!             Event::Game(event) => match event.what {
//!                 GameHappening::Begun(board) | GameHappening::Board(board) => board.position,
//!                 GameHappening::Move { position, .. } | GameHappening::Resumed(position) => position,
//!                 GameHappening::Over { result, reason, .. } => {
//!                     println!("{result}: {reason}");
//!                     break;
//!                 }
//!                 _ => continue,
//!             },
//!             _ => continue,
//!         };
//!         if position.turn.as_deref() == Some(client.name()) {
//!             let played = json!({ "move": choose(&position.position), "ply": position.ply + 1 });
//!             match client.request('M', played).await {
//!                 // Back follows, and the board tells.
//!                 Err(Error::OutcomeUnknown) => (),
//!                 answer => println!("played as ply {:?}", answer?.number("ply")),
//!             }
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # Files
//!
//! ```no_run
//! use std::path::Path;
//!
//! use parlor::client::{Client, Error, Progress};
//!
//! async fn swap(client: &Client) -> Result<(), Error> {
//!     let shown = |progress: Progress| println!("{} of {} bytes", progress.done_bytes, progress.size_bytes);
//!     let sha256 = client.upload(Path::new("report.pdf"), "report.pdf", shown).await?;
//!     println!("shared: {sha256}");
//!     client.download("minutes.txt", Path::new("/tmp/minutes.txt"), shown).await
//! }
//! ```

mod backoff;
mod catchup;
mod connection;
mod download;
mod driver;
mod error;
mod event;
mod game;
mod handle;
mod lists;
mod options;
mod pending;
mod stream;
mod tls;
mod transfer;
mod untold;
mod upload;

pub use error::{Error, Refusal};
pub use event::{Event, Happening, RoomEvent};
pub use game::{Board, GameEvent, GameHappening, Position};
pub use handle::{Answer, Client, Events};
pub use lists::SharedFile;
pub use options::{Login, Options, Presence, Welcome};
pub use tls::{Tls, TlsError};
pub use transfer::Progress;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
