// SPDX-License-Identifier: GPL-2.0

//! The twin of `callback_that_waits_in_line.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

use baton::event::Callback;

#[pin_data]
pub struct Lines {
    #[pin]
    pub any: Event<u32>,
    #[pin]
    pub line: Event<u32, Fifo>,
}

pub fn call(lines: Arc<Mutex<Lines>>, cx: &mut MaySleep) -> Result<Callback> {
    Callback::new(
        cx,
        c"line",
        lines,
        |lines| lines,
        |lines| &lines.any,
        take(1),
        |_, _| (),
    )
}
