// SPDX-License-Identifier: GPL-2.0

//! The twin of `selector_in_a_variable.fail.rs`: one line apart, and it compiles.

// rustc has no hook for either error. `Held::on()` and rust/README.md have the cure: a selector is
// written where it is used, is a function, or is bound by way of `select()`.

#[path = "../common.rs"]
mod common;
#[allow(unused_imports)]
use baton::event::select;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result<(), Closed> {
    let select = select(|gate: &Gate| &gate.open);
    let held = gate.lock_in(cx);
    held.on(select).until(is_open).wait(Uninterruptible)
}
