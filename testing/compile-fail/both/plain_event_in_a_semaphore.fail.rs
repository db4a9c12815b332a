// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: two readers would go on its list at the same time.

#[path = "array.rs"]
mod shared;
use shared::*;

#[pin_data]
pub struct Other {
    #[pin]
    mapped: Event<u32>,
}

fn shared<T: Sync>() {}

pub fn share() {
    shared::<RwSemaphore<Other>>(); //~ E0277
}
