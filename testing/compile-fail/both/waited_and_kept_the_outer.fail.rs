// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: who ends the wait may need the outer lock, which is held all along.

#[path = "array.rs"]
mod shared;
use shared::*;

pub fn get(
    config: &Config,
    stripes: &Ordered<order::Stripes, SpinLock<Plain>>,
    cx: &mut MaySleep,
) -> Result {
    let mut held = config.lock_in(cx);
    let on = stripes.lock_in(held.inner().1).on(|s| &s.free); //~ E0277
    on.until(|free| *free > 0).wait(Killable)?;
    Ok(())
}

#[pin_data]
pub struct Plain {
    #[pin]
    free: Event<u32>,
}
