// SPDX-License-Identifier: GPL-2.0

//! The memory of a count: its word, and what was set aside.

use super::word::{
    self,
    OWNED, //
};
use crate::registry::Object;
use core::ptr::NonNull;
#[cfg(CONFIG_KUNIT)]
use kernel::sync::atomic::Full;
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        ArcBorrow, //
    },
};

/// What a count and what is counted have in common.
pub(super) struct Cell {
    /// See [`word`].
    word: Atomic<u64>,
    /// How many were set aside.
    aside: Atomic<u32>,
}

/// A pointer to a cell.
///
/// # Invariants
///
/// The cell was allocated by [`Cell::new`] and is valid: its word has [`OWNED`] set and this is the
/// count's, or this is something that is counted in it. These have one reference of the [`Arc`] together.
#[derive(Clone, Copy)]
pub(super) struct CellPtr(NonNull<Cell>);

// SAFETY: What is in a cell is atomic.
unsafe impl Send for CellPtr {}

// SAFETY: As above.
unsafe impl Sync for CellPtr {}

impl Cell {
    /// Makes the cell of a count.
    #[allow(
        clippy::new_ret_no_self,
        reason = "a cell is only ever behind a pointer"
    )]
    pub(super) fn new() -> Result<CellPtr> {
        let cell = Arc::new(
            Self {
                word: Atomic::new(OWNED),
                aside: Atomic::new(0),
            },
            GFP_KERNEL,
        )?;
        // INVARIANT: It is owned. SAFETY: The pointer comes from an `Arc`, hence is not null.
        Ok(CellPtr(unsafe {
            NonNull::new_unchecked(Arc::into_raw(cell).cast_mut())
        }))
    }

    /// Something was set aside, or is not any more.
    pub(super) fn goes_aside(&self, goes: bool) {
        if goes {
            self.aside.fetch_add(1, Relaxed);
        } else {
            self.aside.fetch_sub(1, Relaxed);
        }
    }

    /// Counts what was set aside, if there is room for it and the count lives.
    pub(super) fn resume(this: &Arc<Self>) -> Option<CellPtr> {
        let cell = CellPtr(NonNull::from(&**this));
        // INVARIANT: It is counted.
        word::up_below(cell, word::MAX).then_some(cell)
    }
}

impl CellPtr {
    /// Returns the word.
    #[inline]
    pub(super) fn atomic(&self) -> &Atomic<u64> {
        &self.cell().word
    }

    /// Returns the address, to be used as a number.
    #[inline]
    pub(super) fn address(&self) -> usize {
        self.0.as_ptr().addr()
    }

    /// Gives back the reference of the count and of what is counted.
    ///
    /// # Safety
    ///
    /// There is no count, and nothing is counted.
    pub(super) unsafe fn release(self) {
        // SAFETY: It was made by `Cell::new()`, and nobody has it any more, by the safety requirements.
        drop(unsafe { Arc::from_raw(self.0.as_ptr()) });
    }

    #[inline]
    fn cell(&self) -> &Cell {
        // SAFETY: The cell is valid by the type invariants.
        unsafe { self.0.as_ref() }
    }

    /// Keeps the cell for what is set aside.
    pub(super) fn keep(&self) -> Arc<Cell> {
        // SAFETY: It comes from `Arc::into_raw()`, and is valid by the type invariants.
        unsafe { ArcBorrow::from_raw(self.0.as_ptr()) }.into()
    }

    /// Returns how many are counted.
    pub(super) fn count(&self) -> u32 {
        // CAST: The mask leaves 31 bits.
        (self.atomic().load(Relaxed) & word::COUNT) as u32
    }

    /// Returns how many were set aside.
    pub(super) fn aside(&self) -> u32 {
        self.cell().aside.load(Relaxed)
    }

    /// Counts one more. The caller has borrowed the count.
    #[inline]
    pub(super) fn up(&self) -> Option<Self> {
        // INVARIANT: It is counted.
        word::up(*self).then_some(*self)
    }

    /// Counts as if so many had been counted up and forgotten.
    #[cfg(CONFIG_KUNIT)]
    pub(super) fn leak(&self, number: u32) {
        self.atomic().fetch_add(u64::from(number), Full);
    }

    /// Undoes [`Cell::leak`].
    #[cfg(CONFIG_KUNIT)]
    pub(super) fn unleak(&self, number: u32) {
        // It wraps: this is a subtraction.
        self.atomic()
            .fetch_add(u64::from(number).wrapping_neg(), Full);
    }

    /// Returns what the registry knows it by.
    #[inline]
    pub(super) fn object(&self) -> Object {
        Object::at(self.0.as_ptr())
    }
}
