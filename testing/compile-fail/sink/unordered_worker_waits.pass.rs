// SPDX-License-Identifier: GPL-2.0

//! The twin of `unordered_worker_waits.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod setup;
use setup::*;

type Level = order::Done;

impl Finish<MaySleep<Level>> for Bytes {
    fn finish(self, cx: &mut MaySleep<Level>) {
        *self.totals.lock_in(cx) += self.bytes;
    }
}
