// SPDX-License-Identifier: GPL-2.0

//! The twin of `made_unpinned.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn make() -> Result {
    let event: Pin<KBox<Event<bool>>> = KBox::pin_init(new_event!(false), GFP_KERNEL)?;
    drop(event);
    Ok(())
}
