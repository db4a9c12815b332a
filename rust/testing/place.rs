// SPDX-License-Identifier: GPL-2.0

//! For tests: a place whose value goes before the place does.

use core::mem::{
    self,
    MaybeUninit, //
};
use kernel::prelude::*;
use pin_init::Wrapper;

/// A place in something pinned, which can be emptied where it is.
///
/// What is pinned goes with what it is in, and an event in its lock goes when nobody can wait for it any more. This is for
/// tests of what happens otherwise.
///
/// Dropping it drops what is in it; `mem::forget` leaks that. It is not used from itself: while its value is dropped it is
/// borrowed.
///
/// # Invariants
///
/// If `is_full`, `value` is initialised.
///
/// # Examples
///
/// ```
/// use baton::testing::Place;
/// use kernel::prelude::*;
///
/// let mut place = KBox::pin_init(Place::new(7), GFP_KERNEL)?;
/// assert_eq!(place.get(), Some(&7));
/// place.as_mut().empty();
/// assert!(place.get().is_none());
/// # Ok::<(), Error>(())
/// ```
#[pin_data(PinnedDrop)]
pub struct Place<T> {
    #[pin]
    value: MaybeUninit<T>,
    is_full: bool,
}

impl<T> Place<T> {
    /// Fills it.
    ///
    /// Context: any; it only initialises.
    pub fn new(value: impl PinInit<T>) -> impl PinInit<Self> {
        // INVARIANT: It is initialised first.
        pin_init!(Self {
            value <- MaybeUninit::pin_init(value),
            is_full: true,
        })
    }

    /// Returns what is in it.
    ///
    /// Context: any.
    pub fn get(&self) -> Option<&T> {
        if !self.is_full {
            return None;
        }
        // SAFETY: By the type invariants.
        Some(unsafe { self.value.assume_init_ref() })
    }

    /// Drops what is in it, where it is.
    ///
    /// Context: that of the destructor.
    pub fn empty(self: Pin<&mut Self>) {
        let this = self.project();
        // INVARIANT: Cleared before the value goes.
        if mem::replace(this.is_full, false) {
            // SAFETY: Nothing is moved. By the type invariants it is initialised, and it is not used any more.
            unsafe { this.value.get_unchecked_mut().assume_init_drop() };
        }
    }
}

#[pinned_drop]
impl<T> PinnedDrop for Place<T> {
    fn drop(self: Pin<&mut Self>) {
        self.empty();
    }
}
