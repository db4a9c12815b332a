// SPDX-License-Identifier: GPL-2.0

//! Wait until a flag is clear.
//!
//! C: wait_on_bit, wait_on_bit_io, wait_on_bit_timeout, wait_on_bit_action, out_of_line_wait_on_bit,
//! out_of_line_wait_on_bit_timeout, wake_up_bit, clear_and_wake_up_bit, test_and_clear_wake_up_bit
//! Rust: `.until(|flags| *flags & WRITEBACK == 0).wait(Io)`
//! Not any more: `clear_bit()` and `wake_up_bit()` without the barrier in between, or with another bit
//!
//! ```c
//! wait_on_bit_io(&page->flags, PG_WRITEBACK, TASK_UNINTERRUPTIBLE);
//!
//! clear_and_wake_up_bit(PG_WRITEBACK, &page->flags);
//! ```

use baton::{
    event::{
        Closed,
        Io, //
    },
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::SpinLock, //
};

const DIRTY: u32 = 1 << 0;
const WRITEBACK: u32 = 1 << 1;

#[pin_data]
struct Page {
    #[pin]
    flags: Event<u32>,
}

fn wait(page: &SpinLock<Page>, cx: &mut MaySleep) -> Result<(), Closed> {
    page.lock_in(cx)
        .on(|page| &page.flags)
        .until(|flags| *flags & WRITEBACK == 0)
        .wait(Io)
}

fn clear(page: &SpinLock<Page>, cx: &mut MaySleep, flag: u32) {
    page.lock_in(cx)
        .update(|page| page.project().flags, |flags| *flags &= !flag);
}

#[kunit_tests(baton_waits_bit)]
mod tests {
    use super::*;
    use crate::told;
    use baton::new_event;
    use kernel::sync::{
        new_spinlock,
        Arc, //
    };

    #[test]
    fn another_flag_does_not_end_it() -> Result {
        let cx = &mut MaySleep::assert();
        let page = Arc::pin_init(
            new_spinlock!(pin_init!(Page { flags <- new_event!(DIRTY | WRITEBACK) })),
            GFP_KERNEL,
        )?;
        let mut sleeps_on = false;
        let got = told(
            cx,
            &page,
            wait,
            |page, cx| page.lock_in(cx).flags.waiters(),
            |page, cx| {
                clear(page, cx, DIRTY);
                sleeps_on = page.lock_in(cx).flags.waiters() == 1;
                clear(page, cx, WRITEBACK);
            },
        )?;
        assert!(sleeps_on);
        assert_eq!(got, Ok(()));
        Ok(())
    }
}
