// SPDX-License-Identifier: GPL-2.0

//! References that one task has undertaken to end.

use super::{
    drain,
    join,
    limited,
    until_shut,
    waiter, //
};
use baton::{
    drain::{
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
    sync::atomic::Acquire, //
};

#[kunit_tests(baton_drain_parked)]
mod tests {
    use super::*;

    #[test]
    fn what_is_parked_on_oneself_is_not_waited_for() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let Ok(parked) = drain.try_begin()?.park() else {
            return Err(ENOSPC);
        };
        let mut shut = drain.shut(cx, Uninterruptible)?;
        assert_eq!(shut.wait(limited()), Err(DrainError::Deadlock));
        parked.take().end();
        assert_eq!(shut.wait(Uninterruptible), Ok(()));
        Ok(())
    }

    #[test]
    fn what_the_caller_owes_is_run_first() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let mut own = KVec::new();
        for _ in 0..3 {
            let Ok(parked) = drain.try_begin()?.park() else {
                return Err(ENOSPC);
            };
            own.push(parked, GFP_KERNEL)?;
        }
        let mut shut = drain.shut(cx, Uninterruptible)?;
        let mut calls = 0;
        let result = shut.run_own_and_wait(limited(), |_| {
            calls += 1;
            own.pop().is_some()
        });
        // Not once more: nothing is in flight.
        assert_eq!((result, calls), (Ok(()), 3));
        // And not without an end where there is nothing more, and the rest is somebody else's.
        drop(shut);
        let reference = drain.try_begin()?;
        let mut shut = drain.shut(cx, limited())?;
        let limit = Uninterruptible.timeout(1);
        let result = shut.run_own_and_wait(limit, |_| {
            calls += 1;
            calls < 100
        });
        reference.end();
        assert_eq!((result, calls), (Err(DrainError::TimedOut), 100));
        Ok(())
    }

    #[test]
    fn what_is_parked_on_another_task_is_waited_for() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let Ok(parked) = drain.try_begin()?.park() else {
            return Err(ENOSPC);
        };
        let (thread, result) = waiter(&drain, Killable, cx)?;
        let shut = until_shut(&drain);
        let early = result.load(Acquire);
        drop(parked);
        let ended = join(thread, cx);
        assert!(shut);
        assert_eq!(early, 1);
        assert!(ended);
        assert_eq!(result.load(Acquire), 0);
        Ok(())
    }

    #[test]
    fn too_many_parked_are_given_back() -> Result {
        let drain = drain()?;
        let mut own = KVec::new();
        let mut back: Option<InFlight> = None;
        for _ in 0..17 {
            match drain.try_begin()?.park() {
                Ok(parked) => own.push(parked, GFP_KERNEL)?,
                Err(reference) => back = Some(reference),
            }
        }
        assert_eq!(own.len(), 16);
        assert!(back.is_some());
        drop(own);
        drop(back);
        assert_eq!(drain.in_flight(), 0);
        Ok(())
    }

    #[test]
    fn a_parked_reference_that_is_dropped_is_forgotten() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        // More often than there is room for.
        for _ in 0..40 {
            let Ok(parked) = drain.try_begin()?.park() else {
                return Err(ENOSPC);
            };
            drop(parked);
        }
        // If one of them were still there, this would be refused.
        let reference = drain.try_begin()?;
        let thread = Thread::spawn(cx, c"drain_kunit", move |_, _| reference.end())?;
        assert_eq!(drain.shut(cx, limited())?.wait(limited()), Ok(()));
        assert!(thread.join(cx).is_ok());
        Ok(())
    }

    #[test]
    fn a_parked_reference_that_is_taken_up_is_anybodys_again() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        // More often than there is room for.
        for _ in 0..40 {
            let Ok(parked) = drain.try_begin()?.park() else {
                return Err(ENOSPC);
            };
            parked.take().end();
        }
        let Ok(parked) = drain.try_begin()?.park() else {
            return Err(ENOSPC);
        };
        let reference = parked.take();
        let thread = Thread::spawn(cx, c"drain_kunit", move |_, _| reference.end())?;
        assert_eq!(drain.shut(cx, limited())?.wait(limited()), Ok(()));
        assert!(thread.join(cx).is_ok());
        Ok(())
    }
}
