// SPDX-License-Identifier: GPL-2.0

//! What is noted, and since when: the switch, and the room in the table.

use super::{
    entries::{
        locked,
        locker,
        map, //
    },
    look::{
        asleep,
        look,
        until, //
    },
};
use baton::{
    registry::{
        self,
        Report, //
    },
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::Atomic,
        Arc, //
    },
    time::{
        Instant,
        Monotonic, //
    },
};

#[kunit_tests(baton_registry_switch)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let map = map()?;
        let mut guards = KVec::new();
        for index in 0..2 * registry::ROWS {
            guards.push(locked(&map, cx, index)?, GFP_KERNEL)?;
        }
        let lost = Report::new(cx)?.lost();
        drop(guards);
        // The rows are free again.
        let guard = locked(&map, cx, 0)?;
        let after = Report::new(cx)?.lost();
        drop(guard);
        registry::switch(cx, false);

        assert!(lost >= registry::ROWS as u64);
        assert_eq!(after, lost);
        Ok(())
    }

    #[test]
    fn nothing_is_noted_while_it_is_off() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, false);
        let (map, go) = (map()?, Arc::new(Atomic::new(1), GFP_KERNEL)?);
        let guard = locked(&map, cx, 7)?;
        let thread = locker(cx, &map, 7, &go)?;
        let pid = thread.task().pid();
        let waits = until(|| map.waiters(7) == 1);
        let off = look(cx, pid);
        // What was before is not known afterwards either, and does no harm.
        registry::switch(cx, true);
        let on = look(cx, pid);
        guard.unlock();
        let _ = thread.join(cx);
        registry::switch(cx, false);

        assert!(waits);
        assert!(off.is_none());
        assert!(on.is_none());
        Ok(())
    }

    #[test]
    fn who_sleeps_while_it_goes_off_is_forgotten_in_time() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let (map, go) = (map()?, Arc::new(Atomic::new(1), GFP_KERNEL)?);
        let guard = locked(&map, cx, 7)?;
        let thread = locker(cx, &map, 7, &go)?;
        let pid = thread.task().pid();
        let before = asleep(cx, &thread);
        registry::switch(cx, false);
        let off = look(cx, pid);
        guard.unlock();
        let _ = thread.join(cx);
        let after = look(cx, pid);

        assert_eq!(before.ok_or(ENOENT)?.owed, 1);
        // Its record is on its stack until it wakes up; what is owed is forgotten.
        assert_eq!(off.ok_or(ENOENT)?.owed, 0);
        assert!(after.is_none());
        Ok(())
    }

    #[test]
    fn a_report_says_since_when_it_notes() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, false);
        let off = Report::new(cx)?.on_for();
        let before = Instant::<Monotonic>::now();
        registry::switch(cx, true);
        let first = Report::new(cx)?.on_for();
        let limit = before.elapsed();
        // It is on already: the time goes on.
        registry::switch(cx, true);
        let second = Report::new(cx)?.on_for();
        registry::switch(cx, false);

        assert!(off.is_none());
        let (first, second) = (first.ok_or(ENOENT)?, second.ok_or(ENOENT)?);
        assert!(first <= limit);
        assert!(second >= first);
        Ok(())
    }

    #[test]
    fn only_0_and_1_switch_it() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, false);
        for text in [&b""[..], b"2", b"on", b"10", b"0 1", b"-1", b"1\0"] {
            assert_eq!(registry::set(cx, text), Err(EINVAL));
            assert!(!registry::is_on());
        }
        assert_eq!(registry::set(cx, b"1\n"), Ok(()));
        assert!(registry::is_on());
        assert_eq!(registry::set(cx, b"11"), Err(EINVAL));
        assert!(registry::is_on());
        assert_eq!(registry::set(cx, b" 0 "), Ok(()));
        assert!(!registry::is_on());
        Ok(())
    }
}
