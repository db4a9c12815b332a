// SPDX-License-Identifier: GPL-2.0

//! The twin of `callback_that_captures.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

use baton::event::Callback;

pub fn call(gate: Arc<Mutex<Gate>>, noted: u32, cx: &mut MaySleep) -> Result<Callback> {
    let note = move |taken: Result<u32, Closed>, _: &mut MaySleep| {
        let _ = (taken, noted);
    };
    Callback::new(cx, c"g", gate, |g| g, |g| &g.credits, take(1), note)
}
