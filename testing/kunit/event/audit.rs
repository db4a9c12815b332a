// SPDX-License-Identifier: GPL-2.0

//! The auditor, and the one way that is left to need it.

use super::gate::{
    deadline,
    Flag,
    Gate, //
};
use baton::{
    event::{
        Uninterruptible, //
    },
    new_event,
    Fifo,
    LockIn,
    MaySleep,
    Thread, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex, //
    },
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    }, //
};

static OUTSIDE: Atomic<bool> = Atomic::new(false);

/// A condition as it must not be: what it reads is outside the event.
fn is_set_outside(_: &bool) -> bool {
    OUTSIDE.load(Relaxed)
}

#[kunit_tests(baton_event_audit)]
mod tests {
    use super::*;

    #[test]
    fn audit_finds_nothing_where_the_types_are_kept() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let waiter = gate.start(cx, 0, 2, Uninterruptible)?;
        gate.add(cx, 1);
        let audit = gate.state.lock_in(cx).as_mut().project().credits.audit();
        gate.add(cx, 1);
        gate.join(cx, [waiter])?;
        assert_eq!(audit.sleeping, 1);
        assert_eq!(audit.lost, 0);
        Ok(())
    }

    #[test]
    fn audit_finds_and_rescues_a_claim_that_reads_a_static() -> Result {
        let cx = &mut MaySleep::assert();
        OUTSIDE.store(false, Relaxed);
        let flag: Arc<Mutex<Flag>> = Arc::pin_init(
            new_mutex!(pin_init!(Flag { set <- new_event!(false) })),
            GFP_KERNEL,
        )?;
        let theirs = flag.clone();
        let waiter = Thread::spawn(cx, c"event_waiter", move |cx, _| {
            let held = theirs.lock_in(cx);
            let wait = held.on(|s| &s.set).until(is_set_outside);
            let _ = wait.wait(Uninterruptible);
        })?;
        let start = Instant::<Monotonic>::now();
        while flag.lock_in(cx).set.waiters() == 0 && start.elapsed() < Delta::from_secs(10) {
            fsleep(Delta::from_micros(100));
        }
        // The bug: the condition becomes true, and no event was updated.
        OUTSIDE.store(true, Relaxed);
        let before = flag.lock_in(cx).set.waiters();
        let audit = flag.lock_in(cx).as_mut().project().set.audit();
        let hung = waiter.join_timeout(cx, deadline()).is_err();
        assert_eq!(before, 1);
        assert_eq!((audit.sleeping, audit.lost), (1, 1));
        assert!(!hung);
        Ok(())
    }
}
