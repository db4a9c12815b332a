// SPDX-License-Identifier: GPL-2.0

//! What the cases are about: a device whose requests take what stands below them.

pub use baton::{
    drain::{
        Drain,
        DrainError,
        InFlight, //
    },
    event::Uninterruptible,
    level::levels,
    LockIn,
    MaySleep,
    Ordered, //
};
pub use kernel::{
    prelude::*,
    sync::Mutex, //
};

levels! {
    pub mod order {
        /// What is set up before a device.
        Bus,
        /// How the device is set up: held by who changes it, and by who submits.
        Config,
        /// The requests in flight.
        Requests,
        /// What a request takes.
        Cache,
    }
}

pub struct Device {
    pub config: Pin<KBox<Ordered<order::Config, Mutex<u32>>>>,
    pub requests: Pin<KBox<Drain<order::Requests>>>,
    pub cache: Pin<KBox<Ordered<order::Cache, Mutex<u32>>>>,
}
