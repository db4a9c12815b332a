// SPDX-License-Identifier: GPL-2.0

//! The wait, step by step.
//!
//! This file has no kernel paths. The module compiles it as it stands, and `testing/model/` includes
//! the same file by `#[path]`, like the protocol that it uses.
//!
//! No code of the user runs between the look at the status and the departure from the lists: where the
//! events are was found before, and stays true.

use super::gift::{
    Gifts,
    NoGift, //
};
use super::protocol::{
    sleep_until_completed,
    unlink_all,
    Claim,
    Entry,
    Head,
    Platform,
    Queue,
    Sleeper,
    Waiter,
    CHOSEN,
    ENDED,
    LOOK,
    SERVED,
    WAITING, //
};
use core::{
    any::TypeId,
    ptr, //
};

/// A lock.
pub(crate) trait Monitor {
    /// Holds the lock until it is dropped.
    type Guard;

    /// Takes the lock.
    fn lock(&mut self) -> Self::Guard;
}

/// Where an event is: its waiters, and its data.
///
/// # Invariants
///
/// Both are null if it is nowhere. Otherwise, as long as the lock of the wait exists, `queue` and `data` are valid for whoever holds it and has no
/// other reference to what it protects. The event may go away and another one come in its place, but an
/// event that goes away completes its waiters first.
#[repr(C)]
pub(crate) struct Place<W, P: Platform> {
    queue: *const Queue<W, P>,
    data: *mut W,
}

impl<W, P: Platform> Place<W, P> {
    /// Says where an event is.
    ///
    /// # Safety
    ///
    /// The invariants must hold for as long as the result is used.
    #[inline]
    pub(crate) unsafe fn new(queue: *const Queue<W, P>, data: *mut W) -> Self {
        // INVARIANT: By the safety requirements.
        Self { queue, data }
    }

    /// An event that is not there, which is as good as one that is closed.
    #[inline]
    pub(crate) fn nowhere() -> Self {
        Self {
            queue: ptr::null(),
            data: ptr::null_mut(),
        }
    }

    /// Returns the event, if it is there.
    ///
    /// # Safety
    ///
    /// The caller holds the lock and has no other reference to what it protects.
    #[inline]
    unsafe fn get(&self) -> Option<(&Queue<W, P>, &mut W)> {
        if self.queue.is_null() {
            return None;
        }
        // SAFETY: By the safety requirements and the type invariants.
        unsafe { Some((&*self.queue, &mut *self.data)) }
    }

    /// Tries a claim of the calling task, and serves those whom that makes possible.
    ///
    /// # Safety
    ///
    /// As for [`Place::get`]. A claim that has succeeded is only dropped.
    #[inline]
    pub(super) unsafe fn try_claim<C: Claim<W>>(&self, claim: &mut C) -> Tried<C::Output> {
        // SAFETY: By the safety requirements.
        let (queue, data) = match unsafe { self.get() } {
            Some((queue, data)) if !queue.is_closed() => (queue, data),
            _ => return Tried::Closed,
        };
        if !queue.may_try(TypeId::of::<C>) || !claim.holds(data) {
            return Tried::InVain;
        }
        // SAFETY: By the safety requirements.
        let result = unsafe { claim.take(data) };
        if !queue.is_empty() {
            queue.consider(data);
        }
        Tried::Claimed(result)
    }

    /// Puts an entry on the list of the event.
    ///
    /// # Safety
    ///
    /// As for [`Queue::enqueue`], and under the lock under which the event was just seen to be there.
    #[inline]
    pub(super) unsafe fn enqueue(&self, entry: *const Entry<W, P>, head: &Head<P>) {
        // SAFETY: By the safety requirements and the type invariants.
        unsafe { (*self.queue).enqueue(entry, head) };
    }

    /// Considers the waiters that were behind another one, which has left.
    ///
    /// # Safety
    ///
    /// As for [`Place::get`].
    #[inline]
    pub(super) unsafe fn departed(&self) {
        // SAFETY: By the safety requirements.
        if let Some((queue, data)) = unsafe { self.get() } {
            if queue.is_fifo() {
                queue.consider(data);
            }
        }
    }
}

/// What came of the first try.
pub enum Tried<R> {
    /// The claim succeeded.
    Claimed(R),
    /// The event is closed.
    Closed,
    /// The task has to wait.
    InVain,
}

/// The entries of one waiter: one for each event that it waits for.
///
/// # Safety
///
/// [`Events::enqueue`] puts each entry on the list of its event, and entries are in `self`, so that
/// they live as long as it and stay where it is.
pub unsafe trait Events<P: Platform> {
    /// What the waiter takes.
    type Output;
    /// What comes back if it takes nothing.
    type Back: Gifts;

