//! `send`, `upload` and `download`: one request each, beside whoever is there by the same account. They stand
//! on `parlor::client`, which comes back when the connection is lost; what they add is what a script wants
//! of them: exit codes, and a bar on standard error for who looks on.

use std::fs;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use parlor::client::{Client, Error, Event, Events, Login, Options, Presence, Progress, Welcome};
use parlor::protocol::file_name::FileName;
use tokio::runtime;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::arguments::{Arguments, Verb};
use super::exit::{self, Failure};
use super::wording::harmless;
use super::{password, tail};

/// The first login; later ones have no hurry.
const ENTRY_TIMEOUT: Duration = Duration::from_secs(60);
/// Why a login is over is told right behind the requests that failed with it.
const REASON_TIMEOUT: Duration = Duration::from_secs(1);
/// The name is cut, the bar takes what is left.
const BAR: &str = "{msg:24!} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}";

/// Does what one command asks.
pub(crate) fn run(arguments: &Arguments, verb: &Verb) -> Result<(), Failure> {
    // A second thread serves the connection while the first one writes to a slow reader.
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Lost(format!("the system refused a thread: {}", exit::words(&error))))?;
    let result = runtime.block_on(async {
        match verb {
            Verb::Send { text } => send(arguments, text).await,
            Verb::Upload { file, name } => upload(arguments, file, name.as_deref()).await,
            Verb::Download { name, output } => download(arguments, name, output.as_deref()).await,
            Verb::Tail { from } => tail::run(arguments, *from).await,
        }
    });
    runtime.shutdown_background();
    result
}

/// Logs in, in whatever way beside others of the same account.
pub(super) async fn enter(
    arguments: &Arguments,
    presence: Presence,
    after_seq: Option<u64>,
) -> Result<(Client, Events), Failure> {
    let name = arguments.required_user()?;
    let password = password::find(arguments, name)?;
    let login = Login::Password { name: name.to_owned(), password, may_register: arguments.register };
    let tls = arguments.trust()?;
    let options = Options { presence, after_seq, tls, ..Options::new(&arguments.address, login) };
    let entered = connect(options).await;
    let (client, events, _) = entered.map_err(|error| login_failure(arguments, name, error))?;
    Ok((client, events))
}

/// The first login, which is not waited for without end.
pub(super) async fn connect(options: Options) -> Result<(Client, Events, Welcome), Error> {
    let entered = timeout(ENTRY_TIMEOUT, Client::connect(options)).await;
    entered.unwrap_or_else(|_| Err(io::Error::from(ErrorKind::TimedOut).into()))
}

/// Why the first login failed.
pub(super) fn login_failure(arguments: &Arguments, name: &str, error: Error) -> Failure {
    match error {
        Error::Refused(refusal) if refusal.code == "no-such-user" => Failure::unregistered(name),
        error @ Error::Refused(_) => Failure::LoginRefused(refusal_words(&error)),
        Error::Closed(reason) => Failure::closed(&harmless(&reason)),
        Error::Io(error) => Failure::unreachable(&arguments.address, &error),
        Error::Tls(error) => Failure::untrusted(&arguments.address, &error),
        error => Failure::Lost(error.to_string()),
    }
}

async fn send(arguments: &Arguments, text: &str) -> Result<(), Failure> {
    let session = Session::enter(arguments, ProgressBar::hidden()).await?;
    let said = session.client.say(text).await;
    session.end(said.map(|_| ()), |error| Failure::Lost(exit::words(&error))).await
}

async fn upload(arguments: &Arguments, path: &Path, name: Option<&str>) -> Result<(), Failure> {
    // Judged before anything is asked: a file that is not there needs no password.
    let unreadable = |error: io::Error| Failure::unreadable(path, exit::words(&error));
    let kind = fs::metadata(path).map_err(unreadable)?.file_type();
    if kind.is_dir() {
        return Err(unreadable(ErrorKind::IsADirectory.into()));
    }
    // Reading a pipe or a device need not end.
    if !kind.is_file() {
        return Err(Failure::unreadable(path, "it is not a regular file"));
    }
    fs::File::open(path).map_err(unreadable)?;
    let own = path.file_name().and_then(|name| name.to_str());
    let name = name.or(own).ok_or_else(|| Failure::Usage("the file's name is not UTF-8; give one with --name".to_owned()))?;
    let session = Session::enter(arguments, bar(name)).await?;
    let mut shown = Shown::new(&session.bar);
    let sent = session.client.upload(path, name, |progress| shown.show(progress)).await;
    session.end(sent.map(|_| ()), unreadable).await
}

async fn download(arguments: &Arguments, name: &str, output: Option<&Path>) -> Result<(), Failure> {
    let path = match output {
        Some(path) => path.to_owned(),
        None => own_place(name)?,
    };
    let unwritable = |error: io::Error| Failure::unwritable(path.clone(), exit::words(&error));
    if path.is_dir() {
        return Err(unwritable(ErrorKind::IsADirectory.into()));
    }
    if output.is_none() && path.symlink_metadata().is_ok() {
        return Err(Failure::unwritable(path, "it is there already; -o FILE replaces it or gives another name"));
    }
    let session = Session::enter(arguments, bar(name)).await?;
    let mut shown = Shown::new(&session.bar);
    match session.client.download(name, &path, |progress| shown.show(progress)).await {
        Err(Error::HashMismatch) => {
            leave(&session.bar);
            Err(Failure::Mangled(harmless(name)))
        }
        fetched => session.end(fetched, unwritable).await,
    }
}

