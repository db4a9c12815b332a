// SPDX-License-Identifier: GPL-2.0

//! The cases of events whose waiters are found by a key.
//!
//! Credits of two kinds, a key each, and a level that thresholds are about, under one lock. What may never
//! happen is what may not with any event; and that a waiter under one key is served by credits of another.

use super::{
    claim::when,
    event_gate::{act, End, Waiter, SIGNAL},
    host::{Host, Mode, Task},
    indexed::{OneKey, OneThreshold},
    keyed_host::{take, Gate, State},
    monitor::{Either, Events, One, Two},
};
use crate::Case;
use std::sync::Arc;

use Mode::{Freezable, Interruptible, Timeout, Uninterruptible};

/// A gate that the threads of a case share. The case keeps it until it has joined all of them.
struct Shared(Arc<Gate>);

impl Shared {
    fn new() -> Self {
        Self(Arc::new(Gate::new()))
    }

    fn lend(&self) -> &'static Gate {
        // SAFETY: A case returns, and so drops this, only after it has joined its threads; when it
        // panics, the process ends.
        unsafe { &*Arc::as_ptr(&self.0) }
    }

    /// Starts a waiter for `amount` credits of a key.
    fn start(&self, mode: Mode, key: usize, amount: u32) -> Waiter {
        let gate = self.lend();
        Waiter::start_with(Task::new(), move |task| {
            let got = gate.run(task, mode, |state| {
                OneKey::new(state.place(), key, take(amount))
            });
            match got {
                Ok(got) => {
                    assert_eq!(got, amount);
                    End::Served
                }
                Err(end) => end,
            }
        })
    }

    /// Starts a waiter for one credit of either key.
    fn start_either(&self, mode: Mode) -> Waiter {
        let gate = self.lend();
        Waiter::start_with(Task::new(), move |task| {
            let got = gate.run(task, mode, |state| Two {
                first: OneKey::new(state.place(), 0, take(1)),
                second: OneKey::new(state.place(), 1, take(1)),
            });
            match got {
                Ok(Either::First(_) | Either::Second(_)) => End::Served,
                Err(end) => end,
            }
        })
    }

    /// Starts a waiter for `amount` credits in the line, or, with `or_key`, for one under key 0.
    fn start_in_line(&self, amount: u32, or_key: bool) -> Waiter {
        let gate = self.lend();
        Waiter::start_with(Task::new(), move |task| {
            let first = |state: &State| One::new(state.line.place(), take(amount));
            let got = if or_key {
                gate.run(task, Uninterruptible, |state| Two {
                    first: first(state),
                    second: OneKey::new(state.place(), 0, take(1)),
                })
                .map(drop)
            } else {
                gate.run(task, Uninterruptible, first).map(drop)
            };
            got.map_or_else(|end| end, |()| End::Served)
        })
    }

    /// Starts a waiter for a level, which it lowers by `down` then.
    fn start_at(&self, mode: Mode, level: u64, down: u64) -> Waiter {
        let gate = self.lend();
        Waiter::start_with(Task::new(), move |task| {
            let got = gate.run(task, mode, |state| {
                let taking = when(|_: &u64| true, move |level: &mut u64| *level -= down);
                OneThreshold::new(state.threshold(), level, taking)
            });
            got.map_or_else(|end| end, |()| End::Served)
        })
    }
}

pub fn key_update_against_enqueue() {
    let gate = Shared::new();
    let waiter = gate.start(Uninterruptible, 1, 1);
    gate.0.add(1, 1);
    assert_eq!(waiter.join(), End::Served);
    assert_eq!(gate.0.credits(), [0, 0]);
}

/// Credits of one key are none of another one.
pub fn key_of_another() {
    let gate = Shared::new();
    let waiter = gate.start(Interruptible, 1, 1);
    gate.0.add(0, 1);
    waiter.task.interrupt();
    assert_eq!(waiter.join(), SIGNAL);
    assert_eq!(gate.0.credits(), [1, 0]);
}