    /// Tries the claims in their order, and serves those whom that makes possible.
    ///
    /// # Safety
    ///
    /// The caller holds the lock and has no reference to what it protects.
    unsafe fn try_now(&mut self) -> Tried<Self::Output>;

    /// Puts all entries on their lists.
    ///
    /// # Safety
    ///
    /// As for [`Events::try_now`], which has just said [`Tried::InVain`] under the same lock. `self` and
    /// `head` must stay where they are until the entries are off the lists.
    unsafe fn enqueue(&self, head: &Head<P>);

    /// Considers the waiters of those events where somebody may be behind another one who has left.
    ///
    /// # Safety
    ///
    /// As for [`Events::try_now`].
    unsafe fn departed(&self);

    /// Returns what was claimed.
    ///
    /// # Safety
    ///
    /// As for [`Waiter::take`].
    unsafe fn take(&self) -> Option<Self::Output>;

    /// Returns what was not given away, and drops what the claims have captured.
    ///
    /// # Safety
    ///
    /// No claim has succeeded, and no entry is on a list.
    unsafe fn back(self) -> Self::Back;
}

/// Events that are waited for with one claim.
pub trait WithClaim<P: Platform>: Events<P> {
    /// The claim.
    type Claim;

    /// Returns it.
    ///
    /// # Safety
    ///
    /// As for [`Events::back`].
    unsafe fn into_claim(self) -> Self::Claim;
}

/// One event and the claim on it.
pub struct One<W, C: Claim<W>, P: Platform> {
    place: Place<W, P>,
    waiter: Waiter<W, C, P>,
}

impl<W: 'static, C: Claim<W>, P: Platform> One<W, C, P> {
    #[inline]
    pub(crate) fn new(place: Place<W, P>, claim: C) -> Self {
        Self {
            place,
            waiter: Waiter::new(claim),
        }
    }
}

// SAFETY: The entry is that of `waiter`.
unsafe impl<W: 'static, C: Claim<W>, P: Platform> Events<P> for One<W, C, P> {
    type Output = C::Output;
    type Back = NoGift;

    #[inline]
    unsafe fn try_now(&mut self) -> Tried<C::Output> {
        // SAFETY: By the safety requirements, and a wait is over when its claim has succeeded.
        unsafe { self.place.try_claim(self.waiter.claim_mut()) }
    }

    #[inline]
    unsafe fn enqueue(&self, head: &Head<P>) {
        let entry = Waiter::entry(&raw const self.waiter);
        // SAFETY: By the safety requirements the entry stays where it is. The queue is there and not
        // closed: that was looked at under the same lock.
        unsafe { self.place.enqueue(entry, head) };
    }

    #[inline]
    unsafe fn departed(&self) {
        // SAFETY: By the safety requirements.
        unsafe { self.place.departed() };
    }

    #[inline]
    unsafe fn take(&self) -> Option<C::Output> {
        // SAFETY: By the safety requirements.
        unsafe { self.waiter.take() }
    }

    #[inline]
    unsafe fn back(self) -> NoGift {
        NoGift
    }
}

impl<W: 'static, C: Claim<W>, P: Platform> WithClaim<P> for One<W, C, P> {
    type Claim = C;

    #[inline]
    unsafe fn into_claim(self) -> C {
        self.waiter.into_claim()
    }
}

/// Which of two claims has succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first one; this is what it took.
    First(A),
    /// The second one; this is what it took.
    Second(B),
}

/// The events of `A`, and those of `B`.
pub struct Two<A, B> {
    pub(crate) first: A,
    pub(crate) second: B,
}

// SAFETY: The entries are those of both.
unsafe impl<P: Platform, A: Events<P>, B: Events<P>> Events<P> for Two<A, B> {
    type Output = Either<A::Output, B::Output>;
    type Back = <A::Back as Gifts>::And<B::Back>;

    unsafe fn try_now(&mut self) -> Tried<Self::Output> {
        // SAFETY: By the safety requirements.
        match unsafe { self.first.try_now() } {
            Tried::Claimed(result) => return Tried::Claimed(Either::First(result)),
            Tried::Closed => return Tried::Closed,
            Tried::InVain => {}
        }
        // SAFETY: By the safety requirements.
        match unsafe { self.second.try_now() } {
            Tried::Claimed(result) => Tried::Claimed(Either::Second(result)),
            Tried::Closed => Tried::Closed,
            Tried::InVain => Tried::InVain,
        }
    }

    unsafe fn enqueue(&self, head: &Head<P>) {
        // SAFETY: By the safety requirements.
        unsafe {
            self.first.enqueue(head);
            self.second.enqueue(head);
        }
    }

