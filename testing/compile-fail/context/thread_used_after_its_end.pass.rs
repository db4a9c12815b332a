// SPDX-License-Identifier: GPL-2.0

//! The twin of `thread_used_after_its_end.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn end(thread: Thread, cx: &mut MaySleep) {
    let _ = thread.stop(cx);
    drop(cx.interrupts_off());
}
