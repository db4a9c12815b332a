// SPDX-License-Identifier: GPL-2.0

//! error: E0596
//! because: a lock that is in use can only be reached by shared reference, which initialises nothing.

#[path = "order.rs"]
mod shared;
use shared::*;

pub fn freeze(config: &Pin<KBox<Config>>, mine: &mut Pin<KBox<Config>>, cx: &mut MaySleep) {
    config.lock_in(cx);
    config.set(make()); //~ E0596
}

fn make() -> Config {
    loop {}
}
