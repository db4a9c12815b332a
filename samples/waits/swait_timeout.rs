// SPDX-License-Identifier: GPL-2.0

//! Wait with little, but not longer than that.
//!
//! C: swait_event_timeout_exclusive, swait_event_interruptible_timeout_exclusive, swait_event_idle_timeout_exclusive
//! Rust: `.wait(Idle.timeout(jiffies))`
//! Not any more: a time-out at the moment of the wake-up that nobody else gets then: who is served has what it claimed
//!
//! ```c
//! left = swait_event_idle_timeout_exclusive(gp->wait, READ_ONCE(gp->force), jiffies);
//! ```

use baton::{
    event::{
        Idle,
        Mode,
        WaitError, //
    },
    Event,
    LockIn,
    MaySleep, //
};
use core::mem;
use kernel::{
    prelude::*,
    sync::SpinLockIrq,
    time::Jiffies, //
};

#[pin_data]
struct Period {
    #[pin]
    force: Event<bool>,
}

fn wait(
    period: &SpinLockIrq<Period>,
    cx: &mut MaySleep,
    jiffies: Jiffies,
) -> Result<bool, WaitError> {
    period
        .lock_in(cx)
        .on(|period| &period.force)
        .when(|force| *force, mem::take)
        .wait(Idle.timeout(jiffies))
}

#[kunit_tests(baton_waits_swait_timeout)]
mod tests {
    use super::*;
    use baton::new_event;
    use kernel::sync::new_spinlock_irq;

    #[test]
    fn it_takes_the_wish_or_times_out() -> Result {
        let cx = &mut MaySleep::assert();
        let period: Pin<KBox<SpinLockIrq<Period>>> = KBox::pin_init(
            new_spinlock_irq!(pin_init!(Period { force <- new_event!(true) })),
            GFP_KERNEL,
        )?;
        assert_eq!(wait(&period, cx, 1), Ok(true));
        assert_eq!(wait(&period, cx, 1), Err(WaitError::TimedOut));
        Ok(())
    }
}
