// SPDX-License-Identifier: GPL-2.0

//! What is counted, in the hands of a task.

use super::token::Counted;
use crate::{
    context::{
        Borrowed,
        MaySleep, //
    },
    level::{
        Level,
        Unordered, //
    },
    wait_map::Holding, //
};

/// One of those that are counted, in the hands of the task that has counted up.
///
/// It has borrowed the capability of the task and hands out a lower one: what the task takes or waits for
/// meanwhile stands below the count. To wait for the count itself does not compile, nor does it to wait with
/// something held that this task takes meanwhile. To lockdep it is a lock that this task holds, shared.
///
/// Dropping it counts down, in any context. Something that another task or an interrupt will count down is
/// [handed over](Active::hand_over).
///
/// `mem::forget` is as for [`Counted`], and lockdep reports that the task still holds it.
#[must_use = "it is counted down immediately when this is unused"]
pub struct Active<'d, 'c, L: Level = Unordered> {
    // Counted down before lockdep is told.
    counted: Counted,
    _holding: Holding<'d>,
    inner: MaySleep<L>,
    _borrowed: Borrowed<'c>,
}

impl<'d, L: Level> Active<'d, '_, L> {
    #[inline]
    pub(super) fn new(counted: Counted, holding: Holding<'d>) -> Self {
        Self {
            counted,
            _holding: holding,
            inner: MaySleep::while_held(),
            _borrowed: Borrowed::new(),
        }
    }

    /// Returns the capability to sleep with it in hand: for what stands below the count.
    ///
    /// Context: may sleep, though this does not.
    #[inline]
    pub fn inner(&mut self) -> &mut MaySleep<L> {
        &mut self.inner
    }

    /// Counts down, and tells those who wait for the number that is reached.
    ///
    /// Context: any.
    #[inline]
    pub fn down(self) {
        drop(self);
    }

    /// Makes it something that anybody can count down, in any context.
    ///
    /// From here on the task is free to take what it likes, and neither the types nor lockdep know who has it:
    /// see [`Counted`].
    ///
    /// Context: any.
    #[inline]
    pub fn hand_over(self) -> Counted {
        self.counted
    }
}
