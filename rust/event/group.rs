// SPDX-License-Identifier: GPL-2.0

//! Waiting for any of several events of one kind: in the data of a lock, or in objects on a list.

use super::{
    claim::private::Sealed,
    monitor::Events,
    on::{
        On,
        Wait, //
    },
    platform::Kernel,
    select::{
        Before,
        Grouped,
        Nothing,
        Selected, //
    },
    several::{
        Lent,
        Member, //
    },
    wait::Failed,
    Event,
    Policy,
    Tied,
    WrongLock, //
};
use crate::{
    held::Held,
    level::{
        After,
        Level, //
    },
    registry::Told,
};
use core::{
    marker::PhantomData,
    mem::MaybeUninit,
    ops::Deref,
    ptr,
    slice, //
};
use kernel::{
    alloc::Flags,
    prelude::*,
    sync::lock::{
        Backend,
        Lock, //
    },
};

/// So few events that their entries have room on the stack, as an array of that length: up to eight. Sealed.
#[diagnostic::on_unimplemented(
    message = "the stack has no room for the entries of so many events",
    note = "up to eight have room there; more are for a `Group`"
)]
pub trait Few: Sealed {}

macro_rules! few {
    ($($number:literal),*) => { $(impl Few for [(); $number] {})* };
}

few!(0, 1, 2, 3, 4, 5, 6, 7, 8);

/// Objects with events of their own, and room to wait for any of them.
///
/// It is made, with as much room as will be needed, before the lock is taken. Under the lock the objects are put
/// in, an [`Arc`](kernel::sync::Arc) of each or a reference: the wait borrows the group, so they live as long as it.
/// A group may be waited for again, with other objects or with those that are left.
///
/// Dropping it drops the objects, which no wait is for then; `mem::forget` leaks them. It can be reached by nobody while
/// a wait is for it, and so not by what that wait runs.
///
/// # Examples
///
/// Whichever of the requests on a list is answered first:
///
/// ```
/// use baton::event::{Group, Killable, Tied};
/// use baton::{new_event, LockIn, MaySleep};
/// use kernel::prelude::*;
/// use kernel::sync::{new_mutex, Arc, Mutex};
///
/// #[pin_data]
/// struct Request {
///     #[pin]
///     answer: Tied<Option<u32>>,
/// }
///
/// type Pending = Mutex<KVec<Arc<Request>>>;
///
/// /// Takes the first answer that there is, and returns it with its request.
/// fn first(pending: &Pending, cx: &mut MaySleep) -> Result<(Arc<Request>, Option<u32>)> {
///     let mut group = Group::with_capacity(8, GFP_KERNEL)?;
///     let held = pending.lock_in(cx);
///     for request in held.iter() {
///         group.push(request.clone()).map_err(|_| E2BIG)?;
///     }
///     let (which, answer) = held
///         .on_any_of(&mut group, |request| &request.answer)?
///         .when(|answer| answer.is_some(), |answer| answer.take())
///         .wait(Killable)?;
///     Ok((group[which].clone(), answer))
/// }
///
/// let cx = &mut MaySleep::assert();
/// let pending: Pin<KBox<Pending>> = KBox::pin_init(new_mutex!(KVec::new()), GFP_KERNEL)?;
/// let lock = &*pending;
/// for answer in [None, Some(7)] {
///     let request = pin_init!(Request { answer <- Tied::new(lock, new_event!(answer)) });
///     let request = Arc::pin_init(request, GFP_KERNEL)?;
///     lock.lock_in(cx).push(request, GFP_KERNEL)?;
/// }
/// assert_eq!(first(lock, cx)?.1, Some(7));
/// # Ok::<(), Error>(())
/// ```
pub struct Group<A> {
    objects: KVec<A>,
    /// Is empty; a wait uses its capacity.
    room: KVec<Member<(), Kernel>>,
}

// SAFETY: The room has something in it during a wait only, which borrows the group; the objects are `Send`.
unsafe impl<A: Send> Send for Group<A> {}

// SAFETY: The room is accessed by way of `&mut self` only, and the objects are `Sync`.
unsafe impl<A: Sync> Sync for Group<A> {}

