// SPDX-License-Identifier: GPL-2.0

//! The twin of `nested_guard_on_a_condvar.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn wait(
    outer: &Mutex<u32>,
    inner: &SpinLock<u32>,
    condvar: &kernel::sync::CondVar,
    cx: &mut MaySleep,
) {
    let mut held = outer.lock_in(cx);
    let (_, mut nesting) = held.nested();
    let mut guard = inner.lock_nested(&mut nesting);
    *guard += 1;
}
