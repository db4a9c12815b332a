// SPDX-License-Identifier: GPL-2.0

//! What the library knows an event by: where it is, what it is called, and who changes it.

use super::{
    platform::Kernel,
    protocol::Queue,
    Event,
    Policy, //
};
use crate::{
    level::Level,
    registry::{
        self,
        Kind,
        Label,
        Object, //
    },
};

impl<W, P: Policy, E: Level> Event<W, P, E> {
    /// Returns where the queue and the data of an event are.
    ///
    /// # Safety
    ///
    /// It must be one that lives.
    #[inline]
    pub(crate) unsafe fn places(this: *const Self) -> (*const Queue<W, Kernel>, *mut W) {
        // SAFETY: By the safety requirements.
        unsafe { (&raw const (*this).queue, (*this).data.get()) }
    }

    /// Returns what the event is called.
    #[inline]
    pub(crate) fn label(&self) -> Label {
        self.label
    }

    /// Returns what the registry knows it by.
    #[inline]
    pub(crate) fn object(&self) -> Object {
        Object::at(&raw const self.queue)
    }

    /// Tells the registry that the caller changes it.
    #[inline(always)]
    #[track_caller]
    pub(super) fn changes(&self) {
        if registry::is_on() && self.label.kind == Kind::Event {
            registry::changed(self.object());
        }
    }
}
