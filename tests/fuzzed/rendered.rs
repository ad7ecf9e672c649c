//! What a voice may put on the wire, whatever it is given: whole lines that no terminal acts on, one reply behind the
//! lines that belong to it, one JSON object a line.

use parlor::protocol::reply::Answer;
use parlor::protocol::tongue::Tongue;
use parlor::protocol::voice::{LineEnd, Voice};
use serde_json::{Map, Value};

use super::acts_on_terminals;

/// Checks a reply in every voice.
pub fn answer(answer: &Answer) {
    for voice in Voice::all() {
        let lines = lines(voice, |out| voice.answer(answer, out));
        let (last, before) = lines.split_last().expect("a request gets a reply");
        assert!(is_reply(voice, last), "the last line is the reply: {lines:#?}");
        assert!(!before.iter().any(|line| is_reply(voice, line)), "there is one reply: {lines:#?}");
        if voice.tongue == Tongue::Json {
            let reference = answer.reference.as_ref().map(|reference| reference.as_str());
            assert!(lines.iter().all(|line| object(line).get("ref").and_then(Value::as_str) == reference));
        }
    }
}

/// Checks something that is told in every voice. `one_line`: it is one event, whose further lines are indented.
pub fn told(put: impl Fn(Voice, &mut String)) {
    for voice in Voice::all() {
        let lines = lines(voice, |out| put(voice, out));
        assert!(!lines.iter().any(|line| is_reply(voice, line)), "an event is no reply: {lines:#?}");
        assert!(!lines.is_empty());
        if voice.tongue == Tongue::Json {
            assert!(lines.len() == 1 && object(&lines[0]).contains_key("event"), "{lines:#?}");
        }
    }
}

/// The objects that are told in voice `json`.
pub fn objects(put: impl Fn(Voice, &mut String)) -> Vec<Map<String, Value>> {
    let voice = Voice::new(Tongue::Json);
    lines(voice, |out| put(voice, out)).iter().map(|line| object(line)).collect()
}

/// The lines, each of which must be one: with the voice's line end, and nothing that a terminal acts on.
pub fn lines(voice: Voice, put: impl FnOnce(&mut String)) -> Vec<String> {
    const BEFORE: &str = "[bob]: before\n";
    let mut out = BEFORE.to_owned();
    put(&mut out);
    let said = out.strip_prefix(BEFORE).expect("what was there before is left alone");
    let end = if voice.line_end == LineEnd::CrLf { "\r\n" } else { "\n" };
    assert!(said.is_empty() || said.ends_with(end), "{said:?}");
    let lines: Vec<String> = said.split_terminator(end).map(str::to_owned).collect();
    for line in &lines {
        assert!(!line.contains(acts_on_terminals), "{line:?}");
        if voice.tongue == Tongue::Json {
            object(line);
        }
    }
    lines
}

fn object(line: &str) -> Map<String, Value> {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
}

/// Whether people or programs take a line for a reply.
pub fn is_reply(voice: Voice, line: &str) -> bool {
    match voice.tongue {
        Tongue::Json => ["{\"ok\":", "{\"err\":"].iter().any(|start| line.starts_with(start)),
        Tongue::En | Tongue::Zh => line.starts_with("OK") || line.starts_with("ERR "),
    }
}