impl<A> Group<A> {
    /// Makes room for `capacity` objects.
    ///
    /// Context: that of an allocation with these flags.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn with_capacity(capacity: usize, flags: Flags) -> Result<Self> {
        Ok(Self {
            objects: KVec::with_capacity(capacity, flags)?,
            room: KVec::with_capacity(capacity, flags)?,
        })
    }

    /// Returns how many objects there is room for.
    ///
    /// Context: any.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.objects.capacity().min(self.room.capacity())
    }

    /// Puts an object in, behind those that are there.
    ///
    /// The same object may be in it twice; it is the first of the two then that ends a wait.
    ///
    /// Context: any; it does not allocate.
    ///
    /// # Errors
    ///
    /// The object, if there is no room for it.
    pub fn push(&mut self, object: A) -> Result<(), A> {
        if self.objects.len() >= self.capacity() {
            return Err(object);
        }
        self.objects
            .push_within_capacity(object)
            .map_err(|refused| refused.0)
    }

    /// Takes an object out; those behind it move up by one.
    ///
    /// Context: any.
    pub fn remove(&mut self, index: usize) -> Option<A> {
        self.objects.remove(index).ok()
    }

    /// Drops all objects.
    ///
    /// Context: that of their destructors.
    pub fn clear(&mut self) {
        self.objects.clear();
    }

    /// Selects an event in each object, if all of them are tied to `lock`, which is held.
    #[track_caller]
    fn select<'e, T: ?Sized, B: Backend, W: 'static, P: Policy, E: Level>(
        &'e mut self,
        lock: &Lock<T, B>,
        told: &mut Told,
        select: impl for<'x> Fn(&'x A) -> &'x Tied<W, P, E>,
    ) -> Result<Grouped<'e, W, P>, WrongLock> {
        let room = self.room.spare_capacity_mut();
        let mut len = 0;
        // There is room for as many as there are: see `push()`.
        for (object, place) in self.objects.iter().zip(room.iter_mut()) {
            let selected = select(object).selected(lock)?;
            *told = told.or(selected.announce());
            // CAST: What a member is made of does not depend on `W`.
            let place = ptr::from_mut(place).cast::<MaybeUninit<Member<W, Kernel>>>();
            // SAFETY: As above; it is borrowed mutably.
            unsafe { (*place).write(Member::new(selected.place(), len)) };
            len += 1;
        }
        let members = room.as_mut_ptr().cast::<Member<W, Kernel>>();
        // SAFETY: So many were just written, and they are borrowed for `'e`. They have no destructor.
        let members = unsafe { slice::from_raw_parts_mut(members, len) };
        Ok(Grouped {
            members: Lent(members),
            _policy: PhantomData,
        })
    }
}

impl<A> Deref for Group<A> {
    type Target = [A];

    #[inline]
    fn deref(&self) -> &[A] {
        &self.objects
    }
}

/// The events of objects that are borrowed.
#[track_caller]
fn tied<'e, T: ?Sized, B: Backend, W, P: Policy, E: Level, const N: usize>(
    lock: &Lock<T, B>,
    events: [&'e Tied<W, P, E>; N],
) -> Result<[Selected<'e, W, P, E>; N], WrongLock> {
    let mut wrong = Ok(());
    let selected = events.map(|tied| {
        tied.selected(lock).unwrap_or_else(|error| {
            wrong = Err(error);
            Selected::nowhere()
        })
    });
    wrong.map(|()| selected)
}

