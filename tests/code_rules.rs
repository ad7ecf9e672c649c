//! The rules that no compiler holds: parts name each other only in the direction that the crate's map states, unsafe
//! code stands in named places with a reason, and the lints that a change must pass are those of the list.

use std::path::{Path, PathBuf};

use crate::documents::{MAY_IMPORT, sources};

const MANIFEST: &str = include_str!("../Cargo.toml");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file in these folders.
pub fn rust_files(folders: &[&str]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    folders.iter().for_each(|folder| sources(&root().join(folder), &mut files));
    assert!(!files.is_empty());
    files
}

pub fn source(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn named(file: &Path) -> String {
    file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned()
}

/// The path of a file's module in the crate.
fn module(file: &Path) -> Vec<String> {
    let path = file.strip_prefix(root().join("src")).unwrap().with_extension("");
    let mut module: Vec<String> = path.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
    module.pop_if(|last| last == "mod" || last == "lib");
    module
}

/// How often each path of a source goes up, and the name behind it. `depth`: how deep the source's module is.
fn climbs(source: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find("super::") {
        let chain = &rest[at..];
        let ups = chain.split("::").take_while(|&word| word == "super").count();
        let behind = &chain[ups * "super::".len()..];
        found.push((ups, behind.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned()));
        rest = behind;
    }
    found
}

#[test]
fn nobody_climbs_out_of_its_part() {
    for file in rust_files(&["src"]) {
        let (module, source) = (module(&file), source(&file));
        let Some((part, allowed)) = module.first().and_then(|part| MAY_IMPORT.iter().find(|(name, _)| name == part)) else {
            continue;
        };
        // Unit tests stand at the end, one module deeper.
        let tests = source.find("\nmod tests {").unwrap_or(source.len());
        for (code, depth) in [(&source[..tests], module.len()), (&source[tests..], module.len() + 1)] {
            for (ups, name) in climbs(code) {
                let stays = ups < depth || name == *part || allowed.contains(&name.as_str());
                assert!(ups <= depth && stays, "{}: {}{name}", file.display(), "super::".repeat(ups));
            }
        }
    }
}

#[test]
fn only_who_speaks_to_peers_knows_voices() {
    // Rows hold what happened, whatever it is called; who may do what does not depend on words either.
    for file in rust_files(&["src/store", "src/guard"]) {
        let source = source(&file);
        assert!(!source.contains("protocol::voice") && !source.contains("protocol::tongue"), "{}", file.display());
    }
}

#[test]
fn only_the_network_knows_sockets() {
    for (word, places) in [
        ("TcpStream", &["src/net", "src/client"][..]),
        ("TcpListener", &["src/net", "src/server.rs"]),
        ("UdpSocket", &[]),
        ("UnixStream", &["src/admin"]),
        ("UnixListener", &["src/admin"]),
    ] {
        for file in rust_files(&["src"]) {
            let is_place = places.iter().any(|place| file.starts_with(root().join(place)));
            assert!(is_place || !source(&file).contains(word), "{} uses {word}", file.display());
        }
    }
}

/// Where code is that the compiler cannot check, and why it may be. Each stands alone in a function that is safe to call.
const UNSAFE: [(&str, &str); 2] = [
    ("src/background.rs", "sched_setscheduler with a structure of its own: no crate that is used has it"),
    ("src/net/options.rs", "an ioctl that only reads a number: rustix leaves its type to the caller"),
];

#[test]
fn unsafe_code_stands_where_it_is_known() {
    // Put together, so that this file has none of it.
    let (block, exception) = (["unsafe", " {"].concat(), ["expect(unsafe", "_code"].concat());
    let other = [["allow(unsafe", "_code"].concat(), ["unsafe", " fn"].concat(), ["unsafe", " impl"].concat()];
    let mut found = Vec::new();
    for file in rust_files(&["src", "examples", "benches", "tests", "fuzz/src", "fuzz/fuzz_targets"]) {
        let source = source(&file);
        assert!(!other.iter().any(|word| source.contains(word)), "{}", file.display());
        let (blocks, exceptions) = (source.matches(&block).count(), source.matches(&exception).count());
        assert_eq!(blocks, exceptions, "{}: each block by itself", file.display());
        found.extend(vec![named(&file); blocks]);
    }
    found.sort();
    assert_eq!(found, UNSAFE.map(|(file, _)| file.to_owned()));
    assert!(MANIFEST.contains("\nunsafe_code = \"deny\"\n"));
}

/// What no change may bring in, outside tests where that fits.
const DENIED: [&str; 11] = [
    "await_holding_lock",
    "dbg_macro",
    "exit",
    "large_futures",
    "mem_forget",
    "print_stderr",
    "print_stdout",
    "todo",
    "undocumented_unsafe_blocks",
    "unimplemented",
    "unwrap_used",
];

#[test]
fn the_lints_are_those_of_the_list_and_exceptions_have_reasons() {
    let (_, lints) = MANIFEST.split_once("\n[lints.clippy]\n").unwrap();
    let lints: Vec<&str> = lints.split("\n\n").next().unwrap().lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lints, DENIED.map(|lint| format!("{lint} = \"deny\"")));
    for file in rust_files(&["src", "examples"]) {
        let source = source(&file);
        // What is expected is told when it is not needed any more; what is allowed stays for ever.
        assert!(!source.contains("#[allow(") && !source.contains("#![allow("), "{}", file.display());
        for exception in source.split("[expect(").skip(1) {
            let exception = exception.split(")]").next().unwrap();
            assert!(exception.contains("reason = \""), "{}: {exception}", file.display());
        }
    }
}
