// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: the runner must notice that nothing is refused.

pub fn answer() -> u32 {
    41 //~ E0308
}
