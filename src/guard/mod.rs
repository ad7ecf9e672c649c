//! Who may ask how much: budgets against floods and guesses, for each account and for each origin.
//!
//! [`network`] says what an origin is.

pub mod network;
