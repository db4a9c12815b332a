// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: an entry in hand stands for the capability of its task; another one gets it detached.

#[path = "../common.rs"]
mod common;
use common::*;

fn is_send<T: Send>(_: T) {}

pub fn send(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    if let Some(entry) = map.lock(cx, Killable, 7)? {
        is_send(entry); //~ E0277
    }
    Ok(())
}
