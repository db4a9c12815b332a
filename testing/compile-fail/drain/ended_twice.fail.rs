// SPDX-License-Identifier: GPL-2.0

//! error: E0382
//! because: a reference ends once.

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
    reference.end(); //~ E0382
    Ok(())
}
