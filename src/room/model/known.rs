//! What clients know of all lives, and how a database is compared with it.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::store::OpenRoom;
use crate::store::record::AccountId;
use crate::store::stepper::{Stepper, Written};

/// What clients know, over all lives.
#[derive(Default)]
pub(super) struct Known {
    /// What was heard as each number.
    pub(super) heard: BTreeMap<u64, Written>,
    /// The numbers that were answered `OK`.
    pub(super) answered: HashSet<u64>,
    /// The number that each ref was answered with.
    pub(super) refs: HashMap<(AccountId, String), u64>,
    pub(super) registered: HashMap<String, AccountId>,
    pub(super) games: BTreeMap<u64, Game>,
    pub(super) words: u64,
    /// Events that were heard, not answered, and lost.
    pub(super) lost: usize,
}

#[derive(Default)]
pub(super) struct Game {
    /// Moves that were made, and how many of them were answered.
    pub(super) made: usize,
    pub(super) answered: usize,
    pub(super) is_over: bool,
    pub(super) is_answered_over: bool,
}

/// What was answered is there, and what is there was heard.
pub(super) fn check(known: &mut Known, stepper: &Stepper, room: OpenRoom, heard: &[u64], was_closed: bool) {
    stepper.assert_intact();
    let events = stepper.events();
    let stored: HashSet<u64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(stored.len(), events.len());
    for event in &events {
        assert_eq!(known.heard.get(&event.seq), Some(event), "stored, but not as it was heard");
    }
    for seq in &known.answered {
        assert!(stored.contains(seq), "#{seq} was answered OK, and is lost: {:?}", known.heard.get(seq));
    }
    let lost = heard.iter().position(|seq| !stored.contains(seq)).unwrap_or(heard.len());
    let behind = heard[lost..].iter().find(|seq| stored.contains(seq));
    assert_eq!(behind, None, "stored behind {:?}, which is not", heard.get(lost));
    known.lost += heard.len() - lost;
    let newest = known.heard.keys().next_back().copied().unwrap_or(0);
    assert!(room.next_seq > newest, "#{} would be given again", room.next_seq);
    if was_closed {
        assert_eq!((lost, room.next_seq, room.was_closed), (heard.len(), newest + 1, true), "a clean stop leaves no gap");
    }
    let mut refs = HashSet::new();
    for event in events.iter().filter(|event| event.reference.is_some()) {
        assert!(refs.insert((event.author, event.reference.clone())), "said twice: {event:?}");
    }
    let accounts: HashMap<String, AccountId> =
        stepper.accounts().iter().map(|account| (account.name.as_str().to_owned(), account.id)).collect();
    for (name, id) in &known.registered {
        assert_eq!(accounts.get(name), Some(id), "{name} was registered");
    }
    known.registered = accounts;
    check_games(known, &stepper.games());
}

fn check_games(known: &mut Known, stored: &[(u64, usize, bool)]) {
    let stored: BTreeMap<u64, (usize, bool)> = stored.iter().map(|&(id, made, is_over)| (id, (made, is_over))).collect();
    for (id, game) in &mut known.games {
        let (made, is_over) = stored.get(id).copied().unwrap_or_default();
        assert!((game.answered..=game.made).contains(&made), "game {id}: {made} moves of {}..{}", game.answered, game.made);
        assert!(is_over || !game.is_answered_over, "game {id} was over");
        assert!(!is_over || game.is_over, "game {id} was not over");
        // It goes on from there.
        (game.made, game.is_over) = (made, is_over);
    }
}
