// SPDX-License-Identifier: GPL-2.0

//! The twin of `reference_copied.fail.rs`: one line apart, and it compiles.

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

pub fn keep(reference: InFlight) -> InFlight {
    let kept = reference;
    kept
}
