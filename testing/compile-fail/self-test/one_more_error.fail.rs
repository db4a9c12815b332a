// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: the runner must notice what was not expected.

pub fn answer() -> u32 {
    missing();
    true //~ E0308
}

fn more() -> u32 {
    42
}
