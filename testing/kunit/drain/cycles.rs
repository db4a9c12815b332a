// SPDX-License-Identifier: GPL-2.0

//! Tasks that have parked what others wait for: who is refused, and who is not.

use super::{
    drain,
    join,
    limited,
    until,
    until_shut,
    waiter, //
};
use baton::{
    drain::{
        Drain,
        DrainError,
        InFlight, //
    },
    event::{
        Killable,
        Mode,
        Uninterruptible, //
    },
    testing::Log,
    MaySleep,
    Thread, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Relaxed,
            Release, //
        },
        Arc, //
    },
    time::msecs_to_jiffies, //
};

/// Tasks in a ring: each has parked a reference of the drain that the one before it waits for.
///
/// Returns what each of them got, 1 if nothing yet, and whether all have come back.
fn ring<const N: usize>(cx: &mut MaySleep) -> Result<([i32; N], bool)> {
    let mut drains = KVec::new();
    for _ in 0..N {
        drains.push(drain()?, GFP_KERNEL)?;
    }
    let parked = Arc::new(Atomic::new(0u32), GFP_KERNEL)?;
    let got = Arc::new([const { Atomic::new(1i32) }; N], GFP_KERNEL)?;
    let mut threads = KVec::new();
    for at in 0..N {
        let (Some(waits), Some(owes)) = (drains.get(at), drains.get((at + 1) % N)) else {
            return Err(EINVAL);
        };
        let (waits, owes) = (waits.clone(), owes.clone());
        let (parked, got) = (parked.clone(), got.clone());
        let thread = Thread::spawn(cx, c"drain_ring", move |cx, _| {
            let own = owes.try_begin().map(|reference| reference.park());
            parked.fetch_add(1, Relaxed);
            until(|| parked.load(Relaxed) as usize == N);
            let mode = Uninterruptible.timeout(msecs_to_jiffies(10_000));
            let ended = waits
                .shut(cx, Killable)
                .and_then(|mut shut| shut.wait(mode));
            if let Some(got) = got.get(at) {
                got.store(
                    ended.map_or_else(|e| Error::from(e).to_errno(), |()| 0),
                    Release,
                );
            }
            drop(own);
        })?;
        threads.push(thread, GFP_KERNEL)?;
    }
    let mut ended = true;
    for thread in threads {
        ended &= join(thread, cx);
    }
    Ok((core::array::from_fn(|at| got[at].load(Acquire)), ended))
}

/// How many waits of a ring were said not to end since `log`, and how many tasks with what they owe.
fn reported(log: Log) -> (usize, usize) {
    let owes = [
        "  drain_ring ",
        " waits for drain \"drain_kunit\": a reference is parked on task ",
        ", since drain/cycles.rs:",
    ];
    let told = log.lines(&["a wait for a drain could not end"]);
    (told, log.lines(&owes))
}

