//! Accounts: whose login was answered is registered once, has the tokens that were given, and has entered.

use std::collections::{HashMap, HashSet};

use super::{Faults, Kind, Log, Step, Stored};
use crate::harness::sha256;

/// An account keeps some tokens; these are never so old that others have pushed them out.
const NEWEST_TOKENS: usize = 3;

pub(super) fn check(logs: &[&Log], stored: &Stored, faults: &mut Faults) {
    let mut accounts: HashMap<&str, &[String]> = HashMap::new();
    let mut folded: HashSet<String> = HashSet::new();
    for (name, tokens) in &stored.accounts {
        accounts.insert(name, tokens);
        if !folded.insert(name.to_lowercase()) {
            faults.add(Kind::Doubled, format!("two accounts are called {name}"));
        }
    }
    let entries = entries(stored);
    for log in logs {
        let who = log.account.as_str();
        let entered: Vec<_> = log.steps.iter().filter_map(entry).collect();
        if entered.is_empty() {
            continue;
        }
        let Some(known) = accounts.get(who) else {
            faults.add(Kind::Lost, format!("{who} logged in, and the account is not there"));
            continue;
        };
        for token in entered.iter().rev().filter_map(|(_, token)| *token).take(NEWEST_TOKENS) {
            if !known.contains(&sha256(token.as_bytes())) {
                faults.add(Kind::Lost, format!("a token of {who} is not there"));
            }
        }
        for (seq, _) in entered {
            let began = entries.started.range(..=seq).next_back().copied().unwrap_or(0);
            let has_entered = entries.of.get(who).is_some_and(|of| of.range(began..=seq).next().is_some());
            if !has_entered {
                faults.add(Kind::Lost, format!("{who}'s login was answered OK at #{seq}, and no entry is there"));
            }
        }
    }
}

fn entry(step: &Step) -> Option<(u64, Option<&String>)> {
    match step {
        Step::Entered { seq, token } => Some((*seq, token.as_ref())),
        _ => None,
    }
}

#[derive(Default)]
struct Entries<'a> {
    started: std::collections::BTreeSet<u64>,
    of: HashMap<&'a str, std::collections::BTreeSet<u64>>,
}

fn entries(stored: &Stored) -> Entries<'_> {
    let mut entries = Entries::default();
    for event in stored.events.values() {
        match event.kind.as_str() {
            "started" => _ = entries.started.insert(event.seq),
            "enter" => _ = entries.of.entry(&event.from).or_default().insert(event.seq),
            _ => (),
        }
    }
    entries
}
