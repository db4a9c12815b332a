// SPDX-License-Identifier: GPL-2.0

//! The cases of the count.
//!
//! What may never happen: a waiter that sleeps for ever (the engine reports a deadlock), or is told before its
//! number is reached, memory that is freed twice or not at all, or used when it is gone, a look at the queue by
//! who has counted down to a number that nobody waits for.

use super::{
    count_host::Count,
    count_word::{asks_for, disown, down, up, up_below, up_when, wait, waiters, MAX},
    host::{GaveUp, HostSleeper, Looks, Mode, Task},
    sync::JoinHandle,
};
use crate::Case;
use std::sync::{atomic::Ordering::Relaxed, Arc};

type Actor = (Arc<Task>, JoinHandle<()>);

/// Does `body` in a task of its own.
fn act(count: &Arc<Count>, body: impl FnOnce(&Count, &Task) + Send + 'static) -> Actor {
    let (task, count) = (Task::new(), count.clone());
    let handle = task.run(move |task| body(&count, task));
    (task, handle)
}

/// Counts down in a task of its own.
fn ender(count: &Arc<Count>) -> Actor {
    act(count, |count, _| count.use_and_down())
}

/// Waits for a number in a task of its own.
fn waiter(count: &Arc<Count>, most: u32) -> Actor {
    act(count, move |count, task| count.wait_for(task, most))
}

/// Joins all of them. The tasks stay until then: who is told wakes up before it is woken.
fn join(actors: impl IntoIterator<Item = Actor>) {
    let (tasks, handles): (Vec<_>, Vec<_>) = actors.into_iter().unzip();
    for handle in handles {
        handle.join().unwrap();
    }
    drop(tasks);
}

/// Waits for all, changes what is protected, and lets the count go, with its memory.
fn change_and_go(count: &Count, task: &Task) {
    count.wait_for(task, 0);
    count.data.write();
    disown(count.cell());
}

fn down_against_wait() {
    let count = Count::new(1);
    let actors = [ender(&count), act(&count, change_and_go)];
    join(actors);
    assert_eq!(count.frees(), 1);
}

fn two_downs_against_wait() {
    let count = Count::new(2);
    let actors = [ender(&count), ender(&count), act(&count, change_and_go)];
    join(actors);
    assert_eq!(count.frees(), 1);
}

/// Nobody waits: the last one frees, whoever that is.
fn disown_against_downs() {
    let count = Count::new(2);
    let actors = [ender(&count), ender(&count)];
    disown(count.cell());
    join(actors);
    assert_eq!((count.frees(), count.table.locked.load(Relaxed)), (1, 0));
}

/// One waits for one number and then for another, both of which it may fall past.
fn two_numbers_in_turn() {
    let count = Count::new(3);
    let twice = act(&count, |count, _| {
        count.use_and_down();
        count.use_and_down();
    });
    let waiter = act(&count, |count, task| {
        count.wait_for(task, 2);
        change_and_go(count, task);
    });
    join([twice, ender(&count), waiter]);
    assert_eq!(count.frees(), 1);
}

/// Two wait for different numbers, and the word has room for one. The number of the one is not reached before
/// the other has been told.
fn two_waiters() {
    let count = Count::new(2);
    let first = act(&count, |count, task| {
        count.wait_for(task, 1);
        count.use_and_down();
    });
    join([waiter(&count, 0), first, ender(&count)]);
    assert_eq!(count.get(), 0);
}

/// The one gives up while the other waits for less.
fn one_of_two_gives_up() {
    let count = Count::new(2);
    let patient = waiter(&count, 0);
    let hasty = act(&count, |count, task| {
        let _ = count.wait(task, 1, Mode::Interruptible);
    });
    hasty.0.interrupt();
    count.use_and_down();
    count.use_and_down();
    join([patient, hasty]);
}

/// A wait that is given up leaves nothing behind, and the end is the end.
fn signal_against_down() {
    let count = Count::new(1);
    let ender = ender(&count);
    let waiter = act(&count, |count, task| {
        if count.wait(task, 0, Mode::Interruptible).is_ok() {
            count.data.write();
        }
        disown(count.cell());
    });
    waiter.0.interrupt();
    join([ender, waiter]);
    assert_eq!(count.frees(), 1);
}

/// A signal ends a wait for what does not come.
fn signal_never_answered() {
    let count = Count::new(1);
    let waiter = act(&count, |count, task| {
        let ended = count.wait(task, 0, Mode::Interruptible);
        assert_eq!(ended, Err(GaveUp::Signal));
        disown(count.cell());
    });
    waiter.0.interrupt();
    join([waiter]);
    count.use_and_down();
    assert_eq!((count.frees(), count.table.locked.load(Relaxed)), (1, 2));
}

/// A wake-up for another reason does not end the wait.
fn wake_for_no_reason() {
    let count = Count::new(1);
    let waiter = act(&count, change_and_go);
    let ender = ender(&count);
    waiter.0.wake_up();
    join([ender, waiter]);
    assert_eq!(count.frees(), 1);
}

/// Who counts down to a number that nobody waits for does not look at the queue.
fn not_that_number() {
    let count = Count::new(2);
    let user = act(&count, |count, _| {
        assert!(up(count.cell()));
        count.use_and_down();
        count.use_and_down();
        // To this one.
        count.use_and_down();
    });
    join([waiter(&count, 0), user]);
    assert!(count.table.locked.load(Relaxed) <= 2);
}

