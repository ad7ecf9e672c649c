//! The room's log: what was said and answered is in it, once, as it was said; each number means one thing.

use std::collections::{BTreeMap, HashMap};

use super::{Answer, Deed, Event, Faults, Kind, Log, Step, Stored};

pub(super) fn check(logs: &[&Log], stored: &Stored, faults: &mut Faults) {
    check_numbering(stored, faults);
    check_presence(stored, faults);
    check_meanings(logs, stored, faults);
    check_texts(logs, stored, faults);
    check_refs(logs, stored, faults);
}

/// The numbers of a run follow each other; only a crash leaves a hole, before the next start.
fn check_numbering(stored: &Stored, faults: &mut Faults) {
    for seq in &stored.twice {
        faults.add(Kind::Doubled, format!("more than one event is #{seq}"));
    }
    let mut before: Option<&Event> = None;
    for event in stored.events.values() {
        let is_after_crash = event.kind == "started" && before.is_none_or(|before| before.kind != "stopping");
        let due = before.map_or(1, |before| before.seq + 1);
        if event.seq != due && !is_after_crash {
            faults.add(Kind::Hole, format!("#{due} to #{} are not there, and no crash comes after them", event.seq - 1));
        }
        before = Some(event);
    }
}

/// Nobody enters twice without having left, but for the end of a run, which ends everyone's presence.
fn check_presence(stored: &Stored, faults: &mut Faults) {
    let mut here: HashMap<&str, u64> = HashMap::new();
    for Event { seq, kind, from, .. } in stored.events.values() {
        match kind.as_str() {
            "started" => here.clear(),
            "enter" => {
                if let Some(before) = here.insert(from, *seq) {
                    faults.add(Kind::Doubled, format!("{from} entered with #{before} and, without leaving, with #{seq}"));
                }
            }
            "leave" if here.remove(from.as_str()).is_none() => {
                faults.add(Kind::Doubled, format!("{from} left with #{seq} and was not there"));
            }
            _ => (),
        }
    }
}

/// What a number means to somebody, and how sure that is.
struct Meaning {
    event: Event,
    is_answered: bool,
}

/// What all logs say that numbers mean.
fn meanings(logs: &[&Log], faults: &mut Faults) -> BTreeMap<u64, Meaning> {
    let mut meanings: BTreeMap<u64, Meaning> = BTreeMap::new();
    let mut note = |event: Event, is_answered: bool, who: &str| {
        let seq = event.seq;
        let known = meanings.entry(seq).or_insert_with(|| Meaning { event: event.clone(), is_answered });
        known.is_answered |= is_answered;
        if !is_same(&known.event, &event) {
            faults.add(Kind::Ambiguous, format!("#{seq} is {:?} and, to {who:?}, {event:?}", known.event));
        }
    };
    for log in logs {
        for step in &log.steps {
            match step {
                Step::Heard(event) => note(event.clone(), false, &log.account),
                Step::Answered { sent, answer: answer @ (Answer::Seq(seq) | Answer::Unconfirmed(Some(seq))) } => {
                    if let Deed::Say { text, .. } = log.deed(*sent) {
                        let (kind, from) = ("chat".to_owned(), log.account.clone());
                        note(Event { seq: *seq, kind, from, text: text.clone() }, answer.is_ok(), &log.account);
                    }
                }
                _ => (),
            }
        }
    }
    meanings
}

/// The log of games tells whose result it is, not by whom it came.
fn is_same(one: &Event, other: &Event) -> bool {
    let is_from_same = one.from == other.from || one.kind == "result";
    one.seq == other.seq && one.kind == other.kind && one.text == other.text && is_from_same
}

