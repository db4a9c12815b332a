// SPDX-License-Identifier: GPL-2.0

//! Wake without running into the lock that one still holds.
//!
//! C: wake_up_sync, wake_up_interruptible_sync
//! Rust: `held.update(|pipe| pipe.project().bytes, |bytes| *bytes += more)`
//! Not any more: a hint to the scheduler that is a lie, because the waker goes on: who does not gives it with `update_sync()`;
//! a wake-up moved behind the unlock, to a queue that may be gone by then
//!
//! ```c
//! spin_lock(&pipe->lock);
//! pipe->bytes += more;
//! wake_up_interruptible_sync(&pipe->wait);
//! spin_unlock(&pipe->lock);
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
    sync::Mutex, //
};

#[pin_data]
struct Pipe {
    #[pin]
    bytes: Event<usize>,
}

fn write(pipe: &Mutex<Pipe>, cx: &mut MaySleep, more: usize) {
    let mut held = pipe.lock_in(cx);
    // The reader has its bytes now, and is told so when the lock has been released.
    held.update(|pipe| pipe.project().bytes, |bytes| *bytes += more);
}

fn read(pipe: &Mutex<Pipe>, cx: &mut MaySleep) -> Result<usize, WaitError> {
    pipe.lock_in(cx)
        .on(|pipe| &pipe.bytes)
        .when(|bytes| *bytes > 0, mem::take)
        .wait(Interruptible)
}

#[kunit_tests(baton_waits_wake_up_sync)]
mod tests {
    use super::*;
    use crate::told;
    use baton::new_event;
    use kernel::sync::{
        new_mutex,
        Arc, //
    };

    #[test]
    fn it_tells_the_reader() -> Result {
        let cx = &mut MaySleep::assert();
        let pipe = Arc::pin_init(
            new_mutex!(pin_init!(Pipe { bytes <- new_event!(0) })),
            GFP_KERNEL,
        )?;
        let got = told(
            cx,
            &pipe,
            read,
            |pipe, cx| pipe.lock_in(cx).bytes.waiters(),
            |pipe, cx| write(pipe, cx, 7),
        )?;
        assert_eq!(got, Ok(7));
        assert_eq!(*pipe.lock_in(cx).bytes, 0);
        Ok(())
    }
}
