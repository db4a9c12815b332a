// SPDX-License-Identifier: GPL-2.0

//! The twin of `sent_before_it_was_handed_over.fail.rs`: one line apart, and it compiles.

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
    send(completer.hand_over());
}
