// SPDX-License-Identifier: GPL-2.0

//! The twin of `begun_in_a_gate_of_many.fail.rs`: one line apart, and it compiles.

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
    drop(drain.try_begin());
    drop(shut);
    Ok(())
}
