//! Refusals in the words of this client's commands. The server's own words name its letters, which nobody
//! types here; they are shown where this list has none.

use parlor::client::{Error, Refusal};

use super::super::text::clean;

/// Why something failed, for people.
pub(crate) fn reason(error: &Error) -> String {
    match error {
        Error::OutcomeUnknown => "the connection was lost before the answer came; look before you try again".to_owned(),
        Error::Refused(refusal) => of_refusal(refusal),
        other => clean(&other.to_string()),
    }
}

/// A refusal, also one of a login.
pub(crate) fn of_refusal(refusal: &Refusal) -> String {
    let field = |key: &str| clean(refusal.fields.get(key).and_then(|value| value.as_str()).unwrap_or_default());
    let is_uploading = refusal.fields.get("uploading").and_then(serde_json::Value::as_bool) == Some(true);
    let plain = match refusal.code.as_str() {
        "already-inviting" => "you have an open invitation - /uninvite withdraws it",
        "already-playing" => "you play already - /resign gives that game up",
        "bad-file-name" => "no possible name of a shared file: it has no path in it and does not begin with a dot",
        "bad-name" => {
            "no possible name: letters and digits of one writing direction, _ - and ., 1 to 32 of them; some names are reserved"
        }
        "bad-password" => "a password has 6 to 71 bytes",
        "busy" => "the server is busy at the moment; try again in a few seconds",
        "file-exists" => {
            let deed = if is_uploading { "is sending" } else { "has shared" };
            return format!("{} {deed} a file of this name; {} is free", field("from"), field("free_name"));
        }
        "look-alike" => return format!("that looks like {}, who is registered; choose another name", field("name")),
        "no-game" => "you play no game - /invite invites to one, /games lists what is played",
        "no-invitation" => "nobody of that name invites - /games lists who does",
        "no-such-file" => "nothing of that name is shared - /shelf lists what is",
        "no-such-user" => "nobody of that name is registered",
        "not-your-turn" => "it is not your turn",
        "not-yours" => "somebody else shared that file",
        "own-invitation" => "this is your own invitation",
        "reserved" => "the seat is kept for somebody else",
        "slow-down" => {
            let seconds = refusal.fields.get("retry_ms").and_then(serde_json::Value::as_u64).unwrap_or_default().div_ceil(1000);
            return format!("too much at once; try again in {seconds} s");
        }
        "taken" => return format!("{} took the seat", field("from")),
        "wrong-password" => "wrong password",
        "wrong-ply" => "the board has changed meanwhile",
        _ => return clean(&refusal.text),
    };
    plain.to_owned()
}
