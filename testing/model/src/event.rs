// SPDX-License-Identifier: GPL-2.0

//! The cases of the event protocol.
//!
//! An event has credits; a waiter takes as many as it wants. What may never happen: a waiter that
//! sleeps for ever (the engine reports a deadlock), a credit that is lost or taken twice, a result
//! that is not seen, an access to a waiter or task that is gone.

use super::{
    event_gate::{act, End, Event, Gate, Waiter, SIGNAL, TIMED_OUT},
    host::{beware, Mode, Task},
};
use crate::Case;

use Mode::{Freezable, Interruptible, Timeout, Uninterruptible};

pub fn update_against_enqueue() {
    let gate = Gate::new(0, true);
    let waiter = Waiter::start(&gate, Uninterruptible, 1);
    gate.0.add(1);
    assert_eq!(waiter.join(), End::Served);
    assert_eq!(gate.0.credits(), Some(0));
}

pub fn two_updates_for_one_claim() {
    let gate = Gate::new(0, true);
    let waiter = Waiter::start(&gate, Uninterruptible, 2);
    let lent = gate.lend();
    let other = act(|| lent.add(1));
    gate.0.add(1);
    other.join().unwrap();
    assert_eq!(waiter.join(), End::Served);
    assert_eq!(gate.0.credits(), Some(0));
}

pub fn two_claims_on_one_update() {
    let gate = Gate::new(0, true);
    let first = Waiter::start(&gate, Uninterruptible, 1);
    let second = Waiter::start(&gate, Uninterruptible, 1);
    gate.0.add(2);
    assert_eq!([first.join(), second.join()], [End::Served; 2]);
    assert_eq!(gate.0.credits(), Some(0));
}

pub fn signal_against_claim() {
    let gate = Gate::new(0, true);
    let waiter = Waiter::start(&gate, Interruptible, 1);
    let task = waiter.task.clone();
    let signal = act(move || task.interrupt());
    gate.0.add(1);
    signal.join().unwrap();
    // Either the waiter has the credit or it is still there.
    match waiter.join() {
        End::Served => assert_eq!(gate.0.credits(), Some(0)),
        end => assert_eq!((end, gate.0.credits()), (SIGNAL, Some(1))),
    }
}

pub fn signal_against_deferred_update() {
    let gate = Gate::new(0, true);
    let waiter = Waiter::start(&gate, Interruptible, 1);
    let task = waiter.task.clone();
    let signal = act(move || task.interrupt());
    gate.0.add_deferred(1);
    signal.join().unwrap();
    match waiter.join() {
        End::Served => assert_eq!(gate.0.credits(), Some(0)),
        end => assert_eq!((end, gate.0.credits()), (SIGNAL, Some(1))),
    }
}

pub fn deferred_update_of_two() {
    let gate = Gate::new(0, true);
    let first = Waiter::start(&gate, Uninterruptible, 1);
    let second = Waiter::start(&gate, Uninterruptible, 1);
    gate.0.add_deferred(2);
    assert_eq!([first.join(), second.join()], [End::Served; 2]);
    assert_eq!(gate.0.credits(), Some(0));
}

pub fn close_against_deferred_update() {
    let gate = Gate::new(0, true);
    let waiter = Waiter::start(&gate, Uninterruptible, 1);
    let lent = gate.lend();
    let update = act(|| lent.add_deferred(1));
    gate.0.close();
    update.join().unwrap();
    match waiter.join() {
        End::Served => assert_eq!(gate.0.credits(), Some(0)),
        end => assert_eq!((end, gate.0.credits()), (End::Closed, Some(1))),
    }
}

pub fn timeout_against_claim() {
    let gate = Gate::new(0, true);
    let waiter = Waiter::start(&gate, Timeout, 1);
    let task = waiter.task.clone();
    let timer = act(move || task.expire());
    gate.0.add(1);
    timer.join().unwrap();
    match waiter.join() {
        End::Served => assert_eq!(gate.0.credits(), Some(0)),
        end => assert_eq!((end, gate.0.credits()), (TIMED_OUT, Some(1))),
    }
}

pub fn wake_for_no_reason() {
    let gate = Gate::new(0, true);
    let waiter = Waiter::start(&gate, Uninterruptible, 1);
    let task = waiter.task.clone();
    let stray = act(move || task.wake_up());
    gate.0.add(1);
    stray.join().unwrap();
    assert_eq!(waiter.join(), End::Served);
}

