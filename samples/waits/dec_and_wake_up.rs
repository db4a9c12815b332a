// SPDX-License-Identifier: GPL-2.0

//! Count down, and wake who waits for zero.
//!
//! C: atomic_dec_and_wake_up
//! Rust: `io.end()`
//! Not any more: one end too many, or a path with one too few: a reference is a value; a wait for zero while
//! others begin
//!
//! ```c
//! atomic_inc(&dev->pending);
//! submit(dev);
//!
//! atomic_dec_and_wake_up(&dev->pending);
//!
//! wait_var_event(&dev->pending, !atomic_read(&dev->pending));
//! kfree(dev);
//! ```

use baton::{
    drain::{
        Drain,
        InFlight, //
    },
    event::Uninterruptible,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// In any context.
fn ended(io: InFlight) {
    io.end();
}

fn free(pending: Arc<Drain>, cx: &mut MaySleep) -> Result {
    pending.shut(cx, Uninterruptible)?.wait(Uninterruptible)?;
    drop(pending);
    Ok(())
}

#[kunit_tests(baton_waits_dec_and_wake_up)]
mod tests {
    use super::*;
    use crate::told;
    use baton::{
        drain::new_drain,
        LockIn, //
    };
    use kernel::sync::new_mutex;

    #[test]
    fn it_is_freed_when_the_last_one_has_ended() -> Result {
        let cx = &mut MaySleep::assert();
        let pending: Arc<Drain> = Arc::pin_init(new_drain!(), GFP_KERNEL)?;
        let (one, two) = (pending.try_begin()?, pending.try_begin()?);
        let shared = Arc::pin_init(new_mutex!((Some(pending.clone()), pending)), GFP_KERNEL)?;
        let got = told(
            cx,
            &shared,
            |shared, cx| {
                let pending = shared.lock_in(cx).0.take().ok_or(EIO)?;
                free(pending, cx)
            },
            |shared, cx| shared.lock_in(cx).1.waiters(),
            |_, _| {
                ended(one);
                ended(two);
            },
        )?;
        assert_eq!(got, Ok(()));
        Ok(())
    }
}
