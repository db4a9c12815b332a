// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: the runner must notice that another line is refused.

pub fn answer() -> u32 {
    //~^ E0308
    true
}