    unsafe fn departed(&self) {
        // SAFETY: By the safety requirements.
        unsafe {
            self.first.departed();
            self.second.departed();
        }
    }

    unsafe fn take(&self) -> Option<Self::Output> {
        // SAFETY: By the safety requirements. One claim has succeeded.
        unsafe {
            match self.first.take() {
                Some(result) => Some(Either::First(result)),
                None => self.second.take().map(Either::Second),
            }
        }
    }

    unsafe fn back(self) -> Self::Back {
        // SAFETY: By the safety requirements.
        unsafe { self.first.back().and(self.second.back()) }
    }
}

/// Why a wait has ended without what was claimed.
pub(crate) enum Ended<G> {
    /// An event was closed.
    Closed,
    /// The waits for an event were ended.
    Dismissed,
    /// The sleeper gave up.
    GaveUp(G),
}

/// Claims, or waits until somebody has claimed on this task's behalf.
///
/// `sleeper` is called if the task has to wait, with the lock held, and `tell` right after it: what that refers to
/// is not moved any more.
///
/// The claims, with what they have captured, are dropped without the lock.
///
/// # Errors
///
/// [`Ended::Closed`] if an event is closed; [`Ended::Dismissed`] if its waits were ended meanwhile;
/// [`Ended::GaveUp`] if the sleeper gave up. With it comes back what was not given away.
///
/// # Safety
///
/// `guard` holds the lock that `monitor` takes, and nobody has a reference to what it protects. The
/// events of `events` are under that lock, which exists until this returns.
#[inline]
#[allow(
    clippy::type_complexity,
    reason = "how the wait ended, and what comes back"
)]
pub(crate) unsafe fn wait<E, P, S, M>(
    mut monitor: M,
    guard: M::Guard,
    mut events: E,
    sleeper: impl FnOnce() -> S,
    tell: impl FnOnce(&mut S),
) -> Result<E::Output, (Ended<S::GaveUp>, E::Back)>
where
    E: Events<P>,
    P: Platform,
    S: Sleeper,
    M: Monitor,
{
    // SAFETY: The lock is held.
    match unsafe { events.try_now() } {
        Tried::Claimed(result) => {
            drop(guard);
            return Ok(result);
        }
        Tried::Closed => {
            drop(guard);
            // SAFETY: No claim has succeeded, and no entry was put on a list.
            return Err((Ended::Closed, unsafe { events.back() }));
        }
        Tried::InVain => {}
    }
    let mut sleeper = sleeper();
    tell(&mut sleeper);
    let head = Head::<P>::new();
    // SAFETY: The lock is held. `events` and `head` stay in this frame until the entries are off the
    // lists: the frame is left only after the waiter was seen to be completed, or has withdrawn.
    unsafe { events.enqueue(&head) };
    sleeper.publish(); // A, pairs with C
    drop(guard);

    let ended = loop {
        let why = match sleep_until_completed(&head, &mut sleeper) {
            Ok(LOOK) => None,
            Ok(ended) => break ended,
            Err(why) => Some(why),
        };
        let guard = monitor.lock();
        let ended = head.status();
        if ended == CHOSEN {
            // It was served meanwhile, and will be told in a moment. Until then the entries are in use.
            drop(guard);
            sleeper.insist();
            sleeper.publish(); // A, pairs with C
            continue;
        }
        if ended != WAITING && ended != LOOK {
            // It was completed meanwhile: what it was given wins.
            drop(guard);
            break ended;
        }
        let Some(why) = why else {
            // Who was before it has left, and nobody has looked since.
            head.wait_on();
            sleeper.publish(); // A, pairs with C

            // SAFETY: The lock is held, and the status says that the entries are on their lists.
            unsafe { events.departed() };
            drop(guard);
            continue;
        };
        // SAFETY: The lock is held, and the status says that the entries are on their lists.
        unsafe {
            unlink_all(&head);
            events.departed();
        }
        drop(guard);
        // SAFETY: No claim has succeeded, and the entries are off their lists.
        return Err((Ended::GaveUp(why), unsafe { events.back() }));
    };

    if ended == SERVED {
        // SAFETY: The status was seen to be neither `WAITING` nor `CHOSEN`, with acquire ordering.
        if let Some(result) = unsafe { events.take() } {
            return Ok(result);
        }
        // Not reached: `SERVED` is published after the result was stored.
    }
    // SAFETY: No claim has succeeded, and who has completed the waiter has taken the entries off their lists.
    let back = unsafe { events.back() };
    let why = if ended == ENDED {
        Ended::Dismissed
    } else {
        Ended::Closed
    };
    Err((why, back))
}
