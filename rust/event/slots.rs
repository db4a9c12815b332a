// SPDX-License-Identifier: GPL-2.0

//! Data that has a part for each key, and data that has a measure.
//!
//! This file has no kernel paths. The module compiles it as it stands, and `testing/model/` includes
//! the same file by `#[path]`.

use super::claim::private::Sealed;

/// What a part of some data is known by. Sealed: the unsigned integers.
pub trait Key: Sealed + Copy + Ord + Send + 'static {
    /// Returns it as a number. Keys that are not equal have different numbers.
    #[doc(hidden)]
    fn number(self) -> u64;

    /// Returns the key that has a number.
    #[doc(hidden)]
    fn of_number(number: u64) -> Self;
}

macro_rules! keys {
    ($($key:ty),*) => { $(
        impl Sealed for $key {}
        impl Key for $key {
            #[inline]
            #[allow(clippy::cast_lossless, reason = "the same for all of them")]
            fn number(self) -> u64 {
                // CAST: It is not wider.
                self as u64
            }

            #[inline]
            fn of_number(number: u64) -> Self {
                // CAST: It was one.
                number as Self
            }
        }
    )* };
}

keys!(u8, u16, u32, u64, usize);

/// Data that has a *slot* for each of its keys, and nothing besides. Sealed.
///
/// Two keys never have the same slot, so that a change under one key is none under another.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not have a slot for each key",
    note = "what has: `[S; N]` and `KVec<S>` with `usize`, `RBTree<K, S>` with an unsigned integer"
)]
pub trait Slots: Sealed {
    /// What a slot is known by.
    type Key: Key;
    /// What a waiter under one key looks at and changes.
    type Slot: Send + 'static;

    /// Returns the slot of a key; [`None`] if there is no such key.
    #[doc(hidden)]
    fn slot(&mut self, key: Self::Key) -> Option<&mut Self::Slot>;
}

impl<S, const N: usize> Sealed for [S; N] {}

impl<S: Send + 'static, const N: usize> Slots for [S; N] {
    type Key = usize;
    type Slot = S;

    #[inline]
    fn slot(&mut self, key: usize) -> Option<&mut S> {
        self.get_mut(key)
    }
}

/// Data that has a measure, for which a wait can name a threshold.
///
/// The unsigned integers are their own measure.
///
/// It is a function of the data and nothing else, like a condition: what it reads elsewhere can change without
/// anybody being woken, which only [`ThresholdEvent::audit`](super::ThresholdEvent::audit) finds. That is all that
/// whoever implements it can do wrong. What falls is measured from the other end.
pub trait Measure {
    /// Returns what is compared with the thresholds.
    ///
    /// Context: runs under the lock of the event, on whoever changes it; it must not sleep.
    fn measure(&self) -> u64;
}

macro_rules! measures {
    ($($number:ty),*) => { $(
        impl Measure for $number {
            #[inline]
            #[allow(clippy::cast_lossless, reason = "the same for all of them")]
            fn measure(&self) -> u64 {
                // CAST: It is not wider.
                *self as u64
            }
        }
    )* };
}

measures!(u8, u16, u32, u64, usize);
