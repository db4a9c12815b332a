// SPDX-License-Identifier: GPL-2.0

//! The twin of `waited_and_kept_the_outer.fail.rs`: one line apart, and it compiles.

#[path = "array.rs"]
mod shared;
use shared::*;

pub fn get(
    config: &Config,
    stripes: &Ordered<order::Stripes, SpinLock<Plain>>,
    cx: &mut MaySleep,
) -> Result {
    let mut held = config.lock_in(cx);
    let on = held.and(stripes).on(|s| &s.free);
    on.until(|free| *free > 0).wait(Killable)?;
    Ok(())
}

#[pin_data]
pub struct Plain {
    #[pin]
    free: Event<u32>,
}
