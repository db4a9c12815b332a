// SPDX-License-Identifier: GPL-2.0

//! Wake all who wait with little.
//!
//! C: swake_up_all
//! Rust: `phase.lock().as_mut().update(|phase| *phase += 1)`
//! Not any more: `swake_up_all()` with interrupts off, which is forbidden: it opens them half-way. (An update does not: it serves
//! all under the lock, for as long as that takes.)
//!
//! ```c
//! WRITE_ONCE(gp->phase, gp->phase + 1);
//! swake_up_all(&gp->wait);        /* task context only */
//! ```

use baton::{
    event::{
        Killable,
        WaitError, //
    },
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::SpinLockIrq, //
};

type Phase = SpinLockIrq<Event<u64>>;

fn wait(phase: &Phase, cx: &mut MaySleep, past: u64) -> Result<u64, WaitError> {
    phase
        .lock_in(cx)
        .on(|phase| phase)
        .when(move |phase| *phase > past, |phase| *phase)
        .wait(Killable)
}

fn advance(phase: &Phase) {
    // IRQ: an interrupt handler may do so.
    phase.lock().as_mut().update(|phase| *phase += 1);
}

#[kunit_tests(baton_waits_swake_up_all)]
mod tests {
    use super::*;
    use crate::{
        suite::until,
        Sleeper, //
    };
    use baton::{
        new_event,
        testing, //
    };
    use kernel::sync::{
        new_spinlock_irq,
        Arc, //
    };

    #[test]
    fn all_are_woken() -> Result {
        let cx = &mut MaySleep::assert();
        let phase: Arc<Phase> = Arc::pin_init(new_spinlock_irq!(new_event!(1)), GFP_KERNEL)?;
        let mut sleepers = KVec::new();
        for _ in 0..3 {
            sleepers.push(
                Sleeper::start(cx, &phase, |phase, cx| wait(phase, cx, 1))?,
                GFP_KERNEL,
            )?;
        }
        let asleep = until(|| phase.lock_in(cx).waiters() == 3);
        {
            let _section = testing::any_context(cx);
            advance(&phase);
        }
        let left = phase.lock_in(cx).waiters();
        let mut seen = 0;
        for sleeper in sleepers {
            seen += sleeper.end(cx)?.unwrap_or(0);
        }
        assert!(asleep);
        assert_eq!((left, seen), (0, 6));
        Ok(())
    }
}
