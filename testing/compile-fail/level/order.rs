// SPDX-License-Identifier: GPL-2.0

//! An order for the cases: an array with its configuration, its metadata, and a run of its resync.

pub use baton::event::{
    Closed,
    Interruptible,
    Uninterruptible, //
};
pub use baton::{
    level::levels,
    new_event,
    Event,
    Fifo,
    Held,
    LockIn,
    LockNested,
    MaySleep,
    Ordered, //
};
pub use core::pin::Pin;
pub use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Mutex,
        SpinLock, //
    },
};

levels! {
    /// Outermost first.
    pub mod order {
        /// The end of a resync: whoever brings it about takes the configuration.
        Resync needs [Config],
        /// The configuration of the array.
        Config,
        /// The superblock is written: whoever does that takes the metadata.
        Written needs [Metadata],
        /// The metadata.
        Metadata,
    }
}

#[pin_data]
pub struct Sync {
    #[pin]
    pub ended: Event<bool, Fifo, order::Resync>,
    #[pin]
    pub written: Event<bool, Fifo, order::Written>,
}

pub type Config = Ordered<order::Config, Mutex<u32>>;
pub type Metadata = Ordered<order::Metadata, Mutex<Sync>>;

pub fn is_set(flag: &bool) -> bool {
    *flag
}
