// SPDX-License-Identifier: GPL-2.0

//! error: E0308 error
//! because: a closure in a variable has no signature to take its lifetimes from: it returns any, not that of its argument.
//! says: one type is more general than the other
//! says: select: impl for<'x> FnOnce(&'x T) -> &'x Event<W, P, E>

// rustc has no hook for either error. `Held::on()` and rust/README.md have the cure: a selector is
// written where it is used, is a function, or is bound by way of `select()`.

#[path = "../common.rs"]
mod common;
#[allow(unused_imports)]
use baton::event::select;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result<(), Closed> {
    let select = |gate: &Gate| &gate.open; //~ error
    let held = gate.lock_in(cx);
    held.on(select).until(is_open).wait(Uninterruptible) //~ E0308
}
