// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: the guard of a nested lock is no guard of the `kernel` crate, with which its condition variable waits.
//! hazard: f05

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
    condvar.wait(&mut guard); //~ E0308
}
