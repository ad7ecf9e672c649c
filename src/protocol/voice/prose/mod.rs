//! What the people's tongues share: where `OK` and `ERR` stand, how lists and history look, how a
//! text of several lines is indented so that none of them can be taken for a reply. The words
//! themselves are a [`Phrases`]. Boards and lists of games are in [`games`].

pub(super) mod games;

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::closing::Closing;
use super::super::commands::{COMMANDS, Command, Detail};
use super::super::event::{Deed, Event, Missed};
use super::super::game::event::TableEvent;
use super::super::game::reply::Listed;
use super::super::game::{GameId, Words};
use super::super::name::Name;
use super::super::refusal::Refusal;
use super::super::reply::{Answer, Found, Offered, Page, Reply, Shelf, Welcome};
use super::super::request::{HistoryRange, RangeEnd};
use super::super::shell;
use super::super::tongue::Tongue;
use super::Wording;
use games::GamePhrases;

/// The words of one people's language.
pub(super) trait Phrases: GamePhrases {
    /// An event's first line, without its line end; further lines of its text are indented after it.
    fn deed(&self, deed: &Deed, out: &mut String);
    fn known(&self, name: &Name) -> String;
    fn unknown(&self, name: &Name) -> String;
    fn welcome(&self, welcome: &Welcome) -> String;
    /// What is behind a page of history; `ask` is the request that shows it.
    fn further(&self, from: RangeEnd, ask: &str) -> String;
    fn next_page(&self, ask: &str) -> String;
    /// What to do with the command above, which sends a file; `limit` is the largest size it may have.
    fn offered(&self, offered: &Offered, limit: &str) -> String;
    /// What to do with the command above, which fetches a file; `size` is the file's.
    fn found(&self, found: &Found, size: &str) -> String;
    fn withdrawn(&self) -> &'static str;
    fn dropped(&self) -> &'static str;
    fn received(&self) -> &'static str;
    fn nothing_shared(&self) -> &'static str;
    /// A line of help on one letter.
    fn detail(&self, detail: &Detail) -> &'static str;
    fn speaking(&self) -> &'static str;
    fn about(&self, version: &str, voices: &str) -> String;
    fn help(&self, command: &Command) -> &'static str;
    fn bye(&self) -> &'static str;
    fn refusal(&self, refusal: &Refusal) -> String;
    fn closing(&self, closing: Closing) -> String;
    /// `ask` is the request that shows what was missed.
    fn missed(&self, missed: Missed, ask: &str) -> String;
}

/// How to enter, in both languages, for somebody who may read only one.
const HOW_TO_ENTER: [&str; 2] = [
    "To enter, send two lines: U your-name, then P your-name your-password",
    "进入聊天室请发两行：U 名字，再发 P 名字 密码；V zh 用中文",
];

/// A people's tongue made of its words.
pub(super) struct Prose<P>(pub(super) P);

impl<P: Phrases> Wording for Prose<P> {
    fn event(&self, _room: &str, event: &Event, out: &mut String) {
        self.deed(&event.deed, out);
    }

    fn answer(&self, answer: &Answer, out: &mut String) {
        let words = &self.0;
        // Writing to a String cannot fail, here and below.
        let _ = match &answer.reply {
            Reply::Known(name) => writeln!(out, "OK known {name} - {}", words.known(name)),
            Reply::New(name) => writeln!(out, "OK new {name} - {}", words.unknown(name)),
            Reply::LoggedIn(welcome) => {
                let Welcome { name, count, seq, .. } = welcome;
                writeln!(out, "OK {name} {count} {seq} {}", words.welcome(welcome))
            }
            Reply::Spoken { seq } => writeln!(out, "OK {seq}"),
            Reply::History(page) => return self.history(page, out),
            Reply::Who { count, names, next_page } => {
                let _ = write!(out, "OK {count}");
                names.iter().for_each(|name| _ = write!(out, " {name}"));
                match next_page {
                    Some(page) => writeln!(out, " ({})", words.next_page(&format!("W {page}"))),
                    None => writeln!(out),
                }
            }
            Reply::Offered(offered) => {
                let Offered { ticket, offset_bytes, limit_bytes, file_name, endpoint, .. } = offered;
                let _ = writeln!(out, "{}", shell::upload(file_name, ticket, *offset_bytes, endpoint));
                writeln!(out, "OK {ticket} {offset_bytes} {}", words.offered(offered, &size(*limit_bytes)))
            }
            Reply::Found(found) => {
                let Found { ticket, file, endpoint, .. } = found;
                let _ = writeln!(out, "{}", shell::download(&file.name, ticket, endpoint));
                let words = words.found(found, &size(file.size_bytes));
                writeln!(out, "OK {ticket} {} {} {words}", file.size_bytes, file.digest)
            }
            Reply::Shelf(shelf) => return self.shelf(shelf, out),
            Reply::Withdrawn => writeln!(out, "OK {}", words.withdrawn()),
            Reply::Dropped => writeln!(out, "OK {}", words.dropped()),
            Reply::Received(digest) => writeln!(out, "OK {digest} {}", words.received()),
            Reply::Game(reply) => return self.game_answer(reply, out),
            Reply::Speaking(tongue) => writeln!(out, "OK {} {}", tongue.code(), words.speaking()),
            Reply::About => {
                let voices = Tongue::ALL.map(Tongue::code).join(" ");
                writeln!(out, "OK {}", words.about(env!("CARGO_PKG_VERSION"), &voices))
            }
            Reply::Alive => writeln!(out, "OK"),
            Reply::Help { letter, stranger, titles } => return self.help(*letter, *stranger, titles, out),
            Reply::Bye => writeln!(out, "OK {}", words.bye()),
            Reply::Refused(refusal) => writeln!(out, "ERR {} {}", refusal.code(), words.refusal(refusal)),
        };
    }

