//! The caller's end: whom to ask, and where to hear what happens. The driver behind it does the rest.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::driver::Driver;
use super::stream::Stream;
use super::{Error, Event, Options, Tls, Welcome};

/// Requests that may wait for the driver; whoever finds it full waits a moment.
const MAILBOX: usize = 64;
/// Events that may wait for the caller beside those that the driver keeps.
const EVENTS: usize = 64;
/// How long a leaving may take.
pub(super) const FAREWELL: Duration = Duration::from_secs(2);

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
pub(super) struct Command {
    pub(super) request: Map<String, Value>,
    pub(super) answer: oneshot::Sender<Result<Answer, Error>>,
}

/// The driver's ends of what the handles hold.
pub(super) struct Ends {
    pub(super) requests: mpsc::Receiver<Command>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) farewell: Farewell,
}

/// How a leaving goes.
#[derive(Clone, Default)]
pub(super) struct Farewell {
    /// Somebody wants to leave.
    pub(super) is_wanted: CancellationToken,
    /// The connection is closed for good.
    pub(super) is_over: CancellationToken,
}

/// A handle to ask with. Clones are the same login; when the last one is dropped, it leaves.
#[derive(Clone)]
pub struct Client {
    login: Arc<LoggedIn>,
}

struct LoggedIn {
    commands: mpsc::Sender<Command>,
    address: String,
    tls: Option<Tls>,
    name: String,
    farewell: Farewell,
}

impl Drop for LoggedIn {
    fn drop(&mut self) {
        self.farewell.is_wanted.cancel();
    }
}

/// What happens, in order.
pub struct Events {
    events: mpsc::Receiver<Event>,
}

impl Events {
    /// The next event; `None` behind the last one, which is [`Event::Ended`]. Nothing is lost if this is
    /// dropped before it is ready.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}

impl Client {
    /// Logs in. Errors of the first login are returned; later ones are tried again.
    pub async fn connect(options: Options) -> Result<(Self, Events, Welcome), Error> {
        let (commands, requests) = mpsc::channel(MAILBOX);
        let (sender, events) = mpsc::channel(EVENTS);
        let (address, tls, farewell) = (options.address.clone(), options.tls.clone(), Farewell::default());
        let ends = Ends { requests, events: sender, farewell: farewell.clone() };
        let (driver, welcome) = Driver::connect(options, ends).await?;
        tokio::spawn(driver.run());
        let login = Arc::new(LoggedIn { commands, address, tls, name: welcome.name.clone(), farewell });
        Ok((Self { login }, Events { events }, welcome))
    }

    /// Another connection to the daemon.
    pub(super) async fn connect_again(&self) -> std::io::Result<Stream> {
        Stream::connect(&self.login.address, self.login.tls.as_ref()).await
    }

    /// The account's name.
    pub fn name(&self) -> &str {
        &self.login.name
    }

    /// Asks anything: a letter and its arguments by their names in `protocol.md`. What the library asks itself
    /// is [`Error::Protocol`]: another voice, logins, and `E`, which is [`leave`](Self::leave). A `ref` of the
    /// caller's gives way to the library's.
    ///
    /// Requests are sent in the order in which they are first polled; while the connection is lost they wait.
    /// Dropping one that was sent does not take it back.
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
        let letter = letter.to_ascii_uppercase();
        if "UPIET".contains(letter) || letter == 'V' && request.contains_key("voice") {
            return Err(Error::Protocol("the library asks that itself"));
        }
        request.insert("do".to_owned(), json!(letter));
        let (answer, answered) = oneshot::channel();
        self.login.commands.send(Command { request, answer }).await.map_err(|_| Error::Over)?;
        answered.await.map_err(|_| Error::Over)?
    }

    /// Asks what changes nothing, and so can be asked again when the answer was lost.
    pub(super) async fn look(&self, letter: char, arguments: Value) -> Result<Answer, Error> {
        loop {
            match self.request(letter, arguments.clone()).await {
                Err(Error::OutcomeUnknown) => (),
                answer => return answer,
            }
        }
    }

    /// Speaks; returns the event's number once it is stored. Over lost connections too it is said once.
    ///
    /// A refusal with the code `unconfirmed` tells that the room has heard it, but that it was not stored in
    /// time: it may still be. [`Error::heard_as`] has its number; it is not to be said again.
    /// [`Error::OutcomeUnknown`] is told where the connection was lost and the message could not be sent again:
    /// after [`Event::Ended`], or while the server cannot store.
    pub async fn say(&self, text: &str) -> Result<u64, Error> {
        let answer = self.request('C', json!({ "text": text })).await?;
        answer.number("seq").ok_or(Error::Protocol("no seq in the reply to C"))
    }

    /// Leaves the room: what was asked before is answered, the room hears of the leaving at once, and the
    /// events end with [`Event::Ended`] for the reason `left`. What is asked later is [`Error::Over`].
    pub async fn leave(&self) {
        let farewell = &self.login.farewell;
        farewell.is_wanted.cancel();
        // The driver sees to it that this ends, but for a runtime that shuts down.
        let _ = tokio::time::timeout(FAREWELL * 2, farewell.is_over.cancelled()).await;
    }
}
