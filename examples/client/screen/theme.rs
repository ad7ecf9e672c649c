//! Colours and emphasis. Everything that a colour tells is told without it too, by a word, a mark or the
//! place, so that `NO_COLOR` (no-color.org) loses nothing.

use std::hash::{DefaultHasher, Hash, Hasher};

use ratatui::style::{Color, Modifier, Style};

/// How the screen may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    /// Only bold, dim, underlined and reversed.
    Plain,
    /// The eight colours of every terminal, as its user has set them.
    Eight,
    /// The 256 of xterm.
    Many,
}

/// Of the 256, those that are read on black and on white, and told from each other.
const NAMES_OF_MANY: [u8; 8] = [33, 34, 37, 99, 142, 170, 197, 208];
const NAMES_OF_EIGHT: [Color; 5] = [Color::Green, Color::Yellow, Color::Blue, Color::Magenta, Color::Cyan];

impl Theme {
    /// What the environment says.
    pub(crate) fn of_environment() -> Self {
        let variable = |name| std::env::var(name).unwrap_or_default();
        let has_many = variable("TERM").contains("256color") || !variable("COLORTERM").is_empty();
        match has_many {
            _ if !variable("NO_COLOR").is_empty() || variable("TERM") == "dumb" => Theme::Plain,
            true => Theme::Many,
            false => Theme::Eight,
        }
    }

    fn coloured(self, style: Style, color: Color) -> Style {
        if self == Theme::Plain { style } else { style.fg(color) }
    }

    /// Somebody's name: the same colour each time.
    pub(crate) fn name(self, name: &str) -> Style {
        let mut hasher = DefaultHasher::new();
        name.to_lowercase().hash(&mut hasher);
        let pick = |count: usize| usize::try_from(hasher.finish() % count as u64).unwrap_or(0);
        let bold = Style::new().add_modifier(Modifier::BOLD);
        match self {
            Theme::Plain => bold,
            Theme::Eight => bold.fg(NAMES_OF_EIGHT[pick(NAMES_OF_EIGHT.len())]),
            Theme::Many => bold.fg(Color::Indexed(NAMES_OF_MANY[pick(NAMES_OF_MANY.len())])),
        }
    }

    /// What matters less: times, who comes and goes, hints.
    pub(crate) fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// Headings of panes.
    pub(crate) fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The bar at the top.
    pub(crate) fn bar(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// What should be seen: mentions, one's own turn, the line of what is new.
    pub(crate) fn strong(self) -> Style {
        self.coloured(Style::new().add_modifier(Modifier::BOLD), Color::Yellow)
    }

    /// Failures.
    pub(crate) fn fault(self) -> Style {
        self.coloured(Style::new().add_modifier(Modifier::BOLD), Color::Red)
    }

    /// Files and games.
    pub(crate) fn news(self) -> Style {
        self.coloured(Style::new(), Color::Cyan)
    }

    /// The pieces of who moves first and of who moves second.
    pub(crate) fn piece(self, is_first: bool) -> Style {
        let style = Style::new().add_modifier(Modifier::BOLD);
        self.coloured(style, if is_first { Color::Red } else { Color::Blue })
    }

    /// The square of the cursor.
    pub(crate) fn cursor(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The squares of the last move.
    pub(crate) fn last(self) -> Style {
        Style::new().add_modifier(Modifier::UNDERLINED)
    }
}
