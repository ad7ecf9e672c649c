//! The promise about file names: they are words, never paths. Which there can be, when two are the same,
//! and that whatever is tried, nothing comes to lie on the disk but under `DATA/files`.

use serde_json::json;

use crate::harness::{Client, Daemon, eventually, names_in, noise, sha256};

/// A path, and the possible name nearest to its end.
const PATHS: &[(&str, Option<&str>)] = &[
    ("../report.pdf", Some("report.pdf")),
    ("../../../../../../tmp/report.pdf", Some("report.pdf")),
    ("/etc/passwd", Some("passwd")),
    ("a/b", Some("b")),
    ("a\\b", Some("b")),
    ("..\\..\\b", Some("b")),
    ("C:\\My Documents\\two words.txt", Some("two words.txt")),
    ("/tmp/报告.pdf", Some("报告.pdf")),
    ("a/..", None),
    ("../..", None),
    ("/", None),
    ("\\", None),
    ("a/.profile", Some("profile")),
    ("a/\u{200b}", None),
];

/// What is no name, without being a path.
const NO_NAMES: &[&str] = &[
    ".",
    "..",
    ".profile",
    ".partial-1",
    "a\tb",
    "soft\u{ad}hyphen",
    "zero\u{200b}width",
    "word\u{2060}joiner",
    "byte-order\u{feff}mark",
];

/// Names that a shell, a terminal or a file system might take for something else.
const NAMES: &[&str] = &[
    "report.pdf",
    "two words.txt",
    "two  blanks",
    "报告（最终版）.pdf",
    "отчёт.pdf",
    "e\u{301}te\u{301}.txt",
    "👩‍👩‍👧.png",
    "می‌خواهم.txt",
    "it's $(touch hacked) `touch hacked` \"q\";.pdf",
    "-rf",
    "- report.pdf",
    "*",
    "~",
    "a:b",
    "con",
    "%2e%2e%2fx",
    "OK 5",
    "partial-1",
];

#[test]
fn a_path_is_refused_and_the_line_with_its_last_part_shown() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    for voice in ["en", "zh"] {
        alice.ask(&format!("V {voice}"));
        for (path, base) in PATHS {
            for letter in ["F", "L", "X"] {
                let reply = alice.only_reply(format!("{letter} - {path}"));
                assert!(reply.starts_with("ERR bad-file-name "), "{path:?} was answered {reply:?}");
                let shown = reply.find(&format!("{letter} - ")).map(|at| &reply[at..]);
                assert_eq!(shown, base.map(|base| format!("{letter} - {base}")).as_deref(), "{path:?} was answered {reply:?}");
            }
            base.inspect(|base| _ = alice.offer(base));
        }
    }
}

