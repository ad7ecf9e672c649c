//! Files: what was answered is on the shelf until its owner takes it back, with its bytes; records and events agree.

use std::collections::HashMap;

use super::{Answer, Deed, Event, Faults, FileRow, Kind, Log, Step, Stored};

/// What its owner knows of a file.
struct Known<'a> {
    owner: &'a str,
    due: (usize, &'a str),
    is_shared: bool,
    /// Every attempt to share it was refused.
    is_refused: bool,
    /// Whether its withdrawal was asked for, and answered.
    withdrawal: (bool, bool),
}

pub(super) fn check(logs: &[&Log], stored: &Stored, faults: &mut Faults) {
    let known = known(logs);
    let mut rows: HashMap<&str, &FileRow> = HashMap::new();
    for row in &stored.files {
        if rows.insert(&row.file_name, row).is_some() {
            faults.add(Kind::Doubled, format!("shared twice: {}", row.file_name));
        }
        check_events(row, stored, faults);
        check_blob(row, stored, faults);
    }
    for (name, known) in &known {
        match rows.get(name) {
            Some(row) => check_row(row, known, faults),
            None if known.is_shared => faults.add(Kind::Lost, format!("{name} was answered OK and is not on the shelf")),
            None => (),
        }
    }
    for row in &stored.files {
        let is_logged = logs.iter().any(|log| log.account == row.owner);
        if is_logged && !known.contains_key(row.file_name.as_str()) {
            faults.add(Kind::Invented, format!("nobody shared {row:?}"));
        }
    }
    check_events_without_rows(stored, faults);
    check_fetched(logs, faults);
}

fn known<'a>(logs: &[&'a Log]) -> HashMap<&'a str, Known<'a>> {
    let mut all: HashMap<&str, Known<'_>> = HashMap::new();
    for log in logs {
        for (deed, answer) in log.deeds() {
            let is_ok = answer.is_some_and(Answer::is_ok);
            match deed {
                Deed::Share { file_name, size_bytes, sha256 } => {
                    let (due, withdrawal) = ((*size_bytes, sha256.as_str()), (false, false));
                    let new = Known { owner: &log.account, due, is_shared: false, is_refused: true, withdrawal };
                    let known = all.entry(file_name).or_insert(new);
                    known.is_shared |= is_ok;
                    known.is_refused &= matches!(answer, Some(Answer::Refused(_)));
                }
                Deed::Withdraw { file_name } => {
                    let is_refused = matches!(answer, Some(Answer::Refused(_)));
                    if let Some(known) = all.get_mut(file_name.as_str()) {
                        known.withdrawal.0 |= !is_refused;
                        known.withdrawal.1 |= is_ok;
                    }
                }
                _ => (),
            }
        }
    }
    all
}

fn check_row(row: &FileRow, known: &Known<'_>, faults: &mut Faults) {
    let name = &row.file_name;
    if (row.owner.as_str(), row.size_bytes, row.sha256.as_str()) != (known.owner, known.due.0, known.due.1) {
        faults.add(Kind::Changed, format!("{row:?}, instead of {:?} of {}", known.due, known.owner));
    }
    if known.is_refused {
        faults.add(Kind::DoneThoughRefused, format!("its owner was told that it is not shared: {row:?}"));
    }
    match (row.withdrawn_seq, known.withdrawal) {
        (None, (_, true)) => faults.add(Kind::Lost, format!("the withdrawal of {name} was answered OK, and it is there")),
        (Some(seq), (false, _)) => faults.add(Kind::Invented, format!("nobody withdrew {name}, which #{seq} tells")),
        _ => (),
    }
}

/// A record's events tell what it says.
fn check_events(row: &FileRow, stored: &Stored, faults: &mut Faults) {
    for (kind, seq) in [("file", Some(row.seq)), ("withdrawn", row.withdrawn_seq)] {
        let Some(seq) = seq else { continue };
        let is_told = stored.events.get(&seq).is_some_and(|Event { kind: told, text, from, .. }| {
            told == kind && *text == row.file_name && (*from == row.owner || kind == "withdrawn")
        });
        if !is_told {
            faults.add(Kind::Changed, format!("#{seq} does not tell {row:?}"));
        }
    }
}

fn check_events_without_rows(stored: &Stored, faults: &mut Faults) {
    let mut told: HashMap<(&str, u64), &FileRow> = HashMap::new();
    for row in &stored.files {
        told.insert(("file", row.seq), row);
        told.extend(row.withdrawn_seq.map(|seq| (("withdrawn", seq), row)));
    }
    for event in stored.events.values() {
        let is_of_file = ["file", "withdrawn"].contains(&event.kind.as_str());
        if is_of_file && !told.contains_key(&(event.kind.as_str(), event.seq)) {
            faults.add(Kind::Changed, format!("an event without its record: {event:?}"));
        }
    }
}

fn check_blob(row: &FileRow, stored: &Stored, faults: &mut Faults) {
    if row.withdrawn_seq.is_some() {
        return;
    }
    match stored.blobs.get(&row.sha256) {
        None => faults.add(Kind::BlobMissing, format!("the bytes of {row:?}")),
        Some((size, hash)) if (*size, hash) != (row.size_bytes as u64, &row.sha256) => {
            faults.add(Kind::BlobChanged, format!("{size} bytes of hash {hash} for {row:?}"));
        }
        Some(_) => (),
    }
}

fn check_fetched(logs: &[&Log], faults: &mut Faults) {
    for log in logs {
        for step in &log.steps {
            if let Step::Fetched { file_name, due, got } = step
                && due != got
            {
                faults.add(Kind::WrongBytes, format!("{} fetched {file_name}: {got:?}, instead of {due:?}", log.account));
            }
        }
    }
}
