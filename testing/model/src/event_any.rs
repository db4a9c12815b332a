// SPDX-License-Identifier: GPL-2.0

//! The cases of waits for several events, and of what is given away.

use super::{
    event_gate::{act, End, Gate, Waiter, SIGNAL},
    host::Mode,
};
use crate::Case;

use Mode::{Interruptible, Uninterruptible};

/// Who is behind one that departs, by being served elsewhere, does not wait for another update.
pub fn served_elsewhere_makes_those_behind_it_look() {
    let gate = Gate::new(1, true);
    let large = Waiter::start_large(&gate, Uninterruptible, 5);
    let small = Waiter::start(&gate, Uninterruptible, 1);
    gate.0.add_other(1);
    assert_eq!([large.join(), small.join()], [End::Served; 2]);
    assert_eq!(gate.0.all(), 0);
}

/// The same, and the event where the first one was is closed.
pub fn closed_elsewhere_makes_those_behind_it_look() {
    let gate = Gate::new(1, true);
    let large = Waiter::start_large(&gate, Uninterruptible, 5);
    let small = Waiter::start(&gate, Uninterruptible, 1);
    gate.0.close_other();
    let ends = [large.join(), small.join()];
    assert_eq!(ends, [End::Closed, End::Served]);
    assert_eq!(gate.0.all(), 0);
}

/// Whoever is to look was served before it does.
pub fn update_against_a_look() {
    let gate = Gate::new(0, true);
    let large = Waiter::start_large(&gate, Uninterruptible, 5);
    let small = Waiter::start(&gate, Uninterruptible, 1);
    let lent = gate.lend();
    let other = act(|| lent.add_other(1));
    gate.0.add_deferred(1);
    other.join().unwrap();
    assert_eq!([large.join(), small.join()], [End::Served; 2]);
    assert_eq!(gate.0.all(), 0);
}

/// Who is told to look gives up.
pub fn signal_against_a_look() {
    let gate = Gate::new(1, true);
    let large = Waiter::start_large(&gate, Uninterruptible, 5);
    let small = Waiter::start(&gate, Interruptible, 1);
    let task = small.task.clone();
    let signal = act(move || task.interrupt());
    gate.0.add_other(1);
    signal.join().unwrap();
    assert_eq!(large.join(), End::Served);
    match small.join() {
        End::Served => assert_eq!(gate.0.all(), 0),
        end => assert_eq!((end, gate.0.all()), (SIGNAL, 1)),
    }
    assert_eq!(gate.0.slot.lock().unwrap().waiting(), [0; 3]);
}

pub fn any_of_three_is_served_once() {
    let gate = Gate::new(0, false);
    let waiter = Waiter::start_any(&gate, Uninterruptible);
    let lent = gate.lend();
    let other = act(|| lent.add_other(1));
    gate.0.add_third(1);
    other.join().unwrap();
    assert_eq!(waiter.join(), End::Served);
    assert_eq!(gate.0.all(), 1);
}

pub fn any_leaves_no_entry_behind() {
    let gate = Gate::new(0, false);
    let waiter = Waiter::start_any(&gate, Interruptible);
    let task = waiter.task.clone();
    let signal = act(move || task.interrupt());
    gate.0.add_third(1);
    signal.join().unwrap();
    let end = waiter.join();
    assert_eq!(gate.0.slot.lock().unwrap().waiting(), [0; 3]);
    match end {
        End::Served => assert_eq!(gate.0.all(), 0),
        end => assert_eq!((end, gate.0.all()), (SIGNAL, 1)),
    }
}

pub fn any_by_a_deferred_update() {
    let gate = Gate::new(0, false);
    let waiter = Waiter::start_any(&gate, Uninterruptible);
    let lent = gate.lend();
    let other = act(|| lent.add_other(1));
    gate.0.add_deferred(1);
    other.join().unwrap();
    assert_eq!(waiter.join(), End::Served);
    assert_eq!(gate.0.all(), 1);
}

pub fn any_against_close() {
    let gate = Gate::new(0, false);
    let waiter = Waiter::start_any(&gate, Uninterruptible);
    let lent = gate.lend();
    let other = act(|| lent.add_other(1));
    gate.0.close();
    other.join().unwrap();
    match waiter.join() {
        End::Served => assert_eq!(gate.0.all(), 0),
        end => assert_eq!((end, gate.0.all()), (End::Closed, 1)),
    }
    assert_eq!(gate.0.slot.lock().unwrap().waiting(), [0; 3]);
}

/// One of the events goes away under its lock.
pub fn any_against_drop() {
    let gate = Gate::new(0, false);
    let waiter = Waiter::start_any(&gate, Uninterruptible);
    let lent = gate.lend();
    let third = act(|| lent.add_third(1));
    gate.0.slot.lock().unwrap().event = None;
    third.join().unwrap();
    match waiter.join() {
        End::Served => assert_eq!(gate.0.all(), 0),
        end => assert_eq!((end, gate.0.all()), (End::Closed, 1)),
    }
}

/// Two that wait for any of three; each of them is served by another event.
pub fn two_wait_for_any() {
    let gate = Gate::new(0, true);
    let first = Waiter::start_any(&gate, Uninterruptible);
    let second = Waiter::start_any(&gate, Uninterruptible);
    gate.0.add(1);
    gate.0.add_third(1);
    assert_eq!([first.join(), second.join()], [End::Served; 2]);
    assert_eq!(gate.0.all(), 0);
}

pub fn gift_against_signal() {
    let gate = Gate::new(0, true);
    let waiter = Waiter::start_give(&gate, Interruptible, 4);
    let task = waiter.task.clone();
    let signal = act(move || task.interrupt());
    gate.0.add(1);
    signal.join().unwrap();
    match waiter.join() {
        End::Served => assert_eq!(gate.0.credits(), Some(5)),
        end => assert_eq!((end, gate.0.credits()), (SIGNAL, Some(1))),
    }
}

pub fn gift_against_close() {
    let gate = Gate::new(0, true);
    let waiter = Waiter::start_give(&gate, Uninterruptible, 4);
    let lent = gate.lend();
    let update = act(|| lent.add_deferred(1));
    gate.0.close();
    update.join().unwrap();
    match waiter.join() {
        End::Served => assert_eq!(gate.0.credits(), Some(5)),
        end => assert_eq!((end, gate.0.credits()), (End::Closed, Some(1))),
    }
}

/// The cases.
pub const fn cases() -> &'static [Case] {
    const {
        &[
            Case::bounded(
                "served_elsewhere_makes_those_behind_it_look",
                4,
                served_elsewhere_makes_those_behind_it_look,
            ),
            Case::bounded(
                "closed_elsewhere_makes_those_behind_it_look",
                4,
                closed_elsewhere_makes_those_behind_it_look,
            ),
            Case::bounded("update_against_a_look", 3, update_against_a_look),
            Case::bounded("signal_against_a_look", 3, signal_against_a_look),
            Case::bounded(
                "any_of_three_is_served_once",
                3,
                any_of_three_is_served_once,
            ),
            Case::bounded("any_leaves_no_entry_behind", 3, any_leaves_no_entry_behind),
            Case::bounded("any_by_a_deferred_update", 3, any_by_a_deferred_update),
            Case::bounded("any_against_close", 3, any_against_close),
            Case::bounded("any_against_drop", 3, any_against_drop),
            Case::bounded("two_wait_for_any", 3, two_wait_for_any),
            Case::explore("gift_against_signal", gift_against_signal),
            Case::bounded("gift_against_close", 4, gift_against_close),
        ]
    }
}
