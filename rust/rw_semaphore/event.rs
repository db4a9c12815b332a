// SPDX-License-Identifier: GPL-2.0

//! Events under a read-write semaphore.
//!
//! C header: [`include/linux/rwsem.h`](srctree/include/linux/rwsem.h)
//!
//! In C, a reader that has to wait gives the semaphore up, sleeps on a queue with a lock of its own, and takes the
//! semaphore again: `handle_userfault()` does so with the lock of the address space. Between its look and its place on the
//! queue a writer may come, if one of the steps is in the wrong order.
//!
//! # Who does what
//!
//! | | held for reading | for writing |
//! |---|---|---|
//! | look at the data | yes | yes |
//! | change it, and serve who waits | no: others look | yes |
//! | wait until a condition holds | yes | yes |
//! | take something the moment that it holds | no: others look | yes |
//!
//! # Why a wait may begin with the semaphore held for reading
//!
//! ```text
//!   reader                                   writer
//!   1 down_read()
//!   2 the condition fails
//!   3 lock(readers), entry on the list,
//!     unlock(readers)
//!   4 publish the state "asleep"
//!   5 up_read()
//!                                            6 down_write()
//!                                            7 update: serves who is on the list
//!                                            8 up_write()
//!   9 sleep, unless served
//! ```
//!
//! No writer comes between 1 and 5, so what 2 has seen is so until the entry is on the list, and the state says "asleep".
//! Other readers do come; they do not change the data, and in 3 they exclude each other by the lock `readers` inside of the event. A
//! writer needs not that lock: whoever is in 3 holds the semaphore. So it is free of charge for who updates.
//!
//! Who gives up takes the semaphore for writing, to leave the list. With [`Fifo`](crate::Fifo) that may let another one have its turn, which
//! changes the data.

use crate::{
    event::{
        select::Selected,
        Any,
        Event,
        Policy, //
    },
    level::{
        Level,
        Unordered, //
    },
};
use core::{
    cell::UnsafeCell,
    ops::Deref,
    pin::Pin,
    ptr, //
};
use kernel::{
    prelude::*,
    static_lock_class,
    sync::{
        LockClassKey,
        SpinLock, //
    },
};
use pin_init::Wrapper;

/// An event inside the data of a [`RwSemaphore`](super::RwSemaphore).
///
/// Its data can be read by who holds the semaphore, for reading or writing. It changes by [`RwEvent::update`] only, which
/// needs a pinned mutable reference, and so the semaphore held for writing. A wait may begin with either, and gives the
/// semaphore up while the task sleeps: see [`ReadGuard::on`](super::ReadGuard::on) and [`WriteGuard::on`](super::WriteGuard::on).
///
/// Dropping it completes its waiters with [`Closed`](crate::Closed). `mem::forget` of a box with the semaphore leaks memory, and its
/// waiters sleep on. Whoever waits has given up the guard, so that nobody waits with the semaphore itself held.
///
/// # Invariants
///
/// What of the event changes is accessed by who has a mutable reference to this; or, of its queue, with `readers` held, by who
/// has the semaphore that this is in the data of.
///
/// # Examples
///
/// ```
/// use baton::event::Killable;
/// use baton::rw_semaphore::{new_rw_semaphore, RwEvent, RwSemaphore};
/// use baton::{new_event, MaySleep};
/// use kernel::prelude::*;
///
/// #[pin_data]
/// struct Space {
///     #[pin]
///     mapped: RwEvent<u64>,
///     name: u32,
/// }
///
/// /// Any number of tasks may do this at once.
/// fn fault(space: &RwSemaphore<Space>, cx: &mut MaySleep, page: u64) -> Result<u32> {
///     let (held, ended) = space
///         .read_in(cx)
///         .on(|space| &space.mapped)
///         .until(move |mapped| *mapped >= page)
///         .wait_relock(Killable);
///     ended?;
///     Ok(held.name)
/// }
///
/// fn map(space: &RwSemaphore<Space>, cx: &mut MaySleep, page: u64) {
///     let mut held = space.write_in(cx);
///     held.as_mut().project().mapped.update(|mapped| *mapped = page);
/// }
///
/// let cx = &mut MaySleep::assert();
/// let space = pin_init!(Space { mapped <- RwEvent::new(new_event!(0)), name: 7 });
/// let space: Pin<KBox<RwSemaphore<Space>>> =
///     KBox::pin_init(new_rw_semaphore!(space), GFP_KERNEL)?;
/// map(&space, cx, 1);
/// assert_eq!(fault(&space, cx, 1)?, 7);
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "handle_userfault")]
#[pin_data]
pub struct RwEvent<W, P: Policy = Any, E: Level = Unordered> {
    #[pin]
    event: UnsafeCell<Event<W, P, E>>,
    #[pin]
    pub(super) readers: SpinLock<()>,
}