/// Who is woken while it is frozen runs when it is thawed; who is not sleeps on.
pub fn freeze_against_update() {
    let gate = Gate::new(0, true);
    let waiter = Waiter::start(&gate, Freezable, 1);
    let task = waiter.task.clone();
    let freezer = act(move || {
        task.freeze();
        task.thaw();
    });
    gate.0.add(1);
    freezer.join().unwrap();
    assert_eq!(waiter.join(), End::Served);
    assert_eq!(gate.0.credits(), Some(0));
}

pub fn close_against_wait() {
    let gate = Gate::new(0, true);
    let waiter = Waiter::start(&gate, Uninterruptible, 1);
    gate.0.close();
    assert_eq!(waiter.join(), End::Closed);
}

pub fn close_against_two() {
    let gate = Gate::new(0, true);
    let first = Waiter::start(&gate, Uninterruptible, 1);
    let second = Waiter::start(&gate, Uninterruptible, 1);
    gate.0.close();
    assert_eq!([first.join(), second.join()], [End::Closed; 2]);
}

pub fn close_against_update() {
    let gate = Gate::new(0, true);
    let waiter = Waiter::start(&gate, Uninterruptible, 1);
    let lent = gate.lend();
    let update = act(|| lent.add(1));
    gate.0.close();
    update.join().unwrap();
    match waiter.join() {
        End::Served => assert_eq!(gate.0.credits(), Some(0)),
        end => assert_eq!((end, gate.0.credits()), (End::Closed, Some(1))),
    }
}

/// Who waits is ended, or served, and the event serves on.
pub fn end_against_wait() {
    let gate = Gate::new(0, true);
    let waiter = Waiter::start(&gate, Uninterruptible, 1);
    gate.0.end_waits();
    gate.0.add(1);
    match waiter.join() {
        // It came after the end, and the event is as before.
        End::Served => assert_eq!(gate.0.credits(), Some(0)),
        end => assert_eq!((end, gate.0.credits()), (End::Ended, Some(1))),
    }
}

/// Nobody is left behind by an end, and what was served is not taken back.
pub fn end_against_two() {
    let gate = Gate::new(0, true);
    let first = Waiter::start(&gate, Uninterruptible, 1);
    let second = Waiter::start(&gate, Uninterruptible, 1);
    gate.0.end_waits();
    gate.0.add(2);
    let ends = [first.join(), second.join()];
    let served = ends.iter().filter(|end| **end == End::Served).count() as u32;
    assert!(ends
        .iter()
        .all(|end| matches!(end, End::Served | End::Ended)));
    assert_eq!(gate.0.credits(), Some(2 - served));
}

pub fn end_against_deferred_update() {
    let gate = Gate::new(0, true);
    let waiter = Waiter::start(&gate, Uninterruptible, 1);
    let lent = gate.lend();
    let update = act(|| lent.add_deferred(1));
    gate.0.end_waits();
    update.join().unwrap();
    match waiter.join() {
        End::Served => assert_eq!(gate.0.credits(), Some(0)),
        end => assert_eq!((end, gate.0.credits()), (End::Ended, Some(1))),
    }
}

pub fn end_against_signal() {
    let gate = Gate::new(0, true);
    let waiter = Waiter::start(&gate, Interruptible, 1);
    let task = waiter.task.clone();
    let signal = act(move || task.interrupt());
    gate.0.end_waits();
    signal.join().unwrap();
    assert!(matches!(waiter.join(), End::Ended | SIGNAL));
}

pub fn fifo_head_departs() {
    let gate = Gate::new(1, true);
    let large = Waiter::start(&gate, Interruptible, 5);
    let small = Waiter::start(&gate, Uninterruptible, 1);
    large.task.interrupt();
    assert_eq!([large.join(), small.join()], [SIGNAL, End::Served]);
    assert_eq!(gate.0.credits(), Some(0));
}

pub fn any_overtakes() {
    let gate = Gate::new(0, false);
    let large = Waiter::start(&gate, Interruptible, 5);
    let small = Waiter::start(&gate, Uninterruptible, 1);
    gate.0.add(1);
    // The large one is in nobody's way: the small one ends while it still waits.
    assert_eq!(small.join(), End::Served);
    large.task.interrupt();
    assert_eq!(large.join(), SIGNAL);
}