/// Who counts up and then looks at a flag, and who sets the flag and then waits: one sees the other.
fn up_against_flag() {
    let count = Count::new(0);
    let user = act(&count, |count, _| {
        assert!(up(count.cell()));
        if count.flag.load(Relaxed) == 0 {
            count.data.read();
        }
        down(count.cell());
    });
    let waiter = act(&count, |count, task| {
        count.flag.store(1, Relaxed);
        count.wait_for(task, 0);
        count.data.write();
    });
    join([user, waiter]);
}

/// Another count comes in the place of the first one: who counts down late tells nobody too early.
fn another_at_the_address() {
    let first = Count::new(1);
    let second = Count::at(&first.table, 1);
    let next = second.clone();
    let waiter = act(&first, move |first, task| {
        // Who counts down may be about to tell when this gives up.
        let _ = first.wait(task, 0, Mode::Interruptible);
        change_and_go(first, task);
        next.wait_for(task, 0);
        next.data.write();
    });
    let enders = [ender(&first), ender(&second)];
    waiter.0.interrupt();
    join(enders.into_iter().chain([waiter]));
    assert_eq!(first.frees(), 1);
}

/// There is room for one more, and not for two.
fn room_for_one() {
    let count = Count::new(MAX - 1);
    let counted = |count: &Count, _: &Task| {
        if up(count.cell()) {
            count.flag.fetch_add(1, Relaxed);
        }
    };
    join([act(&count, counted), act(&count, counted)]);
    assert_eq!((count.get(), count.flag.load(Relaxed)), (MAX.into(), 1));
    assert!(!up_below(count.cell(), u32::MAX));
}

/// One at a time is let in.
fn throttle() {
    let count = Count::new(0);
    let pass = |count: &Count, task: &Task| {
        let mut sleeper = HostSleeper::new(task, Mode::Uninterruptible);
        assert_eq!(up_when(count.cell(), 0, &mut sleeper), Ok(()));
        count.data.write();
        down(count.cell());
    };
    join([act(&count, pass), act(&count, pass)]);
    assert_eq!(count.get(), 0);
}

/// One who waits for the highest number there is, which is there.
fn room_at_the_end() {
    let count = Count::new(MAX);
    let waiter = act(&count, |count, task| {
        let mut sleeper = HostSleeper::new(task, Mode::Uninterruptible);
        assert_eq!(up_when(count.cell(), u32::MAX, &mut sleeper), Ok(()));
    });
    down(count.cell());
    join([waiter]);
    assert_eq!(count.get(), MAX.into());
}

/// One after the other: what each step says of those before it.
fn one_after_the_other() {
    let count = Count::new(1);
    let cell = count.cell();
    assert_eq!(asks_for(cell), None);
    assert!(up_below(cell, 2) && !up_below(cell, 2));
    let (mut seen, mut inner) = ((None, 0), 0);
    for most in [0, 1] {
        let gave_up = wait(
            cell,
            most,
            &mut Looks(|| {
                seen = (asks_for(cell), waiters(cell));
                let _ = wait(cell, 0, &mut Looks(|| inner = waiters(cell)));
            }),
        );
        assert_eq!((gave_up, seen, inner), (Err(()), (Some(most), 1), 2));
        assert_eq!((asks_for(cell), waiters(cell)), (None, 0));
    }
    assert_eq!(wait(cell, 2, &mut Looks(|| inner = 0)), Ok(()));
    assert_eq!((count.get(), inner), (2, 2));
    // Who is counted does not bring the count back.
    disown(cell);
    assert!(!up_below(cell, MAX));
    down(cell);
    assert_eq!((count.get(), count.frees()), (1, 0));
    down(cell);
    assert_eq!(count.frees(), 1);
}

/// Many count up and down, and wait for different numbers.
fn crowd() {
    let count = Count::new(4);
    let mut actors: Vec<Actor> = (0..4)
        .map(|most| {
            act(&count, move |count, task| {
                count.wait_for(task, most);
                count.wait_for(task, 0);
            })
        })
        .collect();
    actors.extend((0..4).map(|_| {
        act(&count, |count, task| {
            for _ in 0..3 {
                assert!(up(count.cell()));
                count.use_and_down();
            }
            let mut sleeper = HostSleeper::new(task, Mode::Uninterruptible);
            assert_eq!(up_when(count.cell(), 5, &mut sleeper), Ok(()));
            count.use_and_down();
            count.use_and_down();
        })
    }));
    for (task, _) in &actors {
        task.wake_up();
    }
    join(actors);
    disown(count.cell());
    assert_eq!(count.frees(), 1);
}

/// The cases.
pub const fn cases() -> &'static [Case] {
    const {
        &[
            Case::explore("count_down_against_wait", down_against_wait),
            Case::bounded("count_two_downs_against_wait", 3, two_downs_against_wait),
            Case::explore("count_disown_against_downs", disown_against_downs),
            Case::bounded("count_two_numbers_in_turn", 2, two_numbers_in_turn),
            Case::bounded("count_two_waiters", 3, two_waiters),
            Case::bounded("count_one_of_two_gives_up", 3, one_of_two_gives_up),
            Case::bounded("count_signal_against_down", 4, signal_against_down),
            Case::explore("count_signal_never_answered", signal_never_answered),
            Case::bounded("count_wake_for_no_reason", 3, wake_for_no_reason),
            Case::bounded("count_not_that_number", 4, not_that_number),
            Case::bounded("count_up_against_flag", 4, up_against_flag),
            Case::bounded("count_another_at_the_address", 3, another_at_the_address),
            Case::explore("count_room_for_one", room_for_one),
            Case::bounded("count_throttle", 3, throttle),
            Case::explore("count_room_at_the_end", room_at_the_end),
            Case::explore("count_one_after_the_other", one_after_the_other),
            Case::stress("count_crowd", crowd),
        ]
    }
}
