// SPDX-License-Identifier: GPL-2.0

//! Wait for what an interrupt handler changes, under the lock that it takes.
//!
//! C: wait_event_lock_irq, wait_event_interruptible_lock_irq, wait_event_interruptible_lock_irq_timeout,
//! wait_event_lock_irq_timeout
//! Rust: `.wait_relock(Interruptible)`
//! Not any more: a wait with interrupts off, because the lock was taken by another variant than the macro
//! releases; a return with the lock held on a path that forgets it
//!
//! ```c
//! spin_lock_irq(&ring->lock);
//! err = wait_event_interruptible_lock_irq(ring->wait, ring->free, ring->lock);
//! if (!err)
//!         ring->sent += ring->free--;
//! spin_unlock_irq(&ring->lock);
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
use kernel::{
    prelude::*,
    sync::SpinLockIrq, //
};

#[pin_data]
struct Ring {
    #[pin]
    free: Event<u32>,
    sent: u32,
}

fn send(ring: &SpinLockIrq<Ring>, cx: &mut MaySleep) -> Result<(), WaitError> {
    let wait = ring
        .lock_in(cx)
        .on(|ring| &ring.free)
        .when(|free| *free > 0, |free| *free -= 1);
    let (mut held, result) = wait.wait_relock(Interruptible);
    result?;
    *held.as_mut().project().sent += 1;
    Ok(())
}

/// An interrupt handler: it has no capability to sleep, and needs none.
fn sent(ring: &SpinLockIrq<Ring>) {
    // IRQ: an interrupt handler takes the lock by itself.
    let mut guard = ring.lock();
    guard.as_mut().project().free.update(|free| *free += 1);
}

#[kunit_tests(baton_waits_lock_irq)]
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
    fn it_waits_for_the_interrupt() -> Result {
        let cx = &mut MaySleep::assert();
        let ring = Arc::pin_init(
            new_spinlock_irq!(pin_init!(Ring { free <- new_event!(0), sent: 0 })),
            GFP_KERNEL,
        )?;
        let got = told(
            cx,
            &ring,
            send,
            |ring, cx| ring.lock_in(cx).free.waiters(),
            |ring, cx| {
                let off = testing::any_context(cx);
                sent(ring);
                drop(off);
            },
        )?;
        let held = ring.lock_in(cx);
        let (free, count) = (*held.free, held.sent);
        drop(held);
        assert_eq!(got, Ok(()));
        assert_eq!((free, count), (0, 1));
        Ok(())
    }
}
