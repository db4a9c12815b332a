// SPDX-License-Identifier: GPL-2.0

//! The twin of `wrong_text.fail.rs`.

pub fn wrong() -> bool {
    true
}
