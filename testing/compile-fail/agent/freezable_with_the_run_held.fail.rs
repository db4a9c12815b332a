// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: whoever waits for the run is in the freezer's way while it is frozen; a run says so, by its `Current`.
//! says: a freezable wait must not be done while

#[path = "worker.rs"]
mod shared;
use baton::event::Mode;
use shared::*;

impl Operations for Array {
    type Level = order::Resync;
    type LockLevel = order::State;
    type Data = Data;
    type Backend = MutexBackend;

    fn lock(&self) -> &Ordered<order::State, Mutex<Data>> {
        &self.state
    }

    fn runs(data: Pin<&mut Data>) -> Pin<&mut Runs<order::Resync, order::State>> {
        runs(data)
    }

    fn run(&self, current: &Current<'_, Self>, cx: &mut MaySleep<order::Resync>) {
        let _ = current.wait_stop(cx, Uninterruptible.freezable()); //~ E0277
    }
}
