// SPDX-License-Identifier: GPL-2.0

//! What waits and is waited for, without memory.

use crate::{
    always_told,
    is_last,
    refuse_each,
    witness,
    Witness, //
};
use baton::{
    completion::{
        start_counted,
        LocalCounted, //
    },
    count::{
        new_count,
        Count, //
    },
    drain::{
        new_phased,
        Phased, //
    },
    entry_map::{
        new_entry_map,
        EntryMap,
        Order,
        Outcome,
        Slot, //
    },
    event::{
        when,
        Callback,
        Group,
        Provider, //
    },
    misc::{
        Device,
        Operations, //
    },
    new_event,
    new_source,
    poll::{
        Mask,
        Source, //
    },
    testing::{
        self,
        Poller, //
    },
    Event,
    LockIn,
    MaySleep,
    Thread, //
};
use kernel::{
    fs::File,
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Release, //
        },
        Arc,
        Mutex, //
    },
};

type Credits = Mutex<Source<u32>>;

/// A file that can do nothing.
struct Nothing;

#[vtable]
impl Operations for Nothing {
    type Data = Witness;

    fn open(_data: &Arc<Witness>, _file: &File) -> Result<Self> {
        Ok(Self)
    }
}

/// Counts how often it was dropped.
struct Counted(Arc<Atomic<u32>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Release);
    }
}

/// A file that can do nothing either.
struct Idle;

#[vtable]
impl Operations for Idle {
    type Data = Counted;

    fn open(_data: &Arc<Counted>, _file: &File) -> Result<Self> {
        Ok(Self)
    }
}

#[kunit_tests(baton_memory_waits)]
mod tests {
    use super::*;

    #[test]
    fn a_count() -> Result {
        let tally = refuse_each(|| -> Result<Pin<KBox<Count>>> {
            KBox::pin_init(new_count!("memory_kunit"), GFP_KERNEL)
        })?;
        assert!(always_told(tally, 2));
        Ok(())
    }

    #[test]
    fn a_drain_of_two_phases() -> Result {
        let tally = refuse_each(|| -> Result<Pin<KBox<Phased>>> {
            KBox::pin_init(new_phased!("memory_kunit"), GFP_KERNEL)
        })?;
        // One for it, and one for each of its counts.
        assert!(always_told(tally, 4));
        Ok(())
    }

    #[test]
    fn a_counted_completion() -> Result {
        let cx = &mut MaySleep::assert();
        let mine = witness()?;
        let mut started = 0;
        let tally = refuse_each(|| {
            let theirs = mine.clone();
            start_counted(cx, |completer: LocalCounted, _| {
                started += 1;
                drop((completer, theirs));
                Ok(())
            })
        })?;
        // What was not made was not started.
        assert_eq!(started, tally.survived + 1);
        assert!(always_told(tally, 1));
        assert!(is_last(mine));
        Ok(())
    }

    #[test]
    fn room_in_a_group() -> Result {
        let tally = refuse_each(|| Group::<Witness>::with_capacity(8, GFP_KERNEL))?;
        assert!(always_told(tally, 2));
        Ok(())
    }

    #[test]
    fn a_callback() -> Result {
        let cx = &mut MaySleep::assert();
        let event: Arc<Mutex<Event<u32>>> = Arc::pin_init(new_mutex!(new_event!(0)), GFP_KERNEL)?;
        let mine = witness()?;
        let tally = refuse_each(|| {
            let theirs = mine.clone();
            let callback = Callback::new(
                cx,
                c"memory_kunit",
                event.clone(),
                |event| event,
                |event| event,
                when(|value: &u32| *value > 0, |value| *value),
                move |_, _| drop(theirs),
            )?;
            let _ = callback.withdraw(cx);
            Ok(())
        })?;
        let waiting = event.lock_in(cx).waiters();
        assert!(always_told(tally, 2));
        assert_eq!(waiting, 0);
        assert!(is_last(mine) && is_last(event));
        Ok(())
    }

    #[test]
    fn a_provider() -> Result {
        let cx = &mut MaySleep::assert();
        let mine = witness()?;
        let mut closed = 0;
        let made = refuse_each(|| {
            Provider::new(cx, c"memory_kunit", mine.clone(), |(), _| ())?.close(cx);
            closed += 1;
            Ok(())
        })?;
        assert_eq!(closed, made.survived + 1);
        assert!(always_told(made, 2));
        assert!(is_last(mine));
        Ok(())
    }

    #[test]
    fn a_source() -> Result {
        let tally = refuse_each(|| -> Result<Pin<KBox<Credits>>> {
            KBox::pin_init(new_mutex!(new_source!(0, "memory_kunit")), GFP_KERNEL)
        })?;
        assert!(always_told(tally, 1));
        Ok(())
    }

