// SPDX-License-Identifier: GPL-2.0

//! error: E0382
//! because: the end of a thread consumes its handle.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn end(thread: Thread, cx: &mut MaySleep) {
    let _ = thread.stop(cx);
    thread.kill(); //~ E0382
}
