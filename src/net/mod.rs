//! The only place with sockets: [`listener`] accepts, [`connection`] drives one connection from its
//! first byte to its last, [`reader`] and [`writer`] are its two directions, [`options`] what is asked
//! of the kernel.

mod connection;
pub mod listener;
mod options;
mod reader;
mod writer;

pub use options::Keepalive;