pub fn drop_under_the_lock() {
    let gate = Gate::new(0, true);
    let waiter = Waiter::start(&gate, Interruptible, 1);
    let task = waiter.task.clone();
    let signal = act(move || task.interrupt());
    gate.0.slot.lock().unwrap().event = None;
    signal.join().unwrap();
    assert!(matches!(waiter.join(), End::Closed | SIGNAL));
}

/// The event goes away under the lock, and another one comes in its place.
pub fn another_event_in_its_place() {
    let gate = Gate::new(0, true);
    let waiter = Waiter::start(&gate, Interruptible, 1);
    let task = waiter.task.clone();
    let signal = act(move || task.interrupt());
    gate.0.slot.lock().unwrap().event = Some(Event::new(0, true));
    gate.0.add(1);
    signal.join().unwrap();
    match waiter.join() {
        // It came after the other event had.
        End::Served => assert_eq!(gate.0.credits(), Some(0)),
        end => assert!(matches!(end, End::Closed | SIGNAL) && gate.0.credits() == Some(1)),
    }
}

pub fn either_of_two_is_served_once() {
    let gate = Gate::new(0, false);
    let waiter = Waiter::start_either(&gate, Uninterruptible);
    let lent = gate.lend();
    let other = act(|| lent.add_other(1));
    gate.0.add(1);
    other.join().unwrap();
    assert_eq!(waiter.join(), End::Served);
    assert_eq!(gate.0.all(), 1);
}

pub fn either_leaves_no_entry_behind() {
    let gate = Gate::new(0, false);
    let waiter = Waiter::start_either(&gate, Interruptible);
    let task = waiter.task.clone();
    let signal = act(move || task.interrupt());
    gate.0.add(1);
    signal.join().unwrap();
    let end = waiter.join();
    assert!(matches!(end, End::Served | SIGNAL));
    assert_eq!(gate.0.slot.lock().unwrap().waiting(), [0; 3]);
}

pub fn either_by_a_deferred_update() {
    let gate = Gate::new(0, false);
    let waiter = Waiter::start_either(&gate, Uninterruptible);
    let lent = gate.lend();
    let other = act(|| lent.add_other(1));
    gate.0.add_deferred(1);
    other.join().unwrap();
    assert_eq!(waiter.join(), End::Served);
    assert_eq!(gate.0.all(), 1);
}

pub fn either_against_signal() {
    let gate = Gate::new(0, false);
    let waiter = Waiter::start_either(&gate, Interruptible);
    let task = waiter.task.clone();
    let signal = act(move || task.interrupt());
    gate.0.add_other(1);
    signal.join().unwrap();
    match waiter.join() {
        End::Served => assert_eq!(gate.0.all(), 0),
        end => assert_eq!((end, gate.0.all()), (SIGNAL, 1)),
    }
    // It is on neither list any more.
    gate.0.add(1);
    gate.0.add_other(1);
}

pub fn either_against_close() {
    let gate = Gate::new(0, false);
    let waiter = Waiter::start_either(&gate, Uninterruptible);
    let lent = gate.lend();
    let other = act(|| lent.add_other(1));
    gate.0.close();
    other.join().unwrap();
    match waiter.join() {
        End::Served => assert_eq!(gate.0.all(), 0),
        end => assert_eq!((end, gate.0.all()), (End::Closed, 1)),
    }
}

/// The first of two in line departs from one event by being served at the other one.
pub fn served_elsewhere_lets_those_behind_it_pass() {
    let gate = Gate::new(0, true);
    let first = Waiter::start_either(&gate, Uninterruptible);
    let second = Waiter::start(&gate, Uninterruptible, 1);
    gate.0.add_other(1);
    gate.0.add(1);
    let ends = [first.join(), second.join()];
    assert_eq!(ends, [End::Served; 2]);
    assert_eq!(gate.0.all(), 0);
}

/// Whoever was served is told before the holder of the lock waits for them.
pub fn told_before_the_holder_waits() {
    let gate = Gate::new(0, false);
    let waiter = Waiter::start(&gate, Uninterruptible, 1);
    let (task, thread, end) = (waiter.task, waiter.thread, waiter.end);
    let mut thread = Some(thread);
    gate.0.add_and_wait_below(1, |served| {
        // It comes to its end while the lock is held.
        if served {
            if let Some(thread) = thread.take() {
                thread.join().unwrap();
            }
        }
    });
    if let Some(thread) = thread {
        thread.join().unwrap();
    }
    drop(task);
    assert_eq!(*end.lock().unwrap(), Some(End::Served));
}