pub fn key_two_that_wait_under_two() {
    let gate = Shared::new();
    let first = gate.start(Uninterruptible, 0, 1);
    let second = gate.start(Uninterruptible, 1, 1);
    let lent = gate.lend();
    let other = act(|| lent.add(1, 1));
    gate.0.add(0, 1);
    other.join().unwrap();
    assert_eq!([first.join(), second.join()], [End::Served; 2]);
    assert_eq!(gate.0.credits(), [0, 0]);
}

pub fn key_two_that_wait_under_one() {
    let gate = Shared::new();
    let first = gate.start(Uninterruptible, 1, 1);
    let second = gate.start(Uninterruptible, 1, 1);
    gate.0.add(1, 2);
    assert_eq!([first.join(), second.join()], [End::Served; 2]);
    assert_eq!(gate.0.credits(), [0, 0]);
}

pub fn key_signal_against_update() {
    let gate = Shared::new();
    let waiter = gate.start(Interruptible, 1, 1);
    let task = waiter.task.clone();
    let signal = act(move || task.interrupt());
    gate.0.add(1, 1);
    signal.join().unwrap();
    match waiter.join() {
        End::Served => assert_eq!(gate.0.credits(), [0, 0]),
        end => assert_eq!((end, gate.0.credits()), (SIGNAL, [0, 1])),
    }
    // It is not found any more.
    gate.0.add(1, 1);
}

pub fn key_closed_against_wait() {
    let gate = Shared::new();
    let waiter = gate.start(Uninterruptible, 1, 1);
    gate.0 .0.lock().unwrap().keys.queue().close();
    assert_eq!(waiter.join(), End::Closed);
}

/// All keys are closed, and who comes later is told at once.
pub fn key_closed_against_update() {
    let gate = Shared::new();
    let waiter = gate.start(Uninterruptible, 1, 1);
    let lent = gate.lend();
    let update = act(|| lent.add(1, 1));
    gate.0 .0.lock().unwrap().keys.queue().close();
    update.join().unwrap();
    match waiter.join() {
        End::Served => assert_eq!(gate.0.credits(), [0, 0]),
        end => assert_eq!((end, gate.0.credits()), (End::Closed, [0, 1])),
    }
}

/// One key is removed: who waits under it is told, and nobody else.
pub fn key_removed_tells_who_waits() {
    let gate = Shared::new();
    let other = gate.start(Uninterruptible, 0, 1);
    let waiter = gate.start(Interruptible, 1, 1);
    gate.0 .0.lock().unwrap().keys.close(1);
    gate.0.add(0, 1);
    assert_eq!(other.join(), End::Served);
    // It comes after the removal, unless it was told.
    waiter.task.interrupt();
    assert!(matches!(waiter.join(), End::Closed | SIGNAL));
}

pub fn key_either_is_served_once() {
    let gate = Shared::new();
    let waiter = gate.start_either(Uninterruptible);
    let lent = gate.lend();
    let other = act(|| lent.add(1, 1));
    gate.0.add(0, 1);
    other.join().unwrap();
    assert_eq!(waiter.join(), End::Served);
    assert_eq!(gate.0.credits().iter().sum::<u32>(), 1);
}

/// The first of two in line departs from there by being served under its key.
pub fn key_served_lets_those_behind_it_pass() {
    let gate = Shared::new();
    let first = gate.start_in_line(2, true);
    let second = gate.start_in_line(1, false);
    gate.0 .0.lock().unwrap().line.add(1);
    gate.0.add(0, 1);
    assert_eq!([first.join(), second.join()], [End::Served; 2]);
    assert_eq!(gate.0.credits(), [0, 0]);
}

pub fn threshold_update_against_enqueue() {
    let gate = Shared::new();
    let waiter = gate.start_at(Uninterruptible, 2, 0);
    gate.0.raise(2);
    assert_eq!(waiter.join(), End::Served);
}

