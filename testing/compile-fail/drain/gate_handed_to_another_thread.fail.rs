// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: the drain knows by task who has shut it.

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

fn send<T: Send>(_: T) {}

pub fn hand_over(shut: Shut<'_, '_>, reference: InFlight) {
    send(shut); //~ E0277
}
