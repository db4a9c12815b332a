// SPDX-License-Identifier: GPL-2.0

//! The twin of `sent_to_another_thread.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn start(cx: &mut MaySleep, gate: Arc<Mutex<Gate>>) -> Result<Thread> {
    let mut mine = MaySleep::assert();
    Thread::spawn(cx, c"starter", move |own, _| {
        drop(gate.lock_in(own));
    })
}
