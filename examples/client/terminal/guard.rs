//! The terminal, taken and given back: raw, on its other screen, with pastes told apart from typing; as it was
//! before after a panic, a signal, an error and Ctrl-Z too.

use std::io::{self, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use crossterm::execute;
use crossterm::style::Print;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use rustix::process::{Signal, getpid, kill_process};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

/// Without these a turn of the wheel would be arrow keys, which bring back lines.
const NO_ARROWS_FROM_WHEEL: &str = "\x1b[?1007l";

/// Whether the terminal is ours, for the panic hook.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal, for as long as this lives.
pub(super) struct Guard {
    pub(super) terminal: Terminal<CrosstermBackend<Stdout>>,
    has_mouse: bool,
}

impl Guard {
    /// Takes the terminal.
    pub(super) fn take() -> io::Result<Self> {
        give_back_before_panics();
        take()?;
        // What was begun is undone by `give_back` if this fails.
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout())).inspect_err(|_| give_back())?;
        Ok(Self { terminal, has_mouse: false })
    }

    /// Lets the mouse be told to this program, or left to the terminal, which can mark text with it.
    pub(super) fn set_mouse(&mut self, wanted: bool) -> io::Result<()> {
        if self.has_mouse == wanted {
            return Ok(());
        }
        self.has_mouse = wanted;
        if wanted { execute!(io::stdout(), EnableMouseCapture) } else { execute!(io::stdout(), DisableMouseCapture) }
    }

    pub(super) fn bell(&mut self) -> io::Result<()> {
        let mut out = io::stdout();
        out.write_all(b"\x07")?;
        out.flush()
    }

    /// Stops this process as Ctrl-Z does, with the terminal given back, until it is gone on with.
    pub(super) async fn suspend(&mut self) -> io::Result<()> {
        /// A process whose group nobody controls is not stopped by this signal.
        const STOPS_WITHIN: Duration = Duration::from_millis(300);
        let mut continued = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
        give_back();
        kill_process(getpid(), Signal::TSTP)?;
        // While it is stopped its clocks stand still for it.
        let _ = timeout(STOPS_WITHIN, continued.recv()).await;
        take()?;
        let had_mouse = std::mem::replace(&mut self.has_mouse, false);
        self.set_mouse(had_mouse)?;
        self.redraw()
    }

    /// Forgets what stands on the screen, so that the next frame is drawn whole. `Terminal::clear` would ask
    /// the terminal for its cursor and fail where the answer takes long.
    pub(super) fn redraw(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::new(0, 0, size.width, size.height))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        give_back();
    }
}

fn take() -> io::Result<()> {
    IS_TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, Print(NO_ARROWS_FROM_WHEEL)).inspect_err(|_| give_back())
}

/// Gives the terminal back, once. What fails here cannot be told to anybody.
fn give_back() {
    if IS_TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(io::stdout(), DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// A panic in any thread ends the program, with the terminal as it was and the words where they can be read.
#[expect(clippy::exit, reason = "other threads would go on drawing on the terminal that was given back")]
fn give_back_before_panics() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        give_back();
        tell(info);
        std::process::exit(101);
    }));
}
