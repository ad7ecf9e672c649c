//! The client at a real pseudo-terminal: what it shows, as a terminal would show it, and keys, pastes, clicks
//! and sizes for it. A reading thread keeps the screen; whoever waits for something on it is woken by each
//! piece of output.
//!
//! The terminal is rustix's and `setsid --ctty` makes it the child's own: `expectrl` forks without closing its
//! pipe on exec, so that a daemon started meanwhile by another test would hold it open and the spawn would hang.

use std::fs::File;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, Termios, Winsize, tcgetattr, tcsetwinsize};
use vt100::{Callbacks, Parser, Screen};

use super::{PASSWORD, PATIENCE, assert_restored, eventually, example, is_intact, is_settled, picture, row_with, wait};

/// What keys send.
pub mod key {
    pub const UP: &str = "\x1b[A";
    pub const DOWN: &str = "\x1b[B";
    pub const RIGHT: &str = "\x1b[C";
    pub const LEFT: &str = "\x1b[D";
    pub const PAGE_UP: &str = "\x1b[5~";
    pub const PAGE_DOWN: &str = "\x1b[6~";
    pub const ENTER: &str = "\r";
    pub const ESCAPE: &str = "\x1b";
    pub const CTRL_A: &str = "\x01";
    pub const CTRL_C: &str = "\x03";
    pub const CTRL_U: &str = "\x15";
    pub const CTRL_W: &str = "\x17";
    pub const CTRL_Z: &str = "\x1a";
}

/// Columns and rows.
pub type Size = (u16, u16);

/// What most people have.
pub const USUAL: Size = (80, 24);

