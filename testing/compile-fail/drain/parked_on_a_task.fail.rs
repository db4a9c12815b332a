// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: what is handed to one task must not be what somebody waits for; it may be that task.
//! hazard: f12

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

parkable! { //~ E0277
    pub struct Done {
        tag: u32,
        reference: InFlight,
    }
}
