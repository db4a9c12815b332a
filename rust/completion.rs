// SPDX-License-Identifier: GPL-2.0

//! Completions: one task is told by another that something has ended, and how.
//!
//! C header: [`include/linux/completion.h`](srctree/include/linux/completion.h)
//!
//! # The bugs that this removes
//!
//! In C, whoever forgets `complete()` on one path hangs the waiter. Here the obligation is a value,
//! [`Completer`]. Dropping it completes with an error, so a forgotten path is a failed operation and a
//! line in the log.
//!
//! In C, a completion is initialised at one place and the hardware started at another, and a request
//! that timed out leaves its completion to the next one:
//!
//! ```text
//!   driver                                     interrupt
//!   1 writes to the start register
//!                                              2 complete(): nobody is told
//!   3 reinit_completion()
//!   4 waits
//!
//!   1 starts request A, and gives up waiting
//!   2 reinit_completion(), starts request B
//!                                              3 the answer to A: complete()
//!   4 takes it for the answer to B
//! ```
//!
//! Here the completer is made for one request, and handed to the function that [starts](start) it; there
//! is no completer before, and none of an earlier request completes a later one. [`Slot`] is where an
//! interrupt handler finds it. Whoever completes what nobody waits for gets back what it wanted to tell.
//!
//! # One, many, and n times
//!
//! | C | who completes | who waits |
//! |---|---|---|
//! | `complete()`, `wait_for_completion()` once | [`Completer`] | [`Completion`]: has the result |
//! | `complete_all()` | [`Completer`] | [`SharedCompletion`]: many tasks, each gets a reference |
//! | `complete()` n times | [`CountedCompleter`], many | [`CountedCompletion`]: each uses up one |
//!
//! # What is not seen
//!
//! While the task that starts has not [handed it over](LocalCompleter::hand_over), it cannot wait:
//! `EDEADLK`. After that, nobody knows where the completer is. A task that keeps it and waits sleeps
//! until its mode ends the wait, and the [registry](crate::registry) shows it as a sleeper that owes its
//! own wake-up.

mod cell;
mod counted;
mod obligation;
mod slot;
mod wait;
mod word;

mod drain_protocol {
    pub(super) use crate::drain::protocol::Word;
}

pub use cell::{
    dropped_completers,
    Abandoned, //
};
pub use counted::{
    start_counted,
    start_counted_at,
    CountedCompleter,
    CountedCompletion,
    LocalCounted, //
};
pub use obligation::{
    start,
    start_at,
    Completer,
    LocalCompleter, //
};
pub use slot::{
    Slot,
    Tag, //
};
pub use wait::{
    Completion,
    SharedCompletion, //
};
