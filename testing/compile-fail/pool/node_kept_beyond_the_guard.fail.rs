// SPDX-License-Identifier: GPL-2.0

//! error: E0521
//! because: what a selection looks at does not outlive the guard; a pin does.
//! hazard: f16

#[path = "cache.rs"]
mod shared;
use shared::*;

pub fn oldest(cache: &Cache, cx: &mut MaySleep) -> Result<bool> {
    let mut picked: Option<&mut bool> = None;
    let mut batch = Batch::with_capacity(cx, 1, GFP_KERNEL)?;
    cache.lock_in(cx).select(&mut batch, |node| {
        picked = Some(node.note); //~ E0521
        true
    });
    Ok(picked.is_some())
}
