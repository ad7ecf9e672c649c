//! The promises of listeners with TLS: the same protocol for whoever speaks it, clear words for whoever does not, and a
//! certificate that can be renewed while people talk. The whole of what is promised over plain connections is tried
//! through TLS with `PARLOR_TEST_TLS=1`.

mod client;
mod handshake;
mod peers;
mod reload;
mod start;
mod talk;
mod tools;
mod transfers;