/// A program at a terminal of its own. Dropping it kills it.
pub struct Terminal {
    child: Child,
    keyboard: File,
    /// Held open, so that what the program leaves behind in the terminal can be looked at after its exit.
    line: Option<OwnedFd>,
    before: Termios,
    shown: Arc<Shown>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shown {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    parser: Parser<Oddities>,
    /// Every byte that was ever written to the terminal.
    bytes: Vec<u8>,
    has_ended: bool,
}

impl Default for State {
    fn default() -> Self {
        let (columns, rows) = USUAL;
        let parser = Parser::new_with_callbacks(known(rows), known(columns), 0, Oddities::default());
        Self { parser, bytes: Vec::new(), has_ended: false }
    }
}

/// What a terminal was told beside what it shows.
#[derive(Clone, Debug, Default)]
pub struct Oddities {
    pub bells: usize,
    /// Titles, the clipboard, sizes, and whatever this terminal does not know.
    pub others: Vec<String>,
}

impl Callbacks for Oddities {
    fn audible_bell(&mut self, _: &mut Screen) {
        self.bells += 1;
    }
    fn visual_bell(&mut self, _: &mut Screen) {
        self.others.push("a visual bell".to_owned());
    }
    fn resize(&mut self, _: &mut Screen, size: (u16, u16)) {
        self.others.push(format!("a size: {size:?}"));
    }
    fn set_window_icon_name(&mut self, _: &mut Screen, name: &[u8]) {
        self.others.push(format!("a name of an icon: {}", name.escape_ascii()));
    }
    fn set_window_title(&mut self, _: &mut Screen, title: &[u8]) {
        self.others.push(format!("a title: {}", title.escape_ascii()));
    }
    fn copy_to_clipboard(&mut self, _: &mut Screen, _: &[u8], data: &[u8]) {
        self.others.push(format!("for the clipboard: {}", data.escape_ascii()));
    }
    fn paste_from_clipboard(&mut self, _: &mut Screen, _: &[u8]) {
        self.others.push("wants the clipboard".to_owned());
    }
    fn unhandled_control(&mut self, _: &mut Screen, byte: u8) {
        self.others.push(format!("control character {byte:#04x}"));
    }
    fn unhandled_escape(&mut self, _: &mut Screen, first: Option<u8>, second: Option<u8>, byte: u8) {
        self.others.push(format!("escape {first:?} {second:?} {byte:#04x}"));
    }
    fn unhandled_osc(&mut self, _: &mut Screen, parameters: &[&[u8]]) {
        self.others.push(format!("OSC {parameters:?}"));
    }
}

/// How a program left.
pub struct Exit {
    pub status: ExitStatus,
    /// What is on the terminal now.
    pub screen: Screen,
    /// Whether the line's settings are those of before.
    pub is_line_restored: bool,
    pub bytes: Vec<u8>,
}

impl Exit {
    /// Fails unless the terminal is as a shell wants it.
    #[track_caller]
    pub fn assert_restored(&self) {
        assert!(self.is_line_restored, "the line's settings are not those of before");
        assert_restored(&self.screen);
    }
}

impl Terminal {
    /// Runs a program at a terminal of this size.
    pub fn spawn(command: &Command, size: Size) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let line = ioctl_tiocgptpeer(&controller, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        tcsetwinsize(&controller, winsize(size)).unwrap();
        let before = tcgetattr(&line).unwrap();
        let end = || Stdio::from(line.try_clone().unwrap());
        let mut outer = Command::new("setsid");
        outer.arg("--ctty").arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => outer.env(name, value),
                None => outer.env_remove(name),
            };
        }
        if let Some(directory) = command.get_current_dir() {
            outer.current_dir(directory);
        }
        let child = outer.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        drop(outer);
        let shown = Arc::<Shown>::default();
        shown.lock().parser.set_size(known(size.1), known(size.0));
        let keyboard = File::from(controller);
        let reader = read_on(keyboard.try_clone().unwrap(), Arc::clone(&shown));
        Self { child, keyboard, line: Some(line), before, shown, reader: Some(reader) }
    }

    /// The client in a room, under this name, registered if it is new.
    pub fn enter(address: SocketAddr, name: &str) -> Self {
        Self::enter_with(&screen_client(address, name), USUAL)
    }

    /// A screen_client, once its screen is there.
    pub fn enter_with(command: &Command, size: Size) -> Self {
        let terminal = Self::spawn(command, size);
        terminal.wait_until("the screen", |screen| screen.alternate_screen() && is_intact(screen));
        terminal
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Types a line and presses Enter.
    pub fn enter_line(&mut self, line: &str) {
        self.press(&format!("{line}\r"));
    }

    /// Types a line where it is not shown; before the terminal hides it, it would be.
    pub fn enter_unseen(&mut self, line: &str) {
        eventually("the terminal hides what is typed", || {
            !tcgetattr(self.line.as_ref().unwrap()).unwrap().local_modes.contains(LocalModes::ECHO)
        });
        self.press(&format!("{line}\n"));
    }

    /// Pastes, as a terminal does it that tells pastes from typing.
    pub fn paste(&mut self, text: &str) {
        self.press(&format!("\x1b[200~{text}\x1b[201~"));
    }

    /// Presses and releases the left button of the mouse; column and row are counted from 0.
    pub fn click(&mut self, (column, row): (u16, u16)) {
        let (column, row) = (column + 1, row + 1);
        self.press(&format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m"));
    }

    /// Another size; the kernel tells the program.
    pub fn resize(&mut self, size: Size) {
        self.shown.lock().parser.set_size(known(size.1), known(size.0));
        tcsetwinsize(&self.keyboard, winsize(size)).unwrap();
    }

    /// What is shown, between two frames; it may change as soon as this returns.
    #[track_caller]
    pub fn screen(&self) -> Screen {
        self.look_until("a whole frame", |_| true)
    }

    pub fn oddities(&self) -> Oddities {
        self.shown.lock().parser.callbacks().clone()
    }

    /// Waits until this stands somewhere in one row of the screen.
    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        self.wait_until(text, |screen| row_with(screen, text).is_some());
    }

    /// Waits until this stands nowhere on the screen.
    #[track_caller]
    pub fn wait_for_no(&self, text: &str) {
        self.wait_until(&format!("no {text}"), |screen| row_with(screen, text).is_none());
    }

    /// Waits until something holds of the screen.
    #[track_caller]
    pub fn wait_until(&self, what: &str, holds: impl Fn(&Screen) -> bool) {
        self.look_until(what, holds);
    }

    #[track_caller]
    fn look_until(&self, what: &str, holds: impl Fn(&Screen) -> bool) -> Screen {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.shown.lock();
        loop {
            let screen = state.parser.screen();
            if is_settled(screen) && holds(screen) {
                return screen.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !state.has_ended, "not on the screen: {what}\n{}", picture(screen));
            state = self.shown.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status().unwrap();
        assert!(status.success());
    }

    /// Whether the line's settings are those of before the program.
    pub fn is_line_restored(&self) -> bool {
        is_same(&self.before, &tcgetattr(self.line.as_ref().unwrap()).unwrap())
    }

    /// Waits for the exit, and reads the last of what the program wrote.
    #[track_caller]
    pub fn exit(mut self) -> Exit {
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "it does not exit\n{}", picture(self.shown.lock().parser.screen()));
            thread::sleep(std::time::Duration::from_millis(2));
        }
        let status = wait(&mut self.child);
        let is_line_restored = self.is_line_restored();
        // Nobody holds the line any more, so that reading it comes to an end.
        self.line = None;
        self.reader.take().unwrap().join().unwrap();
        let state = self.shown.lock();
        Exit { status, screen: state.parser.screen().clone(), is_line_restored, bytes: state.bytes.clone() }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Shown {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Keeps the screen until nobody can write to it any more.
fn read_on(mut output: File, shown: Arc<Shown>) -> JoinHandle<()> {
    thread::spawn(move || {
        let (mut buffer, mut unread) = (vec![0; 64 << 10], Vec::new());
        // At the end the read fails.
        while let Ok(count @ 1..) = output.read(&mut buffer) {
            let mut state = shown.lock();
            state.bytes.extend_from_slice(&buffer[..count]);
            unread.extend_from_slice(&buffer[..count]);
            let whole = unread.len() - begun(&unread);
            state.parser.process(&shown_instead(&unread[..whole]));
            unread.drain(..whole);
            shown.changed.notify_all();
        }
        shown.lock().has_ended = true;
        shown.changed.notify_all();
    })
}

/// What terminals show as one column, and vt100 takes for broken UTF-8 and drops.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// The same with another character in place of that one.
fn shown_instead(bytes: &[u8]) -> Vec<u8> {
    let mut shown = bytes.to_vec();
    let mut at = 0;
    while let Some(found) = memchr::memmem::find(&shown[at..], REPLACEMENT) {
        at += found;
        shown[at..at + REPLACEMENT.len()].copy_from_slice("□".as_bytes());
    }
    shown
}

/// How many bytes at the end may be the beginning of that character.
fn begun(bytes: &[u8]) -> usize {
    (1..REPLACEMENT.len()).rev().find(|&count| bytes.ends_with(&REPLACEMENT[..count])).unwrap_or(0)
}

/// The client at a terminal under this name, registered if it is new.
pub fn screen_client(address: SocketAddr, name: &str) -> Command {
    let mut command = unnamed_client();
    command.arg(address.to_string()).args(["--user", name, "--register"]).env("PARLOR_PASSWORD", PASSWORD);
    command
}

/// The client without arguments and without a password, with 256 colours and without the caller's environment.
pub fn unnamed_client() -> Command {
    let mut command = Command::new(example("client"));
    command.env("TERM", "xterm-256color").env("TZ", "UTC").env("LANG", "C.UTF-8");
    for variable in ["PARLOR_PASSWORD", "PARLOR_USER", "PARLOR_ADDRESS", "NO_COLOR", "COLORTERM"] {
        command.env_remove(variable);
    }
    command
}

fn known(size: u16) -> NonZeroU16 {
    NonZeroU16::new(size).unwrap()
}

fn winsize((columns, rows): Size) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

fn is_same(one: &Termios, other: &Termios) -> bool {
    let modes = |termios: &Termios| {
        (
            termios.input_modes,
            termios.output_modes,
            termios.local_modes,
            termios.control_modes,
            format!("{:?}", termios.special_codes),
        )
    };
    modes(one) == modes(other)
}
