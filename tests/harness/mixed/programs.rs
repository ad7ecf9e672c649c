//! Programs that listen, and programs that talk, each message with its `ref`: what was not answered is sent again.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::json;

use super::member::{Member, answer, is_passing, rest};
use super::{Dice, Shared};
use crate::harness::oracle::{Answer, Deed};

/// Listens until all is over.
pub(super) fn listen(shared: Arc<Shared>, _: Dice, name: &str) {
    let mut ear = Member::new(shared, name);
    while ear.enter().is_some() {
        while ear.next().is_some() {}
    }
}

/// Talks, several messages at once.
pub(super) fn talk(shared: Arc<Shared>, mut dice: Dice, name: &str) {
    let mut speaker = Member::new(shared, name);
    // Those that were not answered yet, oldest first.
    let mut open: VecDeque<(String, String)> = VecDeque::new();
    let mut said = 0;
    while speaker.enter().is_some() {
        loop {
            if open.is_empty() {
                if speaker.shared.gate.is_over() {
                    return speaker.leave();
                }
                speaker.shared.pause(&mut dice);
            }
            // What is sent again, or something new.
            for _ in open.len()..1 + dice.below(16) as usize {
                said += 1;
                open.push_back((format!("{name}-{said}"), text(name, said, &mut dice)));
            }
            if say(&mut speaker, &mut open).is_none() {
                break;
            }
        }
    }
}

fn say(speaker: &mut Member, open: &mut VecDeque<(String, String)>) -> Option<()> {
    let mut sent = Vec::new();
    for (reference, text) in &*open {
        sent.push(speaker.sends(Deed::Say { text: text.clone(), reference: Some(reference.clone()) }));
        speaker.write(&json!({"do": "C", "text": text, "ref": reference}))?;
    }
    for sent in sent {
        let reply = speaker.reply()?;
        let answer = answer(&reply);
        let (first, is_ok) = (open.pop_front()?, answer.is_ok());
        speaker.is_answered(sent, answer.clone());
        if !is_ok {
            if let Answer::Refused(code) = answer {
                assert!(is_passing(&code), "{reply}");
            }
            open.push_back(first);
            rest(&reply);
        }
    }
    Some(())
}

/// What nobody says twice: short, long, or in other scripts.
pub(super) fn text(name: &str, number: u64, dice: &mut Dice) -> String {
    let tail = match dice.below(10) {
        0 => "长江后浪推前浪🌊".repeat(1 + dice.below(20) as usize),
        1 => "x".repeat(dice.below(2000) as usize),
        _ => "and so on".repeat(dice.below(4) as usize),
    };
    format!("{name} says {number}: {tail}.")
}
