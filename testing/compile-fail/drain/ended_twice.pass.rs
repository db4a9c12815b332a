// SPDX-License-Identifier: GPL-2.0

//! The twin of `ended_twice.fail.rs`: one line apart, and it compiles.

use baton::{
    drain::{
        Drain,
        DrainError,
        InFlight,
        Shut, //
    },
    event::Uninterruptible,
    parkable,
    MaySleep, //
};

pub fn end(drain: &Drain, cx: &mut MaySleep) -> Result<(), DrainError> {
    let reference = drain.begin(cx)?.hand_over();
    reference.end();
    drain.begin(cx)?.end();
    Ok(())
}
