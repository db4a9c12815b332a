// SPDX-License-Identifier: GPL-2.0

//! An event that many look at, and the claim on it.
//!
//! This file has no kernel paths. The module compiles it as it stands, and `testing/model/` includes
//! the same file by `#[path]`, like the protocol that it uses. The argument is in `rw_semaphore/event.rs`.

use super::{
    gift::NoGift,
    monitor::{
        Events,
        Tried, //
    },
    protocol::{
        Claim,
        Head,
        Platform,
        Queue,
        Waiter, //
    },
};

/// What keeps the readers off each other's queue.
pub trait Readers {
    /// Runs `f` while no other reader is here.
    #[doc(hidden)]
    fn exclude<R>(&self, f: impl FnOnce() -> R) -> R;
}

/// Where an event is that many look at.
///
/// # Invariants
///
/// As long as the semaphore of the wait exists, all three are valid for whoever holds it. The data changes with it held for
/// writing only; so does the queue, or with `readers` excluded.
pub(crate) struct SharedPlace<W, P: Platform, X: Readers> {
    queue: *const Queue<W, P>,
    data: *mut W,
    readers: *const X,
}

impl<W, P: Platform, X: Readers> SharedPlace<W, P, X> {
    /// Says where an event is.
    ///
    /// # Safety
    ///
    /// The invariants must hold for as long as the result is used.
    pub(crate) unsafe fn new(queue: *const Queue<W, P>, data: *mut W, readers: *const X) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            queue,
            data,
            readers,
        }
    }
}

/// One event, and a claim that takes nothing, for a wait that begins with the semaphore held for reading.
pub struct OneShared<W, K: Claim<W, Output = ()>, P: Platform, X: Readers> {
    place: Option<SharedPlace<W, P, X>>,
    waiter: Waiter<W, K, P>,
}

impl<W: 'static, K: Claim<W, Output = ()>, P: Platform, X: Readers> OneShared<W, K, P, X> {
    /// Makes one; with no place it is as good as closed.
    pub(crate) fn new(place: Option<SharedPlace<W, P, X>>, claim: K) -> Self {
        Self {
            place,
            waiter: Waiter::new(claim),
        }
    }
}

// SAFETY: The entry is that of `waiter`. To try and to enqueue, it is enough that the semaphore is held for reading: then the data
// is looked at only, and the queue is changed with `readers` excluded. What `K` takes is nothing.
unsafe impl<W, K, P, X> Events<P> for OneShared<W, K, P, X>
where
    W: 'static,
    K: Claim<W, Output = ()>,
    P: Platform,
    X: Readers,
{
    type Output = ();
    type Back = NoGift;

    unsafe fn try_now(&mut self) -> Tried<()> {
        let Some(place) = &self.place else {
            return Tried::Closed;
        };
        // SAFETY: The semaphore is held, by the safety requirements.
        let (queue, data, readers) = unsafe { (&*place.queue, &*place.data, &*place.readers) };
        let class = Waiter::<W, K, P>::class();
        let (closed, may_try) = readers.exclude(|| (queue.is_closed(), queue.may_try(class)));
        if closed {
            Tried::Closed
        } else if may_try && self.waiter.holds_now(data) {
            Tried::Claimed(())
        } else {
            Tried::InVain
        }
    }

    unsafe fn enqueue(&self, head: &Head<P>) {
        if let Some(place) = &self.place {
            let entry = Waiter::entry(&raw const self.waiter);
            // SAFETY: The semaphore is held, by the safety requirements.
            let (queue, readers) = unsafe { (&*place.queue, &*place.readers) };
            // SAFETY: By the safety requirements the entry stays where it is. The queue is not closed: nobody has had the
            // semaphore for writing since that was looked at.
            readers.exclude(|| unsafe { queue.enqueue(entry, head) });
        }
    }

    unsafe fn departed(&self) {
        if let Some(place) = &self.place {
            // SAFETY: The semaphore is held for writing: this is called by who gives up, or was told to look.
            let (queue, data) = unsafe { (&*place.queue, &mut *place.data) };
            if queue.is_fifo() {
                queue.consider(data);
            }
        }
    }

    unsafe fn take(&self) -> Option<()> {
        // SAFETY: By the safety requirements.
        unsafe { self.waiter.take() }
    }

    unsafe fn back(self) -> NoGift {
        NoGift
    }
}
