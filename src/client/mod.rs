//! A client library: for the bundled client, for tests and for other programs.
//!
//! [`Client`] asks, [`Events`] tells. A task behind them speaks voice `json`: it pairs replies with requests
//! by `ref`, and when the connection is lost it comes back by its token and reads from the room's log what
//! was missed, so that the caller sees each event of the room once and in order. [`Client::say`] is sent
//! again under its old `ref`, and so is said once; any other request whose answer was lost ends as
//! [`Error::OutcomeUnknown`], and the caller looks again (`S`, `N`, `M`). After `replaced` it does not come
//! back by itself: that would push out the other.
//!
//! This part knows `protocol.md` and nothing of the daemon: it imports none of its parts.
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
//!         Event::Room(event) if event.seq == seq => println!("I was heard"),
//!         Event::Room(event) => {
//!             if let Happening::Chat { from, text } = event.what {
//!                 println!("{from}: {text}");
//!             }
//!         }
//!         Event::Ended { reason } => println!("over: {reason}"),
//!         _ => (),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod connection;
mod driver;
mod error;
mod event;
mod transfer;

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot};

pub use error::{Error, Refusal};
pub use event::{Event, Happening, RoomEvent};
pub use transfer::Progress;

/// Requests that may wait for the driver; whoever finds it full waits a moment.
const MAILBOX: usize = 64;
/// Events that may wait for the caller beside those that the driver keeps.
const EVENTS: usize = 64;

/// Who logs in.
#[derive(Clone)]
pub enum Login {
    /// By name and password.
    Password {
        /// The account.
        name: String,
        /// Its password.
        password: String,
        /// Whether it is registered if nobody has the name.
        may_register: bool,
    },
    /// By the token of an earlier login.
    Token(String),
}

/// How a login is in the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// As a member: announced, and the only one of its account.
    Member,
    /// Beside whoever is there by the same account, hearing the room.
    Listener,
    /// Beside whoever is there, hearing nothing.
    Silent,
}

/// How to connect.
#[derive(Clone)]
pub struct Options {
    /// Host and port.
    pub address: String,
    /// Who.
    pub login: Login,
    /// As what.
    pub presence: Presence,
    /// The newest event that the caller knows: what came after it is told first. `None` to begin with what
    /// happens from now on.
    pub after_seq: Option<u64>,
    /// The first pause before coming back; each next one is twice as long, with some chance in it.
    pub backoff: Duration,
    /// The longest pause.
    pub longest_backoff: Duration,
    /// How long nothing may be heard before the connection counts as lost; after half of it the server is asked.
    pub silence: Duration,
}

impl Options {
    /// The usual way, as a member.
    pub fn new(address: impl Into<String>, login: Login) -> Self {
        Self {
            address: address.into(),
            login,
            presence: Presence::Member,
            after_seq: None,
            backoff: Duration::from_millis(200),
            longest_backoff: Duration::from_secs(20),
            silence: Duration::from_secs(60),
        }
    }
}

/// The room as a login found it.
#[derive(Clone, Debug)]
pub struct Welcome {
    /// The account's name as it was registered.
    pub name: String,
    /// How many are here.
    pub count: u64,
    /// The newest event then.
    pub seq: u64,
    /// Some of the names of those here.
    pub names: Vec<String>,
    /// A token to come back with, after a login by password.
    pub token: Option<String>,
}

/// The answer to a request: the fields of its reply, and the lines that came before it.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The reply's fields.
    pub reply: Map<String, Value>,
    /// Its items, in order.
    pub items: Vec<Map<String, Value>>,
}

impl Answer {
    /// A number among the reply's fields.
    pub fn number(&self, key: &str) -> Option<u64> {
        self.reply.get(key).and_then(Value::as_u64)
    }

    /// A text among the reply's fields.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.reply.get(key).and_then(Value::as_str)
    }
}

/// What the driver is asked.
struct Command {
    request: Map<String, Value>,
    answer: oneshot::Sender<Result<Answer, Error>>,
}

/// A handle to ask with. Clones are the same login; when the last one is dropped, it leaves.
#[derive(Clone)]
pub struct Client {
    commands: mpsc::Sender<Command>,
    address: String,
    name: String,
}

/// What happens, in order. Whoever does not read it is not read to for long either.
pub struct Events {
    events: mpsc::Receiver<Event>,
}

impl Events {
    /// The next event; `None` once the login is over.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}

impl Client {
    /// Logs in. Errors of the first login are returned; later ones are tried again.
    pub async fn connect(options: Options) -> Result<(Self, Events, Welcome), Error> {
        let (commands, requests) = mpsc::channel(MAILBOX);
        let (sender, events) = mpsc::channel(EVENTS);
        let address = options.address.clone();
        let (driver, welcome) = driver::Driver::connect(options, requests, sender).await?;
        tokio::spawn(driver.run());
        let name = welcome.name.clone();
        Ok((Self { commands, address, name }, Events { events }, welcome))
    }

    /// Asks anything: a letter and its arguments by their names in `protocol.md`.
    ///
    /// ```no_run
    /// # async fn example(client: &parlor::client::Client) -> Result<(), parlor::client::Error> {
    /// let who = client.request('W', serde_json::json!({ "page": 2 })).await?;
    /// println!("{:?}", who.number("count"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn request(&self, letter: char, arguments: Value) -> Result<Answer, Error> {
        let mut request = match arguments {
            Value::Object(arguments) => arguments,
            _ => Map::new(),
        };
        request.insert("do".to_owned(), json!(letter));
        let (answer, answered) = oneshot::channel();
        self.commands.send(Command { request, answer }).await.map_err(|_| Error::Over)?;
        answered.await.map_err(|_| Error::Over)?
    }

    /// Speaks; returns the event's number once it is stored. Over lost connections too it is said once.
    pub async fn say(&self, text: &str) -> Result<u64, Error> {
        let answer = self.request('C', json!({ "text": text })).await?;
        answer.number("seq").ok_or(Error::Protocol("no seq in the reply to C"))
    }

    /// At most `count` events of the log after one number and up to another, oldest first, the oldest of the
    /// range; and whether there are more.
    pub async fn history(&self, after: u64, up_to: Option<u64>, count: usize) -> Result<(Vec<RoomEvent>, bool), Error> {
        let right = up_to.map_or(json!("-"), |seq| json!(seq));
        let answer = self.request('H', json!({ "left": after, "right": right, "n": format!("+{count}") })).await?;
        let more = answer.reply.get("more").and_then(Value::as_bool).unwrap_or_default();
        Ok((answer.items.into_iter().filter_map(|item| RoomEvent::read("item", item)).collect(), more))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
