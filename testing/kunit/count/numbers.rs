// SPDX-License-Identifier: GPL-2.0

//! Who waits for which number, and who is told by whom.

use super::*;

#[kunit_tests(baton_count_numbers)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_ends_at_its_number() -> Result {
        let cx = &mut MaySleep::assert();
        let count = count()?;
        let mut counted = up(&count, 3)?;
        let waiter = Waiter::new(&count, 1, Killable, cx)?;
        let waits = until(|| count.waiters() == 1);
        counted.pop();
        let early = (waiter.got(), count.waiters());
        counted.pop();
        // Who counts down takes it off at once.
        let left = count.waiters();
        let got = waiter.join(cx);
        assert!(waits);
        assert_eq!((early, left, got), ((1, 1), 0, 0));
        assert_eq!(count.get(), 1);
        Ok(())
    }

    #[test]
    fn a_number_that_is_reached_is_not_waited_for() -> Result {
        let cx = &mut MaySleep::assert();
        let count = count()?;
        let counted = up(&count, 2)?;
        let ended = [
            count.wait_for(cx, 2, limited()),
            count.wait_for(cx, 3, limited()),
            count.wait_for(cx, u32::MAX, limited()),
        ];
        drop(counted);
        assert_eq!(ended, [Ok(()), Ok(()), Ok(())]);
        Ok(())
    }

    /// Each is told when it is its number, and no earlier.
    #[test]
    fn several_wait_for_different_numbers() -> Result {
        let cx = &mut MaySleep::assert();
        let count = count()?;
        let mut counted = up(&count, 4)?;
        let mut waiters = KVec::new();
        for most in [1, 3, 0, 2] {
            waiters.push(Waiter::new(&count, most, Killable, cx)?, GFP_KERNEL)?;
        }
        let wait = until(|| count.waiters() == 4);
        let mut left = [0; 4];
        for left in &mut left {
            counted.pop();
            *left = count.waiters();
        }
        let mut got = [1; 4];
        for (got, waiter) in got.iter_mut().zip(waiters) {
            *got = waiter.join(cx);
        }
        assert!(wait);
        assert_eq!((left, got), ([3, 2, 1, 0], [0; 4]));
        Ok(())
    }

    /// It falls past the number of the one and to that of the other.
    #[test]
    fn several_are_told_at_once() -> Result {
        let cx = &mut MaySleep::assert();
        let count = count()?;
        let mut counted = up(&count, 2)?;
        let one = Waiter::new(&count, 1, Killable, cx)?;
        let other = Waiter::new(&count, 1, Killable, cx)?;
        let last = Waiter::new(&count, 0, Killable, cx)?;
        let wait = until(|| count.waiters() == 3);
        counted.pop();
        let left = count.waiters();
        counted.pop();
        let got = (one.join(cx), other.join(cx), last.join(cx));
        assert!(wait);
        assert_eq!((left, got), (1, (0, 0, 0)));
        Ok(())
    }

    /// Who has given up is not asked for any more, and the others still are.
    #[test]
    fn who_gives_up_takes_its_number_along() -> Result {
        let cx = &mut MaySleep::assert();
        let count = count()?;
        let mut counted = up(&count, 3)?;
        let patient = Waiter::new(&count, 1, Killable, cx)?;
        let hasty = Waiter::new(&count, 2, Interruptible, cx)?;
        let wait = until(|| count.waiters() == 2);
        let asked = count.asks_for();
        hasty.thread.interrupt();
        let ends = hasty.ends();
        let (left, asks) = (count.waiters(), count.asks_for());
        counted.pop();
        counted.pop();
        let nothing = count.asks_for();
        let got = (hasty.join(cx), patient.join(cx));
        counted.pop();
        assert!(wait && ends);
        assert_eq!((asked, left, asks), (Some(2), 1, Some(1)));
        assert_eq!(got, (ERESTARTSYS.to_errno(), 0));
        assert_eq!(nothing, None);
        Ok(())
    }

    /// What is counted up meanwhile is waited for as well.
    #[test]
    fn it_is_a_level() -> Result {
        let cx = &mut MaySleep::assert();
        let count = count()?;
        let mut counted = up(&count, 2)?;
        let waiter = Waiter::new(&count, 1, Killable, cx)?;
        let waits = until(|| count.waiters() == 1);
        counted.push(count.up()?, GFP_KERNEL)?;
        counted.pop();
        let early = (waiter.got(), count.waiters());
        counted.pop();
        let got = waiter.join(cx);
        drop(counted);
        assert!(waits);
        assert_eq!((early, got), ((1, 1), 0));
        Ok(())
    }

    #[test]
    fn a_throttle_lets_pass_when_there_is_room() -> Result {
        let cx = &mut MaySleep::assert();
        let count = count()?;
        let mut counted = up(&count, 2)?;
        let peak = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let mut threads = KVec::new();
        for _ in 0..4 {
            let (count, peak) = (count.clone(), peak.clone());
            let thread = Thread::spawn(cx, c"count_kunit", move |cx, _| {
                for _ in 0..50 {
                    if let Ok(counted) = count.up_when(cx, 1, limited()) {
                        let there = count.get();
                        peak.fetch_add(u32::from(there > 2), Relaxed);
                        counted.down();
                    }
                }
            })?;
            threads.push(thread, GFP_KERNEL)?;
        }
        let wait = until(|| count.waiters() == 4);
        counted.pop();
        let mut joined = true;
        for thread in threads {
            joined &= thread.join(cx).is_ok();
        }
        let left = count.get();
        drop(counted);
        assert!(wait && joined);
        assert_eq!((left, peak.load(Relaxed)), (1, 0));
        Ok(())
    }
}
