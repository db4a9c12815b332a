// SPDX-License-Identifier: GPL-2.0

//! Wait until something is so.
//!
//! C: wait_event
//! Rust: `.until(|ready| *ready).wait(Uninterruptible)`
//! Not any more: a look at the condition under another lock, or none, than that under which it changes
//!
//! ```c
//! wait_event(dev->wait, READ_ONCE(dev->ready));
//! ```

use baton::{
    event::{
        Closed,
        Uninterruptible, //
    },
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::Mutex, //
};

#[pin_data]
struct Device {
    #[pin]
    ready: Event<bool>,
}

fn wait(device: &Mutex<Device>, cx: &mut MaySleep) -> Result<(), Closed> {
    device
        .lock_in(cx)
        .on(|device| &device.ready)
        .until(|ready| *ready)
        .wait(Uninterruptible)
}

#[kunit_tests(baton_waits_event)]
mod tests {
    use super::*;
    use crate::told;
    use baton::new_event;
    use kernel::sync::{
        new_mutex,
        Arc, //
    };

    #[test]
    fn it_waits_until_the_device_is_ready() -> Result {
        let cx = &mut MaySleep::assert();
        let device = Arc::pin_init(
            new_mutex!(pin_init!(Device { ready <- new_event!(false) })),
            GFP_KERNEL,
        )?;
        let got = told(
            cx,
            &device,
            wait,
            |device, cx| device.lock_in(cx).ready.waiters(),
            |device, cx| {
                device
                    .lock_in(cx)
                    .update(|device| device.project().ready, |ready| *ready = true);
            },
        )?;
        assert_eq!(got, Ok(()));
        Ok(())
    }
}
