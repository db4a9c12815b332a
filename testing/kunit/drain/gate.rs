// SPDX-License-Identifier: GPL-2.0

//! The gate: who passes it, who waits, and who has it.

use super::{
    drain,
    holder,
    join,
    limited,
    until,
    waiter, //
};
use baton::{
    drain::{
        Drain,
        DrainError, //
    },
    event::{
        Idle,
        Interruptible,
        Io,
        Killable,
        Mode,
        ModeAt,
        Uninterruptible, //
    },
    level::Unordered,
    testing,
    MaySleep,
    Thread, //
};
use kernel::{
    prelude::*,
    sync::atomic::Acquire,
    time::msecs_to_jiffies, //
};

/// Waits for a drain in `mode`, in a thread; returns how that sleeps, at last in the state `wanted`.
fn sleeps<M: ModeAt<Unordered> + Send + 'static>(
    cx: &mut MaySleep,
    mode: M,
    wanted: (char, bool),
) -> Result<(char, bool)> {
    let drain = drain()?;
    let reference = drain.try_begin()?;
    let (thread, result) = waiter(&drain, mode, cx)?;
    let mut seen = ('?', false);
    until(|| {
        let waits = drain.waiters() == 1;
        seen = testing::state(thread.task());
        waits && seen == wanted
    });
    reference.end();
    if join(thread, cx) && result.load(Acquire) == 0 {
        Ok(seen)
    } else {
        Err(ETIMEDOUT)
    }
}

#[kunit_tests(baton_drain_gate)]
mod tests {
    use super::*;

    #[test]
    fn a_shut_gate_refuses_until_it_is_open() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let mut shut = drain.shut(cx, Uninterruptible)?;
        assert_eq!(drain.try_begin().err(), Some(DrainError::Shut));
        assert_eq!(shut.wait(Uninterruptible), Ok(()));
        drop(shut);
        assert!(drain.try_begin().is_ok());
        // By the same task, once more.
        assert!(drain.shut(cx, limited()).is_ok());
        Ok(())
    }

    #[test]
    fn a_gate_is_shut_by_one_at_a_time() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let (thread, step) = holder(&drain, cx)?;
        let held = until(|| step.get() == 1);
        let early = drain.shut(cx, Uninterruptible.timeout(1)).err();
        let owned = Drain::shut_owned(drain.as_arc_borrow(), cx, Uninterruptible.timeout(1)).err();
        step.set(2);
        let later = drain.shut(cx, limited()).map(drop);
        let ended = join(thread, cx);
        assert!(held);
        assert_eq!(early, Some(DrainError::TimedOut));
        assert_eq!(owned, Some(DrainError::TimedOut));
        assert_eq!(later, Ok(()));
        assert!(ended);
        Ok(())
    }

    #[test]
    fn who_has_shut_the_gate_does_not_wait_for_it() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let shut = drain.shut(cx, Uninterruptible)?;
        // Comes in again, as a page fault does.
        let cx = &mut MaySleep::assert();
        let begun = drain.begin_when_open(cx, limited()).err();
        let again = drain.shut(cx, limited()).err();
        drop(shut);
        assert_eq!(begun, Some(DrainError::Deadlock));
        assert_eq!(again, Some(DrainError::Deadlock));
        Ok(())
    }

    #[test]
    fn others_wait_until_the_gate_opens() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let theirs = drain.clone();
        let shut = Drain::shut_owned(drain.as_arc_borrow(), cx, Uninterruptible)?;
        let thread = Thread::spawn(cx, c"drain_kunit", move |cx, _| {
            if let Ok(active) = theirs.begin_when_open(cx, Killable) {
                core::mem::forget(active.hand_over());
            }
        })?;
        let waiting = until(|| drain.waiters() == 1);
        let waits = thread
            .join_timeout(cx, msecs_to_jiffies(20))
            .map_err(|refused| refused.object);
        let early = drain.in_flight();
        drop(shut);
        let ended = match waits {
            Ok(()) => false,
            Err(thread) => join(thread, cx),
        };
        assert!(waiting && ended);
        assert_eq!(early, 0);
        // What the thread has begun and forgotten.
        assert_eq!(drain.in_flight(), 1);
        Ok(())
    }

    #[test]
    fn an_owned_gate_waits_for_what_is_in_flight() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let reference = drain.try_begin()?;
        let shut = Drain::shut_owned(drain.as_arc_borrow(), cx, limited())?;
        let early = shut.wait(cx, Uninterruptible.timeout(1));
        let refused = drain.try_begin().err();
        reference.end();
        let ended = shut.wait(cx, limited());
        drop(shut);
        let open = drain.try_begin().is_ok();
        assert_eq!(early, Err(DrainError::TimedOut));
        assert_eq!(refused, Some(DrainError::Shut));
        assert_eq!(ended, Ok(()));
        assert!(open);
        Ok(())
    }

    #[test]
    fn a_waiter_sleeps_in_the_state_of_its_mode() -> Result {
        let cx = &mut MaySleep::assert();
        let limit = msecs_to_jiffies(20_000);
        let uninterruptible = sleeps(cx, Uninterruptible, ('D', false));
        let interruptible = sleeps(cx, Interruptible, ('S', false));
        let killable = sleeps(cx, Killable, ('D', false));
        let io = sleeps(cx, Io, ('D', true));
        let idle = sleeps(cx, Idle, ('I', false));
        let io_limited = sleeps(cx, Io.timeout(limit), ('D', true));
        let idle_limited = sleeps(cx, Idle.timeout(limit), ('I', false));
        assert_eq!(uninterruptible, Ok(('D', false)));
        assert_eq!(interruptible, Ok(('S', false)));
        assert_eq!(killable, Ok(('D', false)));
        assert_eq!(io, Ok(('D', true)));
        assert_eq!(idle, Ok(('I', false)));
        assert_eq!(io_limited, Ok(('D', true)));
        assert_eq!(idle_limited, Ok(('I', false)));
        Ok(())
    }
}
