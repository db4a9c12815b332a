// SPDX-License-Identifier: GPL-2.0

//! What the cases are about: a device that counts its commands, each of which takes what stands below.

pub use baton::{
    count::{
        Aside,
        Count,
        Counted, //
    },
    event::Killable,
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
        /// How the device is set up: held by who changes it.
        Config,
        /// The commands.
        Commands,
        /// What a command takes.
        Cache,
    }
}

pub struct Device {
    pub config: Pin<KBox<Ordered<order::Config, Mutex<u32>>>>,
    pub commands: Pin<KBox<Count<order::Commands>>>,
    pub cache: Pin<KBox<Ordered<order::Cache, Mutex<u32>>>>,
}
