// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: who closes the sink may hold it.

#[path = "order.rs"]
mod setup;
use setup::*;

pub struct Job(
    pub Arc<Ordered<order::Early, Mutex<u32>>>,
    pub Arc<Ordered<order::Late, Mutex<u32>>>,
);

impl Finish<MaySleep<order::Done>> for Job {
    fn finish(self, cx: &mut MaySleep<order::Done>) {
        *self.0.lock_in(cx) += 1; //~ E0277
    }
}