    fn closing(&self, closing: Closing, out: &mut String) {
        let _ = writeln!(out, "{}", self.0.closing(closing));
    }

    fn missed(&self, _room: &str, missed: Missed, out: &mut String) {
        let ask = format!("H {} {}", missed.first_seq - 1, missed.last_seq);
        let _ = writeln!(out, "{}", self.0.missed(missed, &ask));
    }

    fn table_event(&self, event: &TableEvent, out: &mut String) {
        Prose::table_event(self, event, out);
    }

    fn adjourned(&self, game: &Listed, out: &mut String) {
        self.listed(game, out);
    }

    fn missed_moves(&self, game_id: GameId, out: &mut String) {
        let _ = writeln!(out, "{}", self.0.missed_moves(game_id));
    }
}

impl<P: Phrases> Prose<P> {
    fn deed(&self, deed: &Deed, out: &mut String) {
        let start = out.len();
        self.0.deed(deed, out);
        if memchr::memchr(b'\n', &out.as_bytes()[start..]).is_some() {
            let indented = out[start..].replace('\n', "\n    ");
            out.replace_range(start.., &indented);
        }
        tell_from_replies(out, start);
        out.push('\n');
    }

    fn history(&self, page: &Page, out: &mut String) {
        for event in &page.events {
            let _ = write!(out, "#{} {} ", event.seq, local_time(event.at_ms));
            self.deed(&event.deed, out);
        }
        let _ = match &page.further {
            Some(range) => writeln!(out, "OK {} {}", page.events.len(), self.0.further(range.from, &request_for(range))),
            None => writeln!(out, "OK {}", page.events.len()),
        };
    }

    fn shelf(&self, shelf: &Shelf, out: &mut String) {
        for event in &shelf.files {
            if let Deed::File { from, file } = &event.deed {
                let (size, at, start) = (size(file.size_bytes), local_time(event.at_ms), out.len());
                let _ = writeln!(out, "{}  {size}  {from}  {at}  {}", file.name, file.digest);
                tell_from_replies(out, start);
            }
        }
        let _ = match shelf.next_page {
            Some(page) => writeln!(out, "OK {} {}", shelf.files.len(), self.0.next_page(&format!("S {page}"))),
            None if shelf.is_empty => writeln!(out, "OK 0 {}", self.0.nothing_shared()),
            None => writeln!(out, "OK {}", shelf.files.len()),
        };
    }

    fn help(&self, letter: Option<char>, stranger: bool, titles: &[Words], out: &mut String) {
        if stranger && letter.is_none() {
            HOW_TO_ENTER.iter().for_each(|line| _ = writeln!(out, "{line}"));
        }
        for command in COMMANDS.iter().filter(|command| letter.is_none_or(|letter| letter == command.letter)) {
            let _ = writeln!(out, "  {:<30}{}", command.form(), self.0.help(command));
            if letter.is_some() {
                command.details.iter().for_each(|detail| _ = writeln!(out, "  {}", self.0.detail(detail)));
            }
        }
        if !titles.is_empty() {
            let _ = writeln!(out, "  {}", self.0.titles(titles));
        }
        let _ = writeln!(out, "OK");
    }
}

/// Only replies begin as replies do: what begins with the name of a file called `ERR report` gets a blank
/// before it.
fn tell_from_replies(out: &mut String, start: usize) {
    if ["OK", "ERR "].iter().any(|beginning| out[start..].starts_with(beginning)) {
        out.insert(start, ' ');
    }
}

/// A range as the request that asks for it.
fn request_for(range: &HistoryRange) -> String {
    let bound = |bound: Option<u64>| bound.map_or_else(|| "-".into(), |seq| seq.to_string());
    let mut ask = format!("H {} {}", bound(range.left), bound(range.right));
    if let Some(count) = range.count {
        let sign = if range.from == RangeEnd::Oldest { "+" } else { "" };
        let _ = write!(ask, " {sign}{count}");
    }
    ask
}

/// Date and time in the daemon's zone.
fn local_time(at_ms: i64) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or_default();
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The same with its zone, for who may be elsewhere.
pub(super) fn zoned_time(at_ms: i64) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or_default();
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// A size as people read it: `512 B`, `1.5 KiB`, `717 KiB`, `2.0 GiB`.
pub fn size(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits of it are shown")]
    let (mut value, mut units) = (bytes as f64, ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"].into_iter());
    let mut unit = "";
    // Before rounding could make 1024 of it.
    while value >= 1023.5 {
        let Some(next) = units.next() else { break };
        (value, unit) = (value / 1024.0, next);
    }
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// Some names, one after the other.
pub(super) fn list(names: &[Name], separator: &str) -> String {
    names.iter().map(Name::as_str).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_short() {
        for (bytes, want) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (10_188, "9.9 KiB"),
            (10_189, "10 KiB"),
            (733_912, "717 KiB"),
            ((1 << 20) - 1, "1.0 MiB"),
            (2 << 30, "2.0 GiB"),
            (u64::MAX, "16 EiB"),
        ] {
            assert_eq!(size(bytes), want);
        }
    }
}
