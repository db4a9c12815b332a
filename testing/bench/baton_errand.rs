// SPDX-License-Identifier: GPL-2.0

//! What one task leaves for another one to do.

use baton::{
    event::Uninterruptible,
    new_event,
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::SpinLock, //
};

#[pin_data]
struct Left<T: Send> {
    #[pin]
    what: Event<Option<T>>,
}

/// A place for one thing at a time.
#[pin_data]
pub(crate) struct Errand<T: Send> {
    #[pin]
    left: SpinLock<Left<T>>,
}

impl<T: Send + 'static> Errand<T> {
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            left <- new_spinlock!(pin_init!(Left { what <- new_event!(None) })),
        })
    }

    /// Leaves something, and wakes who is to do it.
    pub(crate) fn leave(&self, cx: &mut MaySleep, what: T) {
        let mut held = self.left.lock_in(cx);
        let old = held
            .as_mut()
            .project()
            .what
            .update(|left| left.replace(what));
        drop(held);
        drop(old);
    }

    /// Does `what` with each thing, until there will be none.
    pub(crate) fn serve(&self, cx: &mut MaySleep, what: impl Fn(T)) {
        while let Ok(Some(left)) = self
            .left
            .lock_in(cx)
            .on(|l| &l.what)
            .when(Option::is_some, Option::take)
            .wait(Uninterruptible)
        {
            what(left);
        }
    }

    pub(crate) fn end(&self, cx: &mut MaySleep) {
        self.left.lock_in(cx).as_mut().project().what.close();
    }
}
