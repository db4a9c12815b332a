// SPDX-License-Identifier: GPL-2.0

//! The twin of `outer_data_after_the_wait.fail.rs`: one line apart, and it compiles.

#[path = "array.rs"]
mod shared;
use shared::*;

pub fn get(config: &Config, stripes: &Inner, cx: &mut MaySleep) -> Result<u32> {
    let both = config.lock_in(cx).and(stripes);
    let size = &both.outer().clone();
    let on = both.on(|s| &s.free);
    on.until(|free| *free > 0).wait(Killable)?;
    Ok(*size)
}
