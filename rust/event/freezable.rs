// SPDX-License-Identifier: GPL-2.0

//! Waits in which the freezer may leave a task as it is, and what must not be held meanwhile.
//!
//! C header: [`include/linux/freezer.h`](srctree/include/linux/freezer.h)
//!
//! # The bug that this removes
//!
//! Before the system sleeps, the freezer stops all tasks: first those of user space, then the kernel threads
//! that have agreed to it. A task that waits for one of these is in the way if it has not agreed itself:
//!
//! ```text
//!   freezer                         daemon              task
//!                                                       1 waits for the daemon, and
//!                                                         nothing else can wake it
//!   2 freezes the daemon
//!                                   3 frozen
//!   4 freezes the task: it sleeps,
//!     and does not answer
//!   5 gives up after 20 seconds,
//!     the system stays awake
//! ```
//!
//! A freezable wait lets 4 find the task asleep, and leave it so. Who wakes it meanwhile does so for later:
//! it runs when it is thawed, and if nobody has, it sleeps on. The price is that what the task holds is not
//! let go of. If another task has to have it before it can be frozen itself, 5 comes all the same. So such a wait
//! holds nothing: it wants the capability of a task that does, and lockdep, which sees what C holds, warns.

use crate::level::{
    Level,
    Top, //
};
use core::marker::PhantomData;

/// What a task may hold in a wait that the freezer cannot interrupt: anything that its level allows for.
#[doc(hidden)]
pub enum Stays {}

/// What it may hold in a wait that the freezer can: nothing.
#[doc(hidden)]
pub enum Freezes {}

/// As [`Freezes`], in a run of an agent at the level `L`: nothing but the run.
#[doc(hidden)]
pub struct FreezesIn<L>(PhantomData<L>);

/// A task that holds what stands at this level may wait in a form that `F` says.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a freezable wait must not be done while `{Self}` is held",
    label = "another task may need what is held here before it can be frozen itself",
    note = "wait with nothing held, or in a form that is not freezable"
)]
pub trait Permits<F> {}

impl<C: Level> Permits<Stays> for C {}
impl Permits<Freezes> for Top {}
impl<L: Level> Permits<FreezesIn<L>> for L {}

/// A form of waiting in which the freezer may leave the task as it is: see [`Mode::freezable`](super::Mode::freezable).
///
/// Dropping it, or `mem::forget`, does nothing.
pub struct Freezable<M>(pub(super) M);

impl<M> Freezable<M> {
    #[inline]
    pub(super) fn new(mode: M) -> Self {
        Self(mode)
    }
}

/// As [`Freezable`], in a run of an agent at the level `L`: see
/// [`Current::freezable`](crate::agent::Current::freezable).
///
/// Dropping it, or `mem::forget`, does nothing.
pub struct FreezableRun<M, L: Level> {
    pub(super) mode: M,
    _level: PhantomData<fn() -> L>,
}

impl<M, L: Level> FreezableRun<M, L> {
    #[inline]
    pub(crate) fn new(mode: M) -> Self {
        Self {
            mode,
            _level: PhantomData,
        }
    }
}
