// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: the freezer may leave the task asleep with what it holds besides the two.
//! says: a freezable wait must not be done while

#[path = "array.rs"]
mod shared;
use baton::event::Mode;
use shared::*;

pub fn get(
    above: &Ordered<order::Above, Mutex<u32>>,
    config: &Config,
    stripes: &Inner,
    cx: &mut MaySleep,
) -> Result {
    let mut held = above.lock_in(cx);
    let (_, cx) = held.inner();
    let both = config.lock_in(cx).and(stripes);
    let free = both.on(|s| &s.free).until(|free| *free > 0);
    free.wait(Killable.freezable())?; //~ E0277
    Ok(())
}
