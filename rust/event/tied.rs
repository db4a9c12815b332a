// SPDX-License-Identifier: GPL-2.0

//! Events in objects of their own, under a lock that is elsewhere.

use super::{
    select::Selected,
    Any,
    Event,
    Policy, //
};
use crate::level::{
    Level,
    Unordered, //
};
use core::{
    cell::UnsafeCell,
    pin::Pin,
    ptr, //
};
use kernel::{
    prelude::*,
    sync::lock::{
        Backend,
        Guard,
        Lock, //
    },
};
use pin_init::Wrapper;

/// The event is tied to another lock than the one that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongLock;

impl From<WrongLock> for Error {
    fn from(_: WrongLock) -> Self {
        EINVAL
    }
}

/// An event in an object that is not part of a lock's data, but is protected by that lock.
///
/// For objects that come and go while one lock protects all of them: each has an event, and whoever waits
/// keeps the object, by an [`Arc`](kernel::sync::Arc) for example. The object's owner closes the event when
/// the object leaves its list; the waiters are told, and the object goes when the last of them has let go
/// of it.
///
/// The event can be reached with the guard of its lock only. Which lock that is, is compared at run time:
/// [`WrongLock`].
///
/// Dropping it needs no lock: nobody waits for it then, because whoever waits borrows it. `mem::forget`
/// leaks memory. Whoever waits for it has given up the guard, so that nobody waits with the lock itself held.
///
/// # Invariants
///
/// `event` is accessed with a guard of the lock at the address `lock` only, or when nobody else can reach
/// it.
///
/// # Examples
///
/// ```
/// use baton::event::{Killable, Tied};
/// use baton::{new_event, LockIn, MaySleep};
/// use kernel::prelude::*;
/// use kernel::sync::{new_mutex, Arc, Mutex};
///
/// #[pin_data]
/// struct Ticket {
///     #[pin]
///     served: Tied<bool>,
/// }
///
/// fn wait(queue: &Mutex<u32>, ticket: &Ticket, cx: &mut MaySleep) -> Result {
///     let held = queue.lock_in(cx);
///     held.on_tied(&ticket.served)?.until(|served| *served).wait(Killable)?;
///     Ok(())
/// }
///
/// fn serve(queue: &Mutex<u32>, ticket: &Ticket, cx: &mut MaySleep) -> Result {
///     let mut held = queue.lock_in(cx);
///     held.tied(&ticket.served)?.update(|served| *served = true);
///     Ok(())
/// }
///
/// let cx = &mut MaySleep::assert();
/// let queue: Pin<KBox<Mutex<u32>>> = KBox::pin_init(new_mutex!(0), GFP_KERNEL)?;
/// let lock = &*queue;
/// let ticket = Arc::pin_init(
///     pin_init!(Ticket { served <- Tied::new(lock, new_event!(false)) }),
///     GFP_KERNEL,
/// )?;
/// serve(&queue, &ticket, cx)?;
/// wait(&queue, &ticket, cx)?;
/// # Ok::<(), Error>(())
/// ```
#[pin_data]
pub struct Tied<W, P: Policy = Any, E: Level = Unordered> {
    #[pin]
    event: UnsafeCell<Event<W, P, E>>,
    lock: usize,
}

// SAFETY: An event is `Send` if its data is.
unsafe impl<W: Send, P: Policy, E: Level> Send for Tied<W, P, E> {}

// SAFETY: By the type invariants the event is accessed under a lock only, and its data is `Send`.
unsafe impl<W: Send, P: Policy, E: Level> Sync for Tied<W, P, E> {}

/// Returns what a lock is known by.
#[inline]
fn address<T: ?Sized, B: Backend>(lock: &Lock<T, B>) -> usize {
    ptr::from_ref(lock).addr()
}

impl<W, P: Policy, E: Level> Tied<W, P, E> {
    /// Ties an event, for example `new_event!(false)`, to a lock.
    ///
    /// If the lock goes away and another one is made in its place, the event is tied to that one.
    ///
    /// Context: any; it only initialises.
    pub fn new<T: ?Sized, B: Backend>(
        lock: &Lock<T, B>,
        event: impl PinInit<Event<W, P, E>>,
    ) -> impl PinInit<Self> {
        let lock = address(lock);
        // INVARIANT: Nobody else can reach it yet.
        pin_init!(Self {
            event <- <UnsafeCell<_> as Wrapper<_>>::pin_init(event),
            lock,
        })
    }

    /// Returns the event, to be changed, closed or looked at under its lock.
    ///
    /// Context: as [`Event::update`].
    ///
    /// # Errors
    ///
    /// [`WrongLock`] if `guard` is that of another one.
    #[inline]
    pub fn get<'g, T: ?Sized, B: Backend>(
        &'g self,
        guard: &'g mut Guard<'_, T, B>,
    ) -> Result<Pin<&'g mut Event<W, P, E>>, WrongLock> {
        self.check(guard.lock_ref())?;
        // SAFETY: The guard of the lock is borrowed mutably for as long as the reference exists, so there is
        // no other reference. The event is pinned with `self`.
        Ok(unsafe { Pin::new_unchecked(&mut *self.event.get()) })
    }

    /// Selects the event, if `lock`, which is held, is that which it is tied to.
    #[inline]
    pub(super) fn selected<T: ?Sized, B: Backend>(
        &self,
        lock: &Lock<T, B>,
    ) -> Result<Selected<'_, W, P, E>, WrongLock> {
        self.check(lock)?;
        // SAFETY: It is tied to this lock, and borrowed.
        Ok(unsafe { Selected::tied(self.event.get()) })
    }

    #[inline]
    fn check<T: ?Sized, B: Backend>(&self, lock: &Lock<T, B>) -> Result<(), WrongLock> {
        if address(lock) != self.lock {
            return Err(WrongLock);
        }
        Ok(())
    }
}
