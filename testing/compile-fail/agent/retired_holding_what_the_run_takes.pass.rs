// SPDX-License-Identifier: GPL-2.0

//! The twin of `retired_holding_what_the_run_takes.fail.rs`: one line apart, and it compiles.

#[path = "worker.rs"]
mod shared;
use baton::Agent;
use shared::*;

pub fn end<O>(array: &Array, agent: Agent<O>, cx: &mut MaySleep)
where
    O: Operations<Level = order::Resync>,
{
    let mut held = array.admin.lock_in(cx);
    let _ = agent.retire(held.inner().1);
}
