// SPDX-License-Identifier: GPL-2.0

//! error: E0505
//! because: it is somebody else's while the task sleeps.

#[path = "array.rs"]
mod shared;
use shared::*;

pub fn get(config: &Config, stripes: &Inner, cx: &mut MaySleep) -> Result<u32> {
    let both = config.lock_in(cx).and(stripes);
    let size = both.outer();
    let on = both.on(|s| &s.free); //~ E0505
    on.until(|free| *free > 0).wait(Killable)?;
    Ok(*size)
}
