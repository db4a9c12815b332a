// SPDX-License-Identifier: GPL-2.0

//! Several events of one kind in one wait, with one claim for all of them.
//!
//! There is an entry for each event and one claim, which is tried on whichever of them changes. All are under the same
//! lock, so the claim is tried by one task at a time, and succeeds once: whoever serves the waiter takes all entries
//! off their lists before the lock is released.
//!
//! This file has no kernel paths. The module compiles it as it stands, and `testing/model/` includes
//! the same file by `#[path]`, like the protocol that it uses.

use super::{
    gift::NoGift,
    monitor::{
        Events,
        Place,
        Tried,
        WithClaim, //
    },
    needs::Platform,
    protocol::Claim,
    queue::{
        Entry,
        Extra,
        Head,
        Ops, //
    },
};
use core::{
    any::TypeId,
    cell::{
        Cell,
        UnsafeCell, //
    },
    marker::PhantomData,
    ptr, //
};

/// The entry of one of the events.
///
/// What it is made of does not depend on `W`, which is only behind pointers in it.
///
/// # Invariants
///
/// While the entry is on a list, `shared` is that of the [`Several`] that it belongs to, which is live.
#[repr(C)]
pub(crate) struct Member<W, P: Platform> {
    // First, so that a pointer to the entry is a pointer to the member.
    entry: Entry<W, P>,
    shared: Cell<*const ()>,
    place: Place<W, P>,
    index: usize,
}

impl<W, P: Platform> Member<W, P> {
    /// Makes the member for the event at `place`, which is the one with this index.
    #[inline]
    pub(crate) fn new(place: Place<W, P>, index: usize) -> Self {
        // INVARIANT: It is on no list; `Several::enqueue()` says what it is shared with, and how it is served.
        Self {
            entry: Entry::new(ptr::null()),
            shared: Cell::new(ptr::null()),
            place,
            index,
        }
    }
}

/// Where the members are.
///
/// # Safety
///
/// [`Room::members`] returns the same members, at the same addresses, as long as the room is not moved or changed.
pub unsafe trait Room<W, P: Platform> {
    /// Returns the members.
    #[doc(hidden)]
    #[allow(private_interfaces, reason = "nobody else calls it")]
    fn members(&self) -> &[Member<W, P>];
}

/// Room in the frame of the wait.
pub struct Inline<W, P: Platform, const N: usize>(pub(crate) [Member<W, P>; N]);

// SAFETY: They are in `self`.
unsafe impl<W, P: Platform, const N: usize> Room<W, P> for Inline<W, P, N> {
    #[inline]
    #[allow(private_interfaces, reason = "nobody else calls it")]
    fn members(&self) -> &[Member<W, P>] {
        &self.0
    }
}

/// Room that was made before, and outlives the wait.
pub struct Lent<'e, W, P: Platform>(pub(crate) &'e mut [Member<W, P>]);

// SAFETY: They are borrowed mutably, so that nobody moves or changes them.
unsafe impl<W, P: Platform> Room<W, P> for Lent<'_, W, P> {
    #[inline]
    #[allow(private_interfaces, reason = "nobody else calls it")]
    fn members(&self) -> &[Member<W, P>] {
        self.0
    }
}

/// What the members have in common.
struct Shared<C, R> {
    claim: UnsafeCell<C>,
    /// Which event it was, and what was taken.
    result: UnsafeCell<Option<(usize, R)>>,
}

/// Several events, and the claim on whichever comes first.
///
/// It lives in the frame of the function that waits, which does not return before the entries are off
/// their lists: nobody can `mem::forget` it.
pub struct Several<W, C: Claim<W>, P: Platform, S: Room<W, P>> {
    shared: Shared<C, C::Output>,
    room: S,
    _data: PhantomData<fn(W, P)>,
}

