// SPDX-License-Identifier: GPL-2.0

//! The twin of `freezable_with_a_lock_held.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod shared;
use baton::event::Mode;
use shared::*;

pub fn store(config: &Config, metadata: &Metadata, cx: &mut MaySleep) -> Result<(), Closed> {
    let mut config = config.lock_in(cx);
    let (_, cx) = config.inner();
    let written = metadata.lock_in(cx).on(|m| &m.written).until(is_set);
    written.wait(Uninterruptible)
}
