// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: who ends the wait may need the lock that is not given up.

#[path = "array.rs"]
mod shared;
use shared::*;

pub fn get(
    above: &Ordered<order::Above, Mutex<u32>>,
    config: &Config,
    wrong: &SpinLock<Plain>,
    stripes: &Inner,
    cx: &mut MaySleep,
) -> Result {
    let mut held = above.lock_in(cx);
    let (_, cx) = held.inner();
    let both = config.lock_in(cx).and(wrong);
    let on = both.on(|s| &s.free); //~ E0277
    on.until(|free| *free > 0).wait(Killable)?;
    Ok(())
}

#[pin_data]
pub struct Plain {
    #[pin]
    free: Event<u32>,
}
