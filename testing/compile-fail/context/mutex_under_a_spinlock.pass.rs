// SPDX-License-Identifier: GPL-2.0

//! The twin of `mutex_under_a_spinlock.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn both(outer: &SpinLock<u32>, other: &Mutex<u32>, a: &mut MaySleep, b: &mut MaySleep) {
    let mut spin = outer.lock_in(a);
    let mut mutex = other.lock_in(b);
    let (_, nesting) = mutex.nested();
    drop(nesting);
    *spin += *mutex;
}
