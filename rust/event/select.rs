// SPDX-License-Identifier: GPL-2.0

//! Which event a wait is for, and how several become one.

use super::{
    claim::Claim,
    monitor::{
        Events,
        One,
        Place,
        Two, //
    },
    platform::Kernel,
    several::{
        Inline,
        Lent,
        Member,
        Several, //
    },
    Event,
    Policy, //
};
use crate::{
    level::Level,
    registry::{
        Label,
        Told, //
    },
};
use core::{
    marker::PhantomData,
    mem,
    ptr, //
};
use kernel::prelude::*;

/// An event that a wait was told to wait for; null if it does not lie where it has to.
///
/// # Invariants
///
/// The event lies inside the data of the lock that is held, or is tied to it and borrowed for `'e`. It is
/// reached by way of a shared reference, so its address is fixed: an event is pinned, and is replaced in its
/// place only under the lock, by who drops the old one.
pub struct Selected<'e, W, P: Policy, E: Level> {
    pub(crate) event: *const Event<W, P, E>,
    _borrow: PhantomData<&'e ()>,
}

impl<'e, W, P: Policy, E: Level> Selected<'e, W, P, E> {
    /// An event that is tied to the lock.
    ///
    /// # Safety
    ///
    /// It is tied to the lock that is held, and borrowed for `'e`.
    #[inline]
    pub(super) unsafe fn tied(event: *const Event<W, P, E>) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            event,
            _borrow: PhantomData,
        }
    }

    /// No event, which is as good as one that is closed.
    #[inline]
    pub(super) fn nowhere() -> Self {
        // INVARIANT: There is none.
        Self {
            event: ptr::null(),
            _borrow: PhantomData,
        }
    }

    /// Says where the event is.
    #[inline]
    pub(super) fn place(&self) -> Place<W, Kernel> {
        if self.event.is_null() {
            return Place::nowhere();
        }
        // SAFETY: The event is valid, by the type invariants.
        let (queue, data) = unsafe { Event::places(self.event) };
        // SAFETY: As above: inside the data of the lock, or borrowed, and at a fixed place.
        unsafe { Place::new(queue, data) }
    }

    /// Selects an event inside the data of a lock.
    #[inline]
    pub(crate) fn inside<T>(
        data: &T,
        select: impl for<'x> FnOnce(&'x T) -> &'x Event<W, P, E>,
    ) -> Self {
        let event = select(data);
        Self::at(ptr::from_ref(data), event, event.label)
    }

    /// Selects several events inside the data of a lock.
    #[inline]
    pub(super) fn all_inside<T, const N: usize>(
        data: &T,
        select: impl for<'x> FnOnce(&'x T) -> [&'x Event<W, P, E>; N],
    ) -> [Self; N] {
        select(data).map(|event| Self::at(ptr::from_ref(data), event, event.label))
    }

    /// The event at an address, if it is inside the data at `data`.
    #[inline]
    pub(crate) fn at<T>(data: *const T, event: *const Event<W, P, E>, label: Label) -> Self {
        let inside = is_inside(data, event, label);
        // INVARIANT: It lies inside.
        Self {
            event: if inside { event } else { ptr::null() },
            _borrow: PhantomData,
        }
    }

    /// Tells lockdep of the wait, and returns what to tell the registry. The lock is held.
    #[inline]
    pub(crate) fn announce(&self) -> Told {
        // SAFETY: By the type invariants, and the lock is held.
        let Some(event) = (unsafe { self.event.as_ref() }) else {
            return Told::NOTHING;
        };
        #[cfg(CONFIG_LOCKDEP)]
        event.map.wait();
        // SAFETY: By the type invariants: one that is replaced is replaced under the lock.
        unsafe { Told::new(event.object(), &raw const event.label) }
    }
}

/// Returns whether an event, whatever its type, is inside the data at `data`, and says so if it is not.
#[inline]
pub(super) fn is_inside<T, U>(data: *const T, event: *const U, label: Label) -> bool {
    let offset = event.addr().wrapping_sub(data.addr());
    // An event has a size, so that it lies inside if it begins there: two objects do not overlap.
    let inside = offset < mem::size_of::<T>();
    if !inside {
        misplaced(label);
    }
    inside
}

