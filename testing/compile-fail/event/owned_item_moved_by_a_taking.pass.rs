// SPDX-License-Identifier: GPL-2.0

//! The twin of `owned_item_moved_by_a_taking.fail.rs`: one line apart, and it compiles.

// rustc has no hook for this error. `On::when()` and rust/README.md have the cure: it is given
// to the wait, by `give()`; the long way is an `Option`, as here.

#[path = "../common.rs"]
mod common;
use common::*;

#[pin_data]
pub struct Hatch {
    #[pin]
    place: Event<Option<KBox<u32>>>,
}

pub fn put(hatch: &Mutex<Hatch>, cx: &mut MaySleep, item: KBox<u32>) -> Result<(), Closed> {
    let mut item = Some(item);
    let held = hatch.lock_in(cx);
    held.on(|h| &h.place)
        .when(|place| place.is_none(), move |place| *place = item.take())
        .wait(Uninterruptible)
}
