// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: waiters point to their event; it does not exist except where it stays.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn make() -> Result {
    let event: Event<bool> = new_event!(false); //~ E0308
    drop(event);
    Ok(())
}
