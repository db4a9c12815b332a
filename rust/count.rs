// SPDX-License-Identifier: GPL-2.0

//! Counts: how much of something there is, and the wait until it is little enough, without a lock.
//!
//! C header: [`include/linux/wait_bit.h`](srctree/include/linux/wait_bit.h) (`wait_var_event()`,
//! `atomic_dec_and_wake_up()`)
//!
//! # The bug that this removes
//!
//! The error handler of a SCSI host runs when every command that is busy has failed. The two numbers are
//! changed by different people, of whom none takes the lock of the other, and each looks at both:
//!
//! ```text
//!   who completes one of two commands        who sets the other one aside
//!   1 busy = 1, in a store buffer
//!                                            2 failed = 1
//!   3 failed == 0: nobody to wake
//!                                            4 busy == 2: not all have failed
//! ```
//!
//! Nobody wakes the handler. Here there is one number, of what *runs*; to set something aside takes it out of
//! that: see [`Counted::set_aside`]. The number that somebody waits for is in the same word. So who counts
//! down finds it by the one atomic operation that counts, and there is no second look to be lost.
//!
//! # What a wait promises
//!
//! [`Count::wait_for`] returns when the number *is* at most what was asked for: the waiter has looked, or who
//! has counted down has, after the wait began. What was done before each of those who were counted has counted
//! down is seen. Nobody is woken in vain: who counts down to a number wakes those who wait for that one or a
//! higher one, and others do not even look.
//!
//! It is a level, not an edge. If the number falls and rises again before who has counted down has looked,
//! the wait goes on until it falls the next time. A number that has to stay needs that nobody counts up: the
//! lock or the gate of whoever does. With a gate of its own it is a [`Drain`](crate::drain::Drain).
//!
//! Why no wake-up is lost, and why who counts down does not touch what is gone, stands in `count/word.rs`.

mod active;
mod cell;
mod counter;
mod drain_protocol;
mod protocol;
mod table;
mod token;
mod word;

pub use active::Active;
pub use counter::Count;
pub use token::{
    Aside,
    Counted,
    Overflow, //
};
pub use word::MAX;

/// Creates a [`Count`] initialiser with a lockdep class of its own.
#[macro_export]
macro_rules! new_count {
    ($($name:literal)? $(,)?) => {
        $crate::count::Count::new(
            ::kernel::optional_name!($($name)?),
            ::kernel::static_lock_class!(),
        )
    };
}
pub use new_count;
