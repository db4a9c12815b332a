// SPDX-License-Identifier: GPL-2.0

//! error: E0507
//! because: a taking keeps what it has captured, so that the task that waits drops it, and not whoever serves it under the lock.
//! says: cannot move out of `item`, a captured variable in an `FnMut` closure

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
        .when(|place| place.is_none(), move |place| *place = item) //~ E0507
        .wait(Uninterruptible)
}
