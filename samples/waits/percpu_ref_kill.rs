// SPDX-License-Identifier: GPL-2.0

//! Let nothing more begin, and wait until nothing is in flight.
//!
//! C: percpu_ref_kill, percpu_ref_kill_and_confirm, percpu_ref_is_zero, percpu_ref_is_dying
//! Rust: `drain.shut(cx, Killable)?.wait(Killable)`
//! Not any more: a wait for zero while references begin; a wait with a reference in hand; a release callback
//! that runs in a context that nobody has thought of
//!
//! ```c
//! percpu_ref_kill(&dev->usage);
//! err = wait_event_killable(dev->drained, percpu_ref_is_zero(&dev->usage));
//! if (err)
//!         percpu_ref_resurrect(&dev->usage);
//! ```

use baton::{
    drain::{
        Drain,
        DrainError, //
    },
    event::Killable,
    MaySleep, //
};
use kernel::prelude::*;

fn drain_it(drain: &Drain, cx: &mut MaySleep) -> Result<(), DrainError> {
    // What is shut is open again when it is dropped, here at the end of this line, on every path.
    drain.shut(cx, Killable)?.wait(Killable)
}

#[kunit_tests(baton_waits_percpu_ref_kill)]
mod tests {
    use super::*;
    use crate::told;
    use baton::drain::new_drain;
    use kernel::sync::Arc;

    #[test]
    fn it_waits_until_nothing_is_in_flight() -> Result {
        let cx = &mut MaySleep::assert();
        let drain: Arc<Drain> = Arc::pin_init(new_drain!(), GFP_KERNEL)?;
        let last = drain.try_begin()?;
        let mut refused = None;
        let got = told(
            cx,
            &drain,
            drain_it,
            |drain, _| drain.waiters(),
            |drain, _| {
                refused = drain.try_begin().err();
                last.end();
            },
        )?;
        assert_eq!(got, Ok(()));
        assert_eq!(refused, Some(DrainError::Shut));
        assert!(drain.try_begin().is_ok());
        Ok(())
    }
}
