// SPDX-License-Identifier: GPL-2.0

//! BUGGY on purpose: a test that ends the guest, the way an index out of range does.
//!
//! What has run before it must be kept, and what comes behind it must run in another boot, as must the
//! suites that are loaded later. `manifest.txt` says so of each test.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use kernel::prelude::*;

suite!(
    "busted_crash_kunit",
    "Positive control of baton's KUnit runner: a crash"
);

#[kunit_tests(baton_busted_crash)]
mod tests {
    use super::*;

    #[test]
    fn what_ran_before_is_kept() {
        assert_eq!(1 + 1, 2);
    }

    #[test]
    fn an_index_out_of_range() {
        let values = [1, 2, 3];
        let index = core::hint::black_box(values.len());
        pr_info!("value {}\n", values[index]);
    }

    #[test]
    fn what_is_behind_it_runs_alone() {
        assert_eq!(1 + 1, 2);
    }
}
