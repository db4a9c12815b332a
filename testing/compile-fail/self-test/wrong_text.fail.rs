// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: the message has another text than is asked for.
//! says: something else

pub fn wrong() -> bool {
    1 //~ E0308
}
