// SPDX-License-Identifier: GPL-2.0

//! What a pool keeps beside a node: its key, and what was noted about it.

use core::fmt::Debug;

/// What can be the key of a node: a small value with a number for it.
///
/// The pool orders and compares the numbers, never the keys. So no implementation of [`Ord`] or [`Eq`]
/// can confuse it; keys with the same number are the same key.
///
/// It is safe to implement for other types. A [`number`](Key::number) that changes between two calls
/// makes a node unreachable by its key, and nothing else.
pub trait Key: Copy + Debug + Send + 'static {
    /// Returns the number of the key.
    ///
    /// Context: called once by each operation, in the context of its caller: under the pool's lock if that
    /// has a guard.
    fn number(self) -> u128;
}

macro_rules! numbers {
    ($($type:ty),*) => {
        $(
            impl Key for $type {
                #[inline]
                fn number(self) -> u128 {
                    u128::from(self)
                }
            }
        )*
    };
}
numbers!(u8, u16, u32, u64);

impl Key for usize {
    #[inline]
    fn number(self) -> u128 {
        // CAST: `u128` is the widest one.
        self as u128
    }
}

impl Key for (u64, u64) {
    #[inline]
    fn number(self) -> u128 {
        u128::from(self.0) << 64 | u128::from(self.1)
    }
}

impl Key for (u32, u32) {
    #[inline]
    fn number(self) -> u128 {
        u128::from(self.0) << 32 | u128::from(self.1)
    }
}

/// What can be noted about a node under the pool's lock: a small value, without a destructor.
///
/// Implemented for everything that is small and plain. That is harmless: nothing relies on it but the
/// closures of the pool's user.
pub trait Note: Copy + Send + 'static {}

impl<M: Copy + Send + 'static> Note for M {}
