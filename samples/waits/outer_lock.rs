// SPDX-License-Identifier: GPL-2.0

//! Give up an outer lock, too, while the task waits.
//!
//! C: wait_event_cmd, wait_event_exclusive_cmd, wait_event_lock_irq_cmd, wait_event_interruptible_lock_irq_cmd
//! Rust: `.and(device)..wait_relock(Killable)`
//! Not any more: an outer lock that is kept, and that whoever ends the wait waits for; one that is given up before the task is on
//! the queue; locks taken again in the other order, or not on every way out; a pointer into the outer data from before the wait
//!
//! ```c
//! mutex_lock(&mddev->reconfig_mutex);
//! spin_lock_irq(&conf->device_lock);
//! wait_event_lock_irq_cmd(conf->wait, !conf->writes, conf->device_lock,
//!                         mutex_unlock(&mddev->reconfig_mutex),
//!                         ({ spin_unlock_irq(&conf->device_lock);
//!                            mutex_lock(&mddev->reconfig_mutex);
//!                            spin_lock_irq(&conf->device_lock); }));
//! mddev->size = size;
//! spin_unlock_irq(&conf->device_lock);
//! mutex_unlock(&mddev->reconfig_mutex);
//! ```

use baton::{
    event::Killable,
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::{
        Mutex,
        SpinLockIrq, //
    },
};

#[pin_data]
struct Device {
    #[pin]
    writes: Event<u32>,
}

fn resize(size: &Mutex<u64>, device: &SpinLockIrq<Device>, cx: &mut MaySleep, new: u64) -> Result {
    let (mut both, quiet) = size
        .lock_in(cx)
        .and(device)
        .on(|device| &device.writes)
        .until(|writes| *writes == 0)
        .wait_relock(Killable);
    quiet?;
    *both.outer_mut() = new;
    Ok(())
}

/// Ends a write, for which it needs to know the size.
fn end_write(size: &Mutex<u64>, device: &SpinLockIrq<Device>, cx: &mut MaySleep) -> u64 {
    let mut both = size.lock_in(cx).and(device);
    both.update(|device| device.project().writes, |writes| *writes -= 1);
    *both.outer()
}

#[kunit_tests(baton_waits_outer_lock)]
mod tests {
    use super::*;
    use crate::told;
    use baton::new_event;
    use kernel::sync::{
        new_mutex,
        new_spinlock_irq,
        Arc, //
    };

    #[pin_data]
    struct Array {
        #[pin]
        size: Mutex<u64>,
        #[pin]
        device: SpinLockIrq<Device>,
    }

    #[test]
    fn who_ends_the_wait_gets_the_outer_lock() -> Result {
        let cx = &mut MaySleep::assert();
        let array = Arc::pin_init(
            pin_init!(Array {
                size <- new_mutex!(1),
                device <- new_spinlock_irq!(pin_init!(Device { writes <- new_event!(1) })),
            }),
            GFP_KERNEL,
        )?;
        let mut old = 0;
        let got = told(
            cx,
            &array,
            |array, cx| resize(&array.size, &array.device, cx, 2),
            |array, cx| array.device.lock_in(cx).writes.waiters(),
            |array, cx| old = end_write(&array.size, &array.device, cx),
        )?;
        let new = *array.size.lock_in(cx);
        assert_eq!(got, Ok(()));
        assert_eq!((old, new), (1, 2));
        Ok(())
    }
}