    #[test]
    fn who_polls_is_told() -> Result {
        let cx = &mut MaySleep::assert();
        let poller = refuse_each(|| Poller::new(cx))?;
        // What pollers sleep on, which the first one makes, and the place for it in the file.
        let asked = refuse_each(|| {
            let source: Pin<KBox<Credits>> =
                KBox::pin_init(new_mutex!(new_source!(0, "memory_kunit")), GFP_KERNEL)?;
            let mut poller = Poller::new(cx)?;
            let seen = poller.ask(cx, |cx, table| {
                table.watch(cx, &source, |source| source, |_| Mask::NONE)
            });
            match seen {
                Mask::NONE => Ok(()),
                Mask::ERR => Err(ENOMEM),
                _ => Err(EINVAL),
            }
        })?;
        let all = asked.failed;
        assert!(poller.failed >= 2);
        assert!(always_told(asked, 3));
        assert!(all > poller.failed + 1);
        Ok(())
    }

    #[test]
    fn an_entry() -> Result {
        let mut made = 0;
        let tally = refuse_each(|| {
            let map: Pin<KBox<EntryMap<u64>>> = KBox::pin_init(new_entry_map!(), GFP_KERNEL)?;
            // Far from index 0: there are nodes above it.
            let index = 1 << 30;
            let done = map
                .try_at(index, Order::Pte, |_| Outcome::Insert(7))
                .map(drop);
            let mut seen = None;
            let _ = map.try_at(index, Order::Pte, |slot| {
                if let Slot::Unlocked(entry) = slot {
                    seen = Some(entry.value());
                }
                Outcome::Leave
            })?;
            made += u32::from(seen == Some(7));
            if done.is_ok() != (seen == Some(7)) {
                return Err(EINVAL);
            }
            done
        })?;
        assert_eq!(made, tally.survived + 1);
        assert!(always_told(tally, 3));
        Ok(())
    }

    #[test]
    fn an_entry_that_is_split() -> Result {
        let cx = &mut MaySleep::assert();
        let tally = refuse_each(|| {
            let map: Pin<KBox<EntryMap<u64>>> = KBox::pin_init(new_entry_map!(), GFP_KERNEL)?;
            let guard = map
                .try_at_in(cx, 512, Order::Pmd, |_| Outcome::InsertLocked(7))?
                .locked()
                .ok_or(EINVAL)?;
            let (split, order) = match guard.split(|index| index as u64) {
                Ok(()) => (Ok(()), Order::Pte),
                Err(refused) => {
                    // What could not be split is what it was.
                    refused.guard.unlock();
                    (Err(refused.error), Order::Pmd)
                }
            };
            let mut seen = None;
            let _ = map.try_at(513, Order::Pte, |slot| {
                if let Slot::Unlocked(entry) = slot {
                    seen = Some((entry.value(), entry.granule().order()));
                }
                Outcome::Leave
            })?;
            let value = if split.is_ok() { 513 } else { 7 };
            if seen != Some((value, order)) {
                return Err(EINVAL);
            }
            split
        })?;
        assert!(always_told(tally, 4));
        Ok(())
    }

    #[test]
    fn a_device() -> Result {
        let cx = &mut MaySleep::assert();
        let data = Arc::new(witness()?, GFP_KERNEL)?;
        let tally = refuse_each(|| {
            let device = Device::<Nothing>::register(cx, c"memory_kunit", data.clone())?;
            let _ = device.deregister(cx);
            Ok(())
        })?;
        pr_info!("{:?}\n", tally);
        // The kernel does without some of what it allocates for a device.
        assert!(tally.failed >= 3);
        assert!(is_last(data));
        Ok(())
    }

    /// At once: nobody comes later for what is left of it.
    #[test]
    fn a_device_that_is_not_made_keeps_nothing() -> Result {
        let cx = &mut MaySleep::assert();
        let dropped = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let (mut calls, mut late) = (0, 0);
        let tally = refuse_each(|| {
            calls += 1;
            let data = Arc::new(Counted(dropped.clone()), GFP_KERNEL)?;
            let device = Device::<Idle>::register(cx, c"memory_kunit", data)
                .inspect_err(|_| late += u32::from(dropped.load(Acquire) != calls))?;
            let _ = device.deregister(cx);
            Ok(())
        })?;
        pr_info!("{:?}\n", tally);
        assert!(tally.failed >= 3);
        assert_eq!(late, 0);
        Ok(())
    }

    /// The task of one that found no room in the ledger was there already.
    #[test]
    fn a_thread_that_cannot_be_made_leaves_no_task() -> Result {
        let cx = &mut MaySleep::assert();
        let tally = refuse_each(|| {
            let _ = Thread::spawn(cx, c"memory_unborn", |_cx, _stop| ())?.join(cx);
            Ok(())
        })?;
        // Who has exited may be on its way out.
        let gone = crate::suite::until(|| testing::tasks_named(c"memory_unborn") == 0);
        assert!(tally.failed >= 3);
        assert!(gone);
        Ok(())
    }
}
