// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: two mutexes need an order.

#[path = "array.rs"]
mod shared;
use shared::*;

pub fn both(config: &Config, wrong: &Mutex<Stripes>, right: &SpinLock<Stripes>, cx: &mut MaySleep) {
    let held = config.lock_in(cx);
    let both = held.and(wrong); //~ E0277
    drop(both);
}
