// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: only who has shut the gate can wait: otherwise the count may never be zero.

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
    drain.wait(Uninterruptible)?; //~ E0599
    drop(shut);
    Ok(())
}
