// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: a reference is counted once.

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
    let kept = reference.clone(); //~ E0599
    kept
}
