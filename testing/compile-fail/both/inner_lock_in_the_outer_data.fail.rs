// SPDX-License-Identifier: GPL-2.0

//! error: E0505
//! because: what the outer lock protects can change while the task sleeps.

#[path = "array.rs"]
mod shared;
use shared::*;

pub struct Array {
    stripes: Pin<KBox<Inner>>,
}

pub fn get(
    array: &Ordered<order::Config, Mutex<Array>>,
    stripes: &Inner,
    cx: &mut MaySleep,
) -> Result {
    let held = array.lock_in(cx);
    let inner = &*held.stripes;
    let on = held.and(inner).on(|s| &s.free); //~ E0505
    on.until(|free| *free > 0).wait(Killable)?;
    Ok(())
}
