//! Voices: how events and replies are worded on one connection.
//!
//! A [`Voice`] is a tongue and its options (today the line end). Each combination in use is encoded
//! once, whoever listens in it. A tongue is one folder here: [`prose`] holds what the people's tongues
//! share, `en` and `zh` their words, `json` the form for programs; what is about games stands apart in each.

mod en;
mod json;
mod prose;
mod zh;

use super::closing::Closing;
use super::event::{Event, Missed};
use super::game::GameId;
use super::game::event::TableEvent;
use super::game::reply::Listed;
use super::reply::Answer;
use super::tongue::Tongue;
pub use prose::size;

/// What ends a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineEnd {
    /// LF, unless the client itself sends CR LF.
    Lf,
    /// CR LF, which some terminals need.
    CrLf,
}

/// A tongue with its options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Voice {
    /// The language.
    pub tongue: Tongue,
    /// What ends its lines.
    pub line_end: LineEnd,
}

/// How one tongue words things. Every line written ends in LF, and only in LF.
trait Wording {
    fn event(&self, room: &str, event: &Event, out: &mut String);
    fn answer(&self, answer: &Answer, out: &mut String);
    fn closing(&self, closing: Closing, out: &mut String);
    fn missed(&self, room: &str, missed: Missed, out: &mut String);
    fn table_event(&self, event: &TableEvent, out: &mut String);
    fn missed_moves(&self, game_id: GameId, out: &mut String);
    fn adjourned(&self, game: &Listed, out: &mut String);
}

/// The words of a tongue.
fn wording(tongue: Tongue) -> &'static dyn Wording {
    match tongue {
        Tongue::En => &prose::Prose(en::English),
        Tongue::Zh => &prose::Prose(zh::Chinese),
        Tongue::Json => &json::Json,
    }
}

impl Voice {
    /// How many voices there can be.
    pub const COUNT: usize = 6;

    /// Every voice.
    pub fn all() -> impl Iterator<Item = Voice> {
        Tongue::ALL.into_iter().flat_map(|tongue| [LineEnd::Lf, LineEnd::CrLf].map(|line_end| Voice { tongue, line_end }))
    }

    /// A tongue with the line end that a client gets before it has sent any.
    pub fn new(tongue: Tongue) -> Self {
        Self { tongue, line_end: LineEnd::Lf }
    }

    /// This voice's place among all, below [`Voice::COUNT`].
    pub fn index(self) -> usize {
        self.tongue as usize * 2 + self.line_end as usize
    }

    /// Appends an event of a room, as its members hear it.
    pub fn event(self, room: &str, event: &Event, out: &mut String) {
        self.put(out, |out| wording(self.tongue).event(room, event, out));
    }

    /// Appends a reply, with the lines that come before it.
    pub fn answer(self, answer: &Answer, out: &mut String) {
        self.put(out, |out| wording(self.tongue).answer(answer, out));
    }

    /// Appends the last line of a connection that the server closes.
    pub fn closing(self, closing: Closing, out: &mut String) {
        self.put(out, |out| wording(self.tongue).closing(closing, out));
    }

    /// Appends what a connection is told that was too slow for part of the log.
    pub fn missed(self, room: &str, missed: Missed, out: &mut String) {
        self.put(out, |out| wording(self.tongue).missed(room, missed, out));
    }

    /// Appends an event of a game, as its players and watchers hear it.
    pub fn table_event(self, event: &TableEvent, out: &mut String) {
        self.put(out, |out| wording(self.tongue).table_event(event, out));
    }

    /// Appends what a connection is told that was too slow for a part of a game.
    pub fn missed_moves(self, game_id: GameId, out: &mut String) {
        self.put(out, |out| wording(self.tongue).missed_moves(game_id, out));
    }

    /// Appends what is told at a login of a game that waits to be gone on with.
    pub fn adjourned(self, game: &Listed, out: &mut String) {
        self.put(out, |out| wording(self.tongue).adjourned(game, out));
    }

    fn put(self, out: &mut String, write: impl FnOnce(&mut String)) {
        let start = out.len();
        write(out);
        if self.line_end == LineEnd::CrLf {
            let with_crlf = out[start..].replace('\n', "\r\n");
            out.replace_range(start.., &with_crlf);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::Deed;
    use super::super::name::Name;
    use super::super::text::Text;
    use super::*;

    fn heard(voice: Voice, deed: Deed) -> String {
        let mut out = String::new();
        voice.event("lobby", &Event { seq: 3, at_ms: 1_795_142_340_123, deed }, &mut out);
        out
    }

    fn chat(words: &str) -> Deed {
        Deed::Chat { from: Name::parse("alice").unwrap(), text: Text::parse_lines(words).unwrap(), reference: None }
    }

    #[test]
    fn people_hear_prose() {
        let alice = || Name::parse("alice").unwrap();
        let text = || Text::parse("text").unwrap();
        for (tongue, deed, want) in [
            (Tongue::En, Deed::Enter { from: alice() }, "[alice] entered the room\n"),
            (Tongue::En, chat("hello"), "[alice]: hello\n"),
            (Tongue::En, chat("a\nOK b"), "[alice]: a\n    OK b\n"),
            (Tongue::En, Deed::Leave { from: alice() }, "[alice] left the room\n"),
            (Tongue::En, Deed::Announcement { text: text() }, "Administrator: text\n"),
            (Tongue::Zh, Deed::Enter { from: alice() }, "[alice] 进入了聊天室\n"),
            (Tongue::Zh, chat("hello"), "[alice]：hello\n"),
            (Tongue::Zh, Deed::Leave { from: alice() }, "[alice] 退出了聊天室\n"),
            (Tongue::Zh, Deed::Announcement { text: text() }, "管理员消息：text\n"),
        ] {
            assert_eq!(heard(Voice::new(tongue), deed), want);
        }
    }

    #[test]
    fn programs_get_one_object_a_line() {
        assert_eq!(
            heard(Voice::new(Tongue::Json), chat("a\n\"b\"")),
            "{\"event\":\"chat\",\"room\":\"lobby\",\"seq\":3,\"at\":\"2026-11-20T02:39:00.123Z\",\"from\":\"alice\",\"text\":\"a\\n\\\"b\\\"\"}\n"
        );
    }

    #[test]
    fn who_sends_crlf_is_answered_with_crlf() {
        let voice = Voice { tongue: Tongue::En, line_end: LineEnd::CrLf };
        assert_eq!(heard(voice, chat("a\nb")), "[alice]: a\r\n    b\r\n");
    }

    #[test]
    fn voices_have_places_of_their_own() {
        let places: std::collections::BTreeSet<usize> = Voice::all().map(Voice::index).collect();
        assert_eq!(places, (0..Voice::COUNT).collect());
    }
}
