// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: a sink in nobody's order is closed with anything held that is in none either.

#[path = "order.rs"]
mod setup;
use setup::*;

type Level = Unordered;

impl Finish<MaySleep<Level>> for Bytes {
    fn finish(self, cx: &mut MaySleep<Level>) {
        *self.totals.lock_in(cx) += self.bytes; //~ E0277
    }
}
