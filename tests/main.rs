//! The promises of `protocol.md` and the README, each tried from outside, against the real binary.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod harness;

mod announce;
mod documents;
mod history;
mod json;
mod refs;
mod talk;
mod transcripts;
mod voices;
