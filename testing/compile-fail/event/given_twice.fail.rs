// SPDX-License-Identifier: GPL-2.0

//! error: E0382
//! because: what is given away is somewhere else then.

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
        drop(item.take()); //~ E0382
    };
    on.when(|place| place.is_none(), taking)
        .wait(Uninterruptible)?;
    Ok(())
}
