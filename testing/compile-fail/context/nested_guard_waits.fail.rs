// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: the inner of two locks cannot be waited with: the outer one would stay locked.
//! hazard: f05 f07

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(outer: &Mutex<Gate>, inner: &Mutex<Gate>, cx: &mut MaySleep) -> Result<(), Closed> {
    let mut held = outer.lock_in(cx);
    let (_, nesting) = held.nested();
    let guard = inner.lock_nested(&nesting);
    guard.wait(Uninterruptible, |g| g.project().open, is_open, ()) //~ E0599
}
