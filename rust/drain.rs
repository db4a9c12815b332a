// SPDX-License-Identifier: GPL-2.0

//! Drains: counts of what is in flight, and the wait until it is nothing.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h) (`inode_dio_begin()`,
//! `inode_dio_wait()`)
//!
//! # The bug that this removes
//!
//! A direct write of `io_uring` raised the count of its inode, and its completion lowered it in task
//! work of the task that had submitted it:
//!
//! ```text
//!   task T                                     interrupt
//!   1 write(O_DIRECT): count = 1
//!   2 fallocate(): waits until count == 0
//!                                              3 the write is done: queues task work for T
//!   4 the task work would lower the count, but it runs when T returns to user space
//! ```
//!
//! Nobody waits here for what is parked on themselves. A reference that only one task can end is
//! [parked](InFlight::park), and the drain knows on whom: in step 2 that task gets `EDEADLK`, with a
//! warning that says where the reference was parked. The same goes for tasks that wait for each other.
//! What such a task runs in bulk accepts only [`Parkable`] things, which a reference is not.
//!
//! The wait needs the guard that stops new references, [`Shut`]. In C, that is a comment. Several tasks may
//! have the gate shut [together](Drain::shut_nested). A [`Phased`] drain has no gate: what is in flight now is
//! waited for, while more begins.
//!
//! # Who holds what
//!
//! | | in the hands of a task | handed over |
//! |---|---|---|
//! | a reference | [`Active`] | [`InFlight`], or [`Parked`] on a task |
//! | the gate | [`Shut`] | [`OwnedShut`] |
//!
//! What is in the hands of a task has borrowed its capability to sleep: whatever the task takes or waits
//! for meanwhile stands below the drain in the order of the module's [levels](crate::level). A task that
//! freezes a device and then takes a lock, and one that takes the lock and then begins an I/O, do not
//! compile together, nor does a wait for a drain with one of its references in hand. What was handed over
//! can be ended by anybody, and its level is not known any more.
//!
//! Why no wake-up is lost, and why who ends the last reference does not touch what is gone, stands in
//! `drain/protocol.rs`; why no cycle of tasks that wait for each other is missed, in `drain/cycle.rs`; and
//! how what is in flight now is told from what begins, in `drain/phases.rs`.

mod cell;
mod cycle;
mod error;
mod gate;
mod owned;
mod parkable;
mod phased;
mod phases;
pub(crate) mod protocol;
mod reference;
mod shut;
mod table;
mod var;

pub use error::DrainError;
pub use gate::{
    Active,
    Drain, //
};
pub use owned::OwnedShut;
pub use parkable::Parkable;
pub use phased::Phased;
pub use reference::{
    InFlight,
    Parked, //
};
pub use shut::Shut;

/// Creates a [`Drain`] initialiser with a lockdep class of its own.
#[macro_export]
macro_rules! new_drain {
    ($($name:literal)? $(,)?) => {
        $crate::drain::Drain::new(
            ::kernel::optional_name!($($name)?),
            ::kernel::static_lock_class!(),
        )
    };
}
/// Creates a [`Phased`] initialiser with a lockdep class of its own.
#[macro_export]
macro_rules! new_phased {
    ($($name:literal)? $(,)?) => {
        $crate::drain::Phased::new(
            ::kernel::optional_name!($($name)?),
            ::kernel::static_lock_class!(),
        )
    };
}
pub use crate::parkable;
pub use new_drain;
pub use new_phased;
