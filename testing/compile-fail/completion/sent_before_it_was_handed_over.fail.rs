// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: who still has it is known by task, so that a wait there can be refused.
//! hazard: f12

use baton::{
    completion::{
        Completer,
        Completion,
        LocalCompleter, //
    },
    event::Killable,
    MaySleep, //
};
use kernel::prelude::*;

fn send<T: Send>(_: T) {}

pub fn hand_over(completer: LocalCompleter<u32>) {
    send(completer); //~ E0277
}
