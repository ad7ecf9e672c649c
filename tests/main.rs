//! The promises of `protocol.md` and the README, each tried from outside, against the real binary.

#![allow(missing_docs, unreachable_pub)]

mod harness;

mod documents;
mod talk;
mod transcripts;
