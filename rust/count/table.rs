// SPDX-License-Identifier: GPL-2.0

//! The queues that all counts share.
//!
//! Few counts have waiters at any time, and who counts down must not look for them where the count may be gone.
//! So the queues are in one table, as those of the entries, whose locks they share: a key finds its queue by its
//! hash, and a waker passes over the waiters of other counts.

use super::{
    cell::CellPtr,
    protocol::Queue,
    word::{
        Look,
        Shared, //
    },
};
use crate::{
    event::platform::Kernel,
    ffi,
    registry::{
        Kind,
        Object, //
    },
    trace, //
};
use core::cell::UnsafeCell;
use kernel::{
    bindings,
    sync::atomic::Atomic, //
};

const LEN: usize = ffi::BATON_BUCKETS;

type Waiters = Queue<Look<CellPtr>, Kernel>;

/// A queue. Its lock is that with the same number in `helpers.c`.
struct Bucket(UnsafeCell<Waiters>);

// SAFETY: The queue is accessed with its lock held, and the tasks in it belong to no CPU.
unsafe impl Sync for Bucket {}

static BUCKETS: [Bucket; LEN] = [const { Bucket(UnsafeCell::new(Queue::new(false))) }; LEN];

/// Runs `f` on the queue of the count at this address, with its lock held. Nothing is locked under it but
/// what wakes a task.
fn with<R>(address: usize, f: impl FnOnce(&Waiters) -> R) -> R {
    // As `hash_long()`: the golden ratio, and the upper bits of the product.
    let hash = (address as u64).wrapping_mul(0x61c8_8646_80b5_83eb) >> (64 - LEN.ilog2());
    // CAST: That are as many bits as a number of the table has.
    let number = hash as usize % LEN;
    // SAFETY: There is a lock with this number, and nobody who has it comes here.
    let flags = unsafe { ffi::baton_bucket_lock_irqsave(number) };
    // SAFETY: The lock of this queue is held until the reference is gone.
    let result = f(unsafe { &*BUCKETS[number].0.get() });
    // SAFETY: The lock was taken above, with these flags.
    unsafe { ffi::baton_bucket_unlock_irqrestore(number, flags) };
    result
}

// SAFETY: All copies point to the same cell. The queue is that of the lock.
unsafe impl Shared for CellPtr {
    type Word = Atomic<u64>;
    type Key = usize;
    type Platform = Kernel;

    #[inline]
    fn word(&self) -> &Atomic<u64> {
        self.atomic()
    }

    #[inline]
    fn key(&self) -> usize {
        self.address()
    }

    fn with<R>(key: usize, f: impl FnOnce(&Waiters) -> R) -> R {
        with(key, f)
    }

    #[inline]
    fn served(address: usize, task: *mut bindings::task_struct) {
        trace::claim(Kind::Count, Object { address, part: 0 }, task);
    }

    unsafe fn free(self) {
        // SAFETY: By the safety requirements.
        unsafe { self.release() };
    }
}
