// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: whoever holds a spinlock cannot sleep, and taking a mutex may.
//! hazard: f05

#[path = "../common.rs"]
mod common;
use common::*;

pub fn both(outer: &SpinLock<u32>, other: &Mutex<u32>, a: &mut MaySleep, b: &mut MaySleep) {
    let mut spin = outer.lock_in(a);
    let mut mutex = other.lock_in(b);
    let (_, nesting) = spin.nested(); //~ E0599
    drop(nesting);
    *spin += *mutex;
}
