// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: the message has a text that it must not have.
//! says not: mismatched types

pub fn wrong() -> bool {
    1 //~ E0308
}
