// SPDX-License-Identifier: GPL-2.0

//! A read-write semaphore as the outer lock.

use super::{
    lock_both,
    private::Sealed,
    Both,
    InnerLock,
    Outer, //
};
use crate::{
    context::MaySleep,
    level::Level,
    rw_semaphore::{
        Read,
        ReadGuard,
        RwSemaphore,
        Write,
        WriteGuard, //
    },
};

macro_rules! outer {
    ($name:ident, $held:ident, $down:ident) => {
        impl<T, C: Level, L: Level> Sealed for $name<'_, '_, T, C, L> {}

        impl<'a, 'c, T, C: Level, L: Level> Outer for $name<'a, 'c, T, C, L> {
            type Above = C;
            type Level = L;
            type Data = T;
            type Guard = $held<'a, T, L>;
            type Lock = (&'a RwSemaphore<T, L>, &'c mut MaySleep<C>);

            fn data(&self) -> &T {
                self
            }

            fn split(self) -> (Self::Guard, Self::Lock) {
                $name::split(self)
            }

            fn retake((semaphore, cx): Self::Lock) -> Self {
                Self::new(semaphore.$down(), cx)
            }
        }

        impl<T, C: Level, L: Level> $name<'_, '_, T, C, L> {
            /// Takes a lock under this, and makes one guard of both: see [`Held::and`](crate::Held::and).
            ///
            /// Context: that of the guard; it waits for the inner lock, and that of a mutex may sleep.
            #[inline]
            pub fn and<K: InnerLock<L>>(self, lock: &K) -> Both<'_, Self, K::Data, K::Backend> {
                lock_both(self, lock)
            }
        }
    };
}

outer!(ReadGuard, Read, down_read);
outer!(WriteGuard, Write, down_write);
