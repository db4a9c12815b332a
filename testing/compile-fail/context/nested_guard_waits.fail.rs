// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: the inner of two locks cannot be waited with: the outer one would stay locked.
//! hazard: f05 f07

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(outer: &Mutex<Gate>, inner: &SpinLock<Gate>, cx: &mut MaySleep) -> Result<(), Closed> {
    let mut held = outer.lock_in(cx);
    let (_, mut nesting) = held.nested();
    let guard = inner.lock_nested(&mut nesting);
    guard.on(|g| &g.open).until(is_open).wait(Uninterruptible) //~ E0599
}
