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

pub fn end(drain: &Drain) -> Result<(), DrainError> {
    let reference = drain.begin()?;
    reference.end();
    drain.begin()?.end();
    Ok(())
}
