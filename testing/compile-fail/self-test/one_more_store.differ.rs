// SPDX-License-Identifier: GPL-2.0

//! because: the comparison of the machine code must see a difference of one instruction.

use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

#[no_mangle]
pub fn ours(value: &Atomic<u32>) {
    value.store(1, Relaxed);
    value.store(2, Relaxed);
}

#[no_mangle]
pub fn plain(value: &Atomic<u32>) {
    value.store(1, Relaxed);
}
