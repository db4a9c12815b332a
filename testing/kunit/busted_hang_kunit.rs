// SPDX-License-Identifier: GPL-2.0

//! BUGGY on purpose: a test that sleeps for ever, and that nobody can end.
//!
//! What has run before it must be kept, the test and the place where it sleeps must be reported, and
//! the suites that are loaded later must run in another boot. What comes behind it is not run, for
//! once, and must be reported by name. `manifest.txt` says so of each test.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use kernel::{
    prelude::*,
    sync::Completion, //
};

suite!(
    "busted_hang_kunit",
    "Positive control of baton's KUnit runner: a hang"
);

#[kunit_tests(baton_busted_hang)]
mod tests {
    use super::*;

    #[test]
    fn what_ran_before_is_kept() {
        assert_eq!(1 + 1, 2);
    }

    #[test]
    fn a_completion_that_nobody_completes() -> Result {
        let never = KBox::pin_init(Completion::new(), GFP_KERNEL)?;
        never.wait_for_completion();
        Ok(())
    }

    #[test]
    fn what_is_behind_it_does_not_run() {
        assert_eq!(1 + 1, 2);
    }
}
