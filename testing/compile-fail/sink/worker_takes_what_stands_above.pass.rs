// SPDX-License-Identifier: GPL-2.0

//! The twin of `worker_takes_what_stands_above.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod setup;
use setup::*;

pub struct Job(
    pub Arc<Ordered<order::Early, Mutex<u32>>>,
    pub Arc<Ordered<order::Late, Mutex<u32>>>,
);

impl Finish<MaySleep<order::Done>> for Job {
    fn finish(self, cx: &mut MaySleep<order::Done>) {
        *self.1.lock_in(cx) += 1;
    }
}
