// SPDX-License-Identifier: GPL-2.0

//! Spare an effort that is for nobody.
//!
//! C: waitqueue_active, wq_has_sleeper, wq_has_single_sleeper
//! Rust: `held.reports.waiters() == 0`
//! Not any more: the barrier between the change and the look at the queue, which is missing, and a sleeper that is
//! overlooked: who waits is known under the lock; for the wake-up itself nobody has to look, an update does so
//!
//! ```c
//! /* smp_mb() in here pairs with the one in prepare_to_wait(). */
//! if (!wq_has_sleeper(&dev->wait))
//!         return;
//! WRITE_ONCE(dev->report, make_report(dev));
//! wake_up_all(&dev->wait);
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
    sync::Mutex, //
};

#[pin_data]
struct Device {
    #[pin]
    reports: Event<u64>,
}

fn report(device: &Mutex<Device>, cx: &mut MaySleep, make: impl FnOnce() -> u64) {
    let mut held = device.lock_in(cx);
    if held.reports.waiters() == 0 {
        return;
    }
    let report = make();
    held.update(
        |device| device.project().reports,
        |reports| *reports = report,
    );
}

fn wait(device: &Mutex<Device>, cx: &mut MaySleep) -> Result<u64, WaitError> {
    device
        .lock_in(cx)
        .on(|device| &device.reports)
        .when(|reports| *reports != 0, |reports| *reports)
        .wait(Killable)
}

#[kunit_tests(baton_waits_waiters)]
mod tests {
    use super::*;
    use crate::told;
    use baton::new_event;
    use kernel::sync::{
        new_mutex,
        Arc, //
    };

    #[test]
    fn it_is_made_for_those_who_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let device = Arc::pin_init(
            new_mutex!(pin_init!(Device { reports <- new_event!(0) })),
            GFP_KERNEL,
        )?;
        let mut made = 0;
        report(&device, cx, || {
            made += 1;
            7
        });
        assert_eq!(made, 0);
        let got = told(
            cx,
            &device,
            wait,
            |device, cx| device.lock_in(cx).reports.waiters(),
            |device, cx| report(device, cx, || 7),
        )?;
        assert_eq!(got, Ok(7));
        Ok(())
    }
}
