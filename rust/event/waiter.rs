// SPDX-License-Identifier: GPL-2.0

//! A waiter for one event, with its claim.
//!
//! This file has no kernel paths: see [`protocol`](super::protocol), which has the argument.

use super::{
    claim::Claim,
    needs::Platform,
    queue::{
        Entry,
        Extra,
        Ops, //
    },
};
use core::{
    any::TypeId,
    cell::UnsafeCell,
    ptr, //
};

/// A waiter for one event: its entry, its claim, and room for what it claims.
///
/// It lives in the frame of the function that waits, which does not return before the entry is off
/// the list: nobody can `mem::forget` it.
///
/// `X` is what else is known of the entry: its [`Links`](super::index::Links) if it is in an index, whom to
/// [`Tell`](super::called::Tell) if it is no task's.
#[repr(C)]
pub(crate) struct Waiter<W, C: Claim<W>, P: Platform, X = ()> {
    // First, so that a pointer to the entry is a pointer to the waiter.
    entry: Entry<W, P>,
    extra: X,
    claim: UnsafeCell<C>,
    result: UnsafeCell<Option<C::Output>>,
}

impl<W: 'static, C: Claim<W>, P: Platform, X: Extra<W, P>> Waiter<W, C, P, X> {
    const OPS: &'static Ops<W, P> = &Ops {
        serve: Self::serve,
        holds: Self::holds,
        class: TypeId::of::<C>,
        left: X::left,
        tell: X::tell,
    };

    /// Makes a waiter with a claim.
    #[inline]
    pub(crate) fn new(claim: C) -> Self {
        Self {
            entry: Entry::new(Self::OPS),
            extra: X::default(),
            claim: UnsafeCell::new(claim),
            result: UnsafeCell::new(None),
        }
    }

    /// What tells this claim from others.
    #[inline]
    pub(crate) fn class() -> fn() -> TypeId {
        Self::OPS.class
    }

    /// Returns the claim of a waiter that is on no list.
    #[inline]
    pub(crate) fn claim_mut(&mut self) -> &mut C {
        self.claim.get_mut()
    }

    /// Tries the claim for the calling task itself, which is on no list.
    ///
    /// # Safety
    ///
    /// A waiter whose claim has succeeded is put on no list, and its claim is only dropped.
    #[inline]
    pub(crate) unsafe fn try_now(&mut self, w: &mut W) -> Option<C::Output> {
        let claim = self.claim.get_mut();
        // SAFETY: By the safety requirements.
        claim.holds(w).then(|| unsafe { claim.take(w) })
    }

    /// As [`Waiter::try_now`], with what was claimed where [`Waiter::take`] finds it.
    ///
    /// # Safety
    ///
    /// As for [`Waiter::try_now`].
    pub(crate) unsafe fn serve_now(&mut self, w: &mut W) -> bool {
        // SAFETY: By the safety requirements.
        let claimed = unsafe { self.try_now(w) };
        let served = claimed.is_some();
        *self.result.get_mut() = claimed;
        served
    }

    /// Returns whether the condition holds, for the calling task itself, which is on no list.
    #[inline]
    pub(crate) fn holds_now(&mut self, w: &W) -> bool {
        self.claim.get_mut().holds(w)
    }

    /// Returns a pointer to the entry that is valid for the whole waiter.
    #[inline]
    pub(crate) fn entry(this: *const Self) -> *const Entry<W, P> {
        this.cast()
    }

    /// Tries the claim on behalf of the waiter.
    ///
    /// # Safety
    ///
    /// `entry` must be the entry of a live `Waiter<W, C, P, X>` with exactly these parameters, and it must
    /// be on the list of a queue whose lock is held.
    unsafe fn serve(entry: *const Entry<W, P>, w: &mut W) -> bool {
        let this = entry.cast::<Self>();
        // SAFETY: By the safety requirements `entry` points to the first field of a `Self`, which is
        // `repr(C)`. While the entry is on the list the owner of the waiter does not access `claim`
        // and `result`.
        let (claim, result) = unsafe { (&mut *(*this).claim.get(), &mut *(*this).result.get()) };
        if !claim.holds(w) {
            return false;
        }
        // SAFETY: The waiter is off the list then, and its claim is only dropped.
        let taken = unsafe { claim.take(w) };
        // SAFETY: It is valid for writes; nothing is lost that would have to be dropped: it was `None`.
        unsafe { ptr::write(result, Some(taken)) };
        true
    }

    /// Tries the condition of the waiter.
    ///
    /// # Safety
    ///
    /// As for [`Self::serve`].
    unsafe fn holds(entry: *const Entry<W, P>, w: &W) -> bool {
        // SAFETY: As in `serve()`.
        unsafe { (*(*entry.cast::<Self>()).claim.get()).holds(w) }
    }

    /// Returns the claim of a waiter that is on no list.
    #[inline]
    pub(crate) fn into_claim(self) -> C {
        self.claim.into_inner()
    }

    /// Returns what was claimed; [`None`] if this claim did not succeed.
    ///
    /// # Safety
    ///
    /// The waiter must have been completed, and the caller must have seen that: it has read a status
    /// other than [`WAITING`] and [`CHOSEN`] with acquire ordering, or while it holds the lock.
    #[inline]
    pub(crate) unsafe fn take(&self) -> Option<C::Output> {
        // SAFETY: By the safety requirements nobody else accesses `result` any more.
        unsafe { (*self.result.get()).take() }
    }
}
