// SPDX-License-Identifier: GPL-2.0

//! error: E0382
//! because: the obligation is met once.

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
    completer.complete(Ok(2)); //~ E0382
}
