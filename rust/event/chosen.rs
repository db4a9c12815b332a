// SPDX-License-Identifier: GPL-2.0

//! Waiters that were served, and are told later.
//!
//! This file has no kernel paths: see [`protocol`](super::protocol), which has the argument.

use super::{
    needs::Platform,
    queue::{
        Entry,
        SERVED, //
    },
};
use core::ptr;

/// Waiters of any events that were served and have yet to be told.
///
/// # Invariants
///
/// A list by `next` of live entries whose status is [`CHOSEN`](super::queue::CHOSEN).
pub(crate) struct Chosen<P: Platform> {
    head: *const Entry<(), P>,
    tail: *const Entry<(), P>,
}

impl<P: Platform> Chosen<P> {
    #[inline]
    pub(crate) fn new() -> Self {
        // INVARIANT: No entry is on the list.
        Self {
            head: ptr::null(),
            tail: ptr::null(),
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.head.is_null()
    }

    /// # Safety
    ///
    /// `entry` must be live, on no list, and its status [`CHOSEN`](super::queue::CHOSEN).
    pub(super) unsafe fn push(&mut self, entry: *const Entry<(), P>) {
        // SAFETY: By the safety requirements and the type invariants.
        unsafe {
            (*entry).next.set(ptr::null());
            match self.tail.as_ref() {
                Some(tail) => tail.next.set(entry),
                None => self.head = entry,
            }
        }
        self.tail = entry;
    }

    /// Tells them, and forgets them. Needs no lock: nobody else uses these entries.
    pub(crate) fn complete(&mut self) {
        let mut next = self.head;
        // INVARIANT: The list is empty from here on.
        *self = Self::new();
        while !next.is_null() {
            let entry = next;
            // SAFETY: By the type invariants the entry is live, with its head, until it is told, which is
            // the last access to them.
            unsafe {
                next = (*entry).next.get();
                let head = (*entry).head.get();
                P::tell(&raw const (*head).status, SERVED, (*head).task); // B, C, pair with D, A
            }
        }
    }
}
