// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of `CondVar`, which loses notifications, and of the same with an event, which does not: see
//! `samples/bugs/condvar/README.md`.

#[macro_use]
#[path = "suite.rs"]
mod suite;
#[path = "../../samples/bugs/condvar/items.rs"]
mod items;

mod condvar {
    mod lost;
    mod round;
}

suite!("condvar_kunit", "KUnit suite of what CondVar loses");
