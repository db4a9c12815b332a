// SPDX-License-Identifier: GPL-2.0

//! Which event a wait is for, and how several become one.

use super::{
    claim::Claim,
    monitor::{
        One,
        Two, //
    },
    platform::Kernel,
    Event,
    Policy, //
};
use crate::{
    level::Level,
    registry::{
        self,
        About,
        Label, //
    }, //
};
use core::{
    marker::PhantomData,
    mem,
    panic::Location,
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
pub(crate) struct Selected<'e, W, P: Policy, E: Level> {
    pub(crate) event: *const Event<W, P, E>,
    pub(crate) _borrow: PhantomData<&'e ()>,
}

impl<W, P: Policy, E: Level> Selected<'_, W, P, E> {
    /// Selects an event inside the data of a lock.
    #[inline]
    pub(crate) fn inside<T>(
        data: &T,
        select: impl for<'x> FnOnce(&'x T) -> &'x Event<W, P, E>,
    ) -> Self {
        let event = select(data);
        Self::at(ptr::from_ref(data), event, event.label)
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
    pub(crate) fn announce(&self) -> Option<About> {
        // SAFETY: By the type invariants, and the lock is held.
        let event = unsafe { self.event.as_ref() }?;
        #[cfg(CONFIG_LOCKDEP)]
        event.map.wait();
        registry::is_wanted().then(|| About {
            object: event.object(),
            label: event.label,
            place: Location::caller(),
            class: 0,
        })
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

impl<W, C: Claim<W>> before::Sealed for One<W, C, Kernel> {
    type And<X> = Two<Self, X>;

    #[inline]
    fn and<X>(self, next: X) -> Two<Self, X> {
        Two {
            first: self,
            second: next,
        }
    }
}

impl<A, B> before::Sealed for Two<A, B> {
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
