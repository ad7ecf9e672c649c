//! The only place with sockets: [`listener`] accepts, [`connection`] drives one connection from its
//! first byte to its last, [`reader`] and [`writer`] are its two directions, [`heard`] the logs that the latter
//! writes from; [`transfer`] takes over one
//! that carries a file, at a [`pace`]; [`options`] is what is asked of the kernel. Bytes go through a [`stream`], as they
//! are or through [`tls`], which is agreed on at the [`entrance`].

mod connection;
mod entrance;
mod heard;
pub mod listener;
mod options;
mod pace;
mod reader;
mod stream;
mod tls;
mod transfer;
mod writer;

pub use listener::Treatment;
pub use options::Keepalive;
pub use pace::MinRate;
pub use tls::{CertificateError, CertificateFiles, Tls};
