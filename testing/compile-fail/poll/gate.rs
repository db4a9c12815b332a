// SPDX-License-Identifier: GPL-2.0

//! What the cases are about: a gate under a lock, that is polled.

pub use baton::{
    event::Event,
    misc::Operations,
    poll::{
        new_source,
        Mask,
        Source,
        Table, //
    },
    LockIn,
    MaySleep, //
};
pub use kernel::{
    prelude::*,
    sync::{
        Mutex,
        SpinLock, //
    },
};

#[pin_data]
pub struct Gate {
    #[pin]
    pub open: Source<bool>,
}

pub fn ready(open: &bool) -> Mask {
    Mask::when(*open, Mask::IN)
}