// SAFETY: An event is `Send` if its data is.
unsafe impl<W: Send, P: Policy, E: Level> Send for RwEvent<W, P, E> {}

// SAFETY: By the type invariants tasks with a shared reference exclude each other where they change something. They share the
// data, and a writer may take it to another task.
unsafe impl<W: Send + Sync, P: Policy, E: Level> Sync for RwEvent<W, P, E> {}

/// The lock class of the readers of an event: one for all of them, as nothing is taken with that lock held.
// Not generic and never inlined: there is one key, with one name at one address, for all users.
#[inline(never)]
fn readers_class() -> (&'static CStr, Pin<&'static LockClassKey>) {
    (c"baton_rw_event", static_lock_class!())
}

impl<W, P: Policy, E: Level> RwEvent<W, P, E> {
    /// Makes one of an event, for example `RwEvent::new(new_event!(false))`.
    ///
    /// Context: any; it only initialises.
    pub fn new(event: impl PinInit<Event<W, P, E>>) -> impl PinInit<Self> {
        let (name, key) = readers_class();
        let readers = SpinLock::new((), name, key);
        // INVARIANT: Nobody else can reach it yet.
        pin_init!(Self {
            event <- <UnsafeCell<_> as Wrapper<_>>::pin_init(event),
            readers <- readers,
        })
    }

    fn event(self: Pin<&mut Self>) -> Pin<&mut Event<W, P, E>> {
        // SAFETY: There is no other reference, and it is pinned with `self`.
        unsafe { Pin::new_unchecked(&mut *self.event.get()) }
    }

    /// Changes the data and serves every waiter whose claim then succeeds: see [`Event::update`].
    ///
    /// Context: the semaphore is held for writing, or nobody else can reach the event yet.
    #[inline]
    #[track_caller]
    pub fn update<R>(self: Pin<&mut Self>, change: impl FnOnce(&mut W) -> R) -> R {
        self.event().update(change)
    }

    /// Completes every waiter with [`Closed`](crate::Closed); later waits return it at once.
    ///
    /// Context: as [`RwEvent::update`].
    pub fn close(self: Pin<&mut Self>) {
        self.event().close();
    }

    /// Returns how many tasks wait.
    ///
    /// Context: a task. The semaphore is held.
    pub fn waiters(&self) -> usize {
        let _readers = self.readers.lock();
        // SAFETY: By the type invariants, with the lock held.
        unsafe { &*self.event.get() }.waiters()
    }

    /// Returns the event, if this is inside of `data`.
    pub(super) fn select<'s, T>(
        data: &'s T,
        select: impl for<'x> FnOnce(&'x T) -> &'x Self,
    ) -> (&'s Self, Selected<'static, W, P, E>) {
        let this = select(data);
        let event = this.event.get();
        // SAFETY: The label does not change.
        let label = unsafe { &*event }.label();
        (this, Selected::at(ptr::from_ref(data), event, label))
    }
}

impl<W, P: Policy, E: Level> Deref for RwEvent<W, P, E> {
    type Target = W;

    #[inline]
    fn deref(&self) -> &W {
        // SAFETY: The data changes by way of `&mut self`, or in a wait, which has consumed the guard of the semaphore that was
        // held for writing.
        unsafe { &*Event::places(self.event.get()).1 }
    }
}