#[kunit_tests(baton_drain_cycles)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_waits_for_itself_is_not_on_the_list_afterwards() -> Result {
        let cx = &mut MaySleep::assert();
        let (mine, theirs) = (drain()?, drain()?);
        let Ok(parked) = mine.try_begin()?.park() else {
            return Err(ENOSPC);
        };
        let refused = mine.shut(cx, limited())?.wait(limited());
        // If this task were still said to wait for `mine`, which it owes, nobody could wait for it.
        let Ok(other) = theirs.try_begin()?.park() else {
            return Err(ENOSPC);
        };
        let (thread, result) = waiter(&theirs, Killable, cx)?;
        let shut = until_shut(&theirs);
        drop(other);
        let ended = join(thread, cx);
        drop(parked);
        assert_eq!(refused, Err(DrainError::Deadlock));
        assert!(shut);
        assert!(ended);
        assert_eq!(result.load(Acquire), 0);
        Ok(())
    }

    #[test]
    fn two_tasks_that_wait_for_each_other() -> Result {
        let cx = &mut MaySleep::assert();
        let log = Log::here();
        let (mut got, ended) = ring::<2>(cx)?;
        got.sort_unstable();
        // One report, which names both.
        assert_eq!(reported(log), (1, 2));
        assert!(ended);
        // The one that came last, and the one that it has let go.
        assert_eq!(got, [EDEADLK.to_errno(), 0]);
        Ok(())
    }

    #[test]
    fn five_tasks_that_wait_for_each_other() -> Result {
        let cx = &mut MaySleep::assert();
        let log = Log::here();
        let (mut got, ended) = ring::<5>(cx)?;
        got.sort_unstable();
        assert_eq!(reported(log), (1, 5));
        assert!(ended);
        assert_eq!(got, [EDEADLK.to_errno(), 0, 0, 0, 0]);
        Ok(())
    }

    #[test]
    fn a_chain_that_is_no_cycle_is_waited_for() -> Result {
        let cx = &mut MaySleep::assert();
        let (first, second) = (drain()?, drain()?);
        // The thread owes the first drain and waits for the second, which this task owes.
        let Ok(parked) = second.try_begin()?.park() else {
            return Err(ENOSPC);
        };
        let (owes, waits) = (first.clone(), second.clone());
        let result = Arc::new(Atomic::new(1), GFP_KERNEL)?;
        let theirs = result.clone();
        let thread = Thread::spawn(cx, c"drain_kunit", move |cx, _| {
            let own = owes.try_begin().map(InFlight::park);
            let ended = waits
                .shut(cx, Killable)
                .and_then(|mut shut| shut.wait(limited()));
            theirs.store(i32::from(ended.is_err()), Release);
            drop(own);
        })?;
        let waits = until(|| second.waiters() == 1);
        drop(parked);
        let ended = first.shut(cx, limited())?.wait(limited());
        let came_back = join(thread, cx);
        assert!(waits);
        assert_eq!(ended, Ok(()));
        assert!(came_back);
        assert_eq!(result.load(Acquire), 0);
        Ok(())
    }

    /// Of several tasks that the caller waits for, one waits for the caller: whichever came first.
    #[test]
    fn a_cycle_through_one_of_several() -> Result {
        let cx = &mut MaySleep::assert();
        for first in [0, 1] {
            let both = drain()?;
            let (other, mine) = (drain()?, drain()?);
            let elsewhere = other.try_begin()?;
            let Ok(parked) = mine.try_begin()?.park() else {
                return Err(ENOSPC);
            };
            let mut threads = KVec::new();
            let mut wait = true;
            for nr in [first, 1 - first] {
                let waits = if nr == 0 { &other } else { &mine };
                let (owes, theirs) = (both.clone(), waits.clone());
                let thread = Thread::spawn(cx, c"drain_kunit", move |cx, _| {
                    let own = owes.try_begin().map(|reference| reference.park());
                    let _ = theirs
                        .shut(cx, Killable)
                        .and_then(|mut shut| shut.wait(Killable));
                    drop(own);
                })?;
                threads.push(thread, GFP_KERNEL)?;
                wait &= until(|| waits.waiters() == 1);
            }
            let waited = both
                .shut(cx, limited())
                .and_then(|mut shut| shut.wait(limited()));
            drop(parked);
            elsewhere.end();
            let mut ended = true;
            for thread in threads {
                ended &= join(thread, cx);
            }
            assert!(wait);
            assert_eq!(waited, Err(DrainError::Deadlock));
            assert!(ended);
        }
        Ok(())
    }

    /// They leave from the front, the middle and the end of the list.
    #[test]
    fn who_has_waited_leaves_the_others_on_the_list() -> Result {
        let cx = &mut MaySleep::assert();
        for order in [[0, 1], [1, 0], [1, 2], [2, 1]] {
            let drains = [drain()?, drain()?, drain()?];
            let mut parked = [const { None }; 3];
            let mut threads = [const { None }; 3];
            let mut all = true;
            for ((drain, parked), thread) in drains.iter().zip(&mut parked).zip(&mut threads) {
                *parked = Some(drain.try_begin()?.park());
                *thread = Some(waiter(drain, Killable, cx)?);
                all &= until(|| drain.waiters() == 1);
            }
            let mut left = [1, 1, 1];
            for leaves in order {
                left[leaves] = 0;
                parked[leaves] = None;
                if let Some((thread, _)) = threads[leaves].take() {
                    all &= join(thread, cx);
                }
                for (drain, left) in drains.iter().zip(left) {
                    all &= drain.waiters() == left;
                    // The task that has the gate waits for what is parked here.
                    let begun = drain.begin_when_open(cx, limited()).map(drop);
                    all &= left == 0 || begun == Err(DrainError::Deadlock);
                }
            }
            drop(parked);
            for (thread, _) in threads.into_iter().flatten() {
                all &= join(thread, cx);
            }
            assert!(all);
        }
        Ok(())
    }

    #[test]
    fn a_gate_whose_owner_waits_for_the_caller_is_not_waited_for() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let Ok(parked) = drain.try_begin()?.park() else {
            return Err(ENOSPC);
        };
        let (thread, result) = waiter(&drain, limited(), cx)?;
        // It has the gate, and waits for what is parked here.
        let shut = until(|| drain.waiters() == 1);
        let log = Log::here();
        let begun = drain.begin_when_open(cx, limited()).map(drop);
        let gate = log.lines(&[
            " waits at the gate of drain \"drain_kunit\": task ",
            " has shut it",
        ]);
        let count = log.lines(&[
            "  drain_kunit ",
            " waits for drain \"drain_kunit\": a reference",
        ]);
        drop(parked);
        let ended = join(thread, cx);
        assert!(shut);
        assert_eq!(begun, Err(DrainError::Deadlock));
        assert_eq!((gate, count), (1, 1));
        assert!(ended);
        assert_eq!(result.load(Acquire), 0);
        Ok(())
    }

    #[test]
    fn who_has_shut_an_owned_gate_waits_until_another_opens_it() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let shut = Drain::shut_owned(drain.as_arc_borrow(), cx, limited())?;
        // Not refused, and not let in either.
        let early = drain
            .begin_when_open(cx, Uninterruptible.timeout(1))
            .map(|active| active.end());
        let waits = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let theirs = waits.clone();
        let opener = Thread::spawn(cx, c"drain_kunit", move |_, _| {
            until(|| theirs.load(Acquire) == 1);
            drop(shut);
        })?;
        waits.store(1, Release);
        let begun = drain
            .begin_when_open(cx, limited())
            .map(|active| active.end());
        let ended = join(opener, cx);
        assert_eq!(early, Err(DrainError::TimedOut));
        assert_eq!(begun, Ok(()));
        assert!(ended);
        Ok(())
    }
}