impl<W: 'static, C: Claim<W>, P: Platform, S: Room<W, P>> Several<W, C, P, S> {
    const OPS: &'static Ops<W, P> = &Ops {
        serve: Self::serve,
        holds: Self::holds,
        class: TypeId::of::<C>,
        left: <() as Extra<W, P>>::left,
        tell: <() as Extra<W, P>>::tell,
    };

    #[inline]
    pub(crate) fn new(room: S, claim: C) -> Self {
        Self {
            shared: Shared {
                claim: UnsafeCell::new(claim),
                result: UnsafeCell::new(None),
            },
            room,
            _data: PhantomData,
        }
    }

    /// Returns the member of an entry, and what it shares.
    ///
    /// # Safety
    ///
    /// `entry` must be that of a member of a live `Several` with exactly these parameters, and on the list of a queue whose
    /// lock is held. The result must not outlive that.
    unsafe fn of<'a>(entry: *const Entry<W, P>) -> (usize, &'a Shared<C, C::Output>) {
        let member = entry.cast::<Member<W, P>>();
        // SAFETY: By the safety requirements `entry` points to the first field of a `Member`, which is `repr(C)`; and by
        // the invariants of that, what it shares is live.
        unsafe { ((*member).index, &*(*member).shared.get().cast()) }
    }

    /// Tries the claim on behalf of the waiter.
    ///
    /// # Safety
    ///
    /// As for [`Self::of`].
    unsafe fn serve(entry: *const Entry<W, P>, w: &mut W) -> bool {
        // SAFETY: By the safety requirements. While an entry is on a list the owner of the waiter does not access `claim` and
        // `result`, and others do under the lock only.
        let (index, claim, result) = unsafe {
            let (index, shared) = Self::of(entry);
            (index, &mut *shared.claim.get(), &mut *shared.result.get())
        };
        if !claim.holds(w) {
            return false;
        }
        // SAFETY: All entries leave their lists before the lock is released, and the claim is only dropped then.
        let taken = unsafe { claim.take(w) };
        // No destructor runs here: `result` was `None`.
        *result = Some((index, taken));
        true
    }

    /// Tries the condition of the waiter.
    ///
    /// # Safety
    ///
    /// As for [`Self::of`].
    unsafe fn holds(entry: *const Entry<W, P>, w: &W) -> bool {
        // SAFETY: As in `serve()`.
        unsafe { (*Self::of(entry).1.claim.get()).holds(w) }
    }
}

// SAFETY: The entries are those of the members, which are in `room`.
unsafe impl<W, C, P, S> Events<P> for Several<W, C, P, S>
where
    W: 'static,
    C: Claim<W>,
    P: Platform,
    S: Room<W, P>,
{
    type Output = (usize, C::Output);
    type Back = NoGift;

    unsafe fn try_now(&mut self) -> Tried<Self::Output> {
        let members = self.room.members();
        if members.is_empty() {
            // Nothing will ever happen.
            return Tried::Closed;
        }
        let claim = self.shared.claim.get_mut();
        for member in members {
            // SAFETY: By the safety requirements, and a wait is over when its claim has succeeded.
            match unsafe { member.place.try_claim(claim) } {
                Tried::Claimed(taken) => return Tried::Claimed((member.index, taken)),
                Tried::Closed => return Tried::Closed,
                Tried::InVain => {}
            }
        }
        Tried::InVain
    }

    unsafe fn enqueue(&self, head: &Head<P>) {
        for member in self.room.members() {
            // INVARIANT: `self` stays where it is until the entries are off their lists.
            member.shared.set((&raw const self.shared).cast());
            member.entry.ops.set(Self::OPS);
            let entry = (&raw const *member).cast();
            // SAFETY: By the safety requirements the members stay where they are. The queues are there and not closed:
            // that was looked at under the same lock.
            unsafe { member.place.enqueue(entry, head) };
        }
    }

    unsafe fn departed(&self) {
        for member in self.room.members() {
            // SAFETY: By the safety requirements.
            unsafe { member.place.departed() };
        }
    }

    unsafe fn take(&self) -> Option<Self::Output> {
        // SAFETY: By the safety requirements nobody else accesses `result` any more.
        unsafe { (*self.shared.result.get()).take() }
    }

    unsafe fn back(self) -> NoGift {
        NoGift
    }
}

impl<W, C, P, S> WithClaim<P> for Several<W, C, P, S>
where
    W: 'static,
    C: Claim<W>,
    P: Platform,
    S: Room<W, P>,
{
    type Claim = C;

    unsafe fn into_claim(self) -> C {
        self.shared.claim.into_inner()
    }
}
