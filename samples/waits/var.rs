// SPDX-License-Identifier: GPL-2.0

//! Wait for the value of a variable.
//!
//! C: wait_var_event, wait_var_event_io, wait_var_event_killable, wait_var_event_interruptible, wait_var_event_timeout,
//! wake_up_var, store_release_wake_up
//! Rust: `.until(|phase| *phase == Phase::Mounted).wait(Killable)`
//! Not any more: `wake_up_var()` with the address of another variable, before the store is visible, or on no
//! path at all
//!
//! ```c
//! err = wait_var_event_killable(&fs->phase, smp_load_acquire(&fs->phase) == MOUNTED);
//!
//! store_release_wake_up(&fs->phase, MOUNTED);
//! ```

use baton::{
    event::{
        Killable,
        WaitError, //
    },
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::SpinLock, //
};

#[derive(PartialEq)]
enum Phase {
    New,
    Mounted,
}

#[pin_data]
struct Filesystem {
    #[pin]
    phase: Event<Phase>,
}

fn wait(fs: &SpinLock<Filesystem>, cx: &mut MaySleep) -> Result<(), WaitError> {
    fs.lock_in(cx)
        .on(|fs| &fs.phase)
        .until(|phase| *phase == Phase::Mounted)
        .wait(Killable)
}

fn set(fs: &SpinLock<Filesystem>, cx: &mut MaySleep, new: Phase) {
    fs.lock_in(cx)
        .update(|fs| fs.project().phase, |phase| *phase = new);
}

#[kunit_tests(baton_waits_var)]
mod tests {
    use super::*;
    use crate::told;
    use baton::new_event;
    use kernel::sync::{
        new_spinlock,
        Arc, //
    };

    #[test]
    fn it_waits_for_the_value() -> Result {
        let cx = &mut MaySleep::assert();
        let fs = Arc::pin_init(
            new_spinlock!(pin_init!(Filesystem { phase <- new_event!(Phase::New) })),
            GFP_KERNEL,
        )?;
        let got = told(
            cx,
            &fs,
            wait,
            |fs, cx| fs.lock_in(cx).phase.waiters(),
            |fs, cx| set(fs, cx, Phase::Mounted),
        )?;
        assert_eq!(got, Ok(()));
        Ok(())
    }
}
