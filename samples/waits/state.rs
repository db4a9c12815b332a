// SPDX-License-Identifier: GPL-2.0

//! Leave it to the caller what may end the wait.
//!
//! C: wait_event_state, wait_event_state_exclusive
//! Rust: `fn wait<M: ModeAt>(.., mode: M) -> Result<(), M::Error>`
//! Not any more: a task state that forbids signals and a caller that handles them, or the other way round: the mode says
//! which errors there are
//!
//! ```c
//! int wait(struct device *dev, unsigned int state)
//! {
//!         return wait_event_state(dev->wait, READ_ONCE(dev->ready), state);
//! }
//! ```

use baton::{
    event::ModeAt,
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

fn wait<M: ModeAt>(device: &Mutex<Device>, cx: &mut MaySleep, mode: M) -> Result<(), M::Error> {
    device
        .lock_in(cx)
        .on(|device| &device.ready)
        .until(|ready| *ready)
        .wait(mode)
}

#[kunit_tests(baton_waits_state)]
mod tests {
    use super::*;
    use baton::{
        event::{
            Closed,
            Interruptible,
            Mode,
            Uninterruptible, //
        },
        new_event,
        WaitError, //
    };
    use kernel::sync::new_mutex;

    #[test]
    fn the_mode_says_which_errors_there_are() -> Result {
        let cx = &mut MaySleep::assert();
        let device: Pin<KBox<Mutex<Device>>> = KBox::pin_init(
            new_mutex!(pin_init!(Device { ready <- new_event!(true) })),
            GFP_KERNEL,
        )?;
        assert_eq!(wait(&device, cx, Uninterruptible), Ok::<(), Closed>(()));
        assert_eq!(wait(&device, cx, Interruptible), Ok::<(), WaitError>(()));
        assert_eq!(wait(&device, cx, Interruptible.timeout(1)), Ok(()));
        Ok(())
    }
}
