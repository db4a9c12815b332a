// SPDX-License-Identifier: GPL-2.0

//! error: E0308

pub fn answer() -> u32 {
    true //~ E0308
}
