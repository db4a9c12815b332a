// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: nothing can sleep in an RCU read section.
//! hazard: f08

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result<(), Closed> {
    let _rcu = cx.rcu_read_lock();
    let held = gate.lock_in(cx); //~ E0499
    held.on(|g| &g.open).until(is_open).wait(Uninterruptible)
}
