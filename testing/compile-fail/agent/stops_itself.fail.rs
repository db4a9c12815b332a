// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: a run does not stand below itself, so it cannot wait for its own end.
//! hazard: f12

#[path = "worker.rs"]
mod shared;
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

    fn run(&self, _: &Current<'_, Self>, cx: &mut MaySleep<order::Resync>) {
        let state = self.state.lock_in(cx);
        drop(state.stop(Uninterruptible, runs)); //~ E0277
    }
}
