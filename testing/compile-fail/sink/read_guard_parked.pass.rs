// SPDX-License-Identifier: GPL-2.0

//! The twin of `read_guard_parked.fail.rs`: one line apart, and it compiles.

use baton::{
    level::Unordered,
    parkable,
    rw_semaphore::ReadGuard, //
};

pub type Guard = ReadGuard<'static, 'static, u32>;

parkable! {
    pub struct Done {
        tag: u32,
        guard: u64,
    }
}

pub fn keep(guard: Guard) -> u32 {
    *guard
}
