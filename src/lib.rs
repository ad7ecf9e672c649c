//! Parlor.
pub mod admin;
pub mod auth;
pub mod clock;
pub mod config;
pub mod data_dir;
pub mod exit;
pub mod logging;
pub mod net;
pub mod protocol;
pub mod room;
pub mod server;
pub mod session;
pub mod store;
