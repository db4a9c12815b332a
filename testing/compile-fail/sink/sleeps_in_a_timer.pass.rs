// SPDX-License-Identifier: GPL-2.0

//! The twin of `sleeps_in_a_timer.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod setup;
use setup::*;

type Cx = MaySleep<order::Done>;

impl Finish<Cx> for Bytes {
    fn finish(self, cx: &mut Cx) {
        *self.totals.lock_in(cx) += self.bytes;
    }
}
