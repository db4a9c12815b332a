// SPDX-License-Identifier: GPL-2.0

//! The end of a sink: once, and not by what it waits for.

use core::ptr;
use kernel::{
    bindings,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full,
            Relaxed,
            Release, //
        },
        Completion, //
    },
    task::Task, //
};

/// Who finishes the contents of a sink, one at a time, and whether the sink was closed.
///
/// # Invariants
///
/// If `down` is set, `done` is complete.
#[pin_data]
pub(super) struct Life {
    /// The task that finishes at this moment, or that was interrupted for it. Null if there is none.
    finisher: Atomic<*mut bindings::task_struct>,
    closing: Atomic<bool>,
    down: Atomic<bool>,
    #[pin]
    done: Completion,
}

impl Life {
    #[inline(never)]
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            finisher: Atomic::new(ptr::null_mut()),
            closing: Atomic::new(false),
            down: Atomic::new(false),
            done <- Completion::new(),
        })
    }

    /// Calls `body`, which finishes what is there. Nobody else must do so meanwhile.
    #[inline]
    pub(super) fn finishing<R>(&self, body: impl FnOnce() -> R) -> R {
        self.finisher.store(Task::current_raw(), Relaxed);
        let result = body();
        self.finisher.store(ptr::null_mut(), Relaxed);
        result
    }

    /// Returns whether the caller is called by [`Self::finishing`].
    ///
    /// A task finds itself only if it has stored itself and has not come back: it is the finisher, or an
    /// interrupt on top of it is. In the latter case nothing but the interrupt can be asking. What others
    /// store meanwhile is not equal to it.
    pub(super) fn is_finisher(&self) -> bool {
        ptr::eq(self.finisher.load(Relaxed), Task::current_raw())
    }

    /// Closes it by `body`, or waits until somebody else has.
    #[inline(never)]
    pub(super) fn close(&self, body: &mut dyn FnMut()) {
        if self.closing.xchg(true, Full) {
            self.done.wait_for_completion();
            return;
        }
        body();
        self.done.complete_all();
        // INVARIANT: It is complete.
        self.down.store(true, Release); // A, pairs with B
    }

    /// Returns whether it was closed, and nothing is left to do.
    pub(super) fn is_down(&self) -> bool {
        self.down.load(Acquire) // B, pairs with A
    }
}
