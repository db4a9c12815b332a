// SPDX-License-Identifier: GPL-2.0

//! The cases of the entry protocol.
//!
//! What may never happen: a task that sleeps for ever, two owners at a time, an owner beside a reader, an
//! entry that stays locked, or that stays noted as waited for.

use super::{
    entry_host::{Errand, Runner, Shared, CONTENT},
    host::{GaveUp, Looks, Mode, Task},
    state::{End, Order, Raw},
};
use crate::Case;
use Mode::{Interruptible, Timeout, Uninterruptible};

fn removals(ends: &[Result<End, GaveUp>]) -> usize {
    ends.iter()
        .filter(|end| matches!(end, Ok(End::Removed(_))))
        .count()
}

/// The bug of `fs/dax.c`: the second of three finds nothing, and must not keep the third waiting.
fn unlock_against_remove_with_three() {
    let map = Shared::locked(Order::Pte);
    let start = || Runner::start(&map, Uninterruptible, Order::Pte, Errand::Invalidate);
    let three = [start(), start(), start()];
    map.lend().release();
    assert_eq!(removals(&three.map(Runner::join)), 1);
    assert_eq!(map.0.at_rest(), None);
}

fn remove_against_two() {
    let map = Shared::locked(Order::Pte);
    let one = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Invalidate);
    let other = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Fault);
    map.lend().remove();
    let ends = [one.join(), other.join()];
    assert!(matches!(ends[1], Ok(End::Locked(_))));
    assert_eq!(map.0.at_rest().is_none(), removals(&ends) == 1);
}

fn one_owner_at_a_time() {
    let map = Shared::locked(Order::Pte);
    let one = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Fault);
    let other = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Fault);
    map.lend().release();
    assert!(matches!(
        [one.join(), other.join()],
        [Ok(End::Locked(_)), Ok(End::Locked(_))]
    ));
    assert!(map.0.at_rest().is_some());
}

fn waiter_that_leaves_hands_on() {
    let map = Shared::locked(Order::Pte);
    let scan = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Scan);
    let other = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Evict);
    map.lend().release();
    assert_eq!(scan.join(), Ok(End::Left));
    assert!(matches!(other.join(), Ok(End::Locked(_))));
    assert_eq!(map.0.at_rest(), None);
}

fn hand_over_against_signal() {
    let map = Shared::locked(Order::Pte);
    let waiter = Runner::start(&map, Interruptible, Order::Pte, Errand::Fault);
    let task = waiter.task.clone();
    let signal = Task::new().run(move |_| task.interrupt());
    map.lend().release();
    signal.join().unwrap();
    assert!(matches!(
        waiter.join(),
        Ok(End::Locked(_)) | Err(GaveUp::Signal)
    ));
    assert!(map.0.at_rest().is_some());
}

fn hand_over_against_timeout() {
    let map = Shared::locked(Order::Pte);
    let waiter = Runner::start(&map, Timeout, Order::Pte, Errand::Fault);
    let task = waiter.task.clone();
    let timer = Task::new().run(move |_| task.expire());
    map.lend().release();
    timer.join().unwrap();
    assert!(matches!(
        waiter.join(),
        Ok(End::Locked(_)) | Err(GaveUp::TimedOut)
    ));
    assert!(map.0.at_rest().is_some());
}

fn signalled_waiter_leaves_another() {
    let map = Shared::locked(Order::Pte);
    let gone = Runner::start(&map, Interruptible, Order::Pte, Errand::Fault);
    let other = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Fault);
    gone.task.interrupt();
    map.lend().release();
    assert!(matches!(
        gone.join(),
        Ok(End::Locked(_)) | Err(GaveUp::Signal)
    ));
    assert!(matches!(other.join(), Ok(End::Locked(_))));
    assert!(map.0.at_rest().is_some());
}

