// SPDX-License-Identifier: GPL-2.0

//! The twin of `waited_without_the_guard.fail.rs`: one line apart, and it compiles.

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

pub fn resize(drain: &Drain, cx: &mut MaySleep) -> Result<(), DrainError> {
    let mut shut = drain.shut(cx, Uninterruptible)?;
    shut.wait(Uninterruptible)?;
    drop(shut);
    Ok(())
}
