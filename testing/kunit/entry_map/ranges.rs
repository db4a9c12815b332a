// SPDX-License-Identifier: GPL-2.0

//! Operations on ranges.

use kernel::prelude::*;

#[kunit_tests(baton_entry_map_range)]
mod range_tests {
    use crate::*;
    use baton::entry_map::Entry;
    use core::ops::Bound;

    /// 70, 75 (dirty), the huge one at 512, 1024 (dirty).
    fn filled() -> Result<Arc<Gate>> {
        let gate = Gate::new()?;
        gate.put(70, 1, false)?;
        gate.put(75, 2, true)?;
        assert_eq!(
            gate.try_at(512, Order::Pmd, |_| Outcome::Insert(4)),
            End::Stored
        );
        gate.put(1024, 8, true)?;
        Ok(gate)
    }

    #[test]
    fn invalidate_removes_what_the_range_touches() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = filled()?;
        let mut seen = (0, 0);
        let count = gate
            .map
            .invalidate(cx, Uninterruptible, 71..600, |_, granule, value| {
                seen = (seen.0 + granule.base(), seen.1 + value);
            })?;
        assert_eq!((count, seen), (2, (75 + 512, 2 + 4)));
        assert_eq!(gate.peek(70), Some((1, Order::Pte, false)));
        assert_eq!(gate.peek(1000), None);
        let empty = gate
            .map
            .invalidate(cx, Uninterruptible, 0..0, |_, _, _| ())?;
        assert_eq!(empty, 0);
        let rest = gate.map.invalidate(cx, Uninterruptible, .., |_, _, _| ())?;
        assert_eq!(rest, 2);
        Ok(())
    }

    #[test]
    fn a_range_is_what_its_bounds_say() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let last = usize::MAX;
        for index in [0, 5, 6, 7, 8, last - 1, last] {
            gate.put(index, 1, false)?;
        }
        let mut seen = |range: (Bound<usize>, Bound<usize>)| -> Result<(usize, usize)> {
            let (mut count, mut first) = (0, 0);
            gate.map.scan(cx, Uninterruptible, range, |entry| {
                if count == 0 {
                    first = entry.granule().base();
                }
                count += 1;
                ControlFlow::<()>::Continue(())
            })?;
            Ok((count, first))
        };
        let included = seen((Bound::Included(6), Bound::Included(8)))?;
        let excluded = seen((Bound::Excluded(6), Bound::Excluded(8)))?;
        let from = seen((Bound::Included(last), Bound::Unbounded))?;
        let behind = seen((Bound::Excluded(last), Bound::Unbounded))?;
        let to = seen((Bound::Unbounded, Bound::Excluded(last)))?;
        let before = seen((Bound::Unbounded, Bound::Excluded(0)))?;
        let all = seen((Bound::Unbounded, Bound::Unbounded))?;
        let reversed = seen((Bound::Included(8), Bound::Included(6)))?;
        assert_eq!((included, excluded), ((3, 6), (1, 7)));
        assert_eq!((from, behind), ((1, last), (0, 0)));
        assert_eq!((to, before), ((6, 0), (0, 0)));
        assert_eq!((all, reversed), ((7, 0), (0, 0)));
        Ok(())
    }

    #[test]
    fn invalidate_clean_leaves_what_is_marked() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = filled()?;
        gate.take(cx, 80, Order::Pte)?.unlock_marked(Mark::ToWrite);
        let count = gate
            .map
            .invalidate_clean(cx, Uninterruptible, .., |_, _, _| ())?;
        assert_eq!(count, 2);
        assert_eq!(gate.peek(80), Some((7, Order::Pte, false)));
        assert_eq!(gate.peek(75), Some((2, Order::Pte, false)));
        assert_eq!(gate.peek(1024), Some((8, Order::Pte, false)));
        Ok(())
    }

    #[test]
    fn invalidate_waits_for_a_locked_entry() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = filled()?;
        let held = gate.hold(cx, 512, Order::Pte)?;
        let thread = gate.start_with(cx, 512, |gate, cx| {
            let count = gate.map.invalidate(cx, Killable, .., |_, _, _| ());
            gate.end(
                0,
                if count == Ok(4) {
                    End::Removed
                } else {
                    End::Other
                },
            );
        })?;
        // What is before it is gone already.
        let before = gate.peek(75);
        drop(held);
        gate.join(cx, [thread])?;
        assert_eq!(before, None);
        assert_eq!(gate.ends(), [End::Removed]);
        assert_eq!(gate.peek(1024), None);
        Ok(())
    }

    /// The entry of index 0 goes from a node into the head while it is waited for.
    #[test]
    fn what_was_waited_for_is_found_when_the_tree_has_changed() -> Result {
        const FAR: usize = 1 << 30;

        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        gate.put(FAR, 1, false)?;
        let held = gate.hold(cx, 0, Order::Pte)?;
        let thread = gate.start_with(cx, 0, |gate, cx| {
            let mut sum = 0;
            let count = gate
                .map
                .invalidate(cx, Killable, .., |_, _, value| sum += value);
            let it = (count, sum) == (Ok(1), 7);
            gate.end(0, if it { End::Removed } else { End::Other });
        })?;
        let far = gate.try_at(FAR, Order::Pte, invalidate);
        drop(held);
        gate.join(cx, [thread])?;
        assert_eq!(far, End::Removed);
        assert_eq!(gate.ends(), [End::Removed]);
        // It is not locked by anybody either.
        assert_eq!(gate.try_at(0, Order::Pte, look), End::Left);
        assert_eq!(gate.peek(0), None);
        Ok(())
    }

    /// Each of them would be waited for in less than that.
    fn the_time_is_that_of_all(
        cx: &mut MaySleep,
        limited: impl FnOnce(&Gate, &mut MaySleep) -> Result<usize> + Send + 'static,
    ) -> Result {
        const ENTRIES: usize = 20;

        let gate = Gate::new()?;
        let mut held = KVec::with_capacity(ENTRIES, GFP_KERNEL)?;
        for index in 0..ENTRIES {
            let mut entry = gate.hold(cx, index, Order::Pte)?;
            entry.mark(Mark::Dirty);
            held.push(entry, GFP_KERNEL)?;
        }
        let thread = gate.start_with(cx, 0, move |gate, cx| {
            let timed_out = limited(gate, cx) == Err(ETIMEDOUT);
            gate.end(0, if timed_out { End::TimedOut } else { End::Other });
        })?;
        for (index, entry) in held.into_iter().enumerate() {
            let start = Instant::<Monotonic>::now();
            while gate.map.waiters(index) == 0
                && gate.turns.load(Relaxed) == 0
                && start.elapsed() < Delta::from_secs(10)
            {
                fsleep(Delta::from_micros(100));
            }
            if gate.turns.load(Relaxed) == 0 {
                fsleep(Delta::from_millis(30));
            }
            drop(entry);
        }
        gate.join(cx, [thread])?;
        assert_eq!(gate.ends(), [End::TimedOut]);
        Ok(())
    }

    fn all_of_them() -> Timeout<Killable> {
        Killable.timeout(msecs_to_jiffies(100))
    }

    #[test]
    fn the_time_of_invalidate_is_that_of_all() -> Result {
        let cx = &mut MaySleep::assert();
        the_time_is_that_of_all(cx, |gate, cx| {
            gate.map.invalidate(cx, all_of_them(), .., |_, _, _| ())
        })
    }

    #[test]
    fn the_time_of_scan_is_that_of_all() -> Result {
        let cx = &mut MaySleep::assert();
        the_time_is_that_of_all(cx, |gate, cx| {
            let look = |_: &Entry<u64>| ControlFlow::<()>::Continue(());
            gate.map.scan(cx, all_of_them(), .., look).map(|_| 0)
        })
    }

    #[test]
    fn the_time_of_write_back_is_that_of_all() -> Result {
        let cx = &mut MaySleep::assert();
        the_time_is_that_of_all(cx, |gate, cx| {
            let _ = gate.map.write_back(cx, all_of_them(), .., |_| Ok(()))?;
            Ok(0)
        })
    }

    #[test]
    fn a_signal_ends_invalidate() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = filled()?;
        let held = gate.hold(cx, 512, Order::Pte)?;
        let thread = gate.start_with(cx, 512, |gate, cx| {
            let count = gate.map.invalidate(cx, Interruptible, .., |_, _, _| ());
            let signal = count == Err(ERESTARTSYS);
            gate.end(0, if signal { End::Signal } else { End::Other });
        })?;
        thread.interrupt();
        gate.join(cx, [thread])?;
        drop(held);
        assert_eq!(gate.ends(), [End::Signal]);
        assert_eq!(gate.peek(512), Some((4, Order::Pmd, false)));
        Ok(())
    }

    #[test]
    fn scan_visits_in_order_and_breaks() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = filled()?;
        let (mut last, mut sum, mut ordered) = (None, 0, true);
        let end = gate
            .map
            .scan(cx, Uninterruptible, .., |entry| -> ControlFlow<()> {
                ordered &= last < Some(entry.granule().base());
                last = Some(entry.granule().base());
                sum += entry.value();
                ControlFlow::Continue(())
            })?;
        assert_eq!((end, sum, ordered), (None, 15, true));
        let mut asked = 0;
        let found = gate.map.scan(cx, Uninterruptible, 76.., |entry| {
            asked += 1;
            if entry.value() == 4 {
                ControlFlow::Break(entry.granule().base())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        assert_eq!((found, asked), (Some(512), 1));
        Ok(())
    }

    /// Holder, invalidator, scanner, fault: the fourth hanging population of the `dax` seed.
    #[test]
    fn scan_passes_on_what_it_was_handed() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let at = (70, Order::Pte);
        let scanner = gate.start_with(cx, 70, |gate, cx| {
            let end = gate
                .map
                .scan(cx, Killable, .., |_| ControlFlow::<()>::Continue(()));
            gate.end(
                0,
                if end == Ok(None) {
                    End::Left
                } else {
                    End::Other
                },
            );
        })?;
        let a = gate.start(cx, 1, Killable, at, invalidate)?;
        let b = gate.start(cx, 2, Killable, at, fault)?;
        drop(held);
        gate.join(cx, [scanner, a, b])?;
        assert_eq!(gate.ends(), [End::Left, End::Removed, End::Locked]);
        Ok(())
    }

    #[test]
    fn write_back_writes_what_is_dirty() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = filled()?;
        gate.take(cx, 600, Order::Pte)?.unlock_marked(Mark::Dirty);
        let mut written = 0;
        let count = gate.map.write_back(cx, Uninterruptible, .., |entry| {
            written += entry.value();
            entry.set(entry.value() + 100)
        })?;
        assert_eq!((count, written), (3, 2 + 4 + 8));
        assert_eq!(gate.peek(75), Some((102, Order::Pte, false)));
        let marks = [75, 512, 1024].map(|index| gate.marks(index));
        assert_eq!(marks, [(false, false); 3]);
        let again = gate.map.write_back(cx, Uninterruptible, .., |_| Ok(()))?;
        assert_eq!(again, 0);
        Ok(())
    }

    /// More than are marked under the lock at a time, with gaps, and with clean ones between them.
    #[test]
    fn write_back_goes_beyond_its_batch() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let last = 3 * 200;
        for index in 0..=last {
            gate.put(index, 1, index % 3 == 0)?;
        }
        let (mut written, mut ordered, mut next) = (0, true, 0);
        let count = gate.map.write_back(cx, Uninterruptible, ..=last, |entry| {
            ordered &= entry.granule().base() == next;
            next += 3;
            written += entry.value();
            Ok(())
        })?;
        let mut marked = 0;
        for index in 0..=last {
            marked += usize::from(gate.marks(index) != (false, false));
        }
        assert_eq!((count, written), (201, 201));
        assert!(ordered);
        assert_eq!(marked, 0);
        Ok(())
    }

    /// What is written has its marks until it has been written.
    #[test]
    fn write_back_clears_the_marks_afterwards() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = filled()?;
        let mut marks = (true, true, 0);
        gate.map.write_back(cx, Uninterruptible, .., |entry| {
            marks.0 &= entry.is_marked(Mark::Dirty);
            marks.1 &= entry.is_marked(Mark::ToWrite);
            marks.2 += 1;
            Ok(())
        })?;
        assert_eq!(marks, (true, true, 2));
        assert_eq!(gate.marks(75), (false, false));
        Ok(())
    }

    #[test]
    fn what_becomes_dirty_meanwhile_is_not_written() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = filled()?;
        let mut calls = 0;
        let count = gate.map.write_back(cx, Uninterruptible, .., |_| {
            calls += 1;
            gate.put(2000 + calls, 1, true)
        })?;
        assert_eq!((count, calls), (2, 2));
        assert_eq!(gate.marks(2001), (true, false));
        assert_eq!(gate.marks(2002), (true, false));
        Ok(())
    }

    #[test]
    fn write_back_keeps_the_marks_on_an_error() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = filled()?;
        let result = gate.map.write_back(cx, Uninterruptible, .., |entry| {
            if entry.value() == 8 {
                Err(EIO)
            } else {
                Ok(())
            }
        });
        assert_eq!(result, Err(EIO));
        assert_eq!(gate.marks(75), (false, false));
        assert!(gate.marks(1024).0);
        let again = gate.map.write_back(cx, Uninterruptible, .., |_| Ok(()))?;
        assert_eq!(again, 1);

        // Those behind it are not written any more.
        let gate = filled()?;
        let mut calls = 0;
        let result = gate.map.write_back(cx, Uninterruptible, .., |_| {
            calls += 1;
            Err(EIO)
        });
        assert_eq!((result, calls), (Err(EIO), 1));
        assert!(gate.marks(75).0 && gate.marks(1024).0);
        assert_eq!(gate.try_at(75, Order::Pte, lock), End::Locked);
        let again = gate.map.write_back(cx, Uninterruptible, .., |_| Ok(()))?;
        assert_eq!(again, 2);
        Ok(())
    }

    #[test]
    fn what_is_outside_of_the_range_is_not_written() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = filled()?;
        gate.put(40, 1, true)?;
        let mut written = 0;
        let count = gate
            .map
            .write_back(cx, Uninterruptible, 41..1024, |entry| {
                written += entry.value();
                Ok(())
            })?;
        assert_eq!((count, written), (1, 2));
        let outside = (gate.marks(40), gate.marks(1024));
        assert_eq!(outside, ((true, false), (true, false)));
        Ok(())
    }

    #[test]
    fn write_back_waits_for_what_is_dirty_and_locked() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = filled()?;
        let held = gate.hold(cx, 75, Order::Pte)?;
        let thread = gate.start_with(cx, 75, |gate, cx| {
            let mut written = 0;
            let count = gate.map.write_back(cx, Killable, .., |entry| {
                written += entry.value();
                Ok(())
            });
            let both = (count, written) == (Ok(2), 2 + 8);
            gate.end(0, if both { End::Stored } else { End::Other });
        })?;
        // It has a mark already, and those behind it, too.
        let marks = (held.is_marked(Mark::ToWrite), gate.marks(1024));
        drop(held);
        gate.join(cx, [thread])?;
        assert_eq!(marks, (true, (true, true)));
        assert_eq!(gate.ends(), [End::Stored]);
        assert_eq!(
            (gate.marks(75), gate.marks(1024)),
            ((false, false), (false, false))
        );
        Ok(())
    }

    #[test]
    fn a_second_writer_waits_for_the_first() -> Result {
        let (cx, other) = (&mut MaySleep::assert(), &mut MaySleep::assert());
        let gate = filled()?;
        let mut second = None;
        let count = gate.map.write_back(cx, Uninterruptible, 1024.., |entry| {
            let index = entry.granule().base();
            second = Some(gate.start_with(other, index, |gate, cx| {
                let count = gate.map.write_back(cx, Killable, 1024.., |_| Ok(()));
                gate.end(
                    0,
                    if count == Ok(0) {
                        End::Left
                    } else {
                        End::Other
                    },
                );
            })?);
            gate.end(1, End::Stored);
            Ok(())
        })?;
        gate.join(cx, [second.ok_or(EINVAL)?])?;
        assert_eq!(count, 1);
        assert_eq!(gate.ends(), [End::Left, End::Stored]);
        assert_eq!(gate.order(), [1, 0]);
        Ok(())
    }
}
