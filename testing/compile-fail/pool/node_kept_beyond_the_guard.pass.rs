// SPDX-License-Identifier: GPL-2.0

//! The twin of `node_kept_beyond_the_guard.fail.rs`: one line apart, and it compiles.

#[path = "cache.rs"]
mod shared;
use shared::*;

pub fn oldest(cache: &Cache, cx: &mut MaySleep) -> Result<bool> {
    let mut picked: Option<&mut bool> = None;
    let mut batch = Batch::with_capacity(cx, 1, GFP_KERNEL)?;
    cache.lock_in(cx).select(&mut batch, |node| {
        picked = node.note.then_some(()).and(None);
        true
    });
    Ok(picked.is_some())
}
