// SPDX-License-Identifier: GPL-2.0

//! The twin of `parked_on_a_task.fail.rs`: one line apart, and it compiles.

use baton::{
    drain::{
        Drain,
        DrainError,
        InFlight,
        Shut, //
    },
    event::Uninterruptible,
    parkable,
    MaySleep, //
};

parkable! {
    pub struct Done {
        tag: u32,
        reference: u64,
    }
}
