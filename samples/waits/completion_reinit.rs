// SPDX-License-Identifier: GPL-2.0

//! Ask a device one thing after the other.
//!
//! C: reinit_completion
//! Rust: `slot.start(cx, |tag, _| ..)?`
//! Not any more: the late answer to a request that has timed out, taken for that to the next one; `reinit_completion()` after the device
//! was told, or left out
//!
//! ```c
//! reinit_completion(&dev->done);
//! writel(command, dev->regs + COMMAND);
//! if (!wait_for_completion_timeout(&dev->done, HZ))
//!         return -ETIMEDOUT;        /* and what if it answers now? */
//! return dev->status;
//! ```

use baton::{
    completion::{
        Slot,
        Tag, //
    },
    event::{
        Killable,
        Mode, //
    },
    MaySleep, //
};
use kernel::{
    prelude::*,
    time::msecs_to_jiffies, //
};

fn ask(slot: &Slot<u32>, cx: &mut MaySleep, mut tell: impl FnMut(Tag)) -> Result<u32> {
    let mut answer = slot.start(cx, |tag, _| {
        tell(tag);
        Ok(())
    })?;
    answer.wait(cx, Killable.timeout(msecs_to_jiffies(10)))
}

/// An interrupt handler. It is told if nobody waits for this answer any more.
fn interrupt(slot: &Slot<u32>, tag: Tag, status: u32) -> Result {
    slot.complete(tag, Ok(status)).map_err(|_| ESTALE)
}

#[kunit_tests(baton_waits_completion_reinit)]
mod tests {
    use super::*;

    #[test]
    fn a_late_answer_is_not_that_to_the_next_request() -> Result {
        let cx = &mut MaySleep::assert();
        let slot: Pin<KBox<Slot<u32>>> = KBox::pin_init(Slot::new(), GFP_KERNEL)?;
        let mut late = None;
        let first = ask(&slot, cx, |tag| late = Some(tag));
        // The device was reset; it answers all the same, while it is asked the next thing.
        slot.reset();
        let late = late.ok_or(EIO)?;
        let mut stale = Ok(());
        let second = ask(&slot, cx, |tag| {
            stale = interrupt(&slot, late, 7);
            let _ = interrupt(&slot, tag, 8);
        });
        assert_eq!(first, Err(ETIMEDOUT));
        assert_eq!((stale, second), (Err(ESTALE), Ok(8)));
        Ok(())
    }
}
