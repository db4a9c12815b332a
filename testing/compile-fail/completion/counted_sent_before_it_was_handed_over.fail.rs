// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: who still has it is known by task, so that a wait there can be refused.

use baton::completion::LocalCounted;

fn send<T: Send>(_: T) {}

pub fn hand_over(completer: LocalCounted) {
    send(completer); //~ E0277
}
