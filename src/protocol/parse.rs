//! A line becomes a request here, and nowhere else.

use super::commands::{self, Wrong, split_word};
use super::game::request::Action;
use super::json_request;
use super::refusal::{Instead, Refusal};
use super::request::{Ask, Manner, Request, Unreadable};
use super::shell;
use super::text::{self, Text};
use super::tongue::Tongue;

/// Reads one line. `Ok(None)` is a line that asks for nothing and gets no reply.
pub fn parse(line: &str, manner: Manner) -> Result<Option<Request>, Unreadable> {
    let bare = |letter, ask| Ok(Some(Request { letter, reference: None, ask }));
    let trimmed = line.trim_start_matches([' ', '\t']);
    if trimmed.is_empty() {
        return if manner.logged_in { Ok(None) } else { bare('?', Ask::Help(None)) };
    }
    if manner.tongue == Tongue::Json && trimmed.starts_with('{') {
        // Its strings are checked one by one, once they are decoded.
        return json_request::parse(trimmed, manner).map(Some);
    }
    text::check(line).map_err(|fault| Unreadable {
        letter: letter_of(line.as_bytes()),
        reference: None,
        refusal: Refusal::BadText(fault),
    })?;
    if let Some(words) = spoken_without_letter(trimmed, manner) {
        let text = Text::parse(words).map_err(|fault| Wrong::Text(fault).into_refusal('C', None))?;
        return bare('C', Ask::Chat { name: None, text });
    }
    let (word, rest) = split_word(trimmed);
    let is_alone = rest.trim_matches([' ', '\t']).is_empty();
    let letter = match word {
        _ if word.len() == 1 => char::from(word.as_bytes()[0]).to_ascii_uppercase(),
        _ if !is_alone => '\0',
        _ if word.eq_ignore_ascii_case("quit") || word.eq_ignore_ascii_case("exit") => 'E',
        _ if word.eq_ignore_ascii_case("help") => '?',
        _ => '\0',
    };
    if shell::is_command(trimmed) {
        return Err(Refusal::ForShell.into());
    }
    // Made only for a refusal: it costs more than the rest of the reading.
    let instead = || meant(trimmed, manner);
    let Some(command) = commands::find(letter) else {
        return Err(Refusal::UnknownCommand { stranger: !manner.logged_in, instead: instead() }.into());
    };
    let refused = |refusal| Unreadable { letter: Some(letter), reference: None, refusal };
    command.check_state(manner, instead).map_err(refused)?;
    let ask = command.read_line(rest).map_err(|wrong| refused(wrong.into_refusal(letter, instead())))?;
    Ok(Some(Request { letter, reference: None, ask }))
}

/// The letter that a line begins with, if it is one that stands alone, whatever follows it.
pub(super) fn letter_of(line: &[u8]) -> Option<char> {
    let start = line.iter().position(|byte| !b" \t".contains(byte))?;
    match line[start..] {
        [letter] | [letter, b' ' | b'\t', ..] => Some(char::from(letter.to_ascii_uppercase())),
        _ => None,
    }
}

/// Whether a first line is an HTTP request's, which no request of ours can be.
pub fn is_http(line: &str) -> bool {
    let (method, rest) = split_word(line);
    method.len() >= 3
        && method.bytes().all(|b| b.is_ascii_uppercase())
        && (rest.starts_with('/') || rest.starts_with("http") || rest.starts_with("* HTTP"))
}

fn spoken_without_letter(line: &str, manner: Manner) -> Option<&str> {
    if !manner.logged_in || manner.tongue == Tongue::Json {
        return None;
    }
    if let Some(words) = line.strip_prefix('\'') {
        return Some(words);
    }
    line.starts_with(|c: char| !c.is_ascii()).then_some(line)
}

/// Whether a line without a letter may be a move: `e5`, `Nf6`, `resign`.
fn looks_like_a_move(words: &str) -> bool {
    let is_coordinate = words.bytes().any(|b| b.is_ascii_digit()) && words.bytes().any(|b| b.is_ascii_alphabetic());
    let is_short = (2..=7).contains(&words.len()) && words.is_ascii() && !words.contains(' ');
    is_short && is_coordinate || matches!(Action::read(words), Action::Resign | Action::Offer(_) | Action::Abort)
}