#[cold]
#[inline(never)]
fn misplaced(label: Label) {
    pr_warn!(
        "{} {}: a wait for an event that is not inside the data of the held lock: see baton::event::Tied\n",
        core::format_args!("{}", label.kind),
        label.name.to_str().unwrap_or("?")
    );
}

/// What a wait was told to wait for. Sealed, and of no use to others.
#[doc(hidden)]
pub trait Selection: selection::Sealed {}

pub(super) mod selection {
    use super::{
        Claim,
        Events,
        Kernel,
        Told, //
    };

    pub trait Sealed {
        /// The data of each of the events.
        type Data: 'static;
        /// The events, with a claim.
        type Events<C: Claim<Self::Data>>: Events<Kernel>;
        /// Whether nobody overtakes.
        const FIFO: bool;

        #[allow(private_interfaces, reason = "nobody else calls it")]
        fn announce(&self, told: Told) -> Told;
        fn with<C: Claim<Self::Data>>(self, claim: C) -> Self::Events<C>;
    }
}

impl<W: 'static, P: Policy, E: Level> selection::Sealed for Selected<'_, W, P, E> {
    type Data = W;
    type Events<C: Claim<W>> = One<W, C, Kernel>;
    const FIFO: bool = P::FIFO;

    #[inline]
    #[allow(private_interfaces, reason = "nobody else calls it")]
    fn announce(&self, told: Told) -> Told {
        // Lockdep is told of each.
        let mine = self.announce();
        told.or(mine)
    }

    #[inline]
    fn with<C: Claim<W>>(self, claim: C) -> One<W, C, Kernel> {
        One::new(self.place(), claim)
    }
}

impl<W: 'static, P: Policy, E: Level, const N: usize> selection::Sealed
    for [Selected<'_, W, P, E>; N]
{
    type Data = W;
    type Events<C: Claim<W>> = Several<W, C, Kernel, Inline<W, Kernel, N>>;
    const FIFO: bool = P::FIFO;

    #[allow(private_interfaces, reason = "nobody else calls it")]
    fn announce(&self, told: Told) -> Told {
        self.iter()
            .fold(told, |told, selected| told.or(selected.announce()))
    }

    fn with<C: Claim<W>>(self, claim: C) -> Self::Events<C> {
        let mut index = 0;
        let members = self.map(|selected| {
            index += 1;
            Member::new(selected.place(), index - 1)
        });
        Several::new(Inline(members), claim)
    }
}

/// The events of a group of objects, with their entries; they have been announced.
pub struct Grouped<'e, W, P> {
    pub(super) members: Lent<'e, W, Kernel>,
    pub(super) _policy: PhantomData<P>,
}

impl<'e, W: 'static, P: Policy> selection::Sealed for Grouped<'e, W, P> {
    type Data = W;
    type Events<C: Claim<W>> = Several<W, C, Kernel, Lent<'e, W, Kernel>>;
    const FIFO: bool = P::FIFO;

    #[allow(private_interfaces, reason = "nobody else calls it")]
    fn announce(&self, told: Told) -> Told {
        told
    }

    fn with<C: Claim<W>>(self, claim: C) -> Self::Events<C> {
        Several::new(self.members, claim)
    }
}

impl<S: selection::Sealed> Selection for S {}

/// What a wait is for: nothing yet, one event, or several.
///
/// Sealed, and of no use to others.
#[doc(hidden)]
pub trait Before: before::Sealed {}

pub(super) mod before {
    pub trait Sealed {
        /// This, and `X`.
        type And<X>;
        fn and<X>(self, next: X) -> Self::And<X>;
    }
}

/// No event before this one.
#[doc(hidden)]
pub struct Nothing(pub(crate) ());

impl before::Sealed for Nothing {
    type And<X> = X;

    #[inline]
    fn and<X>(self, next: X) -> X {
        next
    }
}

impl<E: Events<Kernel>> before::Sealed for E {
    type And<X> = Two<Self, X>;

    #[inline]
    fn and<X>(self, next: X) -> Two<Self, X> {
        Two {
            first: self,
            second: next,
        }
    }
}

impl<N: before::Sealed> Before for N {}
