// SPDX-License-Identifier: GPL-2.0

//! The twin of `taking_that_fails.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn change(credits: Pin<&mut Event<u32>>) -> Option<u32> {
    let taking: fn(&mut u32) -> u32 = |credits| *credits - 1;
    credits
        .try_claim(when(|credits: &u32| *credits > 0, taking))
        .ok()
}
