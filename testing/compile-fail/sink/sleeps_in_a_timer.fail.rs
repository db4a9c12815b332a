// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: an interrupt cannot sleep.

#[path = "order.rs"]
mod setup;
use setup::*;

type Cx = AtomicContext;

impl Finish<Cx> for Bytes {
    fn finish(self, cx: &mut Cx) {
        *self.totals.lock_in(cx) += self.bytes; //~ E0308
    }
}