pub fn task_is_gone() {
    let gate = Gate::new(0, true);
    let task = Task::that_exits();
    let waiter = Waiter::start_as(task, &gate, Uninterruptible, 1);
    let (task, lent) = (waiter.task.clone(), gate.lend());
    let update = act(move || {
        beware(&task);
        lent.add(1);
    });
    update.join().unwrap();
    assert_eq!(waiter.join(), End::Served);
}

/// Seven waiters of all kinds, two updaters, signals, timers and a freezer, and at the end a close.
fn crowd(fifo: bool) {
    let gate = Gate::new(1, fifo);
    let wants = [
        (Uninterruptible, 1),
        (Interruptible, 4),
        (Timeout, 2),
        (Interruptible, 1),
        (Freezable, 3),
        (Timeout, 5),
        (Interruptible, 2),
    ];
    let waiters = wants.map(|(mode, amount)| Waiter::start(&gate, mode, amount));
    let (one, other) = (gate.lend(), gate.lend());
    let mut actors = vec![
        act(move || (0..4).for_each(|_| one.add(1))),
        act(move || (0..3).for_each(|_| other.add_deferred(2))),
    ];
    for (waiter, (mode, _)) in waiters.iter().zip(wants) {
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
    gate.0.close();
    let mut served = 0;
    for (waiter, (_, amount)) in waiters.into_iter().zip(wants) {
        if waiter.join() == End::Served {
            served += amount;
        }
    }
    assert_eq!(gate.0.credits(), Some(11 - served));
}

pub fn crowd_fifo() {
    crowd(true);
}

pub fn crowd_any() {
    crowd(false);
}

/// The cases.
pub const fn cases() -> &'static [Case] {
    const {
        &[
            Case::explore("update_against_enqueue", update_against_enqueue),
            Case::explore("two_updates_for_one_claim", two_updates_for_one_claim),
            Case::explore("two_claims_on_one_update", two_claims_on_one_update),
            Case::explore("signal_against_claim", signal_against_claim),
            Case::bounded(
                "signal_against_deferred_update",
                4,
                signal_against_deferred_update,
            ),
            Case::bounded("deferred_update_of_two", 4, deferred_update_of_two),
            Case::explore(
                "close_against_deferred_update",
                close_against_deferred_update,
            ),
            Case::bounded("timeout_against_claim", 4, timeout_against_claim),
            Case::explore("wake_for_no_reason", wake_for_no_reason),
            Case::bounded("freeze_against_update", 4, freeze_against_update),
            Case::explore("close_against_wait", close_against_wait),
            Case::bounded("close_against_two", 4, close_against_two),
            Case::explore("close_against_update", close_against_update),
            Case::explore("end_against_wait", end_against_wait),
            Case::bounded("end_against_two", 4, end_against_two),
            Case::explore("end_against_deferred_update", end_against_deferred_update),
            Case::bounded("end_against_signal", 4, end_against_signal),
            Case::explore("fifo_head_departs", fifo_head_departs),
            Case::bounded("any_overtakes", 4, any_overtakes),
            Case::bounded("drop_under_the_lock", 4, drop_under_the_lock),
            Case::bounded("another_event_in_its_place", 4, another_event_in_its_place),
            Case::explore("task_is_gone", task_is_gone),
            Case::bounded(
                "either_of_two_is_served_once",
                3,
                either_of_two_is_served_once,
            ),
            Case::bounded(
                "either_leaves_no_entry_behind",
                4,
                either_leaves_no_entry_behind,
            ),
            Case::bounded(
                "either_by_a_deferred_update",
                3,
                either_by_a_deferred_update,
            ),
            Case::bounded("either_against_signal", 3, either_against_signal),
            Case::bounded("either_against_close", 3, either_against_close),
            Case::bounded(
                "served_elsewhere_lets_those_behind_it_pass",
                3,
                served_elsewhere_lets_those_behind_it_pass,
            ),
            Case::explore("told_before_the_holder_waits", told_before_the_holder_waits),
            Case::stress("crowd_fifo", crowd_fifo),
            Case::stress("crowd_any", crowd_any),
        ]
    }
}
