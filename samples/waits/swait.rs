// SPDX-License-Identifier: GPL-2.0

//! Wait with little, and be woken with interrupts off.
//!
//! C: DECLARE_SWAITQUEUE, DECLARE_SWAIT_QUEUE_HEAD, DECLARE_SWAIT_QUEUE_HEAD_ONSTACK, init_swait_queue_head, swait_event_exclusive,
//! swait_event_interruptible_exclusive, swait_event_idle_exclusive, swake_up_one, swake_up_locked, swait_active, swq_has_sleeper,
//! prepare_to_swait_exclusive, prepare_to_swait_event, finish_swait
//! Rust: `ticks.lock().as_mut().update(|ticks| *ticks += 1)`
//! Not any more: a task that is woken alone and has no use for it, while the one that has sleeps on: all of a
//! queue have to wait for the same in C
//!
//! ```c
//! swait_event_idle_exclusive(gp->wait, READ_ONCE(gp->requests));
//!
//! WRITE_ONCE(gp->requests, gp->requests + 1);
//! swake_up_one(&gp->wait);        /* any context */
//! ```

use baton::{
    event::{
        Closed,
        Idle, //
    },
    Event,
    LockIn,
    MaySleep, //
};
use core::mem;
use kernel::{
    prelude::*,
    sync::SpinLockIrq, //
};

type Ticks = SpinLockIrq<Event<u32>>;

fn wait(ticks: &Ticks, cx: &mut MaySleep) -> Result<u32, Closed> {
    ticks
        .lock_in(cx)
        .on(|ticks| ticks)
        .when(|ticks| *ticks > 0, mem::take)
        .wait(Idle)
}

/// In any context.
fn tick(ticks: &Ticks) {
    // IRQ: there may be no capability.
    ticks.lock().as_mut().update(|ticks| *ticks += 1);
}

#[kunit_tests(baton_waits_swait)]
mod tests {
    use super::*;
    use crate::told;
    use baton::{
        new_event,
        testing, //
    };
    use kernel::sync::{
        new_spinlock_irq,
        Arc, //
    };

    #[test]
    fn it_is_woken_with_interrupts_off() -> Result {
        let cx = &mut MaySleep::assert();
        let ticks: Arc<Ticks> = Arc::pin_init(new_spinlock_irq!(new_event!(0)), GFP_KERNEL)?;
        let got = told(
            cx,
            &ticks,
            wait,
            |ticks, cx| ticks.lock_in(cx).waiters(),
            |ticks, cx| {
                let off = testing::any_context(cx);
                tick(ticks);
                drop(off);
            },
        )?;
        assert_eq!(got, Ok(1));
        Ok(())
    }
}
