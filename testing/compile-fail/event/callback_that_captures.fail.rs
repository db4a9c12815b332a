// SPDX-License-Identifier: GPL-2.0

//! error: E0521
//! because: the function runs later: what it refers to may be gone.

#[path = "../common.rs"]
mod common;
use common::*;

use baton::event::Callback;

pub fn call(gate: Arc<Mutex<Gate>>, noted: &u32, cx: &mut MaySleep) -> Result<Callback> {
    let note = move |taken: Result<u32, Closed>, _: &mut MaySleep| {
        let _ = (taken, noted);
    };
    Callback::new(cx, c"g", gate, |g| g, |g| &g.credits, take(1), note) //~ E0521
}
