// SPDX-License-Identifier: GPL-2.0

//! Let the lock of the queue be the only one.
//!
//! C: wait_event_interruptible_locked, wait_event_interruptible_locked_irq, wait_event_interruptible_exclusive_locked,
//! wait_event_interruptible_exclusive_locked_irq, do_wait_intr, do_wait_intr_irq, wake_up_locked, wake_up_all_locked
//! Rust: `.on(|ticks| ticks)..wait_relock(Interruptible)`
//! Not any more: `wake_up()` with the lock of the queue held, which is a deadlock; `wake_up_locked()` without it; the macro
//! for the other kind of lock
//!
//! ```c
//! spin_lock_irq(&ctx->wqh.lock);
//! err = wait_event_interruptible_locked_irq(ctx->wqh, ctx->ticks);
//! ticks = ctx->ticks;
//! ctx->ticks = 0;
//! spin_unlock_irq(&ctx->wqh.lock);
//! ```

use baton::{
    event::{
        Interruptible,
        WaitError, //
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

/// What has come since it was last read.
type Ticks = SpinLockIrq<Event<u64>>;

fn read(ticks: &Ticks, cx: &mut MaySleep) -> Result<u64, WaitError> {
    let wait = ticks
        .lock_in(cx)
        .on(|ticks| ticks)
        .when(|ticks| *ticks > 0, mem::take);
    // The lock is held again behind this; it is released at once here.
    let (_held, ticks) = wait.wait_relock(Interruptible);
    ticks
}

fn tick(ticks: &Ticks) {
    // IRQ: a timer takes the lock by itself.
    ticks.lock().as_mut().update(|ticks| *ticks += 1);
}

#[kunit_tests(baton_waits_locked)]
mod tests {
    use super::*;
    use crate::told;
    use baton::new_event;
    use kernel::sync::{
        new_spinlock_irq,
        Arc, //
    };

    #[test]
    fn it_reads_what_has_come() -> Result {
        let cx = &mut MaySleep::assert();
        let ticks: Arc<Ticks> = Arc::pin_init(new_spinlock_irq!(new_event!(0)), GFP_KERNEL)?;
        let got = told(
            cx,
            &ticks,
            read,
            |ticks, cx| ticks.lock_in(cx).waiters(),
            |ticks, _| tick(ticks),
        )?;
        assert_eq!(got, Ok(1));
        tick(&ticks);
        tick(&ticks);
        assert_eq!(read(&ticks, cx), Ok(2));
        Ok(())
    }
}
