// SPDX-License-Identifier: GPL-2.0

//! How long a write to an attribute waits.

use crate::{
    patience::Patience,
    suite::until, //
};
use kernel::{
    prelude::*,
    time::msecs_to_jiffies, //
};

#[kunit_tests(baton_blk_patience)]
mod tests {
    use super::*;

    #[test]
    fn it_becomes_less_and_there_is_always_some() -> Result {
        let patience = Patience::new();
        let first = patience.left();
        let less = until(|| patience.left() < first);
        let least = until(|| patience.left() == 1);
        let after = patience.left();
        // Two seconds in all, of which none is gone before it has begun.
        assert!(first > 1);
        assert!(first <= msecs_to_jiffies(2000));
        assert!(less);
        assert!(least);
        assert_eq!(after, 1);
        Ok(())
    }
}
