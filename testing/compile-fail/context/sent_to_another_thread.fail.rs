// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: the capability speaks about the task that it was given to.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn start(cx: &mut MaySleep, gate: Arc<Mutex<Gate>>) -> Result<Thread> {
    let mut mine = MaySleep::assert();
    Thread::spawn(cx, c"starter", move |own, _| {
        //~^ E0277
        drop(gate.lock_in(&mut mine));
    })
}
