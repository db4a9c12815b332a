// SPDX-License-Identifier: GPL-2.0

//! Who gets an entry, and who is woken: several tasks.

use kernel::prelude::*;

#[kunit_tests(baton_entry_map_wait)]
mod wait_tests {
    use crate::*;
    use baton::testing;
    use kernel::time::delay::udelay;

    const AT: (usize, Order) = (70, Order::Pte);

    #[test]
    fn unlock_hands_over_in_order() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let a = gate.start(cx, 0, Killable, AT, lock)?;
        let b = gate.start(cx, 1, Killable, AT, lock)?;
        let c = gate.start(cx, 2, Killable, AT, lock)?;
        let sleepers = gate.map.sleepers();
        drop(held);
        gate.join(cx, [a, b, c])?;
        assert_eq!(sleepers, 3);
        assert_eq!(gate.ends(), [End::Locked; 3]);
        assert_eq!(gate.order(), [0, 1, 2]);
        assert_eq!(gate.map.sleepers(), 0);
        assert_eq!(gate.try_at(70, Order::Pte, lock), End::Locked);
        Ok(())
    }

    #[test]
    fn nobody_overtakes_a_hand_over() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let a = gate.start_with(cx, 70, |gate, cx| {
            let at = gate.map.at(cx, Killable, 70, Order::Pte, lock);
            // The test's task tries in vain until it has seen that this one has the entry.
            let start = Instant::<Monotonic>::now();
            while gate.turns.load(Relaxed) == 0 && start.elapsed() < Delta::from_secs(10) {
                fsleep(Delta::from_micros(100));
            }
            gate.end(0, End::of(at));
        })?;
        // From here on the entry is the waiter's, whether it runs already or not.
        drop(held);
        let barged = gate.try_at(70, Order::Pte, lock);
        let waiting = gate.map.waiters(70);
        gate.turns.store(1, Relaxed);
        gate.join(cx, [a])?;
        assert_eq!(barged, End::Busy);
        assert_eq!(waiting, 0);
        assert_eq!(gate.ends(), [End::Locked]);
        Ok(())
    }

    /// Who marks it and unlocks it does so once.
    #[test]
    fn nobody_overtakes_a_hand_over_with_marks() -> Result {
        let cx = &mut MaySleep::assert();
        let unlocks: [fn(DetachedEntry<'_, u64>); 3] = [
            |held| held.unlock_marked(Mark::Dirty),
            |held| held.unlock_marked(Mark::ToWrite),
            |held| held.unlock_clean(),
        ];
        for unlock in unlocks {
            let gate = Gate::new()?;
            let held = gate.hold(cx, 70, Order::Pte)?;
            let a = gate.start_with(cx, 70, |gate, cx| {
                let at = gate.map.at(cx, Killable, 70, Order::Pte, lock);
                // The test's task tries in vain until it has seen that this one has the entry.
                let start = Instant::<Monotonic>::now();
                while gate.turns.load(Relaxed) == 0 && start.elapsed() < Delta::from_secs(10) {
                    fsleep(Delta::from_micros(100));
                }
                gate.end(0, End::of(at));
            })?;
            unlock(held);
            let barged = gate.try_at(70, Order::Pte, lock);
            gate.turns.store(1, Relaxed);
            gate.join(cx, [a])?;
            assert_eq!(barged, End::Busy);
            assert_eq!(gate.ends(), [End::Locked]);
            assert_eq!(gate.try_at(70, Order::Pte, lock), End::Locked);
        }
        Ok(())
    }

    /// The `dax` seed: B finds nothing, and C sleeps for ever.
    #[test]
    fn three_invalidators_of_one_entry() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let a = gate.start(cx, 0, Killable, AT, invalidate)?;
        let b = gate.start(cx, 1, Killable, AT, invalidate)?;
        let c = gate.start(cx, 2, Killable, AT, invalidate)?;
        drop(held);
        gate.join(cx, [a, b, c])?;
        assert_eq!(gate.ends(), [End::Removed, End::Left, End::Left]);
        assert_eq!(gate.peek(70), None);
        Ok(())
    }

    #[test]
    fn two_invalidators_and_a_fault() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let a = gate.start(cx, 0, Killable, AT, invalidate)?;
        let b = gate.start(cx, 1, Killable, AT, look)?;
        let c = gate.start(cx, 2, Killable, AT, fault)?;
        drop(held);
        gate.join(cx, [a, b, c])?;
        assert_eq!(gate.ends(), [End::Removed, End::Left, End::Locked]);
        assert_eq!(gate.peek(70), Some((7, Order::Pte, false)));
        Ok(())
    }

    #[test]
    fn whatever_a_waiter_does_passes_it_on() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let a = gate.start(cx, 0, Killable, AT, look)?;
        let b = gate.start(cx, 1, Killable, AT, |_| Outcome::Replace(4))?;
        let c = gate.start(cx, 2, Killable, AT, insert)?;
        let d = gate.start(cx, 3, Killable, AT, |_| Outcome::Replace(1 << 60))?;
        drop(held);
        gate.join(cx, [a, b, c, d])?;
        assert_eq!(
            gate.ends(),
            [End::Left, End::Stored, End::Invalid, End::Invalid]
        );
        assert_eq!(gate.peek(70), Some((4, Order::Pte, false)));
        Ok(())
    }

    #[test]
    fn a_closure_is_called_once_however_long_it_takes() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let a = gate.start_with(cx, 70, |gate, cx| {
            let mut calls = 0;
            let at = gate.map.at(cx, Killable, 70, Order::Pte, |slot| {
                calls += 1;
                lock(slot)
            });
            let end = End::of(at);
            gate.end(0, if calls == 1 { end } else { End::Other });
        })?;
        drop(held);
        gate.join(cx, [a])?;
        assert_eq!(gate.ends(), [End::Locked]);
        Ok(())
    }

    #[test]
    fn remove_lets_all_look_again() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let a = gate.start(cx, 0, Killable, AT, look)?;
        let b = gate.start(cx, 1, Killable, AT, insert)?;
        held.remove();
        gate.join(cx, [a, b])?;
        assert_eq!(gate.ends(), [End::Left, End::Locked]);
        Ok(())
    }

    /// Who waits has seen a part of the tree that is freed, and made anew, when the entry goes and comes.
    #[test]
    fn an_entry_that_comes_back_is_found() -> Result {
        let cx = &mut MaySleep::assert();
        let mut found = 0;
        // The waiter can look in between: each time may be the one.
        for _ in 0..64 {
            let gate = Gate::new()?;
            let held = gate.hold(cx, 70, Order::Pte)?;
            let a = gate.start_with(cx, 70, |gate, cx| {
                let entry = gate.map.lock(cx, Killable, 70);
                let end = match &entry {
                    Ok(Some(entry)) if entry.value() == 9 => End::Locked,
                    Ok(None) => End::Left,
                    _ => End::Other,
                };
                gate.end(0, end);
            })?;
            let section = testing::any_context(cx);
            held.remove();
            let back = gate.map.try_at(70, Order::Pte, |_| Outcome::Insert(9));
            drop(section);
            let back = End::of(back);
            gate.join(cx, [a])?;
            let [end] = gate.ends();
            assert_eq!(back, End::Stored);
            assert!(end == End::Locked || end == End::Left);
            found += usize::from(end == End::Locked);
        }
        assert!(found > 0);
        Ok(())
    }

    /// In C, those that wait by what they asked for and not by what they found (`23c84eb78375`) hang.
    #[test]
    fn all_indices_of_a_huge_entry_are_one_granule() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 512, Order::Pmd)?;
        let a = gate.start(cx, 0, Killable, (513, Order::Pte), lock)?;
        let b = gate.start(cx, 1, Killable, (700, Order::Pmd), lock)?;
        let c = gate.start(cx, 2, Killable, (1023, Order::Pte), invalidate)?;
        let waiters = [512, 777, 1023, 1024].map(|index| gate.map.waiters(index));
        drop(held);
        gate.join(cx, [a, b, c])?;
        assert_eq!(waiters, [3, 3, 3, 0]);
        assert_eq!(gate.ends(), [End::Locked, End::Locked, End::Removed]);
        assert_eq!(gate.order(), [0, 1, 2]);
        Ok(())
    }

    #[test]
    fn split_lets_all_look_again() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 512, Order::Pmd)?;
        // One of them wants the huge entry, which there is not any more.
        let a = gate.start(cx, 0, Killable, (512, Order::Pmd), insert)?;
        let b = gate.start(cx, 1, Killable, (600, Order::Pte), lock)?;
        let c = gate.start(cx, 2, Killable, (601, Order::Pte), invalidate)?;
        held.attach(cx).split(|_| 0)?;
        gate.join(cx, [a, b, c])?;
        assert_eq!(gate.ends(), [End::Invalid, End::Locked, End::Removed]);
        assert_eq!(gate.map.sleepers(), 0);
        Ok(())
    }

    #[test]
    fn maps_with_the_same_index_are_apart() -> Result {
        let cx = &mut MaySleep::assert();
        let (gate, other) = (Gate::new()?, Gate::new()?);
        let held = gate.hold(cx, 70, Order::Pte)?;
        let kept = other.hold(cx, 70, Order::Pte)?;
        let a = gate.start(cx, 0, Killable, AT, lock)?;
        let b = other.start(cx, 0, Killable, AT, lock)?;
        drop(held);
        gate.join(cx, [a])?;
        let waiting = other.map.waiters(70);
        drop(kept);
        other.join(cx, [b])?;
        assert_eq!(waiting, 1);
        assert_eq!((gate.ends(), other.ends()), ([End::Locked], [End::Locked]));
        Ok(())
    }

    #[test]
    fn a_signal_ends_an_interruptible_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let a = gate.start(cx, 0, Interruptible, AT, lock)?;
        let b = gate.start(cx, 1, Killable, AT, lock)?;
        // The killable one is not disturbed by it.
        b.interrupt();
        a.interrupt();
        gate.join(cx, [a])?;
        let waiting = (gate.map.waiters(70), gate.map.sleepers());
        drop(held);
        gate.join(cx, [b])?;
        assert_eq!(waiting, (1, 1));
        assert_eq!(gate.ends(), [End::Signal, End::Locked]);
        Ok(())
    }

    #[test]
    fn a_fatal_signal_ends_a_killable_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let a = gate.start(cx, 0, Killable, AT, lock)?;
        a.kill();
        gate.join(cx, [a])?;
        // The last one has gone, so the entry says that nobody waits, and is unlocked.
        let waiting = gate.map.waiters(70);
        drop(held);
        assert_eq!(waiting, 0);
        assert_eq!(gate.ends(), [End::Signal]);
        assert_eq!(gate.try_at(70, Order::Pte, lock), End::Locked);
        Ok(())
    }

    #[test]
    fn a_timeout_ends_a_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let end = End::of(gate.map.at(
            cx,
            Uninterruptible.timeout(msecs_to_jiffies(20)),
            70,
            Order::Pte,
            lock,
        ));
        let waiting = gate.map.sleepers();
        drop(held);
        assert_eq!(end, End::TimedOut);
        assert_eq!(waiting, 0);
        assert_eq!(gate.try_at(70, Order::Pte, lock), End::Locked);
        Ok(())
    }

    #[test]
    fn a_grant_wins_over_a_signal() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let a = gate.start(cx, 0, Interruptible, AT, lock)?;
        drop(held);
        a.interrupt();
        gate.join(cx, [a])?;
        assert_eq!(gate.ends(), [End::Locked]);
        Ok(())
    }

    /// The waiter has seen its signal, and spins for the lock under which it would leave, when it is
    /// granted the entry.
    #[test]
    fn a_grant_wins_over_a_signal_that_was_seen() -> Result {
        let cx = &mut MaySleep::assert();
        let (mut left, mut locked, mut free) = (0, 0, 0);
        for _ in 0..10 {
            let gate = Gate::new()?;
            let mut held = Some(gate.hold(cx, 70, Order::Pte)?);
            let a = gate.start(cx, 0, Interruptible, AT, lock)?;
            let inside = gate.map.try_at(71, Order::Pte, |_| {
                a.interrupt();
                for _ in 0..3 {
                    udelay(Delta::from_millis(1));
                }
                drop(held.take());
                Outcome::Leave
            });
            left += u32::from(End::of(inside) == End::Left);
            gate.join(cx, [a])?;
            locked += u32::from(gate.ends() == [End::Locked]);
            // It is nobody's afterwards.
            free += u32::from(gate.try_at(70, Order::Pte, lock) == End::Locked);
        }
        assert_eq!((left, locked, free), (10, 10, 10));
        Ok(())
    }

    /// `777c6c5f1f6e`: a waiter that was chosen and leaves by a signal must not take that along.
    #[test]
    fn a_signal_against_an_unlock_loses_nothing() -> Result {
        let cx = &mut MaySleep::assert();
        let mut signals = 0;
        let start = Instant::<Monotonic>::now();
        for round in 0..400 {
            let gate = Gate::new()?;
            let held = gate.hold(cx, 70, Order::Pte)?;
            let a = gate.start(cx, 0, Interruptible, AT, lock)?;
            let b = gate.start(cx, 1, Killable, AT, lock)?;
            if round % 2 == 0 {
                a.interrupt();
                drop(held);
            } else {
                drop(held);
                a.interrupt();
            }
            gate.join(cx, [a, b])?;
            let [first, second] = gate.ends();
            signals += u32::from(first == End::Signal);
            assert!(first == End::Signal || first == End::Locked);
            assert_eq!(second, End::Locked);
            assert_eq!(gate.map.sleepers(), 0);
            if start.elapsed() > Delta::from_millis(700) {
                break;
            }
        }
        pr_info!("signals that came first: {}\n", signals);
        Ok(())
    }

    #[test]
    fn another_task_unlocks() -> Result {
        let cx = &mut MaySleep::assert();
        let (gate, other) = (Gate::new()?, Gate::new()?);
        let held = gate.hold(cx, 70, Order::Pte)?;
        // A guard cannot be tied to a map that it does not belong to.
        let Err(held) = held.owned_by(other, |gate| &gate.map) else {
            return Err(EINVAL);
        };
        let Ok(mut held) = held.owned_by(gate.clone(), |gate| &gate.map) else {
            return Err(EINVAL);
        };
        let a = gate.start(cx, 0, Killable, AT, lock)?;
        held.set(11)?;
        let unlocker = Thread::spawn(cx, c"entry_unlocker", move |_, _| drop(held))?;
        gate.join(cx, [Visitor(Some(unlocker)), a])?;
        assert_eq!(gate.ends(), [End::Locked]);
        assert_eq!(gate.peek(70), Some((11, Order::Pte, false)));
        Ok(())
    }

    #[test]
    fn an_entry_that_keeps_its_map_does_what_others_do() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let mut entries = KVec::new();
        for index in [70, 71, 72] {
            let entry = gate.hold(cx, index, Order::Pte)?;
            let Ok(entry) = entry.owned_by(gate.clone(), |gate| &gate.map) else {
                return Err(EINVAL);
            };
            entries.push(entry, GFP_KERNEL)?;
        }
        let (third, second, first) = (entries.pop(), entries.pop(), entries.pop());
        let (Some(mut first), Some(second), Some(third)) = (first, second, third) else {
            return Err(EINVAL);
        };
        first.mark(Mark::ToWrite);
        let (value, base, marked) = (
            first.value(),
            first.granule().base(),
            first.is_marked(Mark::ToWrite),
        );
        drop(first);
        second.unlock_marked(Mark::Dirty);
        let removed = third.remove();
        assert_eq!((value, base, marked), (7, 70, true));
        assert_eq!(
            (gate.marks(70), gate.marks(71)),
            ((false, true), (true, false))
        );
        assert_eq!(removed, 7);
        assert_eq!(gate.peek(72), None);
        assert_eq!(gate.try_at(70, Order::Pte, lock), End::Locked);
        assert_eq!(gate.try_at(71, Order::Pte, lock), End::Locked);
        Ok(())
    }
}
