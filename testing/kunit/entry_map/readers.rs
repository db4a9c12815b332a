// SPDX-License-Identifier: GPL-2.0

//! Entries that are shared: who comes in, who waits, and who is next.

use kernel::prelude::*;

#[kunit_tests(baton_entry_map_shared)]
mod shared_tests {
    use crate::*;
    use baton::{
        entry_map::DetachedSharedEntry,
        Level, //
    };

    const AT: (usize, Order) = (70, Order::Pte);

    /// Sleeps, as one who shares an entry may.
    fn fsleep_in<L: Level>(_cx: &mut MaySleep<L>) {
        fsleep(Delta::from_micros(100));
    }

    /// Shares the entry at 70, which is there.
    fn share(gate: &Gate) -> Result<DetachedSharedEntry<'_, u64>> {
        gate.map.try_lock_shared(70)?.ok_or(ENOENT)
    }

    /// Starts a thread that shares the entry at 70, and returns once it waits for that.
    fn reader(gate: &Arc<Gate>, cx: &mut MaySleep, id: usize) -> Result<Visitor> {
        gate.start_with(cx, 70, move |gate, cx| {
            match gate.map.lock_shared(cx, Killable, 70) {
                Ok(Some(_shared)) => gate.end(id, End::Locked),
                Ok(None) => gate.end(id, End::Left),
                Err(e) => gate.end(id, End::of::<()>(Err(e))),
            }
        })
    }

    #[test]
    fn several_share_an_entry_and_nobody_owns_it() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        for index in [0, 70] {
            gate.put(index, 5, true)?;
            let one = gate.map.try_lock_shared(index)?.ok_or(ENOENT)?;
            let mut other = gate.map.lock_shared(cx, Killable, index)?.ok_or(ENOENT)?;
            fsleep_in(other.inner());
            let (owner, visit) = (
                gate.map.try_lock(index).err(),
                gate.try_at(index, Order::Pte, lock),
            );
            assert_eq!((one.value(), other.value()), (5, 5));
            assert!(one.is_marked(Mark::Dirty) && !one.is_zero());
            assert_eq!((owner, visit), (Some(EAGAIN), End::Busy));
            drop(one);
            assert_eq!(gate.try_at(index, Order::Pte, lock), End::Busy);
            other.unlock();
            assert_eq!(gate.try_at(index, Order::Pte, lock), End::Locked);
            assert_eq!(gate.peek(index), Some((5, Order::Pte, false)));
        }
        assert!(gate.map.try_lock_shared(5)?.is_none());
        Ok(())
    }

    #[test]
    fn an_owned_entry_is_shared_by_nobody() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let refused = gate.map.try_lock_shared(70).err();
        let a = reader(&gate, cx, 0)?;
        drop(held);
        gate.join(cx, [a])?;
        assert_eq!(refused, Some(EAGAIN));
        assert_eq!(gate.ends(), [End::Locked]);
        assert_eq!(gate.try_at(70, Order::Pte, lock), End::Locked);
        Ok(())
    }

    /// Readers do not starve a writer: who comes behind it waits.
    #[test]
    fn who_waits_to_own_it_comes_first() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        gate.put(70, 5, false)?;
        let (one, other) = (share(&gate)?, share(&gate)?);
        let a = gate.start(cx, 0, Killable, AT, lock)?;
        let late = gate.map.try_lock_shared(70).err();
        let b = reader(&gate, cx, 1)?;
        drop(one);
        let waiting = gate.map.waiters(70);
        drop(other);
        gate.join(cx, [a, b])?;
        assert_eq!((late, waiting), (Some(EAGAIN), 2));
        assert_eq!(gate.ends(), [End::Locked, End::Locked]);
        assert_eq!(gate.order(), [0, 1]);
        assert_eq!(gate.map.sleepers(), 0);
        Ok(())
    }

    #[test]
    fn an_owner_hands_over_to_all_readers_up_to_the_next_owner() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let a = gate.start_with(cx, 70, |gate, cx| {
            let shared = gate.map.lock_shared(cx, Killable, 70);
            // Until the other one shares it as well.
            let start = Instant::<Monotonic>::now();
            while gate.turns.load(Relaxed) == 0 && start.elapsed() < Delta::from_secs(10) {
                fsleep(Delta::from_micros(100));
            }
            let end = if shared.is_ok() {
                End::Locked
            } else {
                End::Other
            };
            gate.end(0, end);
        })?;
        let b = reader(&gate, cx, 1)?;
        let c = gate.start(cx, 2, Killable, AT, lock)?;
        let d = reader(&gate, cx, 3)?;
        drop(held);
        gate.join(cx, [a, b, c, d])?;
        assert_eq!(gate.ends(), [End::Locked; 4]);
        assert_eq!(gate.order(), [1, 0, 2, 3]);
        assert_eq!(gate.try_at(70, Order::Pte, lock), End::Locked);
        Ok(())
    }

    #[test]
    fn who_gives_up_lets_those_behind_it_in() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        gate.put(70, 5, false)?;
        let one = share(&gate)?;
        let a = gate.start(cx, 0, Interruptible, AT, lock)?;
        let b = reader(&gate, cx, 1)?;
        a.interrupt();
        // It is shared still, and the other one comes in.
        let joined = gate.join(cx, [a, b]);
        drop(one);
        joined?;
        assert_eq!(gate.ends(), [End::Signal, End::Locked]);
        assert_eq!(gate.try_at(70, Order::Pte, lock), End::Locked);
        assert_eq!(gate.map.sleepers(), 0);
        Ok(())
    }

    #[test]
    fn a_removal_waits_for_readers_and_tells_who_waits() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        gate.put(70, 5, false)?;
        let one = share(&gate)?;
        let a = gate.start(cx, 0, Killable, AT, invalidate)?;
        let b = reader(&gate, cx, 1)?;
        drop(one);
        gate.join(cx, [a, b])?;
        assert_eq!(gate.ends(), [End::Removed, End::Left]);
        assert_eq!(gate.peek(70), None);
        Ok(())
    }

    #[test]
    fn there_are_1023_readers_at_most() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        gate.put(70, 5, false)?;
        let mut readers = KVec::with_capacity(1023, GFP_KERNEL)?;
        for _ in 0..1023 {
            readers.push(share(&gate)?, GFP_KERNEL)?;
        }
        let refused = gate.map.try_lock_shared(70).err();
        let a = reader(&gate, cx, 0)?;
        let last = readers.pop();
        drop(readers);
        drop(last);
        gate.join(cx, [a])?;
        assert_eq!(refused, Some(EAGAIN));
        assert_eq!(gate.ends(), [End::Locked]);
        assert_eq!(gate.peek(70), Some((5, Order::Pte, false)));
        Ok(())
    }

    #[test]
    fn a_forgotten_reader_is_reported() -> Result {
        let map = KBox::pin_init(new_entry_map!(), GFP_KERNEL)?;
        let mut map: Pin<KBox<EntryMap<u64>>> = map;
        let _ = map.try_at(70, Order::Pte, |_| Outcome::Insert(5))?;
        core::mem::forget(map.try_lock_shared(70)?);
        assert_eq!(map.try_lock(70).err(), Some(EAGAIN));
        assert!(map.try_lock_shared(70)?.is_some());
        assert_eq!(map.as_mut().clear(|_, _| ()), 1);
        Ok(())
    }
}
