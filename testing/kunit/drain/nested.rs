// SPDX-License-Identifier: GPL-2.0

//! The gate, shut by several tasks together.

use super::{
    drain,
    join,
    limited,
    until,
    Step, //
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
    MaySleep,
    Thread, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Release, //
        },
        Arc, //
    }, //
};

/// Shuts the gate with others, in a thread: it waits for the drain at once, has it at step 1, and lets go at
/// step 2. The last value is what the wait has returned.
fn together(drain: &Arc<Drain>, cx: &mut MaySleep) -> Result<(Thread, Step, Arc<Atomic<i32>>)> {
    let step = Arc::new(Atomic::new(0), GFP_KERNEL)?;
    let result = Arc::new(Atomic::new(1), GFP_KERNEL)?;
    let (theirs, got, drain) = (Step(step.clone()), result.clone(), drain.clone());
    let thread = Thread::spawn(cx, c"drain_kunit", move |cx, _| {
        if let Ok(mut shut) = drain.shut_nested(cx, limited()) {
            let ended = shut.wait(Killable).map_err(Error::from);
            got.store(ended.map_or_else(|e| e.to_errno(), |()| 0), Release);
            theirs.set(1);
            until(|| theirs.get() == 2);
            drop(shut);
        }
    })?;
    Ok((thread, Step(step), result))
}

#[kunit_tests(baton_drain_nested)]
mod tests {
    use super::*;

    #[test]
    fn the_last_to_let_go_opens_the_gate() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let (one, first, _) = together(&drain, cx)?;
        let (other, second, _) = together(&drain, cx)?;
        let both = until(|| first.get() == 1 && second.get() == 1);
        let mut mine = drain.shut_nested(cx, limited())?;
        let drained = mine.wait(limited());
        drop(mine);
        // After each of them: to open twice could look as if it had not been opened.
        let sooner = drain.try_begin().err();
        first.set(2);
        let mut ended = join(one, cx);
        let early = drain.try_begin().err();
        second.set(2);
        ended &= join(other, cx);
        let open = drain.try_begin().is_ok();
        assert!(both && ended);
        assert_eq!(drained, Ok(()));
        assert_eq!([sooner, early], [Some(DrainError::Shut); 2]);
        assert!(open);
        // And for one alone as well.
        assert!(drain.shut(cx, limited()).is_ok());
        Ok(())
    }

    #[test]
    fn both_wait_for_the_same_reference_and_go_on() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        // Parked, so that it is known on whom both depend.
        let Ok(parked) = drain.try_begin()?.park() else {
            return Err(ENOSPC);
        };
        let (one, first, one_got) = together(&drain, cx)?;
        let (other, second, other_got) = together(&drain, cx)?;
        let wait = until(|| drain.waiters() == 2);
        parked.take().end();
        let both = until(|| first.get() == 1 && second.get() == 1);
        first.set(2);
        second.set(2);
        let ended = join(one, cx) & join(other, cx);
        assert!(wait && both && ended);
        assert_eq!([one_got.load(Acquire), other_got.load(Acquire)], [0, 0]);
        Ok(())
    }

    #[test]
    fn who_has_it_alone_has_it_alone() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let (thread, step, _) = together(&drain, cx)?;
        let held = until(|| step.get() == 1);
        let alone = drain.shut(cx, Uninterruptible.timeout(1)).err();
        step.set(2);
        let mut ended = join(thread, cx);
        let shut = drain.shut(cx, limited())?;
        // A thread joins nobody who has it alone.
        let (thread, step, _) = together(&drain, &mut MaySleep::assert())?;
        let waits = until(|| drain.waiters() == 1);
        let early = step.get();
        drop(shut);
        let later = until(|| step.get() == 1);
        step.set(2);
        ended &= join(thread, cx);
        assert!(held && waits && later && ended);
        assert_eq!(alone, Some(DrainError::TimedOut));
        assert_eq!(early, 0);
        Ok(())
    }

    #[test]
    fn who_has_it_does_not_wait_at_it() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let shut = drain.shut_nested(cx, limited())?;
        // Comes in again, as a page fault does.
        let cx = &mut MaySleep::assert();
        let begun = drain.begin_when_open(cx, limited()).err();
        let alone = drain.shut(cx, limited()).err();
        drop(shut);
        let later = drain.begin_when_open(cx, limited()).map(drop);
        assert_eq!(begun, Some(DrainError::Deadlock));
        assert_eq!(alone, Some(DrainError::Deadlock));
        assert_eq!(later, Ok(()));
        Ok(())
    }

    #[test]
    fn one_task_shuts_it_twice() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let outer = drain.shut_nested(cx, limited())?;
        {
            let cx = &mut MaySleep::assert();
            let mut inner = drain.shut_nested(cx, limited())?;
            assert_eq!(inner.wait(limited()), Ok(()));
        }
        let still = drain.try_begin().err();
        // What was noted of the outer one is still there.
        let refused = drain
            .begin_when_open(&mut MaySleep::assert(), limited())
            .err();
        drop(outer);
        assert_eq!(still, Some(DrainError::Shut));
        assert_eq!(refused, Some(DrainError::Deadlock));
        assert!(drain.try_begin().is_ok());
        Ok(())
    }

    /// The thread has the gate and waits for what is parked here: to wait at the gate would be a cycle.
    #[test]
    fn a_cycle_through_one_of_those_who_have_it() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let parked = drain.try_begin().map(InFlight::park);
        let (one, first, one_got) = together(&drain, cx)?;
        let (other, second, other_got) = together(&drain, cx)?;
        let wait = until(|| drain.waiters() == 2);
        let begun = drain.begin_when_open(cx, limited()).err();
        let alone = drain.shut(cx, limited()).err();
        drop(parked);
        let both = until(|| first.get() == 1 && second.get() == 1);
        first.set(2);
        second.set(2);
        let ended = join(one, cx) & join(other, cx);
        assert!(wait && both && ended);
        assert_eq!(begun, Some(DrainError::Deadlock));
        assert_eq!(alone, Some(DrainError::Deadlock));
        assert_eq!([one_got.load(Acquire), other_got.load(Acquire)], [0, 0]);
        Ok(())
    }
}
