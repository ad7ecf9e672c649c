//! Who registers, says a word, leaves with one or without, and comes back by password or token.

use std::sync::Arc;

use serde_json::json;

use super::member::Member;
use super::{Dice, Shared};
use crate::harness::oracle::Deed;

/// Registers up to so many accounts.
pub(super) fn come_and_go<const ACCOUNTS: usize>(shared: Arc<Shared>, mut dice: Dice, name: &str) {
    let mut accounts: Vec<Member> = Vec::new();
    let mut said = 0;
    while !shared.gate.is_over() {
        shared.pause(&mut dice);
        let place = dice.below(ACCOUNTS as u64) as usize;
        if place >= accounts.len() {
            accounts.push(Member::new(Arc::clone(&shared), &format!("{name}-{}", accounts.len())));
        }
        let newest = accounts.len() - 1;
        let guest = &mut accounts[place.min(newest)];
        // By password, which hashes, or by token.
        if dice.below(4) == 0 {
            guest.forget_token();
        }
        if guest.enter().is_none() {
            return;
        }
        said += 1;
        let (text, reference) = (format!("{} is here for the {said}th time", guest.name), format!("{}-{said}", guest.name));
        let request = json!({"do": "C", "text": text, "ref": reference});
        let _ = guest.does(Deed::Say { text, reference: Some(reference) }, &request);
        if dice.below(2) == 0 {
            guest.leave();
        } else {
            guest.hang_up();
        }
    }
}
