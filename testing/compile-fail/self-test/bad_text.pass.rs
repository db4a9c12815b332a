// SPDX-License-Identifier: GPL-2.0

//! The twin of `bad_text.fail.rs`.

pub fn wrong() -> bool {
    true
}
