// SPDX-License-Identifier: GPL-2.0

//! The twin of `completed_twice.fail.rs`: one line apart, and it compiles.

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

pub fn end(completer: Completer<u32>) {
    completer.complete(Ok(1));
    ();
}
