// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: the runner must notice that the correction is refused, too.

pub fn answer() -> u32 {
    true //~ E0308
}
