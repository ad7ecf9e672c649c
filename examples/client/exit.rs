//! How the client ends: one list of exit codes, after BSD's sysexits, for scripts; and what is said on
//! standard error. Nothing here panics when nobody reads that.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::process::{self, ExitCode};
use std::thread;

use parlor::client::TlsError;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// The list for `--help`.
pub(crate) const CODES: &str = "\
Exit codes:
   0  all well; also when nobody reads the output any more
   1  the server refused a request
   2  the command line is wrong, or no password is given
  65  what came is not what its hash says
  66  a local file, or standard input, cannot be read
  69  no connection, or none that can be trusted; or it ended before all was answered
  73  a local file, standard output or the terminal cannot be written
  77  the login was refused";

/// Why the client did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The server refused a request.
    #[error("refused: {0}")]
    Refused(String),
    /// The command line lacks something, or has too much.
    #[error("{0}; --help tells more")]
    Usage(String),
    /// A transfer brought other bytes than the server announced.
    #[error("what came of {0} is not what its hash says; it is not kept, ask for it again")]
    Mangled(String),
    /// A local file cannot be read.
    #[error("cannot read {what}: {why}")]
    Unreadable { what: String, why: String },
    /// The first connection could not be made.
    #[error("cannot connect to {address}: {why}; is parlord running there?")]
    Unreachable { address: String, why: String },
    /// What answers cannot be trusted, or does not speak TLS.
    #[error("no TLS with {address}: {why}")]
    Untrusted { address: String, why: String },
    /// The connection ended before all was answered.
    #[error("{0}")]
    Lost(String),
    /// A local file cannot be written.
    #[error("cannot write {what}: {why}")]
    Unwritable { what: String, why: String },
    /// The terminal, or the system, does not do what a full-screen program needs.
    #[error("the terminal failed: {0}")]
    Terminal(String),
    /// The server refused the login.
    #[error("login refused: {0}")]
    LoginRefused(String),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Refused(_) => 1,
            Failure::Usage(_) => 2,
            Failure::Mangled(_) => 65,
            Failure::Unreadable { .. } => 66,
            Failure::Unreachable { .. } | Failure::Untrusted { .. } | Failure::Lost(_) => 69,
            Failure::Unwritable { .. } | Failure::Terminal(_) => 73,
            Failure::LoginRefused(_) => 77,
        })
    }

    pub(crate) fn unreadable(path: &std::path::Path, why: impl Display) -> Self {
        Self::Unreadable { what: path.display().to_string(), why: why.to_string() }
    }

    pub(crate) fn unwritable(path: PathBuf, why: impl Display) -> Self {
        Self::Unwritable { what: path.display().to_string(), why: why.to_string() }
    }

    pub(crate) fn unreachable(address: &str, error: &io::Error) -> Self {
        match TlsError::of(error) {
            Some(error) => Self::untrusted(address, &error),
            None => Self::Unreachable { address: address.to_owned(), why: words(error) },
        }
    }

    pub(crate) fn untrusted(address: &str, error: &TlsError) -> Self {
        let advice = match error {
            TlsError::WrongName { .. } => "; connect by a name that it is for",
            TlsError::UnknownIssuer => "; get its certificate, or its authority's, from the operator, and give it by --ca FILE",
            TlsError::Expired | TlsError::NotYetValid | TlsError::IsAuthority => "; tell the operator",
            TlsError::NotTls => "; leave --tls out, or give the port that does",
            TlsError::NoRoots(_) | TlsError::Other(_) => "",
        };
        Self::Untrusted { address: address.to_owned(), why: format!("{error}{advice}") }
    }

    pub(crate) fn unregistered(name: &str) -> Self {
        Self::LoginRefused(format!("nobody is registered as {name}; --register does it"))
    }

    /// The server closed the connection and said why.
    pub(crate) fn closed(reason: &str) -> Self {
        if reason == "needs-tls" {
            return Self::Lost("that port speaks TLS and nothing else; --tls does so too".to_owned());
        }
        Self::Lost(format!("the server closed the connection ({reason})"))
    }

    /// Standard output cannot be written: quiet if only nobody reads it, as in `| head -1`.
    pub(crate) fn of_output(error: &io::Error) -> Result<(), Self> {
        if error.kind() == ErrorKind::BrokenPipe {
            return Ok(());
        }
        Err(Self::Unwritable { what: "standard output".to_owned(), why: words(error) })
    }
}

/// What an error of the system is, without its number: `connection refused`.
pub(crate) fn words(error: &io::Error) -> String {
    let words = error.to_string();
    let words = words.rsplit_once(" (os error").map_or(words.as_str(), |(words, _)| words);
    // It stands behind a colon.
    let mut rest = words.chars();
    rest.next().map_or_else(String::new, |first| first.to_lowercase().chain(rest).collect())
}

/// Says something on standard error, under the program's name.
pub(crate) fn tell(what: &dyn Display) {
    // Whoever closed standard error does not want to know.
    let _ = writeln!(io::stderr(), "client: {what}");
}

/// Ends the program as soon as nobody reads standard output any more, though there be nothing to write. For
/// a program that does nothing but write.
#[expect(clippy::exit, reason = "its other threads wait for what nobody will read")]
pub(crate) fn leave_when_unread() {
    thread::spawn(|| {
        let output = io::stdout();
        // Asked for nothing, it still tells that the other end is gone; a file has none, and waits for ever.
        let mut watched = [PollFd::new(&output, PollFlags::empty())];
        while poll(&mut watched, None) == Err(Errno::INTR) {}
        if watched[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) {
            process::exit(0);
        }
    });
}
