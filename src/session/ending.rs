//! Why a session ends.

use crate::protocol::closing::Closing;
use crate::protocol::refusal::Refusal;
use crate::protocol::request::TransferRequest;

/// Why a session ends.
#[derive(Debug)]
pub enum Ending {
    /// The peer asked to leave, and has been answered.
    Left,
    /// The connection is to carry bytes from here on, or its first line, which should have said which, is
    /// refused. Boxed, since connections that talk hold this too.
    Transfer(Box<Result<TransferRequest, Refusal>>),
    /// The peer sends nothing more.
    EndOfInput,
    /// The server closes it.
    Closed(Closing),
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Ending::Left => "left",
            Ending::Transfer(_) => "becomes a transfer",
            Ending::EndOfInput => "end of input",
            Ending::Closed(closing) => closing.code(),
        })
    }
}
