//! The full-screen room: joins a [`Room`] to the keyboard, to the screen and to `parlor::client`.
//!
//! One loop waits for whatever comes first, tells the room, does what the room asks and draws. It never waits
//! for a request: those are tasks of [`asks`].

mod asks;
mod guard;
mod login;

use std::io;
use std::time::{Duration, Instant};

use crossterm::event::{Event as Input, EventStream};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use parlor::client::{Client, Event, Events, Welcome};
use ratatui::layout::Rect;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{sleep_until, timeout};
use tokio_stream::StreamExt;

use super::arguments::Arguments;
use super::exit::{self, Failure};
use super::room::{Ask, Connection, Room, Told};
use super::screen;
use super::screen::theme::Theme;
use super::verbs;
use asks::Asks;
use guard::Guard;

/// A screen is drawn at most this often.
const FRAME: Duration = Duration::from_millis(16);
/// Events that are taken before the next frame.
const AT_ONCE: usize = 512;
/// How long leaving may take: then the connection is simply closed.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

/// Logs in and stays in the room until its user leaves it.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::Terminal(exit::words(&error));
    // The screen has a thread of its own; files are hashed and the connection is served on another.
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(failed)?;
    let outcome = runtime.block_on(async {
        let (options, mut entered) = login::log_in(arguments).await?;
        let mut stage = Stage::take().map_err(failed)?;
        loop {
            let (client, events, welcome) = entered;
            let left = Stay::new(&mut stage, &client, events, &welcome, arguments).last().await;
            // The room hears of the leaving at once.
            let _ = timeout(LEAVE_WITHIN, client.leave()).await;
            if let Left::ForGood = left.map_err(failed)? {
                return Ok(());
            }
            let again = verbs::connect(options.clone()).await;
            entered = again.map_err(|error| verbs::login_failure(arguments, &welcome.name, error))?;
        }
    });
    // A name that is being looked up, or a file that is being read, holds nobody up.
    runtime.shutdown_background();
    outcome
}

/// The terminal, the keyboard, and the signals that end the program: the same however often one logs in.
struct Stage {
    guard: Guard,
    keys: EventStream,
    ends: [Signal; 3],
    theme: Theme,
}

impl Stage {
    fn take() -> io::Result<Self> {
        let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
        let [terminated, interrupted, hung_up] = kinds.map(signal);
        let ends = [terminated?, interrupted?, hung_up?];
        Ok(Self { guard: Guard::take()?, keys: EventStream::new(), ends, theme: Theme::of_environment() })
    }
}

/// One login's time in the room.
struct Stay<'a> {
    stage: &'a mut Stage,
    room: Room,
    asks: Asks,
    events: Events,
    told: mpsc::Receiver<Told>,
    drawn_at: Instant,
    /// The screen shows how things are.
    is_drawn: bool,
    /// What was taken since.
    taken: usize,
}

/// How the room was left.
#[derive(Clone, Copy)]
enum Left {
    ForGood,
    /// By who was logged in somewhere else, and wants to be here again.
    ToComeBack,
}

/// What came first.
#[expect(clippy::large_enum_variant, reason = "one at a time, for one turn of the loop")]
enum Came {
    Input(Option<io::Result<Input>>),
    Event(Option<Event>),
    Told(Option<Told>),
    Tick,
    End,
}

impl<'a> Stay<'a> {
    fn new(stage: &'a mut Stage, client: &Client, events: Events, welcome: &Welcome, arguments: &Arguments) -> Self {
        let (asks, told) = Asks::new(client.clone());
        let room = Room::new(welcome, &arguments.address, TimeZone::system(), Timestamp::now);
        Self { stage, room, asks, events, told, drawn_at: Instant::now(), is_drawn: false, taken: 0 }
    }

    /// Until it is left.
    async fn last(mut self) -> io::Result<Left> {
        loop {
            let now = Instant::now();
            if !self.is_drawn && (now >= self.drawn_at + FRAME || self.taken >= AT_ONCE) {
                self.draw(now)?;
            }
            let came = self.next(now).await;
            if let Some(left) = self.take(came, Instant::now())? {
                return Ok(left);
            }
            (self.is_drawn, self.taken) = (false, self.taken + 1);
            for ask in self.room.take_asks() {
                match ask {
                    Ask::Quit => {
                        // Its reports go nowhere any more.
                        drop(self.told);
                        let _ = timeout(LEAVE_WITHIN, self.asks.finish()).await;
                        return Ok(Left::ForGood);
                    }
                    Ask::Again => return Ok(Left::ToComeBack),
                    Ask::Bell => self.stage.guard.bell()?,
                    Ask::Redraw => self.stage.guard.redraw()?,
                    Ask::Suspend => self.stage.guard.suspend().await?,
                    ask => self.asks.carry_out(ask).await,
                }
            }
        }
    }

    fn draw(&mut self, now: Instant) -> io::Result<()> {
        let Self { stage, room, .. } = self;
        stage.guard.set_mouse(room.wants_mouse())?;
        stage.guard.terminal.draw(|frame| screen::draw(frame, room, stage.theme, now))?;
        (self.drawn_at, self.is_drawn, self.taken) = (now, true, 0);
        Ok(())
    }

    /// Waits for whatever comes first; keys come before a flood of anything else.
    async fn next(&mut self, now: Instant) -> Came {
        let tick_at = match self.is_drawn {
            false => Some(self.drawn_at + FRAME),
            true => self.room.next_tick(now).map(|tick| self.drawn_at + tick),
        };
        let tick = async {
            match tick_at {
                Some(at) => sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        let hears = !matches!(self.room.connection, Connection::Over(_));
        let [terminated, interrupted, hung_up] = &mut self.stage.ends;
        tokio::select! {
            biased;
            _ = terminated.recv() => Came::End,
            _ = interrupted.recv() => Came::End,
            _ = hung_up.recv() => Came::End,
            input = self.stage.keys.next() => Came::Input(input),
            told = self.told.recv() => Came::Told(told),
            event = self.events.next(), if hears => Came::Event(event),
            () = tick => Came::Tick,
        }
    }

    /// Tells the room what came; tells if that was the end.
    fn take(&mut self, came: Came, now: Instant) -> io::Result<Option<Left>> {
        match came {
            Came::Input(None) | Came::End => return Ok(Some(Left::ForGood)),
            Came::Input(Some(input)) => self.take_input(input?)?,
            Came::Event(Some(event)) => self.room.hear(event, now),
            Came::Event(None) => self.room.hear(Event::Ended { reason: "closed".to_owned() }, now),
            Came::Told(Some(told)) => {
                if let Told::Transferred(id, _) = &told {
                    self.asks.forget(*id);
                }
                self.room.tell(told, now);
            }
            Came::Told(None) | Came::Tick => (),
        }
        Ok(None)
    }

    fn take_input(&mut self, input: Input) -> io::Result<()> {
        match input {
            Input::Key(key) => {
                let size = self.stage.guard.terminal.size()?;
                let page = screen::page(Rect::new(0, 0, size.width, size.height), &self.room);
                self.room.key(key, page);
            }
            Input::Paste(text) => self.room.paste(&text),
            Input::Mouse(mouse) => self.room.mouse(mouse),
            // The terminal asks for its size itself when it draws.
            Input::Resize(..) | Input::FocusGained | Input::FocusLost => (),
        }
        Ok(())
    }
}
