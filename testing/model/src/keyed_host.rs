// SPDX-License-Identifier: GPL-2.0

//! What the cases of events are about whose waiters are found by a key: credits and a level under one lock.

use super::{
    claim::{when, Claim},
    event_gate::{End, Event},
    host::{GaveUp, Host, HostSleeper, Mode, Task},
    index::Index,
    indexed::IndexPlace,
    monitor::{wait, Ended, Events, Monitor},
    protocol::Sleeper,
    slots::{Key, Measure, Slots},
    sync::{Mutex, MutexGuard},
};
use std::cell::UnsafeCell;

pub(super) type Credits = [u32; 2];

/// Three events: one with keys, one with a level, and one where nobody overtakes.
pub struct State {
    pub(super) keys: Index<u32, Host>,
    pub(super) credits: UnsafeCell<Credits>,
    pub(super) thresholds: Index<u64, Host>,
    pub(super) level: UnsafeCell<u64>,
    pub(super) line: Event,
}

// SAFETY: As for `baton::KeyedEvent`.
unsafe impl Send for State {}

impl State {
    pub(super) fn add(&mut self, key: usize, amount: u32) {
        let slot = self.credits.get_mut().slot(key).unwrap();
        *slot += amount;
        self.keys.consider(key.number(), slot);
    }

    pub(super) fn raise(&mut self, level: u64) {
        let data = self.level.get_mut();
        *data += level;
        self.thresholds.consider_reached(data, u64::measure);
    }

    pub(super) fn place(&self) -> IndexPlace<u32, Credits, Host> {
        // SAFETY: It is inside the data of the gate's lock, which the case keeps until it has joined its
        // threads.
        unsafe { IndexPlace::new(&self.keys, self.credits.get()) }
    }

    pub(super) fn threshold(&self) -> IndexPlace<u64, u64, Host> {
        // SAFETY: As above.
        unsafe { IndexPlace::new(&self.thresholds, self.level.get()) }
    }
}

pub struct Gate(pub(super) Mutex<State>);

impl Monitor for &'static Gate {
    type Guard = MutexGuard<'static, State>;

    fn lock(&mut self) -> Self::Guard {
        self.0.lock().unwrap()
    }
}

/// Takes as many credits as are wanted.
pub(super) fn take(amount: u32) -> impl Claim<u32, Output = u32> {
    when(
        move |credits: &u32| *credits >= amount,
        move |credits: &mut u32| {
            *credits -= amount;
            amount
        },
    )
}

impl Gate {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State {
            keys: Index::new(),
            credits: UnsafeCell::new([0; 2]),
            thresholds: Index::new(),
            level: UnsafeCell::new(0),
            line: Event::new(0, true),
        }))
    }

    pub(super) fn run<E: Events<Host>>(
        &'static self,
        task: &Task,
        mode: Mode,
        events: impl FnOnce(&State) -> E,
    ) -> Result<E::Output, End> {
        self.run_with(|| HostSleeper::new(task, mode), events)
    }

    /// As [`Gate::run`], with a sleeper of the caller's.
    pub(super) fn run_with<E: Events<Host>, S: Sleeper<GaveUp = GaveUp>>(
        &'static self,
        sleeper: impl FnOnce() -> S,
        events: impl FnOnce(&State) -> E,
    ) -> Result<E::Output, End> {
        let guard = self.0.lock().unwrap();
        let events = events(&guard);
        // SAFETY: The guard is that of the lock, and the events are under it.
        let ended = unsafe { wait(self, guard, events, sleeper, |_| {}) };
        ended.map_err(|(ended, _)| match ended {
            Ended::Closed => End::Closed,
            Ended::Dismissed => End::Ended,
            Ended::GaveUp(why) => End::GaveUp(why),
        })
    }

    pub(super) fn add(&self, key: usize, amount: u32) {
        self.0.lock().unwrap().add(key, amount);
    }

    pub(super) fn raise(&self, level: u64) {
        self.0.lock().unwrap().raise(level);
    }

    pub(super) fn credits(&self) -> Credits {
        *self.0.lock().unwrap().credits.get_mut()
    }
}
