// SPDX-License-Identifier: GPL-2.0

//! BUGGY on purpose: the positive control of the KUnit layer, every test must fail.
//!
//! If the runner calls this suite green, it would call anything green.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use baton::{
    event::{
        Mode,
        Uninterruptible, //
    },
    new_event,
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::Mutex, //
};

suite!("busted_kunit", "Positive control of baton's KUnit suites");

#[pin_data]
struct Flag {
    #[pin]
    set: Event<bool>,
}

/// BUGGY, do not use in real life: never finds what it waits for.
fn never(_: &bool) -> bool {
    false
}

#[kunit_tests(baton_busted)]
mod tests {
    use super::*;

    #[test]
    fn an_assertion_that_does_not_hold() {
        assert_eq!(1 + 1, 3);
    }

    #[test]
    fn an_error_that_is_returned() -> Result {
        Err(EIO)
    }

    #[test]
    fn a_wake_up_that_never_comes() -> Result {
        let cx = &mut MaySleep::assert();
        let flag: Pin<KBox<Mutex<Flag>>> = KBox::pin_init(
            new_mutex!(pin_init!(Flag { set <- new_event!(false) })),
            GFP_KERNEL,
        )?;
        flag.lock_in(cx)
            .as_mut()
            .project()
            .set
            .update(|set| *set = true);
        flag.lock_in(cx)
            .on(|s| &s.set)
            .until(never)
            .wait(Uninterruptible.timeout(10))?;
        Ok(())
    }
}
