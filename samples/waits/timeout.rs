// SPDX-License-Identifier: GPL-2.0

//! Wait, but not longer than that.
//!
//! C: wait_event_timeout, wait_event_interruptible_timeout, wait_event_killable_timeout
//! Rust: `.wait(Killable.timeout(msecs_to_jiffies(10)))`
//! Not any more: 0 for a time-out in one macro and for success in the next one; a negative error that is taken
//! for the time left
//!
//! ```c
//! left = wait_event_killable_timeout(dev->wait, READ_ONCE(dev->ready), msecs_to_jiffies(10));
//! if (left < 0)
//!         return left;
//! if (!left)
//!         return -ETIMEDOUT;
//! ```

use baton::{
    event::{
        Killable,
        Mode, //
    },
    Event,
    LockIn,
    MaySleep,
    WaitError, //
};
use kernel::{
    prelude::*,
    sync::Mutex,
    time::msecs_to_jiffies, //
};

#[pin_data]
struct Device {
    #[pin]
    ready: Event<bool>,
}

fn wait(device: &Mutex<Device>, cx: &mut MaySleep) -> Result<(), WaitError> {
    device
        .lock_in(cx)
        .on(|device| &device.ready)
        .until(|ready| *ready)
        .wait(Killable.timeout(msecs_to_jiffies(10)))
}

#[kunit_tests(baton_waits_timeout)]
mod tests {
    use super::*;
    use baton::new_event;
    use kernel::sync::new_mutex;

    #[test]
    fn the_end_of_the_time_is_an_error_of_its_own() -> Result {
        let cx = &mut MaySleep::assert();
        let device: Pin<KBox<Mutex<Device>>> = KBox::pin_init(
            new_mutex!(pin_init!(Device { ready <- new_event!(false) })),
            GFP_KERNEL,
        )?;
        assert_eq!(wait(&device, cx), Err(WaitError::TimedOut));
        device
            .lock_in(cx)
            .update(|device| device.project().ready, |ready| *ready = true);
        assert_eq!(wait(&device, cx), Ok(()));
        Ok(())
    }
}
