//! The language of the wire, and nothing else: requests, events, replies, refusals, and the
//! voices that word them.
//!
//! Pure: no sockets, no clocks, no SQL, and no import from the rest of the crate. A line comes in
//! through [`codec`] (bytes to [`codec::Input`]) and [`parse`] (a line to a [`request::Request`]);
//! what goes out is an [`event::Event`], a [`reply::Answer`] or a [`closing::Closing`], each worded
//! by a [`voice::Voice`]. To add a request: a row in the table of [`commands`], a variant of [`request::Ask`], a
//! handler in `session`. To add a voice: a file in [`voice`].

pub mod closing;
pub mod codec;
pub mod commands;
pub mod digest;
pub mod event;
pub mod file_name;
pub mod game;
mod json_request;
pub mod limits;
pub mod name;
pub mod parse;
pub mod refusal;
pub mod reply;
pub mod request;
pub mod secret;
pub mod shell;
pub mod text;
pub mod tongue;
pub mod voice;
