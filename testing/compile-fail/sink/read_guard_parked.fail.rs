// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: whoever waits to write waits for this, and may be the task that it is parked on.

use baton::{
    level::Unordered,
    parkable,
    rw_semaphore::ReadGuard, //
};

pub type Guard = ReadGuard<'static, 'static, u32>;

parkable! { //~ E0277
    pub struct Done {
        tag: u32,
        guard: Guard,
    }
}

pub fn keep(guard: Guard) -> u32 {
    *guard
}
