// SPDX-License-Identifier: GPL-2.0

//! The twin of `in_hand_sent_to_another_thread.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

fn is_send<T: Send>(_: T) {}

pub fn send(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    if let Some(entry) = map.lock(cx, Killable, 7)? {
        is_send(entry.detach());
    }
    Ok(())
}
