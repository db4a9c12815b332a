// SPDX-License-Identifier: GPL-2.0

//! Events that `poll()`, `select()`, `epoll` and io_uring can wait for, too.
//!
//! C header: [`include/linux/poll.h`](srctree/include/linux/poll.h)
//!
//! # The bug that this removes
//!
//! In C, what a driver's readers sleep on and what its pollers sleep on is one wait queue, by convention, and
//! each change of what they wait for has to be followed by a wake-up of it, with the right bits. A path that
//! forgets it loses pollers only, which a test with a blocking reader does not notice:
//!
//! ```text
//!   poller                                   writer
//!   1 poll_wait(): on the queue
//!   2 is there something? no: 0
//!                                            3 puts something in, serves who reads
//!                                            4 wake_up(): forgotten on this path
//!   5 sleeps for ever
//! ```
//!
//! A [`Source`] is an [`Event`] whose data cannot be borrowed mutably without step 4, whoever changes it: an
//! update, the taking of a task that waits, or a close.
//!
//! # Why no wake-up is lost
//!
//! ```text
//!   poller                                   updater
//!   1 register with the head    /* A */
//!   2 lock
//!   3 look at the data
//!   4 unlock
//!                                            5 lock
//!                                            6 wake who is registered    /* B */
//!                                            7 change the data
//!                                            8 unlock
//!   9 run, and begin at 2
//! ```
//!
//! One section under the lock comes first. If it is 5 to 8, step 3 sees the change. If it is 2 to 4, then A
//! comes before the release in 4, which the acquire in 5 pairs with, so B finds the poller. B stands before
//! the change, where no way to change the data can avoid it; that is early enough, because whoever is woken
//! has to take the lock to look again, and gets it in 8. Registering may allocate, so A is outside of the
//! lock; it comes before 2, which [`Table::watch`] sees to.
//!
//! io_uring is such a poller: it registers like the others, and begins at 2 in task work; with a multishot poll it
//! does so after each wake-up, and stays registered.
//!
//! Several sources may have their [`Pollers`] in common, under locks of their own. The head is then made under
//! the lock of one of them, and an updater under the lock of another has to find it:
//!
//! ```text
//!   poller                                   updater of the second source
//!   1 lock the first source
//!   2 make the head, for all    /* C */
//!   3 unlock
//!   4 register with the head    /* A */
//!   5 lock and look, unlock
//!   6 lock the second source
//!   7 note that it is watched, look
//!     at the data
//!   8 unlock
//!                                            9 lock the second source
//!                                            10 is it watched, and is there
//!                                               a head?    /* D */
//!                                            11 wake who is registered    /* B */
//! ```
//!
//! If 9 to 11 come before 6, step 7 sees the change. If they come behind 8, then 2 and 4 come before the release
//! in 8, which the acquire in 9 pairs with: D sees the head, and B who is registered. C and D pair for those who
//! have no lock in common with who made the head, so that they see a head that is initialised.
//!
//! # What a poller sleeps on
//!
//! The *head* is the kernel's wait queue, a [`PollCondVarBox`]. `select()` and `poll()` leave it only when
//! they return, and no wake-up makes them return; what they keep meanwhile is the file. So a file keeps the
//! heads that it was polled on until it is released, whatever became of their sources. A head is made when a
//! source is first polled: until then the wake-up is one compare, and an [`Event`] alone pays nothing.
//!
//! The head goes when the source is gone and the last file that was polled on it is released. `epoll` and io_uring
//! look at a queue that they were registered with in an RCU section; for them the `kernel` crate wakes it a last
//! time as one that goes (`__wake_up_pollfree()`), and frees it a grace period later.
//!
//! [`Event`]: crate::Event
//! [`PollCondVarBox`]: kernel::sync::poll::PollCondVarBox

mod head;
mod mask;
mod pollers;
mod source;
mod table;

pub(crate) use head::Heads;
pub use mask::Mask;
pub use pollers::{
    new_pollers,
    Pollers, //
};
pub use source::{
    new_source,
    Source,
    Watched, //
};
pub use table::Table;
