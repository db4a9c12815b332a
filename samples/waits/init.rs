// SPDX-License-Identifier: GPL-2.0

//! Make what is waited for.
//!
//! C: DECLARE_WAIT_QUEUE_HEAD, DECLARE_WAIT_QUEUE_HEAD_ONSTACK, init_waitqueue_head
//! Rust: `new_mutex!(pin_init!(Self { ready <- new_event!(false) }))`
//! Not any more: a queue that is used before it is initialised, or never was; the wrong macro for one on the stack; a queue
//! that goes away under those who sleep on it: they have borrowed it
//!
//! ```c
//! dev->ready = false;
//! mutex_init(&dev->lock);
//! init_waitqueue_head(&dev->wait);
//! ```

use baton::{
    new_event,
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::{
        new_mutex,
        Mutex, //
    }, //
};
use pin_init::stack_pin_init;

#[pin_data]
struct Device {
    #[pin]
    ready: Event<bool>,
}

impl Device {
    /// The data, the tasks that wait for it, and the lock of both, wherever that is to be.
    fn new() -> impl PinInit<Mutex<Self>> {
        new_mutex!(pin_init!(Self { ready <- new_event!(false) }))
    }
}

fn on_the_heap() -> Result<Pin<KBox<Mutex<Device>>>> {
    KBox::pin_init(Device::new(), GFP_KERNEL)
}

fn on_the_stack(cx: &mut MaySleep) -> usize {
    stack_pin_init!(let device = Device::new());
    let waiters = device.lock_in(cx).ready.waiters();
    waiters
}

#[kunit_tests(baton_waits_init)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_wherever_that_is() -> Result {
        let cx = &mut MaySleep::assert();
        let device = on_the_heap()?;
        let ready = *device.lock_in(cx).ready;
        assert!(!ready);
        assert_eq!(on_the_stack(cx), 0);
        Ok(())
    }
}