/// What somebody may have meant who left out the letter of talk, or the `-` before a file's name.
fn meant(line: &str, manner: Manner) -> Option<Instead> {
    let (letter, rest) = split_word(line);
    let words = if letter.eq_ignore_ascii_case("C") { rest.trim() } else { line.trim() };
    // A ticket is never to be said to the room, as with a password.
    let is_transfer = letter.eq_ignore_ascii_case("T") && rest.bytes().any(|byte| byte.is_ascii_digit());
    if !manner.logged_in || !manner.tongue.is_for_people() || words.is_empty() || words == "-" || is_transfer {
        return None;
    }
    // Nor is something to be sent that would be refused again.
    if Text::parse(words).is_err() {
        return None;
    }
    if looks_like_a_move(words) {
        return Some(Instead::SayOrMove(words.to_owned()));
    }
    let is_one_of = |letters: &[&str]| letters.iter().any(|one| letter.eq_ignore_ascii_case(one));
    let is_one_word = !rest.starts_with('-') && !rest.trim().contains(' ');
    // The blank behind the dash may be what is missing.
    let arguments = match rest {
        _ if is_one_of(&["F", "L", "X"]) => Some(rest.trim_start_matches(['-', ' '])),
        _ if is_one_of(&["D", "G"]) && is_one_word => Some(rest),
        _ => None,
    };
    let asked = arguments.filter(|arguments| !arguments.is_empty()).and_then(|arguments| as_own(letter, arguments));
    asked.or_else(|| Some(Instead::Say(format!("C - {words}"))))
}

/// The request with these arguments in one's own name, if it is one.
fn as_own(letter: &str, arguments: &str) -> Option<Instead> {
    let letter = letter.to_ascii_uppercase();
    let command = commands::find(letter.chars().next()?)?;
    let arguments = format!("- {}", arguments.trim_matches([' ', '\t']));
    command.read_line(&arguments).is_ok().then(|| Instead::Ask(format!("{letter} {arguments}")))
}

#[cfg(test)]
mod tests {
    use super::super::limits::NAME_BYTES_SOUGHT;
    use super::super::request::{HistoryRange, RangeEnd};
    use super::*;

    const STRANGER: Manner = Manner { logged_in: false, tongue: Tongue::En, is_first: true };
    const MEMBER: Manner = Manner { logged_in: true, tongue: Tongue::En, is_first: false };
    const PROGRAM: Manner = Manner { logged_in: true, tongue: Tongue::Json, is_first: false };

    fn ask(line: &str, manner: Manner) -> Ask {
        parse(line, manner).unwrap().unwrap().ask
    }

