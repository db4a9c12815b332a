// SPDX-License-Identifier: GPL-2.0

//! The twin of `waits_holding_what_the_waker_needs.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod shared;
use shared::*;

pub fn stop(config: &Config, metadata: &Metadata, cx: &mut MaySleep) -> Result<(), Closed> {
    let mut config = config.lock_in(cx);
    let (_, cx) = config.inner();
    let held = metadata.lock_in(cx);
    held.on(|m| &m.written).until(is_set).wait(Uninterruptible)
}
