// SPDX-License-Identifier: GPL-2.0

//! The twin of `mutex_initialised_while_held.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod shared;
use shared::*;

pub fn freeze(config: &Pin<KBox<Config>>, mine: &mut Pin<KBox<Config>>, cx: &mut MaySleep) {
    config.lock_in(cx);
    mine.set(make());
}

fn make() -> Config {
    loop {}
}
