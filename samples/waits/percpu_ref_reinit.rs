// SPDX-License-Identifier: GPL-2.0

//! Change what nothing uses for a moment, and go on.
//!
//! C: percpu_ref_reinit, percpu_ref_resurrect
//! Rust: `let mut shut = device.usage.shut(cx, Killable)?`
//! Not any more: a change while something is in flight; one path that leaves the count dead; `percpu_ref_reinit()` of a count that is not
//! zero; who wants to begin fails, although it could wait
//!
//! ```c
//! percpu_ref_kill(&dev->usage);
//! wait_event(dev->drained, percpu_ref_is_zero(&dev->usage));
//! dev->depth = depth;
//! percpu_ref_reinit(&dev->usage);
//! wake_up_all(&dev->alive);
//! ```

use baton::{
    drain::{
        Drain,
        DrainError, //
    },
    event::Killable,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

#[pin_data]
struct Device {
    #[pin]
    usage: Drain,
    depth: Atomic<u32>,
}

fn set_depth(device: &Device, cx: &mut MaySleep, depth: u32) -> Result<(), DrainError> {
    let mut shut = device.usage.shut(cx, Killable)?;
    shut.wait(Killable)?;
    device.depth.store(depth, Relaxed);
    Ok(())
}

/// Waits while it is shut.
fn submit(device: &Device, cx: &mut MaySleep) -> Result<u32, DrainError> {
    let request = device.usage.begin_when_open(cx, Killable)?;
    let depth = device.depth.load(Relaxed);
    request.end();
    Ok(depth)
}

#[kunit_tests(baton_waits_percpu_ref_reinit)]
mod tests {
    use super::*;
    use crate::{
        suite::until,
        Sleeper, //
    };
    use baton::drain::new_drain;
    use kernel::sync::Arc;

    #[test]
    fn who_begins_waits_for_the_change() -> Result {
        let cx = &mut MaySleep::assert();
        let device = Arc::pin_init(
            try_pin_init!(Device { usage <- new_drain!(), depth: Atomic::new(1) }? Error),
            GFP_KERNEL,
        )?;
        let before = submit(&device, cx);
        let last = device.usage.try_begin()?;
        let changes = Sleeper::start(cx, &device, |device, cx| set_depth(device, cx, 2))?;
        let waits = until(|| device.usage.waiters() == 1);
        let begins = Sleeper::start(cx, &device, submit)?;
        let both = until(|| device.usage.waiters() == 2);
        last.end();
        let (changed, after) = (changes.end(cx)?, begins.end(cx)?);
        assert!(waits && both);
        assert_eq!(changed, Ok(()));
        assert_eq!((before, after), (Ok(1), Ok(2)));
        Ok(())
    }
}
