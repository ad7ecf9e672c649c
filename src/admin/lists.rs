//! Lists for the operator: who is banned, and what was ordered. Times are local, as the daemon's `TZ` has it.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::protocol::text;
use crate::store::read::operator::NamedBan;
use crate::store::record::AuditRow;

/// Until when a ban holds.
pub(super) fn until(until_ms: Option<i64>) -> String {
    until_ms.map_or_else(|| "for ever".into(), |until_ms| format!("until {}", time(until_ms)))
}

/// Who is banned, a line each.
pub(super) fn bans(bans: &[NamedBan]) -> String {
    if bans.is_empty() {
        return "nobody is banned".into();
    }
    let width = bans.iter().map(|named| named.name.chars().count()).max().unwrap_or_default();
    let mut out = String::new();
    for NamedBan { name, ban } in bans {
        let _ = write!(out, "{name:width$}  {}, since {}", until(ban.terms.until_ms), time(ban.made_ms));
        if !ban.terms.why.is_empty() {
            let _ = write!(out, ": {}", ban.terms.why);
        }
        out.push('\n');
    }
    out.trim_end().to_owned()
}

/// What was ordered, an order in a line, the newest first.
pub(super) fn audit(rows: &[AuditRow]) -> String {
    if rows.is_empty() {
        return "nothing has been ordered".into();
    }
    let mut out = String::new();
    for AuditRow { id, at_ms, who, what, whom, details, refused } in rows {
        let _ = write!(out, "#{id} {} {}: {what}", time(*at_ms), printable(who));
        for words in [whom.as_deref().unwrap_or_default(), details].into_iter().filter(|words| !words.is_empty()) {
            let _ = write!(out, " {}", printable(words));
        }
        if let Some(why) = refused {
            let _ = write!(out, " - refused: {}", printable(why));
        }
        out.push('\n');
    }
    out.trim_end().to_owned()
}

fn time(at_ms: i64) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or_default();
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// An order may have been refused for what it holds.
fn printable(words: &str) -> String {
    let is_safe = |c: char| text::check(c.encode_utf8(&mut [0; 4])).is_ok();
    words.chars().flat_map(|c| if is_safe(c) { vec![c] } else { c.escape_default().collect() }).collect()
}
