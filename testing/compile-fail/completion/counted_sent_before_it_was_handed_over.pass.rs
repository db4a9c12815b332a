// SPDX-License-Identifier: GPL-2.0

//! The twin of `counted_sent_before_it_was_handed_over.fail.rs`: one line apart, and it compiles.

use baton::completion::LocalCounted;

fn send<T: Send>(_: T) {}

pub fn hand_over(completer: LocalCounted) {
    send(completer.hand_over());
}
