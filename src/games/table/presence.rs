//! Who is at a table and who is away, and what happens there by itself as time goes on.

use tokio::time::Instant;

use super::{Phase, Table};
use crate::connections::ConnectionId;
use crate::games::clock::Clock;
use crate::protocol::game::event::TableDeed;
use crate::protocol::game::{End, Side};
use crate::store::record::Account;

impl Table {
    /// A player comes, for the first time or again. It hears only what comes after this.
    pub(in crate::games) fn arrive(&mut self, account: &Account, connection: ConnectionId, now: Instant) {
        let Some(side) = self.side_of(account) else { return };
        let seat = &mut self.seats[side.index()];
        let replaced = seat.connection.replace(connection);
        let was_away = seat.away_until.take().is_some();
        if let Some(replaced) = replaced {
            self.dismiss(replaced);
        }
        match self.phase {
            Phase::Playing if was_away => self.tell(TableDeed::Back { by: side }, now),
            Phase::Paused(_) if self.seats.iter().all(|seat| seat.connection.is_some()) => self.go_on(TableDeed::Resume, now),
            Phase::Paused(_) if replaced.is_none() => self.tell(TableDeed::Back { by: side }, now),
            _ => (),
        }
    }

    /// A connection is gone.
    pub(in crate::games) fn depart(&mut self, connection: ConnectionId, now: Instant) {
        self.dismiss(connection);
        let Some(by) = Side::BOTH.into_iter().find(|side| self.seats[side.index()].connection == Some(connection)) else {
            return;
        };
        self.seats[by.index()].connection = None;
        match self.phase {
            Phase::Playing if self.seats[by.other().index()].connection.is_none() => self.pause(now),
            Phase::Playing => {
                let own = self.left(now).map(|left| left[by.index()]);
                let timeout = own.map_or(self.limits.reconnect_timeout, |own| own.min(self.limits.reconnect_timeout));
                self.seats[by.index()].away_until = Some(now + timeout);
                self.tell(TableDeed::Lost { by, timeout }, now);
            }
            Phase::Over(..) => self.part(by, now),
            Phase::Paused(_) | Phase::Left => (),
        }
    }

    /// A player goes on to something else, after the end.
    pub(in crate::games) fn leave(&mut self, account: &Account, now: Instant) {
        if let Some(by) = self.side_of(account) {
            self.part(by, now);
        }
    }

    /// One has left after the end: no rematch.
    fn part(&mut self, by: Side, now: Instant) {
        self.tell(TableDeed::Leave { by }, now);
        self.phase = Phase::Left;
    }

    fn pause(&mut self, now: Instant) {
        if let Some(clock) = &mut self.clock {
            clock.stop(now);
        }
        self.seats.iter_mut().for_each(|seat| seat.away_until = None);
        self.phase = Phase::Paused(now + self.limits.adjourn_timeout);
        self.tell(TableDeed::Pause { timeout: self.limits.adjourn_timeout }, now);
    }

    pub(super) fn go_on(&mut self, deed: TableDeed, now: Instant) {
        self.phase = Phase::Playing;
        self.start_clock(now);
        self.await_move(now);
        self.tell(deed, now);
    }

    /// When something happens by itself.
    pub(in crate::games) fn due(&self) -> Option<Instant> {
        match self.phase {
            Phase::Playing => self.flag().into_iter().chain(self.absence()).map(|(_, due)| due).chain(self.idle_due()).min(),
            // An end that is not stored yet is stored at once.
            Phase::Over(..) if self.is_changed => Some(self.waiting_since),
            Phase::Paused(until) | Phase::Over(_, until) => Some(until),
            Phase::Left => None,
        }
    }

    fn flag(&self) -> Option<(Side, Instant)> {
        self.clock.as_ref().and_then(Clock::flag)
    }

    fn absence(&self) -> Option<(Side, Instant)> {
        let away = Side::BOTH.into_iter().filter_map(|side| Some((side, self.seats[side.index()].away_until?)));
        away.min_by_key(|(_, until)| *until)
    }

    fn idle_due(&self) -> Option<Instant> {
        let is_due = self.clock.is_none() && !self.is_warned && self.play.turn().is_some();
        is_due.then_some(self.waiting_since + self.limits.idle_move_timeout)
    }

    /// Lets happen what is due by itself.
    pub(in crate::games) fn tick(&mut self, now: Instant) {
        let has_come = |due: &(Side, Instant)| due.1 <= now;
        match self.phase {
            Phase::Playing => {
                let flag = self.flag().filter(has_come).map(|(side, at)| (at, self.flag_end(side)));
                let absence = self
                    .absence()
                    .filter(has_come)
                    .map(|(side, at)| (at, End { winner: Some(side.other()), reason: End::DISCONNECTED }));
                if let Some((_, end)) = flag.into_iter().chain(absence).min_by_key(|(at, _)| *at) {
                    self.conclude(end, now);
                } else if let (Some(by), true) = (self.play.turn(), self.idle_due().is_some_and(|due| due <= now)) {
                    self.is_warned = true;
                    self.tell(TableDeed::Idle { by }, now);
                }
            }
            Phase::Paused(until) if until <= now => {
                self.tell(TableDeed::Adjourn { has_failed: false }, now);
                self.phase = Phase::Left;
                self.is_changed = true;
            }
            Phase::Over(_, until) if until <= now && !self.is_changed => self.phase = Phase::Left,
            Phase::Paused(_) | Phase::Over(..) | Phase::Left => (),
        }
    }

    fn flag_end(&self, fallen: Side) -> End {
        if self.play.position().can_win(fallen.other()) {
            End { winner: Some(fallen.other()), reason: End::TIME }
        } else {
            End { winner: None, reason: End::TIME_NO_WIN }
        }
    }
}
