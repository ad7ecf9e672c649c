//! The promises of `protocol.md` and the README, each tried from outside, against the real binary.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod harness;

mod announce;
mod bad_input;
mod boards;
mod command_line;
mod crash;
mod deadlines;
mod descriptors;
mod documents;
mod downloads;
mod examples;
mod file_crash;
mod file_events;
mod file_faults;
mod file_keeping;
mod file_limits;
mod file_names;
mod file_tickets;
mod grammar;
mod history;
mod invitations;
mod json;
mod login;
mod offers;
mod pasted;
mod playing;
mod power_cut;
mod ratings;
mod refs;
mod refusals;
mod rivals;
mod root;
mod seats;
mod shelf;
mod slow_reader;
mod small_disk;
mod start_stop;
mod store_faults;
mod talk;
mod tokens;
mod transcripts;
mod uploads;
mod voices;
mod watching;
