//! The promises of `protocol.md` and the README, each tried from outside, against the real binary.

#![allow(missing_docs, clippy::expect_used)]

mod harness;

mod talk;
