// SPDX-License-Identifier: GPL-2.0

//! An agent for the cases, and two locks around it.

pub use baton::{
    agent::{
        Current,
        Operations,
        Run,
        Runs,
        Wish, //
    },
    event::Uninterruptible,
    level::levels,
    Held,
    MaySleep,
    Ordered, //
};
pub use core::pin::Pin;
pub use kernel::{
    prelude::*,
    sync::{
        lock::mutex::MutexBackend,
        Mutex, //
    },
};

levels! {
    /// Outermost first.
    pub mod order {
        /// May be held while a resync is waited for.
        Admin,
        /// A run of the resync.
        Resync,
        /// The array, which a run takes.
        Config,
        /// Where the state of the agent is.
        State,
    }
}

#[pin_data]
pub struct Data {
    #[pin]
    pub runs: Runs<order::Resync, order::State>,
}

pub fn runs(data: Pin<&mut Data>) -> Pin<&mut Runs<order::Resync, order::State>> {
    data.project().runs
}

pub struct Array {
    pub admin: Ordered<order::Admin, Mutex<u32>>,
    pub config: Ordered<order::Config, Mutex<u32>>,
    pub state: Ordered<order::State, Mutex<Data>>,
}
