// SPDX-License-Identifier: GPL-2.0

//@ link-fail
//! because: the runner must notice that nothing is left to link.

use kernel::prelude::*;

/// Is 0 for everybody who links.
#[inline(always)]
fn small(value: u32) -> u32 {
    build_assert!(value < 10);
    value
}

pub fn answer() -> u32 {
    small(4)
}
