// SPDX-License-Identifier: GPL-2.0

//! Wait, but not longer than some microseconds.
//!
//! C: wait_event_hrtimeout, wait_event_interruptible_hrtimeout
//! Rust: `.wait(Killable.timeout(Delta::from_micros(200)))`
//! Not any more: `-ETIME` here and 0 there for the same; a number in another unit than the function takes
//!
//! ```c
//! err = wait_event_interruptible_hrtimeout(dev->wait, READ_ONCE(dev->ready), us_to_ktime(200));
//! if (err == -ETIME)
//!         return -ETIMEDOUT;
//! ```

use baton::{
    event::{
        Killable,
        Mode,
        WaitError, //
    },
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::Mutex,
    time::Delta, //
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
        .wait(Killable.timeout(Delta::from_micros(200)))
}

#[kunit_tests(baton_waits_hrtimeout)]
mod tests {
    use super::*;
    use baton::new_event;
    use kernel::sync::new_mutex;

    #[test]
    fn the_end_of_the_time_is_the_same_error() -> Result {
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
