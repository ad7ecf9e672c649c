//! Games.
pub mod rules;
