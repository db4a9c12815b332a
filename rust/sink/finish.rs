// SPDX-License-Identifier: GPL-2.0

//! What is finished, and in which context.

use crate::{
    ffi,
    level::Level,
    MaySleep, //
};
use kernel::types::NotThreadSafe;

/// Something that is finished once, in a context `C` that its sink provides.
///
/// A [`WorkSink`] of level `L` provides a [`MaySleep<L>`]: what is taken or waited for with it has to
/// stand below the sink. A [`TimerSink`] and a [`PollSink`] provide an [`AtomicContext`], with which
/// nothing that sleeps can be called. What does not care implements it for every `C`.
///
/// [`WorkSink`]: super::WorkSink
/// [`TimerSink`]: super::TimerSink
/// [`PollSink`]: super::PollSink
///
/// # Examples
///
/// ```
/// use baton::{drain::{new_drain, Drain, InFlight}, sink::{Context, Finish}, MaySleep};
/// use kernel::prelude::*;
///
/// /// An I/O that was done.
/// struct Io(InFlight);
///
/// impl<C: Context> Finish<C> for Io {
///     fn finish(self, _cx: &mut C) {
///         self.0.end();
///     }
/// }
///
/// let cx = &mut MaySleep::assert();
/// let drain: Pin<KBox<Drain>> = KBox::pin_init(new_drain!("example"), GFP_KERNEL)?;
/// Io(drain.try_begin()?).finish(cx);
/// assert_eq!(drain.in_flight(), 0);
/// # Ok::<(), Error>(())
/// ```
pub trait Finish<C: Context>: Send + 'static {
    /// Finishes it.
    ///
    /// It may hand something over to the same sink, which is finished in a later round. A sink that is
    /// closing returns it.
    ///
    /// It may drop the last handle of the same sink, which is then torn down by a worker. Closing the
    /// sink from here is `EDEADLK`.
    ///
    /// Context: whatever context the sink finishes in; it must not sleep.
    fn finish(self, cx: &mut C);
}

mod private {
    pub trait Sealed {}
}

/// What a sink provides to what it finishes: [`MaySleep`] or [`AtomicContext`].
///
/// It is sealed.
pub trait Context: private::Sealed {}

impl<L: Level> private::Sealed for MaySleep<L> {}
impl<L: Level> Context for MaySleep<L> {}

/// A context in which nothing may sleep.
///
/// It takes the place of a [`MaySleep`] and has no level: there is nothing to be done with it that
/// sleeps. Dropping it does nothing, nor does `mem::forget`: it owns nothing.
///
/// Context of its functions: any, unless they say otherwise.
pub struct AtomicContext(NotThreadSafe);

impl AtomicContext {
    #[inline]
    pub(super) fn new() -> Self {
        Self(NotThreadSafe)
    }

    /// Returns whether this is hard interrupt context.
    ///
    /// A plain `SpinLock` that a task takes with interrupts on must not be taken here then.
    #[doc(alias = "in_hardirq")]
    pub fn is_hard_irq(&self) -> bool {
        // SAFETY: Reads the state of this CPU.
        unsafe { ffi::baton_in_hardirq() }
    }

    /// Returns whether interrupts are disabled.
    #[doc(alias = "irqs_disabled")]
    pub fn is_irqs_off(&self) -> bool {
        // SAFETY: As above.
        unsafe { ffi::baton_irqs_disabled() }
    }
}

impl private::Sealed for AtomicContext {}
impl Context for AtomicContext {}
