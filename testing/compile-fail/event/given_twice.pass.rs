// SPDX-License-Identifier: GPL-2.0

//! The twin of `given_twice.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use baton::event::Item;
use common::*;

#[pin_data]
pub struct Hatch {
    #[pin]
    place: Event<Option<KBox<u32>>>,
}

pub fn put(hatch: &Mutex<Hatch>, cx: &mut MaySleep, item: KBox<u32>) -> Result {
    let held = hatch.lock_in(cx);
    let on = held.on(|h| &h.place).give(item);
    let taking = |place: &mut Option<_>, item: Item<'_, _>| {
        *place = Some(item.take());
        drop(());
    };
    on.when(|place| place.is_none(), taking)
        .wait(Uninterruptible)?;
    Ok(())
}
