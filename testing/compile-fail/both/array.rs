// SPDX-License-Identifier: GPL-2.0

//! What the cases are about: an array whose events are under a lock inside of another one, and a space that many read.

pub use baton::{
    event::Killable,
    level::levels,
    new_event,
    rw_semaphore::{
        RwEvent,
        RwSemaphore, //
    },
    Any,
    Event,
    Held,
    LockIn,
    MaySleep,
    Ordered,
    Thread, //
};
pub use kernel::{
    prelude::*,
    sync::{
        Arc,
        Mutex,
        SpinLock, //
    },
};

levels! {
    pub mod order {
        /// Held by who waits, besides.
        Above,
        /// The outer lock.
        Config,
        /// The events.
        Free needs [Stripes],
        /// The inner lock.
        Stripes,
        /// Not held by who waits.
        Below,
    }
}

#[pin_data]
pub struct Stripes {
    #[pin]
    pub free: Event<u32, Any, order::Free>,
    pub number: u32,
}

pub type Config = Ordered<order::Config, Mutex<u32>>;
pub type Inner = Ordered<order::Stripes, SpinLock<Stripes>>;

#[pin_data]
pub struct Space {
    #[pin]
    pub mapped: RwEvent<u32>,
}
