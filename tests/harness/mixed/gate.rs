//! The gate at which clients wait while there is no daemon.

use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};

use super::Shared;
use crate::harness::PATIENCE;

pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Where the daemon is, while the gate is open.
    address: Option<SocketAddr>,
    is_over: bool,
    /// Those who take part, and those of them who wait.
    all: usize,
    waiting: usize,
}

impl Gate {
    pub(super) fn new(address: SocketAddr) -> Self {
        let state = State { address: Some(address), is_over: false, all: 0, waiting: 0 };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    pub(super) fn expect_one(&self) {
        self.state.lock().unwrap().all += 1;
    }

    /// Waits until the gate is open; `None` when all is over.
    pub(super) fn pass(&self) -> Option<SocketAddr> {
        let mut state = self.state.lock().unwrap();
        state.waiting += 1;
        self.changed.notify_all();
        let mut state = self.changed.wait_while(state, |state| state.address.is_none() && !state.is_over).unwrap();
        state.waiting -= 1;
        if state.is_over { None } else { state.address }
    }

    pub(super) fn is_over(&self) -> bool {
        self.state.lock().unwrap().is_over
    }

    pub(super) fn open(&self, address: SocketAddr) {
        self.state.lock().unwrap().address = Some(address);
        self.changed.notify_all();
    }

    pub(super) fn close(&self) {
        self.state.lock().unwrap().address = None;
    }

    pub(super) fn end(&self) {
        self.state.lock().unwrap().is_over = true;
        self.changed.notify_all();
    }

    pub(super) fn wait_until_all_are_out(&self) {
        let state = self.state.lock().unwrap();
        let (state, wait) = self.changed.wait_timeout_while(state, PATIENCE, |state| state.waiting < state.all).unwrap();
        assert!(!wait.timed_out(), "{} of {} wait at the gate", state.waiting, state.all);
    }
}

/// Whoever ends, by a failure too, is not waited for.
pub(super) struct Departure(pub(super) Arc<Shared>);

impl Drop for Departure {
    fn drop(&mut self) {
        let gate = &self.0.gate;
        gate.state.lock().unwrap().all -= 1;
        gate.changed.notify_all();
        if std::thread::panicking() {
            // The test ends by it: nobody waits any longer.
            gate.end();
        }
    }
}
