// SPDX-License-Identifier: GPL-2.0

//! Wait as the only one who may, but not longer than that.
//!
//! C: rcuwait_wait_event_timeout
//! Rust: `.wait(Uninterruptible.timeout(jiffies))`
//! Not any more: a time-out that is told from success by comparing a number with 0
//!
//! ```c
//! left = rcuwait_wait_event_timeout(&vcpu->wait, vcpu_kicked(vcpu), TASK_UNINTERRUPTIBLE,
//!                                   jiffies);
//! ```

use baton::{
    event::{
        Mode,
        Uninterruptible,
        WaitError, //
    },
    Event,
    LockIn,
    MaySleep, //
};
use core::mem;
use kernel::{
    prelude::*,
    sync::SpinLock,
    time::Jiffies, //
};

#[pin_data]
struct Vcpu {
    #[pin]
    kicked: Event<bool>,
}

fn block(vcpu: &SpinLock<Vcpu>, cx: &mut MaySleep, jiffies: Jiffies) -> Result<bool, WaitError> {
    vcpu.lock_in(cx)
        .on(|vcpu| &vcpu.kicked)
        .when(|kicked| *kicked, mem::take)
        .wait(Uninterruptible.timeout(jiffies))
}

#[kunit_tests(baton_waits_rcuwait_timeout)]
mod tests {
    use super::*;
    use baton::new_event;
    use kernel::sync::new_spinlock;

    #[test]
    fn a_kick_before_the_wait_is_not_lost() -> Result {
        let cx = &mut MaySleep::assert();
        let vcpu: Pin<KBox<SpinLock<Vcpu>>> = KBox::pin_init(
            new_spinlock!(pin_init!(Vcpu { kicked <- new_event!(false) })),
            GFP_KERNEL,
        )?;
        assert_eq!(block(&vcpu, cx, 1), Err(WaitError::TimedOut));
        vcpu.lock_in(cx)
            .update(|vcpu| vcpu.project().kicked, |kicked| *kicked = true);
        assert_eq!(block(&vcpu, cx, 1), Ok(true));
        Ok(())
    }
}
