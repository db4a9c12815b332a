// SPDX-License-Identifier: GPL-2.0

//! The twin of `waited_with_a_third_lock.fail.rs`: one line apart, and it compiles.

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
    let both = config.lock_in(cx).and(stripes);
    let on = both.on(|s| &s.free);
    on.until(|free| *free > 0).wait(Killable)?;
    Ok(())
}

#[pin_data]
pub struct Plain {
    #[pin]
    free: Event<u32>,
}
