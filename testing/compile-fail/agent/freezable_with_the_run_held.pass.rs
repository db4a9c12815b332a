// SPDX-License-Identifier: GPL-2.0

//! The twin of `freezable_with_the_run_held.fail.rs`: one line apart, and it compiles.

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
        let _ = current.wait_stop(cx, current.freezable(Uninterruptible));
    }
}
