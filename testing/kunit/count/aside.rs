// SPDX-License-Identifier: GPL-2.0

//! What was set aside does not run: "every command that is busy has failed".

use super::*;

#[kunit_tests(baton_count_aside)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_what_runs_does_not_wait_for_what_failed() -> Result {
        let cx = &mut MaySleep::assert();
        let count = count()?;
        let (done, failed) = (count.up()?, count.up()?);
        let handler = Waiter::new(&count, 0, Killable, cx)?;
        let waits = until(|| count.waiters() == 1);
        let failed = failed.set_aside();
        let early = (count.get(), count.aside(), handler.got());
        done.down();
        let got = handler.join(cx);
        let late = (count.get(), count.aside());
        drop(failed);
        assert!(waits);
        assert_eq!((early, got, late), ((1, 1, 1), 0, (0, 1)));
        assert_eq!(count.aside(), 0);
        Ok(())
    }

    #[test]
    fn the_last_one_that_is_set_aside_tells() -> Result {
        let cx = &mut MaySleep::assert();
        let count = count()?;
        let counted = count.up()?;
        let handler = Waiter::new(&count, 0, Killable, cx)?;
        let waits = until(|| count.waiters() == 1);
        let aside = counted.set_aside();
        let got = handler.join(cx);
        drop(aside);
        assert!(waits);
        assert_eq!(got, 0);
        Ok(())
    }

    #[test]
    fn what_is_resumed_is_counted_again() -> Result {
        let count = count()?;
        let aside = count.up()?.set_aside();
        let none = (count.get(), count.aside());
        let counted = aside.resume().map_err(|_| EINVAL)?;
        let one = (count.get(), count.aside());
        counted.down();
        assert_eq!((none, one), ((0, 1), (1, 0)));
        assert_eq!(count.get(), 0);
        Ok(())
    }

    /// What was set aside outlives the count, and is not counted by anything then.
    #[test]
    fn what_is_resumed_too_late_comes_back() -> Result {
        let count = count()?;
        let (aside, counted) = (count.up()?.set_aside(), count.up()?);
        drop(count);
        let early = aside.resume();
        let refused = early.is_err();
        counted.down();
        let late = early
            .map(Counted::down)
            .or_else(|aside| aside.resume().map(Counted::down));
        assert!(refused && late.is_err());
        Ok(())
    }
}
