//! Requests as objects: what holds of every request, and that a `ref` is never lost.

use parlor::protocol::parse::parse;
use parlor::protocol::request::Manner;
use parlor::protocol::text::Ref;
use parlor::protocol::tongue::Tongue;
use serde_json::{Map, Value};

use super::{manners, request};

/// The input is an object, or what stands in one between the braces.
pub fn holds(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if text.contains('\n') {
        return;
    }
    let line = if text.trim_start_matches([' ', '\t']).starts_with('{') { text.to_owned() } else { format!("{{{text}}}") };
    for manner in manners().filter(|manner| manner.tongue == Tongue::Json) {
        request::read(&line, manner);
        keeps_its_ref(&line, manner);
    }
}

fn keeps_its_ref(line: &str, manner: Manner) {
    let object = serde_json::from_str::<Map<String, Value>>(line).ok();
    let sent = object.as_ref().and_then(|object| Ref::parse(object.get("ref")?.as_str()?));
    let kept = match parse(line, manner) {
        Ok(request) => request.expect("an object asks for something").reference,
        Err(unreadable) => unreadable.reference,
    };
    assert_eq!(kept, sent);
}
