//! Names of files: what is one can never be a path, is one word in the command that is shown with it, and is one file
//! in whatever form it is typed.

use std::path::{Component, Path};

use caseless::Caseless;
use parlor::protocol::digest::Digest;
use parlor::protocol::event::SharedFile;
use parlor::protocol::file_name::FileName;
use parlor::protocol::limits::FILE_NAME_BYTES;
use parlor::protocol::reply::{Answer, Found, Offered, Reply};
use parlor::protocol::shell::Endpoint;
use parlor::protocol::tongue::Tongue;
use parlor::protocol::voice::Voice;
use unicode_normalization::UnicodeNormalization;

use super::acts_on_terminals;

pub fn holds(input: &[u8]) {
    let Ok(words) = std::str::from_utf8(input) else { return };
    match FileName::parse(words) {
        Ok(name) => {
            is_harmless(&name);
            assert_eq!(name.as_str(), words.trim_matches([' ', '\t']));
            folds_as_one(&name);
            is_one_word(&name);
            let numbered = [2, 3, 10_000, u32::MAX].map(|number| name.numbered(number));
            numbered.iter().for_each(is_harmless);
            // The name may be a numbered one itself.
            assert!(numbered.iter().filter(|&other| *other == name).count() <= 1);
            assert!((1..numbered.len()).all(|at| numbered[at] != numbered[at - 1]));
        }
        Err(fault) => fault.instead.iter().for_each(is_harmless),
    }
}

fn is_harmless(name: &FileName) {
    let shown = name.as_str();
    let components: Vec<Component<'_>> = Path::new(shown).components().collect();
    assert!(matches!(components[..], [Component::Normal(only)] if only == shown), "{shown:?} is a path");
    assert!(!shown.starts_with('.') && !shown.contains('\\') && shown.len() <= FILE_NAME_BYTES, "{shown:?}");
    assert!(!shown.contains(acts_on_terminals) && !shown.contains('\t'), "{shown:?}");
    assert!(!shown.chars().all(char::is_whitespace), "{shown:?}");
    let again = FileName::parse(shown).expect("what is shown is a name");
    assert_eq!(again.folded(), name.folded());
}

fn folds_as_one(name: &FileName) {
    let shown = name.as_str();
    assert_eq!(FileName::stored(name.folded().to_owned()).folded(), name.folded(), "what is folded folds to itself");
    // Joiners are left out before case is: they keep marks from the letters that fold with them.
    let bare: String = shown.chars().filter(|c| !matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')).collect();
    // Not what is only compatible: Unicode's own definition tells some letters with U+0345 from their NFKC forms.
    let forms: [String; 3] = [shown.nfc().collect(), shown.nfd().collect(), bare.nfd().default_case_fold().collect()];
    for form in forms {
        assert_eq!(FileName::stored(form).folded(), name.folded());
    }
}

/// Reads the commands as a shell would.
fn is_one_word(name: &FileName) {
    let endpoint: Endpoint = "chat.example.org:7171".parse().expect("an address");
    let file = SharedFile { name: name.clone(), size_bytes: 5, digest: Digest([0xab; 32]) };
    let found = Found { ticket: "k3J9".into(), file, ticket_timeout_s: 60, endpoint: endpoint.clone() };
    let download = command(Reply::Found(found));
    let word = download.strip_prefix("echo 'T k3J9' | nc chat.example.org 7171 > ").expect("the form of a download");
    assert_eq!(unquoted(word), (path(name), ""));

    let offered = Offered {
        ticket: "k3J9".into(),
        file_name: name.clone(),
        offset_bytes: 0,
        limit_bytes: 1 << 20,
        ticket_timeout_s: 60,
        endpoint,
    };
    let upload = command(Reply::Offered(offered));
    let mut rest = upload.as_str();
    for before in ["(echo \"T k3J9 $(($(wc -c <", "))) $(sha256sum <", " | cut -c1-64)\"; cat "] {
        rest = rest.strip_prefix(before).unwrap_or_else(|| panic!("{upload:?}"));
        let (word, after) = unquoted(rest);
        assert_eq!(word, path(name));
        rest = after;
    }
    assert_eq!(rest, ") | nc chat.example.org 7171");
}

fn command(reply: Reply) -> String {
    let mut out = String::new();
    Voice::new(Tongue::En).answer(&Answer { letter: Some('L'), reference: None, reply }, &mut out);
    let mut lines = out.lines();
    let command = lines.next().expect("a command").to_owned();
    assert!(lines.next().is_some_and(|reply| reply.starts_with("OK k3J9 ")) && lines.next().is_none());
    command
}

/// The name as a path that no program takes for an option.
fn path(name: &FileName) -> String {
    let before = if name.as_str().starts_with('-') { "./" } else { "" };
    format!("{before}{name}")
}

/// The first word of a command that begins with a quote, and what stands behind it (Shell Command Language, 2.2).
fn unquoted(command: &str) -> (String, &str) {
    let (mut word, mut rest) = (String::new(), command);
    loop {
        if let Some(quoted) = rest.strip_prefix('\'') {
            let (inside, after) = quoted.split_once('\'').expect("the quote ends");
            word.push_str(inside);
            rest = after;
        } else if let Some(after) = rest.strip_prefix("\\'") {
            word.push('\'');
            rest = after;
        } else {
            return (word, rest);
        }
    }
}