#[test]
fn names_that_no_file_can_have_are_refused() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let long = ["x".repeat(256), "文".repeat(85) + "x"];
    for name in NO_NAMES.iter().copied().chain(long.iter().map(String::as_str)) {
        let reply = alice.only_reply(format!("F - {name}"));
        assert!(reply.starts_with("ERR bad-file-name "), "{name:?} was answered {reply:?}");
    }
    alice.ask("V json");
    for name in NO_NAMES {
        let reply = alice.only_reply(json!({"do": "F", "file_name": name, "ref": "r"}).to_string());
        assert!(reply.starts_with(r#"{"err":"bad-file-name","ref":"r","#), "{name:?} was answered {reply}");
    }
    for blank in ["", " ", " \t"] {
        let reply = alice.only_reply(json!({"do": "F", "file_name": blank}).to_string());
        assert!(reply.starts_with(r#"{"err":"usage""#) || reply.starts_with(r#"{"err":"bad-file-name""#), "{blank:?}: {reply}");
    }
}

#[test]
fn control_characters_are_bad_text_in_a_file_name_too() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let bad = ["\0", "\u{1}", "\u{7}", "\u{1b}[2J", "\u{7f}", "\u{9b}", "\u{202e}", "\u{2066}", "\u{200f}"];
    for letter in ["F", "L", "X"] {
        for bad in bad {
            let reply = alice.only_reply(format!("{letter} - a{bad}b.pdf"));
            assert!(reply.starts_with("ERR bad-text "), "{letter} with {bad:?} was answered {reply:?}");
        }
    }
    alice.ask("V json");
    for letter in ["F", "L", "X"] {
        for bad in bad.into_iter().chain(["\n", "\r"]) {
            let reply = alice.only_reply(json!({"do": letter, "file_name": format!("a{bad}b.pdf")}).to_string());
            assert!(reply.starts_with(r#"{"err":"bad-text","#), "{letter} with {bad:?} was answered {reply}");
        }
    }
}

#[test]
fn names_of_any_script_are_shared_and_fetched_as_they_are() {
    let daemon = Daemon::start();
    let mut program = Client::program(&daemon, "program");
    let longest = ["x".repeat(255), "文".repeat(85), "\u{fdfa}".repeat(85)];
    let names: Vec<&str> = NAMES.iter().copied().chain(longest.iter().map(String::as_str)).collect();
    for (seed, name) in names.iter().enumerate() {
        let whole = noise(seed as u64, 100);
        let sha256 = program.share(&daemon, name, &whole);
        let told = program.json();
        assert_eq!((&told["file_name"], &told["sha256"]), (&json!(name), &json!(sha256)));
        assert_eq!(program.fetch(&daemon, name), whole, "{name:?}");
    }
    let shelf = program.objects_of("S");
    let shown: Vec<&str> = shelf.iter().rev().filter_map(|item| item["file_name"].as_str()).collect();
    assert_eq!(shown, names);
    // The plain line and the object mean the same file.
    for name in names {
        let object = json!({"do": "L", "file_name": name}).to_string();
        let [plain, object] = [format!("L - {name}"), object].map(|request| program.objects_of(&request).pop().unwrap());
        assert!(plain["sha256"].is_string() && plain["sha256"] == object["sha256"], "{name:?}: {plain} {object}");
    }
}

#[test]
fn blanks_inside_are_kept_and_those_at_the_ends_dropped() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    alice.share(&daemon, "  two  words.txt \t ", b"inside");
    assert_eq!(alice.line(), "[alice] shared two  words.txt (6 B) - L - two  words.txt fetches it");
    assert!(alice.ask("L - two words.txt").starts_with("ERR no-such-file "));
    alice.ask("V json");
    let found = alice.ask(r#"{"do":"L","file_name":" two  words.txt\t"}"#);
    assert!(found.starts_with(r#"{"ok":"L""#), "{found}");
    assert_eq!(alice.fetch(&daemon, "two  words.txt"), b"inside");
}

#[test]
fn names_that_differ_by_case_or_composition_are_one() {
    let daemon = Daemon::start();
    let mut program = Client::program(&daemon, "program");
    for (number, (shared, asked)) in [
        ("Report.PDF", "report.pdf"),
        ("caf\u{e9}.txt", "cafe\u{301}.TXT"),
        ("n\u{303}u.txt", "\u{d1}u.txt"),
        ("ｆｕｌｌ.txt", "full.txt"),
        ("STRASSE", "straße"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("☃\u{fe0f}.png", "☃.png"),
        ("fam\u{200d}ily", "family"),
        ("می‌خواهم", "میخواهم"),
        ("ﬁle", "file"),
    ]
    .into_iter()
    .enumerate()
    {
        let whole = noise(number as u64, 10);
        program.share(&daemon, shared, &whole);
        assert_eq!(program.json()["file_name"], shared);
        let refused = program.objects_of(&format!("F - {asked}")).pop().unwrap();
        assert_eq!(refused["err"], "file-exists", "{shared:?} is there, {asked:?} was offered");
        assert_eq!(program.fetch(&daemon, asked), whole, "{asked:?}");
        // Shown as first shared.
        assert_eq!(program.objects_of("S")[0]["file_name"], shared);
        program.withdraw(asked);
    }
    assert_eq!(program.objects_of("S").len(), 1, "each was withdrawn under its other name");
}

#[test]
fn nothing_comes_to_lie_on_the_disk_but_under_the_files_directory() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    for name in PATHS.iter().map(|(path, _)| path).chain(NO_NAMES).chain(NAMES) {
        for request in ["F", "L", "X"] {
            alice.ask(&format!("{request} - {name}"));
        }
        // Neither half of a file nor a whole one takes its name along.
        if NAMES.contains(name) {
            let offer = alice.offer(name);
            let mut half = Client::transfer(&daemon, format!("{}ha", offer.line(b"half")));
            half.end_input();
            assert!(half.last_line().starts_with("ERR size-mismatch "), "{name:?}");
        }
        let mut stranger = Client::transfer(&daemon, format!("T {name} 5\nhello"));
        assert!(stranger.line().starts_with("ERR "), "{name:?}");
    }
    for name in NAMES.iter().step_by(2) {
        alice.share(&daemon, name, b"half");
    }
    eventually("half of the files are still parts", || daemon.partials().len() == NAMES.len() / 2);
    let harmless = |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let files = daemon.files();
    assert!(files.contains(&sha256(b"half")) && files.iter().all(harmless), "{files:?}");
    let data = daemon.data();
    assert_eq!(names_in(data.parent().unwrap()), ["data"]);
    let known = ["control.sock", "files", "lock", "parlor.db", "parlor.db-shm", "parlor.db-wal"];
    assert_eq!(names_in(&data), known);
}
