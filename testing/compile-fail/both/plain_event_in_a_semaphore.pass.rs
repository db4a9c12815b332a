// SPDX-License-Identifier: GPL-2.0

//! The twin of `plain_event_in_a_semaphore.fail.rs`: one line apart, and it compiles.

#[path = "array.rs"]
mod shared;
use shared::*;

#[pin_data]
pub struct Other {
    #[pin]
    mapped: RwEvent<u32>,
}

fn shared<T: Sync>() {}

pub fn share() {
    shared::<RwSemaphore<Other>>();
}
