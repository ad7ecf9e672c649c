//! What players do at a table: move, offer, end the game.

use tokio::time::Instant;

use super::{Outcome, Phase, Table};
use crate::games::rules::Illegal;
use crate::protocol::game::event::TableDeed;
use crate::protocol::game::refusal::{GameRefusal, NoGame, NotNow};
use crate::protocol::game::{End, Offer, Side};

impl Table {
    /// Plays what was typed; with the ply that it is meant for, a move that was played already is that one.
    pub(in crate::games) fn play_move(
        &mut self,
        by: Side,
        typed: &str,
        ply: Option<u64>,
        now: Instant,
    ) -> Result<Outcome, GameRefusal> {
        if let Err(refusal) = self.check_ply(ply) {
            return match ply.filter(|&ply| self.play.has_played(by, ply, typed)) {
                Some(ply) => Ok(Outcome::Moved(usize::try_from(ply).unwrap_or(usize::MAX))),
                None => Err(refusal),
            };
        }
        let next = self.play.count() + 1;
        self.check_playing()?;
        if self.play.turn() != Some(by) {
            return Err(GameRefusal::NotYourTurn(self.opponent(by).name.clone()));
        }
        let illegal = |illegal: Illegal| GameRefusal::IllegalMove { en: illegal.en, zh: illegal.zh };
        self.play.play(typed).map_err(illegal)?;
        if let Some(clock) = &mut self.clock {
            clock.press(by, now);
        }
        self.moved(by, now);
        while self.play.play_forced() {
            self.moved(by.other(), now);
        }
        if let Some(end) = self.play.end() {
            self.conclude(end, now);
        }
        Ok(Outcome::Moved(next))
    }

    fn moved(&mut self, by: Side, now: Instant) {
        self.offer = None;
        self.await_move(now);
        self.start_clock(now);
        self.is_changed = true;
        self.tell(TableDeed::Move { by }, now);
    }

    pub(super) fn await_move(&mut self, now: Instant) {
        (self.waiting_since, self.is_warned) = (now, false);
    }

    pub(in crate::games) fn resign(&mut self, by: Side, now: Instant) -> Result<(), GameRefusal> {
        self.check_under_way()?;
        self.conclude(End { winner: Some(by.other()), reason: End::RESIGNED }, now);
        Ok(())
    }

    pub(in crate::games) fn abort(&mut self, by: Side, now: Instant) -> Result<(), GameRefusal> {
        self.check_under_way()?;
        if self.play.count_of(by) >= 2 {
            return Err(GameRefusal::NotNow(NotNow::Abort));
        }
        self.conclude(End { winner: None, reason: End::ABORTED }, now);
        Ok(())
    }

    pub(in crate::games) fn claim(&mut self, by: Side, now: Instant) -> Result<(), GameRefusal> {
        self.check_playing()?;
        if self.clock.is_some() {
            return Err(GameRefusal::NotNow(NotNow::ClaimClock));
        }
        if self.play.turn() == Some(by) {
            return Err(GameRefusal::NotNow(NotNow::ClaimTurn));
        }
        if !self.is_warned {
            let left = (self.waiting_since + self.limits.idle_move_timeout).saturating_duration_since(now);
            return Err(GameRefusal::NotNow(NotNow::ClaimEarly(left)));
        }
        self.conclude(End { winner: Some(by), reason: End::IDLE }, now);
        Ok(())
    }

    /// Offers something, or accepts it if the other has offered it. A rematch that both want is for the
    /// caller to begin.
    pub(in crate::games) fn offer(&mut self, by: Side, offer: Offer, now: Instant) -> Result<Outcome, GameRefusal> {
        match offer {
            Offer::Rematch if self.is_under_way() => return Err(GameRefusal::NotNow(NotNow::Rematch)),
            Offer::Rematch => (),
            Offer::Draw | Offer::Undo => self.check_playing()?,
        }
        if self.offer == Some((offer, by.other())) {
            self.offer = None;
            match offer {
                Offer::Draw => self.conclude(End { winner: None, reason: End::AGREED }, now),
                Offer::Undo => self.take_back(by.other(), now),
                Offer::Rematch => (),
            }
            return Ok(Outcome::Agreed(offer));
        }
        if offer == Offer::Undo && self.play.count_of(by) == 0 {
            return Err(GameRefusal::NotNow(NotNow::Undo));
        }
        if let Phase::Over(_, until) = &mut self.phase {
            *until = now + self.limits.invitation_timeout;
        }
        if self.offer.replace((offer, by)) != Some((offer, by)) {
            self.tell(TableDeed::Offer { by, offer }, now);
        }
        Ok(Outcome::Offered(offer))
    }

    fn take_back(&mut self, by: Side, now: Instant) {
        if !self.play.take_back(by) {
            return;
        }
        self.start_clock(now);
        self.await_move(now);
        self.is_changed = true;
        self.tell(TableDeed::TakeBack { by }, now);
    }

    /// Refuses what is meant for another ply than the next.
    pub(in crate::games) fn check_ply(&self, ply: Option<u64>) -> Result<(), GameRefusal> {
        let next = self.play.count() + 1;
        if ply.is_none_or(|ply| ply == next as u64) { Ok(()) } else { Err(GameRefusal::WrongPly { next }) }
    }

    fn check_under_way(&self) -> Result<(), GameRefusal> {
        if self.is_under_way() { Ok(()) } else { Err(GameRefusal::NoGame(NoGame::Over)) }
    }

    fn check_playing(&self) -> Result<(), GameRefusal> {
        self.check_under_way()?;
        if self.is_paused() { Err(GameRefusal::NotNow(NotNow::Paused)) } else { Ok(()) }
    }
}
