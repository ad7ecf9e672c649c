//! What files cost, side by side with what others take for the same work, in one run:
//!
//! ```sh
//! cargo bench --bench files                       # all of it, about four minutes
//! cargo bench --bench files -- download upload    # only these of: download upload chat memory
//! PARLOR_BENCH_VETH=1 cargo bench --bench files   # root: downloads once more, over a veth pair
//! ```
//!
//! It needs Debian's nginx-light, socat and openssl, and leaves out the comparison whose program is
//! missing. Everything lies in a directory below `TMPDIR`: let that be on a disk, with 8 GiB free. Rates
//! drift from machine to machine and from day to day; the ratios are of one run, round by round.

#![allow(missing_docs, unreachable_pub, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

mod chat;
mod download;
#[path = "../../tests/harness/mod.rs"]
#[allow(dead_code, unused_imports)]
mod harness;
mod load;
mod memory;
mod rates;
#[path = "../common/report.rs"]
mod report;
mod servers;
mod transfer;
mod upload;

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        // The generators, which this program starts as processes of their own.
        Some("fetch") => return download::fetch(&arguments[1], &arguments[2]),
        Some("load") => return load::generate(&arguments[1..]),
        _ => (),
    }
    if !arguments.iter().any(|argument| argument == "--bench") {
        return println!("left out: not run by cargo bench");
    }
    arguments.retain(|argument| !argument.starts_with('-'));
    let wanted = |part: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == part);
    let others = std::fs::read_to_string("/proc/loadavg").unwrap();
    eprintln!("load before: {} (figures taken beside other work are worth nothing)", others.trim());
    let mut rows = Vec::new();
    if wanted("download") {
        rows.extend(download::over_loopback());
        if std::env::var_os("PARLOR_BENCH_VETH").is_some() {
            rows.extend(download::over_veth());
        }
    }
    if wanted("upload") {
        rows.extend(upload::measure());
    }
    if wanted("chat") {
        rows.push(chat::measure());
    }
    if wanted("memory") {
        rows.push(memory::measure());
    }
    report::print(&rows);
}