    fn code(line: &str, manner: Manner) -> &'static str {
        parse(line, manner).unwrap_err().refusal.code()
    }

    fn instead(line: &str) -> Option<Instead> {
        match parse(line, MEMBER).unwrap_err().refusal {
            Refusal::UnknownCommand { instead, .. }
            | Refusal::Usage { instead, .. }
            | Refusal::AlreadyIn { instead }
            | Refusal::NotFirst { instead } => instead,
            refusal => panic!("{line}: {refusal:?}"),
        }
    }

    #[test]
    fn the_text_keeps_its_blanks_and_nothing_else_does() {
        for line in ["C -  two  blanks ", "c\t-\t two  blanks ", "C  -  two  blanks "] {
            let Ask::Chat { name: None, text } = ask(line, MEMBER) else { panic!("{line}") };
            assert_eq!(text.as_str(), " two  blanks ", "{line:?}");
        }
        let Ask::Password { name, password, .. } = ask("P   alice  my pass ", STRANGER) else { panic!() };
        assert_eq!((name.as_str(), password.expose()), ("alice", " my pass "));
        assert!(matches!(ask("  w   2   ", MEMBER), Ask::Who { page: 2 }));
    }

    #[test]
    fn speaking_without_the_letter_is_for_members_and_people() {
        for (line, said) in [("'hello", "hello"), ("你好", "你好"), ("' '", " '")] {
            let Ask::Chat { name: None, text } = ask(line, MEMBER) else { panic!("{line}") };
            assert_eq!(text.as_str(), said);
            assert_eq!(code(line, STRANGER), "unknown-command");
            assert_eq!(code(line, PROGRAM), "unknown-command");
        }
    }

    #[test]
    fn refusals_show_what_may_have_been_meant() {
        for (line, want) in [
            ("hello there", "C - hello there"),
            ("K what?", "C - K what?"),
            ("C hello", "C - hello"),
            ("u there?", "C - u there?"),
            ("quit smoking", "C - quit smoking"),
            ("T for two", "C - T for two"),
        ] {
            assert_eq!(instead(line), Some(Instead::Say(want.into())));
        }
        for (line, want) in [
            ("F report.pdf", "F - report.pdf"),
            ("l a.txt", "L - a.txt"),
            ("X  b ", "X - b"),
            ("F -a.txt", "F - a.txt"),
            ("d bob", "D - bob"),
        ] {
            assert_eq!(instead(line), Some(Instead::Ask(want.into())));
        }
        for line in ["F -", "F a/b", "L .profile"] {
            assert_eq!(instead(line), Some(Instead::Say(format!("C - {line}"))), "it would not be understood");
        }
    }

    #[test]
    fn tickets_are_not_offered_to_be_said() {
        assert_eq!(instead("T 3d8b1b7c23735981d05d3c210e8cee33 5"), None);
        for line in ["(echo \"T 3d8b 5\"; cat 'a') | nc ::1 7171", "echo 'T 3d8b' | nc ::1 7171 > 'a'"] {
            assert!(matches!(parse(line, MEMBER).unwrap_err().refusal, Refusal::ForShell), "{line}");
        }
        assert_eq!(instead("echo is what I hear"), Some(Instead::Say("C - echo is what I hear".into())));
    }

    #[test]
    fn lines_that_mean_something_by_themselves() {
        assert!(parse("", MEMBER).unwrap().is_none());
        assert!(parse("  \t", MEMBER).unwrap().is_none());
        assert!(matches!(ask("", STRANGER), Ask::Help(None)));
        assert!(matches!(ask("help", STRANGER), Ask::Help(None)));
        assert!(matches!(ask("help", MEMBER), Ask::Help(None)));
        assert_eq!(code("help me", MEMBER), "unknown-command");
        assert!(matches!(ask("quit", STRANGER), Ask::Leave { name: None }));
        assert!(matches!(ask("EXIT", MEMBER), Ask::Leave { name: None }));
    }

    #[test]
    fn wrong_arguments_are_usage() {
        for (manner, lines) in [
            (STRANGER, &["U", "U a b", "P alice", "P", "I", "I a b", "V fr", "V en zh", "K 1", "E a b", "? CC", "? J"][..]),
            (MEMBER, &["C", "C -", "C - ", "C -   ", "W 0", "W +5", "W 18446744073709551615", "W x"]),
            (MEMBER, &["H x", "H 1 2 3 4", "H - - 0", "H -5"]),
        ] {
            for line in lines {
                assert_eq!(code(line, manner), "usage", "{line:?}");
            }
        }
        for (line, manner, want) in [
            ("U", MEMBER, "already-in"),
            ("P not even a name", MEMBER, "already-in"),
            ("C", STRANGER, "login-first"),
            ("H x", STRANGER, "login-first"),
        ] {
            assert_eq!(code(line, manner), want, "{line:?}");
        }
        assert_eq!(code("Y", MEMBER), "unknown-command");
        assert_eq!(code(&format!("U {}", "x".repeat(NAME_BYTES_SOUGHT + 1)), STRANGER), "bad-name");
        assert_eq!(code("C - \u{1b}[A", MEMBER), "bad-text");
    }

    #[test]
    fn history_ranges() {
        let range = |left, right, count, from| HistoryRange { left, right, count, from };
        for (line, want) in [
            ("H", range(None, None, None, RangeEnd::Newest)),
            ("H 5", range(Some(5), None, None, RangeEnd::Newest)),
            ("H - 9", range(None, Some(9), None, RangeEnd::Newest)),
            ("H 5 9 3", range(Some(5), Some(9), Some(3), RangeEnd::Newest)),
            ("H 5 - +3", range(Some(5), None, Some(3), RangeEnd::Oldest)),
        ] {
            let Ask::History(got) = ask(line, MEMBER) else { panic!() };
            assert_eq!(got, want, "{line}");
        }
    }

    #[test]
    fn http_is_recognised_and_nothing_else_is() {
        for line in ["GET / HTTP/1.1", "POST /x HTTP/1.0", "OPTIONS * HTTP/1.1", "CONNECT http://x"] {
            assert!(is_http(line), "{line}");
        }
        for line in ["U alice", "P /x y", "get /", "HELLO world", "GET"] {
            assert!(!is_http(line), "{line}");
        }
    }
}
