// SPDX-License-Identifier: GPL-2.0

//! Waits that give something away, or return it.
//!
//! This file has no kernel paths. The module compiles it as it stands, and `testing/model/` includes
//! the same file by `#[path]`.

use super::{
    gift::{
        Back,
        Give, //
    },
    monitor::{
        Events,
        Tried,
        WithClaim, //
    },
    needs::Platform,
    queue::Head, //
};

/// The events of `E`, whose claim gives something away that comes back otherwise.
pub struct Returning<E>(pub(crate) E);

// SAFETY: The entries are those of `E`.
unsafe impl<P, E, A, C, T> Events<P> for Returning<E>
where
    P: Platform,
    E: WithClaim<P, Claim = Give<A, C, T>>,
{
    type Output = E::Output;
    type Back = Back<A>;

    #[inline]
    unsafe fn try_now(&mut self) -> Tried<E::Output> {
        // SAFETY: By the safety requirements.
        unsafe { self.0.try_now() }
    }

    #[inline]
    unsafe fn enqueue(&self, head: &Head<P>) {
        // SAFETY: By the safety requirements.
        unsafe { self.0.enqueue(head) };
    }

    #[inline]
    unsafe fn departed(&self) {
        // SAFETY: By the safety requirements.
        unsafe { self.0.departed() };
    }

    #[inline]
    unsafe fn take(&self) -> Option<E::Output> {
        // SAFETY: By the safety requirements.
        unsafe { self.0.take() }
    }

    #[inline]
    unsafe fn back(self) -> Back<A> {
        // SAFETY: By the safety requirements.
        Back(unsafe { self.0.into_claim() }.into_item())
    }
}
