// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: the runner must notice that it is refused for another reason.

pub fn answer() -> u32 {
    true //~ E0499
}
