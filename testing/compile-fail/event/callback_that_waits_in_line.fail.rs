// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: nobody can be behind a callback: it is for events that serve whoever they can.

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
        |lines| &lines.line, //~ E0308
        take(1),
        |_, _| (),
    )
}