/// Two updates, of which either alone is not enough for both.
pub fn threshold_in_two_steps() {
    let gate = Shared::new();
    let far = gate.start_at(Uninterruptible, 2, 0);
    let near = gate.start_at(Uninterruptible, 1, 0);
    let lent = gate.lend();
    let other = act(|| lent.raise(1));
    gate.0.raise(1);
    other.join().unwrap();
    assert_eq!([far.join(), near.join()], [End::Served; 2]);
}

/// What one takes is not there for the other one.
pub fn threshold_that_is_taken_from() {
    let gate = Shared::new();
    let first = gate.start_at(Uninterruptible, 1, 1);
    let second = gate.start_at(Interruptible, 1, 1);
    gate.0.raise(1);
    gate.0.raise(1);
    second.task.interrupt();
    assert_eq!(first.join(), End::Served);
    let end = second.join();
    let left = *gate.0 .0.lock().unwrap().level.get_mut();
    match end {
        End::Served => assert_eq!(left, 0),
        end => assert_eq!((end, left), (SIGNAL, 1)),
    }
}

/// Waiters of all kinds under two keys, updates of both, signals, timers and a freezer, and at the end a close.
pub fn crowd_by_key() {
    let gate = Shared::new();
    let wants = [
        (Uninterruptible, 0, 1),
        (Interruptible, 1, 3),
        (Timeout, 0, 2),
        (Interruptible, 0, 1),
        (Freezable, 1, 2),
        (Timeout, 1, 1),
    ];
    let waiters = wants.map(|(mode, key, amount)| gate.start(mode, key, amount));
    let either = gate.start_either(Uninterruptible);
    let (one, other) = (gate.lend(), gate.lend());
    let mut actors = vec![
        act(move || (0..4).for_each(|_| one.add(0, 1))),
        act(move || (0..2).for_each(|_| other.add(1, 2))),
    ];
    for (waiter, (mode, ..)) in waiters.iter().zip(wants) {
        let task = waiter.task.clone();
        match mode {
            Interruptible => actors.push(act(move || task.interrupt())),
            Timeout => actors.push(act(move || task.expire())),
            Uninterruptible => actors.push(act(move || task.wake_up())),
            Freezable => actors.push(act(move || {
                task.freeze();
                task.thaw();
            })),
        }
    }
    actors.into_iter().for_each(|actor| actor.join().unwrap());
    gate.0 .0.lock().unwrap().keys.queue().close();
    let mut served = u32::from(either.join() == End::Served);
    for (waiter, (_, _, amount)) in waiters.into_iter().zip(wants) {
        if waiter.join() == End::Served {
            served += amount;
        }
    }
    assert_eq!(gate.0.credits().iter().sum::<u32>(), 8 - served);
}

/// The cases.
pub const fn cases() -> &'static [Case] {
    const {
        &[
            Case::explore("key_update_against_enqueue", key_update_against_enqueue),
            Case::explore("key_of_another", key_of_another),
            Case::bounded(
                "key_two_that_wait_under_two",
                3,
                key_two_that_wait_under_two,
            ),
            Case::bounded(
                "key_two_that_wait_under_one",
                4,
                key_two_that_wait_under_one,
            ),
            Case::explore("key_signal_against_update", key_signal_against_update),
            Case::explore("key_closed_against_wait", key_closed_against_wait),
            Case::explore("key_closed_against_update", key_closed_against_update),
            Case::bounded(
                "key_removed_tells_who_waits",
                3,
                key_removed_tells_who_waits,
            ),
            Case::bounded("key_either_is_served_once", 3, key_either_is_served_once),
            Case::bounded(
                "key_served_lets_those_behind_it_pass",
                3,
                key_served_lets_those_behind_it_pass,
            ),
            Case::explore(
                "threshold_update_against_enqueue",
                threshold_update_against_enqueue,
            ),
            Case::bounded("threshold_in_two_steps", 3, threshold_in_two_steps),
            Case::bounded(
                "threshold_that_is_taken_from",
                3,
                threshold_that_is_taken_from,
            ),
            Case::stress("crowd_by_key", crowd_by_key),
        ]
    }
}
