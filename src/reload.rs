//! What SIGHUP does to the settings: the file is read again, what can change does, and the log tells what waits for the next
//! start. A file that is wrong changes nothing.

use std::time::Duration;

use crate::config::{Changeable, Changes, Loaded};
use crate::files::Files;
use crate::games::Games;
use crate::live::Live;
use crate::net::Treatment;
use crate::session::Terms;
use crate::store::queue::Queue;

/// Where the settings that can change are in use.
pub struct Levers {
    /// What sessions go by.
    pub terms: Live<Terms>,
    /// How new connections are treated.
    pub treatment: Live<Treatment>,
    /// How long anybody waits for the disk.
    pub queue: Queue,
    /// How much may be shared.
    pub files: Files,
    /// How long new games wait for people.
    pub games: Games,
}

/// The settings in force.
pub struct Settings {
    /// As they were at the start: what cannot change is still so.
    started: Loaded,
    current: Loaded,
    levers: Levers,
}

impl Settings {
    /// Settings that are in force already.
    pub fn new(started: Loaded, levers: Levers) -> Self {
        Self { current: started.clone(), started, levers }
    }

    /// How long stopping may take.
    pub fn stop_timeout(&self) -> Duration {
        Changeable::from(&self.current.config).stop_timeout
    }

    /// Reads the file again and tells the log what comes of it; false if there is none.
    pub fn reload(&mut self) -> bool {
        if self.current.has_file() {
            match self.current.again() {
                Ok(newer) => self.change_to(newer),
                Err(error) => log::error!("SIGHUP: the settings stay as they were: {error}"),
            }
        }
        self.current.has_file()
    }

    fn change_to(&mut self, newer: Loaded) {
        let Changes { now, .. } = self.current.changes(&newer);
        let Changes { at_start, .. } = self.started.changes(&newer);
        self.put_in_force(&Changeable::from(&newer.config));
        self.current = newer;
        log::info!("SIGHUP: {}", told(&now, &at_start));
    }

    fn put_in_force(&self, changeable: &Changeable) {
        let Changeable { log, confirm_timeout, stop_timeout: _, terms, treatment, files, games } = changeable;
        let Levers { terms: live_terms, treatment: live_treatment, queue, files: of_files, games: of_games } = &self.levers;
        log::set_max_level(*log);
        queue.set_confirm_timeout(*confirm_timeout);
        live_terms.replace(terms.clone());
        live_treatment.replace(*treatment);
        of_files.set_limits(*files);
        of_games.set_limits(*games);
    }
}

fn told(now: &[String], at_start: &[String]) -> String {
    let names = |names: &[String]| names.iter().map(|name| format!("--{name}")).collect::<Vec<_>>().join(", ");
    match (now, at_start) {
        ([], []) => "the settings are as they were".into(),
        (now, []) => format!("in force from now on: {}", names(now)),
        ([], at_start) => format!("these take effect at the next start only: {}", names(at_start)),
        (now, at_start) => {
            format!("in force from now on: {}; these take effect at the next start only: {}", names(now), names(at_start))
        }
    }
}
