//! What the fuzz targets assert, without a fuzzer: every input of the corpus in `fuzz/corpus`, and variations of it.
//! How the fuzzer itself is run stands in `tests/long/fuzz`.

use std::path::Path;

use crate::fuzzed::{TARGETS, Target};
use crate::harness::{Dice, repetitions};

/// Tells the input of a target that fails.
struct Tried<'a> {
    target: &'a str,
    what: String,
    input: &'a [u8],
}

impl Drop for Tried<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{} fails on {}: \"{}\"", self.target, self.what, self.input.escape_ascii());
        }
    }
}

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    let named = paths.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()));
    let mut corpus: Vec<(String, Vec<u8>)> = named.collect();
    corpus.sort();
    assert!(corpus.len() >= 10, "{target} has {} inputs", corpus.len());
    corpus
}

/// Each target in a thread of its own: the slow ones are not in line behind each other.
fn every_target(run: impl Fn(Target) + Sync) {
    let run = &run;
    std::thread::scope(|scope| TARGETS.iter().for_each(|&target| _ = scope.spawn(move || run(target))));
}

#[test]
fn every_input_of_the_corpus_holds() {
    every_target(|(target, holds)| {
        for (file, input) in corpus(target) {
            let tried = Tried { target, what: file, input: &input };
            holds(tried.input);
        }
    });
}

/// An input with some of its bytes changed, doubled or taken out, or the end of another behind its beginning.
fn varied(corpus: &[(String, Vec<u8>)], dice: &mut Dice) -> Vec<u8> {
    let mut below = |end: usize| dice.below(end.max(1) as u64) as usize;
    let mut input = corpus[below(corpus.len())].1.clone();
    for _ in 0..=below(4) {
        let other = &corpus[below(corpus.len())].1;
        let (at, from) = (below(input.len()), below(other.len()));
        match below(6) {
            0 if !input.is_empty() => input[at] = below(256) as u8,
            1 if !input.is_empty() => drop(input.remove(at)),
            2 => input.insert(at, below(256) as u8),
            3 => input.splice(at..at, other[from..].iter().copied()).for_each(drop),
            4 => {
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => input.extend_from_within(at..),
        }
        input.truncate(4096);
    }
    input
}

/// The same variations in every run; `PARLOR_TEST_SEED` begins with another, `PARLOR_TEST_SEEDS` says how many.
#[test]
fn variations_of_the_corpus_hold() {
    let first = repetitions("PARLOR_TEST_SEED", 1) as u64;
    let count = repetitions("PARLOR_TEST_SEEDS", 200) as u64;
    every_target(|(target, holds)| {
        let corpus = corpus(target);
        for seed in first..first + count {
            let input = varied(&corpus, &mut Dice(seed));
            let tried = Tried { target, what: format!("variation {seed}"), input: &input };
            holds(tried.input);
        }
    });
}

#[test]
fn every_target_is_built_for_the_fuzzer_and_has_a_corpus() {
    let manifest = include_str!("../fuzz/Cargo.toml");
    let built: Vec<&str> = manifest.split("[[bin]]\nname = \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(built, TARGETS.map(|(name, _)| name));
    let folders = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")).unwrap();
    let mut folders: Vec<String> = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    folders.sort();
    assert_eq!(folders, built);
}