impl<'a, 'c, T, B: Backend, C: Level, L: Level> Held<'a, 'c, T, B, C, L> {
    /// Begins a wait for any of several events of the protected data, with one claim for all of them.
    ///
    /// The wait returns which one it was, as the index in the array that `select` returns, and what was taken. Where
    /// several claims could succeed, the first one does, and only that. For events of different kinds, or
    /// different claims, see [`Wait::or`].
    ///
    /// - If one of the events is closed, or goes away, so is the wait: it returns [`Closed`](super::Closed). With
    ///   [`Wait::wait_relock`] the caller sees which one.
    /// - The same event may be named twice; it is the first of the two then that ends the wait.
    /// - A wait for no event returns [`Closed`](super::Closed) at once: nothing could end it.
    ///
    /// There is an entry for each of them, on the stack, so there are [few](Few); more are for a [`Group`]. What it
    /// costs to begin and to end the wait, under the lock, is proportional to their number.
    ///
    /// Context: that of the guard; nothing is waited for yet. `select` runs under the lock.
    ///
    /// # Examples
    ///
    /// ```
    /// use baton::event::Killable;
    /// use baton::{new_event, Event, LockIn, MaySleep};
    /// use kernel::prelude::*;
    /// use kernel::sync::{new_mutex, Mutex};
    ///
    /// #[pin_data]
    /// struct Queues {
    ///     #[pin]
    ///     urgent: Event<u32>,
    ///     #[pin]
    ///     normal: Event<u32>,
    /// }
    ///
    /// /// Takes one of what there is; returns whether it was urgent.
    /// fn take(queues: &Mutex<Queues>, cx: &mut MaySleep) -> Result<bool> {
    ///     let (which, ()) = queues
    ///         .lock_in(cx)
    ///         .on_any(|q| [&q.urgent, &q.normal])
    ///         .when(|len| *len > 0, |len| *len -= 1)
    ///         .wait(Killable)?;
    ///     Ok(which == 0)
    /// }
    ///
    /// let cx = &mut MaySleep::assert();
    /// let queues: Pin<KBox<Mutex<Queues>>> = KBox::pin_init(
    ///     new_mutex!(pin_init!(Queues { urgent <- new_event!(1), normal <- new_event!(1) })),
    ///     GFP_KERNEL,
    /// )?;
    /// assert!(take(&queues, cx)?);
    /// assert!(!take(&queues, cx)?);
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias("poll", "WaitForMultipleObjects"))]
    #[inline]
    #[track_caller]
    #[allow(clippy::type_complexity, reason = "the type is the sentence so far")]
    pub fn on_any<W, P, E, const N: usize>(
        self,
        select: impl for<'x> FnOnce(&'x T) -> [&'x Event<W, P, E>; N],
    ) -> On<'static, Self, Nothing, [Selected<'static, W, P, E>; N]>
    where
        W: Send + 'static,
        P: Policy,
        E: After<C>,
        [(); N]: Few,
    {
        let selected = Selected::all_inside(&*self, select);
        On::new(self, Nothing(()), Told::NOTHING, selected)
    }

    /// As [`Held::on_any`], for events in objects of their own.
    ///
    /// Context: that of the guard; nothing is waited for yet.
    ///
    /// # Errors
    ///
    /// [`WrongLock`] if one of the events is tied to another lock; the lock is released then.
    #[track_caller]
    #[allow(clippy::type_complexity, reason = "the type is the sentence so far")]
    pub fn on_any_tied<'e, W, P, E, const N: usize>(
        self,
        events: [&'e Tied<W, P, E>; N],
    ) -> Result<On<'e, Self, Nothing, [Selected<'e, W, P, E>; N]>, WrongLock>
    where
        W: Send + 'static,
        P: Policy,
        E: After<C>,
        [(); N]: Few,
    {
        let selected = tied(self.locked.guard.lock_ref(), events)?;
        Ok(On::new(self, Nothing(()), Told::NOTHING, selected))
    }

    /// As [`Held::on_any`], for the event that `select` returns of each object of a group.
    ///
    /// The index is that of the object in the group.
    ///
    /// Context: that of the guard; nothing is waited for yet. `select` runs under the lock.
    ///
    /// # Errors
    ///
    /// [`WrongLock`] if one of the events is tied to another lock; the lock is released then.
    #[track_caller]
    #[allow(clippy::type_complexity, reason = "the type is the sentence so far")]
    pub fn on_any_of<'e, A, W, P, E>(
        self,
        group: &'e mut Group<A>,
        select: impl for<'x> Fn(&'x A) -> &'x Tied<W, P, E>,
    ) -> Result<On<'e, Self, Nothing, Grouped<'e, W, P>>, WrongLock>
    where
        W: Send + 'static,
        P: Policy,
        E: After<C>,
    {
        let mut told = Told::NOTHING;
        let grouped = group.select(self.locked.guard.lock_ref(), &mut told, select)?;
        Ok(On::new(self, Nothing(()), told, grouped))
    }
}

impl<'e, 'a, 'c, T, B, C, L, N> Wait<'e, Held<'a, 'c, T, B, C, L>, N>
where
    B: Backend,
    C: Level,
    L: Level,
    N: Events<Kernel> + Before,
{
    /// Adds several events of one kind: see [`Wait::or`] and [`Held::on_any`].
    ///
    /// Context: that of the guard; nothing is waited for yet. `select` runs under the lock.
    #[track_caller]
    #[allow(clippy::type_complexity, reason = "the type is the sentence so far")]
    pub fn or_any<W, P, E, const M: usize>(
        self,
        select: impl for<'x> FnOnce(&'x T) -> [&'x Event<W, P, E>; M],
    ) -> On<'e, Held<'a, 'c, T, B, C, L>, N, [Selected<'static, W, P, E>; M]>
    where
        W: Send + 'static,
        P: Policy,
        E: After<C>,
        [(); M]: Few,
    {
        let selected = Selected::all_inside(&*self.held, select);
        On::new(self.held, self.events, self.told, selected)
    }

    /// Adds an event of each object of a group: see [`Wait::or`] and [`Held::on_any_of`].
    ///
    /// Context: that of the guard; nothing is waited for yet. `select` runs under the lock.
    ///
    /// # Errors
    ///
    /// [`WrongLock`] if one of the events is tied to another lock; the lock is released then. What the wait was
    /// to [give away](On::give) comes back with it.
    #[track_caller]
    #[allow(clippy::type_complexity, reason = "the type is the sentence so far")]
    pub fn or_any_of<'f, A, W, P, E>(
        self,
        group: &'f mut Group<A>,
        select: impl for<'x> Fn(&'x A) -> &'x Tied<W, P, E>,
    ) -> Result<On<'f, Held<'a, 'c, T, B, C, L>, N, Grouped<'f, W, P>>, Failed<N, WrongLock>>
    where
        'e: 'f,
        W: Send + 'static,
        P: Policy,
        E: After<C>,
    {
        let mut told = self.told;
        match group.select(self.held.locked.guard.lock_ref(), &mut told, select) {
            Ok(grouped) => Ok(On::new(self.held, self.events, told, grouped)),
            Err(wrong) => Err(self.failed(wrong)),
        }
    }
}
