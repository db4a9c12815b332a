// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: the run takes the lock that is held while its end is waited for.

#[path = "worker.rs"]
mod shared;
use baton::Agent;
use shared::*;

pub fn end<O>(array: &Array, agent: Agent<O>, cx: &mut MaySleep)
where
    O: Operations<Level = order::Resync>,
{
    let mut held = array.config.lock_in(cx);
    let _ = agent.retire(held.inner().1); //~ E0277
}
