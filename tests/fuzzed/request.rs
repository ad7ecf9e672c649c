//! Requests: whatever line comes in whatever state, it is a request whose canonical forms are the same request, or it
//! is refused with a code, in words that no terminal acts on.

use parlor::protocol::parse::{is_http, parse};
use parlor::protocol::refusal::{Instead, Refusal};
use parlor::protocol::reply::{Answer, Reply};
use parlor::protocol::request::{Ask, Manner, Request, Unreadable};
use parlor::protocol::tongue::Tongue;

use super::{acts_on_terminals, manners, rendered, request_forms};

pub fn holds(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    // A line has no line end in it: the codec has seen to that.
    for line in text.split('\n') {
        is_http(line);
        manners().for_each(|manner| read(line, manner));
    }
}

/// Reads a line in one manner, and checks what comes of it.
pub fn read(line: &str, manner: Manner) {
    match parse(line, manner) {
        Ok(None) => assert!(manner.logged_in && line.trim_matches([' ', '\t']).is_empty()),
        Ok(Some(request)) => is_in_form(&request, manner),
        Err(unreadable) => is_refused_well(unreadable, manner),
    }
}

fn is_in_form(request: &Request, manner: Manner) {
    assert!(request.reference.is_none() || manner.tongue == Tongue::Json);
    is_harmless(&request.ask);
    if let Some(line) = request_forms::line(request) {
        let again = parse(&line, manner).unwrap_or_else(|refused| panic!("{line:?}: {refused:?}"));
        is_same(request, &again.unwrap_or_else(|| panic!("{line:?} asks for nothing")), &line);
    }
    let object = request_forms::object(request);
    let again =
        parse(&object, Manner { tongue: Tongue::Json, ..manner }).unwrap_or_else(|refused| panic!("{object}: {refused:?}"));
    is_same(request, &again.unwrap_or_else(|| panic!("{object} asks for nothing")), &object);
}

fn is_same(one: &Request, other: &Request, form: &str) {
    assert_eq!((one.letter, meaning(&one.ask)), (other.letter, meaning(&other.ask)), "{form:?}");
}

/// What is asked for, secrets and all. What was typed behind a name is only for the words of a refusal.
fn meaning(ask: &Ask) -> String {
    use parlor::protocol::game::request::GameAsk;
    let secret = match ask {
        Ask::Password { password, .. } => password.expose(),
        Ask::Token { token, .. } => token.expose(),
        Ask::Transfer(transfer) => transfer.ticket.expose(),
        _ => "",
    };
    match ask {
        Ask::Game(GameAsk::Invite { name, invite, .. }) => format!("{name:?} {invite:?}"),
        ask => format!("{ask:?} {secret:?}"),
    }
}

fn is_harmless(ask: &Ask) {
    match ask {
        Ask::Chat { name, text } => {
            assert!(!text.as_str().contains(|c| c != '\n' && acts_on_terminals(c)));
            assert!(!text.as_str().trim().is_empty());
            assert!(name.as_deref().is_none_or(|name| !name.contains(acts_on_terminals)));
        }
        Ask::Who { page } | Ask::Shelf { page } => assert!(*page > 0),
        Ask::History(range) => assert!(range.count != Some(0)),
        ask => assert!(!meaning(ask).contains(acts_on_terminals)),
    }
}

fn is_refused_well(unreadable: Unreadable, manner: Manner) {
    let Unreadable { letter, reference, refusal } = unreadable;
    assert!(Refusal::CODES.contains(&refusal.code()));
    if let Some(instead) = instead(&refusal) {
        let (Instead::Say(line) | Instead::Ask(line)) = instead else { return };
        let again = parse(line, manner);
        assert!(matches!(&again, Ok(Some(_))), "what is shown is understood: {line:?}: {again:?}");
        let says = matches!(again, Ok(Some(Request { ask: Ask::Chat { name: None, .. }, .. })));
        assert_eq!(says, matches!(instead, Instead::Say(_)), "{line:?}");
    }
    rendered::answer(&Answer { letter, reference, reply: Reply::Refused(refusal) });
}

fn instead(refusal: &Refusal) -> Option<&Instead> {
    match refusal {
        Refusal::AlreadyIn { instead }
        | Refusal::NotFirst { instead }
        | Refusal::NotYou { instead, .. }
        | Refusal::UnknownCommand { instead, .. }
        | Refusal::Usage { instead, .. } => instead.as_ref(),
        _ => None,
    }
}
