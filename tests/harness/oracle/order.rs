//! What one client heard: everything from its login on, each once, in the order of the numbers, or it was told
//! what it missed; and before an `OK` everything up to it.

use std::collections::HashMap;

use super::{Answer, Deed, Event, Faults, Kind, Log, Step, Stored};

pub(super) fn check(logs: &[&Log], stored: &Stored, faults: &mut Faults) {
    let said: HashMap<(&str, &str), u64> = stored
        .events
        .values()
        .filter(|event| event.kind == "chat")
        .map(|event| ((event.from.as_str(), event.text.as_str()), event.seq))
        .collect();
    for log in logs {
        if log.is_person {
            check_person(log, &said, stored, faults);
        } else {
            check_program(log, faults);
        }
    }
}

/// A program hears everything, with its number.
fn check_program(log: &Log, faults: &mut Faults) {
    let who = &log.account;
    // The newest number that is known, on this connection and on any.
    let (mut last, mut newest) = (None, 0);
    for step in &log.steps {
        match step {
            Step::Entered { seq, .. } => {
                if *seq < newest {
                    faults.add(Kind::OutOfOrder, format!("{who} entered after #{seq}, and knew #{newest}"));
                }
                last = Some(*seq);
            }
            Step::Heard(event) => {
                let due = last.map_or(event.seq, |last| last + 1);
                if event.seq + 1 == due {
                    faults.add(Kind::Doubled, format!("{who} heard #{} twice", event.seq));
                } else if event.seq < due {
                    faults.add(Kind::OutOfOrder, format!("{who} heard #{} after #{}", event.seq, due - 1));
                } else if event.seq > due {
                    faults.add(Kind::Gap, format!("{who} did not hear #{due} to #{}", event.seq - 1));
                }
                last = Some(event.seq);
            }
            Step::Missed { first, last: to } => {
                let due = last.map_or(*first, |last| last + 1);
                if *first != due {
                    faults.add(Kind::Gap, format!("{who} missed #{first} to #{to}, and #{due} was next"));
                }
                last = Some(*to);
            }
            // A program that does not hear is not told in time.
            Step::Answered { answer: Answer::Seq(seq), .. } if last.is_some_and(|last| *seq > last) => {
                let last = last.unwrap_or(0);
                faults.add(Kind::EarlyReply, format!("{who} was answered OK #{seq}, and had heard up to #{last}"));
            }
            _ => (),
        }
        newest = newest.max(last.unwrap_or(0));
    }
}

/// People hear no numbers, and not themselves. What a crash took has no place in the order, also where a program
/// has said it again since.
fn check_person(log: &Log, said: &HashMap<(&str, &str), u64>, stored: &Stored, faults: &mut Faults) {
    let who = &log.account;
    // The newest number so far on this connection, and the first one of the daemon's next run.
    let (mut last, mut next_run) = (0, u64::MAX);
    // Told by others and not read.
    let unread = |from: u64, to: u64| {
        let mut between = stored.events.range(from + 1..to.max(from + 1)).map(|(_, event)| event);
        between.find(|event: &&Event| event.kind == "chat" && event.from != *who)
    };
    for step in &log.steps {
        match step {
            Step::Entered { seq, .. } => {
                last = *seq;
                let mut later = stored.events.range(seq + 1..).map(|(_, event)| event);
                next_run = later.find(|event| event.kind == "started").map_or(u64::MAX, |event| event.seq);
            }
            Step::Read { from, text } => {
                let Some(&seq) = said.get(&(from.as_str(), text.as_str())).filter(|seq| **seq < next_run) else { continue };
                if seq == last {
                    faults.add(Kind::Doubled, format!("{who} read #{seq} twice: {text:?}"));
                } else if seq < last {
                    faults.add(Kind::OutOfOrder, format!("{who} read #{seq} after #{last}: {text:?}"));
                } else if let Some(event) = unread(last, seq) {
                    faults.add(Kind::Gap, format!("{who} did not read {event:?}"));
                }
                last = seq;
            }
            Step::Missed { last: to, .. } => last = last.max(*to),
            Step::Answered { sent, answer: Answer::Seq(seq) } if matches!(log.deed(*sent), Deed::Say { .. }) => {
                if let Some(event) = unread(last, *seq) {
                    faults.add(Kind::EarlyReply, format!("{who} was answered OK #{seq} before reading {event:?}"));
                }
                last = last.max(*seq);
            }
            _ => (),
        }
    }
}
