// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: another task may need the configuration before it can be frozen itself.
//! says: a freezable wait must not be done while

#[path = "order.rs"]
mod shared;
use baton::event::Mode;
use shared::*;

pub fn store(config: &Config, metadata: &Metadata, cx: &mut MaySleep) -> Result<(), Closed> {
    let mut config = config.lock_in(cx);
    let (_, cx) = config.inner();
    let written = metadata.lock_in(cx).on(|m| &m.written).until(is_set);
    written.wait(Uninterruptible.freezable()) //~ E0277
}
