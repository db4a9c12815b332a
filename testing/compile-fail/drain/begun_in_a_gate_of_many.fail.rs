// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: the task itself has the gate shut.

use baton::{
    drain::{
        Drain,
        DrainError, //
    },
    event::Uninterruptible,
    MaySleep, //
};
use kernel::prelude::*;

pub fn freeze(drain: &Drain, cx: &mut MaySleep) -> Result<(), DrainError> {
    let mut shut = drain.shut_nested(cx, Uninterruptible)?;
    shut.wait(Uninterruptible)?;
    drain.begin(cx)?.end(); //~ E0499
    drop(shut);
    Ok(())
}
