// SPDX-License-Identifier: GPL-2.0

//! error: E0505
//! because: the outer of two locks cannot be waited with while the inner one is held.
//! hazard: f05 f07

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(outer: &Mutex<Gate>, inner: &SpinLock<u32>, cx: &mut MaySleep) -> Result<(), Closed> {
    let mut held = outer.lock_in(cx);
    let (_, mut nesting) = held.nested();
    let guard = inner.lock_nested(&mut nesting);
    held.on(|g| &g.open).until(is_open).wait(Uninterruptible) //~ E0505
}
