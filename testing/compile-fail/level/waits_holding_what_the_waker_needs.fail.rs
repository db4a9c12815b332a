// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: who ends the resync takes the configuration, which is held.
//! hazard: f11

#[path = "order.rs"]
mod shared;
use shared::*;

pub fn stop(config: &Config, metadata: &Metadata, cx: &mut MaySleep) -> Result<(), Closed> {
    let mut config = config.lock_in(cx);
    let (_, cx) = config.inner();
    let held = metadata.lock_in(cx);
    held.on(|m| &m.ended).until(is_set).wait(Uninterruptible) //~ E0277
}
