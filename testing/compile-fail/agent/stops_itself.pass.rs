// SPDX-License-Identifier: GPL-2.0

//! The twin of `stops_itself.fail.rs`: one line apart, and it compiles.

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
        drop(state);
    }
}
