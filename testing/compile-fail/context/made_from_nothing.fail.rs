// SPDX-License-Identifier: GPL-2.0

//! error: E0423
//! because: the capability is stated at an entry point, where might_sleep() can check it.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>) {
    let cx = &mut MaySleep(kernel::types::NotThreadSafe); //~ E0423
    drop(gate.lock_in(cx));
}