/// As many share the entry as can: who has waited behind one that gives up waits on.
fn no_room_behind_who_gives_up() {
    let all = Raw::new(CONTENT, Order::Pte).map(|raw| raw.shared_by(Raw::MOST_READERS));
    let map = Shared::of(all);
    let gone = Runner::start(&map, Interruptible, Order::Pte, Errand::Use);
    let other = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Read);
    gone.task.interrupt();
    map.lend().leave_but_one();
    map.lend().leave();
    assert!(matches!(
        gone.join(),
        Ok(End::Locked(_)) | Err(GaveUp::Signal)
    ));
    assert!(matches!(other.join(), Ok(End::Stored)));
    assert!(map.0.at_rest().is_some());
}

/// Those who wait for the entry are counted, as long as they do.
fn waiters_are_counted() {
    let shared = Shared::locked(Order::Pte);
    let map = shared.lend();
    let (mut one, mut two) = (0, 0);
    let gave_up = map.wait_by(Looks(|| {
        one = map.waiters();
        let _ = map.wait_by(Looks(|| two = map.waiters()));
    }));
    assert_eq!((gave_up, one, two, map.waiters()), (Err(()), 1, 2, 0));
    map.release();
    assert_eq!(map.waiters(), 0);
    assert!(map.at_rest().is_some());
}

/// The entry is larger than what the waiters ask for: their key is that of what is there.
fn waiters_of_a_larger_entry() {
    let map = Shared::locked(Order::Pmd);
    let small = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Fault);
    let large = Runner::start(&map, Uninterruptible, Order::Pmd, Errand::Invalidate);
    map.lend().release();
    assert!(matches!(small.join(), Ok(End::Locked(_))));
    assert!(matches!(large.join(), Ok(End::Removed(_) | End::Left)));
    map.0.at_rest();
}

/// An unlock that sees no waiter, against one that comes.
fn let_go_against_wait() {
    let map = Shared::locked(Order::Pte);
    let other = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Fault);
    map.lend().release();
    assert!(matches!(other.join(), Ok(End::Locked(_))));
    assert!(map.0.at_rest().is_some());
}

/// Two who lock a free entry without the tree lock.
fn seize_against_seize() {
    let map = Shared::of(Raw::new(CONTENT, Order::Pte));
    let start = || Runner::start(&map, Uninterruptible, Order::Pte, Errand::Use);
    let both = [start(), start()];
    assert!(both
        .map(Runner::join)
        .iter()
        .all(|end| matches!(end, Ok(End::Locked(_)))));
    assert!(map.0.at_rest().is_some());
}

/// One who locks a free entry without the tree lock, and one who removes it with the lock.
fn seize_against_remove() {
    let map = Shared::of(Raw::new(CONTENT, Order::Pte));
    let user = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Use);
    let remover = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Invalidate);
    assert!(matches!(user.join(), Ok(End::Locked(_) | End::Left)));
    assert!(matches!(remover.join(), Ok(End::Removed(_))));
    assert_eq!(map.0.at_rest(), None);
}

/// Two who share an entry, and one who changes it.
fn readers_against_a_writer() {
    let map = Shared::of(Raw::new(CONTENT, Order::Pte));
    let start = |errand| Runner::start(&map, Uninterruptible, Order::Pte, errand);
    let three = [start(Errand::Read), start(Errand::Use), start(Errand::Read)];
    let [one, writer, other] = three.map(Runner::join);
    assert_eq!((one, other), (Ok(End::Stored), Ok(End::Stored)));
    assert!(matches!(writer, Ok(End::Locked(_))));
    assert!(map.0.at_rest().is_some());
}

/// The last of two readers hands over to who waits for it.
fn last_reader_hands_over() {
    let map = Shared::of(Raw::new(CONTENT, Order::Pte).map(|raw| raw.shared_by(2)));
    let writer = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Invalidate);
    let theirs = map.lend();
    let other = Task::new().run(move |_| theirs.leave());
    map.lend().leave();
    other.join().unwrap();
    assert!(matches!(writer.join(), Ok(End::Removed(_))));
    assert_eq!(map.0.at_rest(), None);
}

