// SPDX-License-Identifier: GPL-2.0

//! The wait buckets that all maps share.
//!
//! An entry has no room for a list of waiters, and few entries have waiters at any time. So the
//! queues are in one table, and a key finds its queue by its hash, as in `fs/dax.c` and as with page
//! locks. Two keys with one hash share a queue: a waker passes over the waiters of the other key.

use super::{
    protocol::Queue,
    wait::{
        Buckets,
        Key,
        Offer, //
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
use kernel::bindings;

const LEN: usize = ffi::BATON_BUCKETS;
const BITS: u32 = LEN.ilog2();

/// A queue. Its lock is that with the same number in `helpers.c`, where locks can be initialised
/// before anything runs.
struct Bucket(UnsafeCell<Queue<Offer, Kernel>>);

// SAFETY: The queue is accessed with its lock held, and the tasks in it belong to no CPU.
unsafe impl Sync for Bucket {}

static BUCKETS: [Bucket; LEN] = [const { Bucket(UnsafeCell::new(Queue::new(false))) }; LEN];

/// The table.
pub(super) struct Table;

/// Returns the number of the bucket of those who wait for `key`.
#[inline]
pub(super) fn number(key: &Key) -> usize {
    key.hash(BITS) % LEN
}

impl Buckets for Table {
    type Platform = Kernel;

    fn with<R>(&self, key: &Key, f: impl FnOnce(&Queue<Offer, Kernel>) -> R) -> R {
        let number = number(key);
        // SAFETY: There is a lock with this number. Interrupts are off: the tree lock is held.
        unsafe { ffi::baton_bucket_lock(number) };
        // SAFETY: The lock of this queue is held until the reference is gone.
        let result = f(unsafe { &*BUCKETS[number].0.get() });
        // SAFETY: The lock was taken above.
        unsafe { ffi::baton_bucket_unlock(number) };
        result
    }

    #[inline]
    fn handed_over(&self, key: &Key, task: *mut bindings::task_struct) {
        let (address, granule) = key.parts();
        let part = granule.base();
        trace::claim(Kind::Entry, Object { address, part }, task);
    }
}
