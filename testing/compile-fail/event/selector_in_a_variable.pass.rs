// SPDX-License-Identifier: GPL-2.0

//! The twin of `selector_in_a_variable.fail.rs`: one line apart, and it compiles.

// rustc has no hook for either error. `Held::on()` and rust/README.md have the cure: a selector is
// written where it is used, or is a function, or its variable has a type.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result<(), Closed> {
    let select: fn(&Gate) -> &Event<bool> = |gate| &gate.open;
    let held = gate.lock_in(cx);
    held.on(select).until(is_open).wait(Uninterruptible)
}
