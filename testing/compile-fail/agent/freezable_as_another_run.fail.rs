// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: what is frozen with a lock of the run held is more than the run.
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
        let mut held = self.config.lock_in(cx);
        let (_, cx) = held.inner();
        let held = self.state.lock_in(cx);
        let stop = held.on(|data| data.runs.wish()).until(Wish::wants_stop);
        let _ = stop.wait(current.freezable(Uninterruptible)); //~ E0277
    }
}
