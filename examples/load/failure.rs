//! Why a run has no result, and the exit code for it. A run that has one, with messages lost in it, is no failure
//! of this kind: its report says so and the program ends with 1.

use std::io;
use std::process::ExitCode;

/// The list for `--help`.
pub(crate) const CODES: &str = "\
Exit codes:
   0  everything arrived, once and in order, and every request was answered well
   1  something was lost, doubled, out of order, refused or not answered
   2  the command line is wrong
  69  no connection, or it was lost, or a login was refused
  71  the system refused descriptors or threads, or shows no such process";

/// Why a run has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The options do not make a scene.
    #[error("{0}; --help tells more")]
    Usage(String),
    /// No connection.
    #[error("cannot connect to {address}: {why}; is parlord running there?")]
    Unreachable { address: String, why: io::Error },
    /// A connection that was begun was refused.
    #[error("nobody listens at that address; is parlord running there?")]
    NobodyThere,
    /// A connection ended.
    #[error("a connection was lost: {0}; the log of parlord tells more")]
    Lost(String),
    /// A login was answered otherwise than it should be.
    #[error("{name} cannot log in: {answer}")]
    LoginRefused { name: String, answer: String },
    /// The daemon did not finish what a run begins with.
    #[error("{0}")]
    TooLong(String),
    /// The daemon's process cannot be read.
    #[error("cannot read {path}: {why}; is --pid the process of parlord, and yours?")]
    NoProcess { path: String, why: io::Error },
    /// The system refused the generator something.
    #[error("the system refused the generator what it needs: {0}")]
    System(#[from] io::Error),
    /// The generator itself is at fault.
    #[error("the generator failed: {0}")]
    Generator(String),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) => 2,
            Self::Unreachable { .. } | Self::NobodyThere | Self::Lost(_) | Self::LoginRefused { .. } | Self::TooLong(_) => 69,
            Self::NoProcess { .. } | Self::System(_) | Self::Generator(_) => 71,
        })
    }
}

impl From<rustix::io::Errno> for Failure {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::System(errno.into())
    }
}
