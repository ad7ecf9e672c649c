//! The JSON form of a request: `{"do":"C","text":"hello","ref":"r1"}`. The keys are the argument
//! names of the command table, so this file knows no command.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::commands::{self, MAX_PARAMS, Param, Shape};
use super::refusal::Refusal;
use super::request::{Manner, Request, Unreadable};
use super::text::{self, Ref};

/// Reads a line that begins with `{`.
pub(super) fn parse(line: &str, manner: Manner) -> Result<Request, Unreadable> {
    let object: Map<String, Value> = serde_json::from_str(line).map_err(|e| bad_json(e.to_string()))?;
    let reference = read_ref(&object)?;
    let fail = |letter, refusal| Unreadable { letter, reference: reference.clone(), refusal };
    let Some(Value::String(verb)) = object.get("do") else {
        return Err(fail(None, bad_json("\"do\" should name the request, as \"C\"")));
    };
    let letter = match verb.as_bytes() {
        [byte] => char::from(byte.to_ascii_uppercase()),
        _ => '\0',
    };
    let command = commands::find(letter)
        .ok_or_else(|| fail(None, Refusal::UnknownCommand { stranger: !manner.logged_in, instead: None }))?;
    command.check_state(manner, || None).map_err(|refusal| fail(Some(letter), refusal))?;
    let mut values: [Option<Cow<'_, str>>; MAX_PARAMS] = Default::default();
    for (param, value) in command.params.iter().zip(&mut values) {
        *value = read_value(&object, param).map_err(|refusal| fail(Some(letter), refusal))?;
    }
    match command.read_object(values) {
        Ok(ask) => Ok(Request { letter, reference, ask }),
        Err(wrong) => Err(fail(Some(letter), wrong.into_refusal(letter, None))),
    }
}

fn read_ref(object: &Map<String, Value>) -> Result<Option<Ref>, Refusal> {
    match object.get("ref") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(word)) => {
            Ref::parse(word).map(Some).ok_or_else(|| bad_json("\"ref\" should be 1 to 64 bytes of text"))
        }
        Some(_) => Err(bad_json("\"ref\" should be a string")),
    }
}

fn read_value<'a>(object: &'a Map<String, Value>, param: &Param) -> Result<Option<Cow<'a, str>>, Refusal> {
    let value = match (object.get(param.name), param.shape) {
        (None | Some(Value::Null), _) => return Ok(None),
        (Some(Value::Bool(on)), Shape::Flag) => Cow::Borrowed(if *on { "true" } else { "false" }),
        (Some(_), Shape::Flag) => return Err(bad_json(format!("{:?} should be true or false", param.name))),
        (Some(Value::String(words)), _) => Cow::Borrowed(words.as_str()),
        (Some(Value::Number(number)), Shape::Word | Shape::Key) => Cow::Owned(number.to_string()),
        (Some(_), Shape::Word | Shape::Key) => {
            return Err(bad_json(format!("{:?} should be a string or a number", param.name)));
        }
        (Some(_), Shape::Rest | Shape::Mention) => return Err(bad_json(format!("{:?} should be a string", param.name))),
    };
    // A text is checked line by line where it is read; nothing else may hold a line break.
    if param.name != "text" {
        text::check(&value).map_err(Refusal::BadText)?;
    }
    Ok(Some(value))
}

fn bad_json(why: impl Into<String>) -> Refusal {
    Refusal::BadJson(why.into())
}

#[cfg(test)]
mod tests {
    use super::super::request::{Ask, HistoryRange, Presence, RangeEnd};
    use super::super::tongue::Tongue;
    use super::*;

    const MEMBER: Manner = Manner { logged_in: true, tongue: Tongue::Json, is_first: false };
    const STRANGER: Manner = Manner { logged_in: false, tongue: Tongue::Json, is_first: false };

    fn read(line: &str) -> Result<Request, Unreadable> {
        let manner = if line.contains(r#""do":"P""#) { STRANGER } else { MEMBER };
        parse(line, manner)
    }

    fn code(line: &str) -> &'static str {
        read(line).unwrap_err().refusal.code()
    }

    #[test]
    fn objects_are_requests() {
        let request = read(r#"{"do":"c","text":"a\nb","ref":"r1"}"#).unwrap();
        assert_eq!((request.letter, request.reference.unwrap().as_str()), ('C', "r1"));
        assert!(matches!(request.ask, Ask::Chat { name: None, text } if text.as_str() == "a\nb"));
        let request = read(r#"{"do":"H","left":3,"right":"-","n":"+1000"}"#).unwrap();
        let want = HistoryRange { left: Some(3), right: None, count: Some(1000), from: RangeEnd::Oldest };
        assert!(matches!(request.ask, Ask::History(range) if range == want));
        for (flags, want) in [
            ("", Presence::Member),
            (r#","enter":false"#, Presence::Silent),
            (r#","enter":false,"listen":true"#, Presence::Listener),
        ] {
            let line = format!(r#"{{"do":"P","name":"bob","password":"pass word"{flags}}}"#);
            assert!(matches!(read(&line).unwrap().ask, Ask::Password { presence, .. } if presence == want));
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_ref() {
        for line in [
            "{",
            r#"{"do":3}"#,
            "{}",
            r#"{"do":"C","text":5}"#,
            r#"{"do":"K","ref":""}"#,
            r#"{"do":"P","name":"a","password":"b","enter":1}"#,
        ] {
            assert_eq!(code(line), "bad-json", "{line}");
        }
        assert_eq!(code(r#"{"do":"C"}"#), "usage");
        assert_eq!(code(r#"{"do":"J"}"#), "unknown-command");
        assert_eq!(code(r#"{"do":"C","text":"\u001b[A"}"#), "bad-text");
        assert_eq!(code(r#"{"do":"P","name":"a","password":"b\nc"}"#), "bad-text");
        assert_eq!(code(&format!(r#"{{"do":"C","text":"{}"}}"#, "x".repeat(4097))), "line-too-long");
        let unreadable = read(r#"{"do":"H","left":"x","ref":"r9"}"#).unwrap_err();
        assert_eq!((unreadable.letter, unreadable.reference.unwrap().as_str()), (Some('H'), "r9"));
    }
}