/// Where a file goes by its own name: into this directory and nowhere else.
fn own_place(name: &str) -> Result<PathBuf, Failure> {
    match FileName::parse(name) {
        // Not a name alone, which could be taken for something else by whoever is told it.
        Ok(name) => Ok(Path::new(".").join(name.as_str())),
        Err(_) => Err(Failure::Usage(format!("{} is no name for a file here; give one with -o FILE", harmless(name)))),
    }
}

/// A login for one request.
struct Session {
    client: Client,
    bar: ProgressBar,
    /// Tells of the connection, and ends with the login.
    telling: JoinHandle<Connection>,
}

impl Session {
    async fn enter(arguments: &Arguments, bar: ProgressBar) -> Result<Self, Failure> {
        let (client, mut events) = enter(arguments, Presence::Silent, None).await?;
        let beside = bar.clone();
        let telling = tokio::spawn(async move {
            let mut connection = Connection::default();
            while let Some(event) = events.next().await {
                if let Some(words) = connection.note(&event) {
                    beside.suspend(|| exit::tell(&words));
                }
            }
            connection
        });
        Ok(Self { client, bar, telling })
    }

    /// The outcome of the request; what failed on this computer is told by `local`.
    async fn end(self, result: Result<(), Error>, local: impl FnOnce(io::Error) -> Failure) -> Result<(), Failure> {
        leave(&self.bar);
        let Err(error) = result else { return Ok(()) };
        Err(match error {
            Error::Refused(_) => Failure::Refused(refusal_words(&error)),
            Error::Over | Error::OutcomeUnknown => match timeout(REASON_TIMEOUT, self.telling).await {
                Ok(Ok(connection)) => connection.failure(),
                Ok(Err(_)) | Err(_) => Failure::Lost(error.to_string()),
            },
            Error::Io(error) if is_of_network(error.kind()) => {
                Failure::Lost(format!("the connection was lost: {}", exit::words(&error)))
            }
            Error::Io(error) => local(error),
            error => Failure::Lost(error.to_string()),
        })
    }
}

/// What standard error is told of the connection behind a command.
#[derive(Default)]
pub(super) struct Connection {
    is_lost: bool,
    ended: Option<String>,
}

impl Connection {
    /// What is to be said of an event.
    pub(super) fn note(&mut self, event: &Event) -> Option<&'static str> {
        match event {
            Event::Lost { .. } if !self.is_lost => {
                self.is_lost = true;
                Some("the connection is lost; trying again")
            }
            Event::Back if self.is_lost => {
                self.is_lost = false;
                Some("the connection is back")
            }
            Event::Ended { reason } => {
                self.ended = Some(reason.clone());
                None
            }
            _ => None,
        }
    }

    /// Why the login is over.
    pub(super) fn failure(self) -> Failure {
        self.ended
            .map_or_else(|| Failure::Lost("the connection is over".to_owned()), |reason| Failure::closed(&harmless(&reason)))
    }
}

/// A refusal in the form of a line: the code, and what to do.
fn refusal_words(error: &Error) -> String {
    harmless(&format!("{} {error}", error.code().unwrap_or_default()))
}

fn is_of_network(kind: ErrorKind) -> bool {
    use ErrorKind as Kind;
    matches!(
        kind,
        Kind::UnexpectedEof
            | Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::NotConnected
            | Kind::BrokenPipe
            | Kind::TimedOut
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::NetworkDown
    )
}

/// The bar of a transfer; none where standard error is no terminal.
fn bar(name: &str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_message(harmless(name));
    match ProgressStyle::with_template(BAR) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Lets a bar stand as it is, and begins a new line behind it; one that has shown nothing goes.
fn leave(bar: &ProgressBar) {
    if bar.is_hidden() || bar.length() == Some(0) {
        return bar.finish_and_clear();
    }
    bar.abandon();
    // Whoever closed standard error sees no bar either.
    let _ = writeln!(io::stderr());
}

/// A bar that is moved by what the library tells.
struct Shown<'a> {
    bar: &'a ProgressBar,
    has_begun: bool,
}

impl<'a> Shown<'a> {
    fn new(bar: &'a ProgressBar) -> Self {
        Self { bar, has_begun: false }
    }

    fn show(&mut self, progress: Progress) {
        self.bar.set_length(progress.size_bytes);
        self.bar.set_position(progress.done_bytes);
        if !self.has_begun {
            self.has_begun = true;
            // What came of an earlier attempt says nothing about the rate of this one.
            self.bar.reset_eta();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_place_in_this_directory_or_none() {
        assert_eq!(own_place("report.pdf").unwrap(), Path::new("./report.pdf"));
        assert_eq!(own_place("-rf").unwrap(), Path::new("./-rf"));
        for name in ["", "..", ".profile", "../a", "/etc/passwd", "a/b", r"a\b", "a\u{0}", "a\u{202e}b"] {
            assert!(matches!(own_place(name), Err(Failure::Usage(_))), "{name:?}");
        }
    }

    #[test]
    fn the_bar_has_a_form() {
        assert!(ProgressStyle::with_template(BAR).is_ok());
    }
}