fn check_meanings(logs: &[&Log], stored: &Stored, faults: &mut Faults) {
    for (seq, Meaning { event, is_answered }) in meanings(logs, faults) {
        match stored.events.get(&seq) {
            Some(row) if is_same(row, &event) => (),
            Some(row) if row.kind == event.kind && row.from == event.from => {
                faults.add(Kind::Changed, format!("#{seq} was {:?} and is {:?}", event.text, row.text));
            }
            Some(row) => faults.add(Kind::Ambiguous, format!("#{seq} was {event:?} and is {row:?}")),
            None if is_answered => faults.add(Kind::Lost, format!("#{seq} was answered OK and is not there: {event:?}")),
            None => {
                let before = stored.events.range(..seq).next_back().map(|(_, row)| row.kind.as_str());
                let after = stored.events.range(seq..).next().map(|(_, row)| row.kind.as_str());
                let is_lost_by_crash = before != Some("stopping") && after.is_none_or(|kind| kind == "started");
                if !is_lost_by_crash {
                    faults.add(Kind::HeardOnly, format!("#{seq} was heard and is not there: {event:?}"));
                }
            }
        }
    }
}

/// What is said, and what came of all attempts to say it.
#[derive(Default)]
struct Attempts {
    is_answered: bool,
    /// Every attempt was refused.
    is_refused: bool,
}

/// By account and text; the operator's announcements are those of no account.
fn attempts<'a>(logs: &[&'a Log]) -> HashMap<(&'a str, &'a str), Attempts> {
    let mut all: HashMap<(&str, &str), Attempts> = HashMap::new();
    for log in logs {
        for (deed, answer) in log.deeds() {
            let (Deed::Say { text, .. } | Deed::Announce { text }) = deed else { continue };
            let is_refused = matches!(answer, Some(Answer::Refused(_)));
            let attempts = all.entry((&log.account, text)).or_insert(Attempts { is_answered: false, is_refused: true });
            attempts.is_refused &= is_refused;
            attempts.is_answered |= answer.is_some_and(Answer::is_ok);
        }
    }
    all
}

/// Each text is there at most once, if anybody sent it and was not told otherwise; at least once if it was answered.
fn check_texts(logs: &[&Log], stored: &Stored, faults: &mut Faults) {
    let attempts = attempts(logs);
    let known: Vec<&str> = logs.iter().map(|log| log.account.as_str()).collect();
    let mut times: HashMap<(&str, &str), u64> = HashMap::new();
    for event in stored.events.values().filter(|event| ["chat", "announcement"].contains(&event.kind.as_str())) {
        // An account that keeps no log may say what it likes.
        let from = if event.kind == "announcement" { "" } else { event.from.as_str() };
        if !known.contains(&from) {
            continue;
        }
        let key = (from, event.text.as_str());
        *times.entry(key).or_default() += 1;
        match attempts.get(&key) {
            None => faults.add(Kind::Invented, format!("nobody sent {event:?}")),
            Some(attempts) if attempts.is_refused => {
                faults.add(Kind::DoneThoughRefused, format!("its sender was told that nothing happened: {event:?}"));
            }
            Some(_) => (),
        }
    }
    for (key, times) in &times {
        if *times > 1 {
            faults.add(Kind::Doubled, format!("{times} times {key:?}"));
        }
    }
    // A message has a number and is looked for by it; an announcement has none.
    for (key, attempts) in &attempts {
        if key.0.is_empty() && attempts.is_answered && !times.contains_key(key) {
            faults.add(Kind::Lost, format!("an announcement was answered and is not there: {:?}", key.1));
        }
    }
}

/// A `ref` has one number, for ever.
fn check_refs(logs: &[&Log], stored: &Stored, faults: &mut Faults) {
    let mut numbers: HashMap<(&str, &str), u64> = HashMap::new();
    let mut note = |account, reference, seq| {
        let before = *numbers.entry((account, reference)).or_insert(seq);
        if before != seq {
            faults.add(Kind::RefTwice, format!("{account}'s {reference:?} is #{before} and #{seq}"));
        }
    };
    for log in logs {
        for (deed, answer) in log.deeds() {
            if let (Deed::Say { reference: Some(reference), .. }, Some(Answer::Seq(seq))) = (deed, answer) {
                note(&log.account, reference, *seq);
            }
        }
    }
    for (seq, reference) in &stored.refs {
        note(&stored.events[seq].from, reference, *seq);
    }
}
