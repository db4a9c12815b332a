// SPDX-License-Identifier: GPL-2.0

//! The twin of `gate_handed_to_another_thread.fail.rs`: one line apart, and it compiles.

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
    send(reference);
}