/// An owner hands over to two who share the entry; the one who has come between them may give up.
fn owner_hands_over_to_readers() {
    let map = Shared::locked(Order::Pte);
    let start = |mode, errand| Runner::start(&map, mode, Order::Pte, errand);
    let one = start(Uninterruptible, Errand::Read);
    let gone = start(Interruptible, Errand::Fault);
    gone.task.interrupt();
    map.lend().release();
    assert_eq!(one.join(), Ok(End::Stored));
    assert!(matches!(
        gone.join(),
        Ok(End::Locked(_)) | Err(GaveUp::Signal)
    ));
    assert!(map.0.at_rest().is_some());
}

/// Who gives up leaves those behind it to share what is shared.
fn departure_lets_readers_in() {
    let map = Shared::of(Raw::new(CONTENT, Order::Pte).map(|raw| raw.shared_by(1)));
    let gone = Runner::start(&map, Interruptible, Order::Pte, Errand::Fault);
    let reader = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Read);
    gone.task.interrupt();
    // This reader stays until the other one has read, unless the one that gives up got in between.
    let ended = gone.join();
    assert_eq!(ended, Err(GaveUp::Signal));
    assert_eq!(reader.join(), Ok(End::Stored));
    map.lend().leave();
    assert!(map.0.at_rest().is_some());
}

/// Eight tasks with all errands and modes, signals and timers, on a map with an owner.
fn crowd_of_errands() {
    let map = Shared::locked(Order::Pte);
    let errands = [
        (Uninterruptible, Errand::Fault),
        (Interruptible, Errand::Invalidate),
        (Timeout, Errand::Fault),
        (Uninterruptible, Errand::Read),
        (Interruptible, Errand::Use),
        (Uninterruptible, Errand::Evict),
        (Timeout, Errand::Read),
        (Uninterruptible, Errand::Invalidate),
    ];
    let runners = errands.map(|(mode, errand)| Runner::start(&map, mode, Order::Pte, errand));
    let mut actors = Vec::new();
    for (runner, (mode, _)) in runners.iter().zip(errands) {
        let task = runner.task.clone();
        actors.push(Task::new().run(move |_| match mode {
            Interruptible => task.interrupt(),
            Timeout => task.expire(),
            Uninterruptible | Mode::Freezable => task.wake_up(),
        }));
    }
    map.lend().release();
    actors.into_iter().for_each(|actor| actor.join().unwrap());
    for (runner, (mode, _)) in runners.into_iter().zip(errands) {
        let end = runner.join();
        assert!(end.is_ok() || mode != Uninterruptible);
    }
    map.0.at_rest();
}

/// The cases.
pub const fn cases() -> &'static [Case] {
    const {
        &[
            Case::bounded(
                "unlock_against_remove_with_three",
                3,
                unlock_against_remove_with_three,
            ),
            Case::bounded("remove_against_two", 4, remove_against_two),
            Case::bounded("one_owner_at_a_time", 4, one_owner_at_a_time),
            Case::bounded(
                "waiter_that_leaves_hands_on",
                4,
                waiter_that_leaves_hands_on,
            ),
            Case::bounded("hand_over_against_signal", 4, hand_over_against_signal),
            Case::bounded("hand_over_against_timeout", 4, hand_over_against_timeout),
            Case::bounded(
                "signalled_waiter_leaves_another",
                4,
                signalled_waiter_leaves_another,
            ),
            Case::bounded("waiters_of_a_larger_entry", 4, waiters_of_a_larger_entry),
            Case::bounded("let_go_against_wait", 4, let_go_against_wait),
            Case::bounded("seize_against_seize", 4, seize_against_seize),
            Case::bounded("seize_against_remove", 4, seize_against_remove),
            Case::bounded("readers_against_a_writer", 3, readers_against_a_writer),
            Case::bounded("last_reader_hands_over", 4, last_reader_hands_over),
            Case::bounded(
                "owner_hands_over_to_readers",
                4,
                owner_hands_over_to_readers,
            ),
            Case::bounded("departure_lets_readers_in", 4, departure_lets_readers_in),
            Case::bounded(
                "no_room_behind_who_gives_up",
                2,
                no_room_behind_who_gives_up,
            ),
            Case::explore("waiters_are_counted", waiters_are_counted),
            Case::stress("crowd_of_errands", crowd_of_errands),
        ]
    }
}
