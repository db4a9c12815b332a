// SPDX-License-Identifier: GPL-2.0

//! The stamp of a page: no two versions have the same.

use crate::stamp::Stamp;
use kernel::prelude::*;

#[kunit_tests(baton_blk_stamp)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_dirty_until_it_is_stable() {
        let fresh = Stamp::from_bits(0);
        let dirty = fresh.changed(0xffff_ffff);
        let stable = dirty.stable();
        assert!(!fresh.is_dirty());
        assert_eq!((dirty.is_dirty(), dirty.sum()), (true, 0xffff_ffff));
        assert_eq!((stable.is_dirty(), stable.sum()), (false, 0xffff_ffff));
        assert!(dirty != stable);
        assert!(Stamp::from_bits(dirty.bits()) == dirty);
    }

    #[test]
    fn the_same_sum_is_another_stamp() {
        let first = Stamp::from_bits(0).changed(7);
        let second = first.changed(7);
        let third = first.stable().changed(7);
        let gone = first.gone();
        assert!(second != first && second.is_dirty());
        assert!(third == second);
        assert!(!gone.is_dirty());
        // Also if the page is used elsewhere by then.
        assert!(gone.changed(7) != first && gone.changed(7) != second);
    }

    #[test]
    fn versions_do_not_run_out() {
        let last = Stamp::from_bits(u64::MAX);
        let next = last.changed(7);
        assert_eq!((next.is_dirty(), next.sum()), (true, 7));
        assert!(next != last);
    }
}
