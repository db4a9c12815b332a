// SPDX-License-Identifier: GPL-2.0

//! In whose hands a locked entry is.

use super::tree::Tree;
#[cfg(CONFIG_LOCKDEP)]
use crate::wait_map::Holding;
use crate::{
    context::{
        Borrowed,
        MaySleep, //
    },
    level::Level,
};
use core::marker::PhantomData;

mod private {
    pub trait Sealed {}
}

/// In whose hands a locked entry is. Sealed: [`InHand`] and [`Detached`].
pub trait Hold: private::Sealed {
    #[doc(hidden)]
    const IS_IN_HAND: bool;
}

/// In the hands of the task that has locked it, which has lent its capability to sleep to the entry.
///
/// It is a part of an [`EntryGuard`](super::EntryGuard): dropped with it, forgotten with it, and of no use
/// by itself.
pub struct InHand<'a, 'c, L: Level> {
    pub(super) inner: MaySleep<L>,
    _borrowed: Borrowed<'c>,
    #[cfg(CONFIG_LOCKDEP)]
    _holding: Option<Holding<'a>>,
    _tree: PhantomData<&'a Tree>,
}

/// In nobody's hands: whoever has the value may unlock it.
///
/// A value is never made, so none is dropped and none is passed to `mem::forget`.
pub struct Detached<L: Level>(PhantomData<fn() -> L>);

impl<L: Level> private::Sealed for InHand<'_, '_, L> {}
impl<L: Level> private::Sealed for Detached<L> {}

impl<L: Level> Hold for InHand<'_, '_, L> {
    const IS_IN_HAND: bool = true;
}

impl<L: Level> Hold for Detached<L> {
    const IS_IN_HAND: bool = false;
}

impl<'a, L: Level> InHand<'a, '_, L> {
    /// The calling task has locked an entry of `tree`, with a capability that this borrows.
    #[inline]
    pub(super) fn new(_tree: &'a Tree) -> Self {
        Self {
            inner: MaySleep::while_held(),
            _borrowed: Borrowed::new(),
            #[cfg(CONFIG_LOCKDEP)]
            _holding: Some(_tree.map.hold()),
            _tree: PhantomData,
        }
    }

    /// As [`InHand::new`], for a task that has another entry of the map in its hands. To lockdep they
    /// are one.
    #[inline]
    pub(super) fn another() -> Self {
        Self {
            inner: MaySleep::while_held(),
            _borrowed: Borrowed::new(),
            #[cfg(CONFIG_LOCKDEP)]
            _holding: None,
            _tree: PhantomData,
        }
    }
}

impl<L: Level> Detached<L> {
    #[inline]
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}
