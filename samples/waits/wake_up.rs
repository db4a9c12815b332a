// SPDX-License-Identifier: GPL-2.0

//! Change what is waited for, and wake whom that is enough for.
//!
//! C: wake_up, wake_up_all, wake_up_nr, wake_up_interruptible, wake_up_interruptible_all,
//! wake_up_interruptible_nr
//! Rust: `.update(|free| *free += amount)`
//! Not any more: a wake-up that is forgotten, comes before the change, is on another queue, or wakes too few; `wake_up()`
//! where `wake_up_all()` was meant, `wake_up_interruptible()` for a task that sleeps otherwise
//!
//! ```c
//! spin_lock(&pool->lock);
//! pool->free += amount;
//! spin_unlock(&pool->lock);
//! wake_up_nr(&pool->wait, amount);
//! ```

use baton::{
    event::Killable,
    Event,
    LockIn,
    MaySleep,
    WaitError, //
};
use kernel::{
    prelude::*,
    sync::SpinLock, //
};

#[pin_data]
struct Pool {
    #[pin]
    free: Event<usize>,
}

fn give_back(pool: &SpinLock<Pool>, cx: &mut MaySleep, amount: usize) {
    let mut held = pool.lock_in(cx);
    // Serves as many as the amount is enough for, and wakes just these.
    held.as_mut().project().free.update(|free| *free += amount);
}

fn take(pool: &SpinLock<Pool>, cx: &mut MaySleep) -> Result<(), WaitError> {
    pool.lock_in(cx)
        .on(|pool| &pool.free)
        .when(|free| *free > 0, |free| *free -= 1)
        .wait(Killable)
}

#[kunit_tests(baton_waits_wake_up)]
mod tests {
    use super::*;
    use crate::{
        suite::until,
        Sleeper, //
    };
    use baton::new_event;
    use kernel::sync::{
        new_spinlock,
        Arc, //
    };

    #[test]
    fn it_wakes_whom_the_change_is_enough_for() -> Result {
        let cx = &mut MaySleep::assert();
        let pool = Arc::pin_init(
            new_spinlock!(pin_init!(Pool { free <- new_event!(0) })),
            GFP_KERNEL,
        )?;
        let mut sleepers = KVec::new();
        for _ in 0..3 {
            sleepers.push(Sleeper::start(cx, &pool, take)?, GFP_KERNEL)?;
        }
        let asleep = until(|| pool.lock_in(cx).free.waiters() == 3);
        give_back(&pool, cx, 2);
        // Who was served is off the list when the update returns.
        let left = pool.lock_in(cx).free.waiters();
        give_back(&pool, cx, 1);
        let mut taken = 0;
        for sleeper in sleepers {
            taken += sleeper.end(cx)?.map_or(0, |()| 1);
        }
        assert!(asleep);
        assert_eq!((left, taken), (1, 3));
        assert_eq!(*pool.lock_in(cx).free, 0);
        Ok(())
    }
}
