// SPDX-License-Identifier: GPL-2.0

//! The twin of `inner_lock_in_the_outer_data.fail.rs`: one line apart, and it compiles.

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
    let inner = stripes;
    let on = held.and(inner).on(|s| &s.free);
    on.until(|free| *free > 0).wait(Killable)?;
    Ok(())
}
