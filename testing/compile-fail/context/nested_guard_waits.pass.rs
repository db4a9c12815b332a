// SPDX-License-Identifier: GPL-2.0

//! The twin of `nested_guard_waits.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(outer: &Mutex<Gate>, inner: &SpinLock<Gate>, cx: &mut MaySleep) -> Result<(), Closed> {
    let mut held = outer.lock_in(cx);
    let (_, mut nesting) = held.nested();
    let guard = inner.lock_nested(&mut nesting);
    Ok(drop(guard))
}
