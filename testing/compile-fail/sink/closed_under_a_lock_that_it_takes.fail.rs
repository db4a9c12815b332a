// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: the worker waits for the lock, and whoever holds it for the worker.

#[path = "order.rs"]
mod setup;
use setup::*;

impl Finish<MaySleep<order::Done>> for Bytes {
    fn finish(self, cx: &mut MaySleep<order::Done>) {
        *self.totals.lock_in(cx) += self.bytes;
    }
}

pub type Early = Ordered<order::Early, Mutex<u32>>;

pub fn end(sink: &WorkSink<Bytes, order::Done>, held: &Totals, cx: &mut MaySleep) -> Result {
    let mut held = held.lock_in(cx);
    let (_, cx) = held.inner();
    sink.close(cx) //~ E0277
}
