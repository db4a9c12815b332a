// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: a taking cannot say that it has not taken: the condition has said so before.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn change(credits: Pin<&mut Event<u32>>) -> Option<u32> {
    let taking: fn(&mut u32) -> u32 = |credits| credits.checked_sub(1); //~ E0308
    credits
        .try_claim(when(|credits: &u32| *credits > 0, taking))
        .ok()
}
