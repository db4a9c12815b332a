// SPDX-License-Identifier: GPL-2.0

//! Waits that end after a time: in jiffies or by a high-resolution timer, from now on or at a time.
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)

use super::expiry::Expiry;
use core::{
    cell::Cell,
    ptr, //
};
use kernel::{
    bindings,
    ffi::c_long,
    time::{
        ClockSource,
        Delta,
        Instant,
        Jiffies,
        Monotonic, //
    },
};

mod private {
    pub trait Sealed {}
}

use private::Sealed;

/// How long a wait may take: what [`Mode::timeout`](super::Mode::timeout) is given. Sealed.
///
/// | type | ends | timer |
/// |---|---|---|
/// | [`Jiffies`] | that many ticks after the task goes to sleep | `schedule_timeout()` |
/// | [`Delta`] | that long after that, monotonic clock | `schedule_hrtimeout_range()` |
/// | [`Instant`] | when its clock gets there | `schedule_hrtimeout_range_clock()` |
///
/// Nothing, or a time that has passed, tries once and does not sleep. Whatever else wakes the task does
/// not begin the time anew.
pub trait Limit: Sealed {
    /// Begins to count.
    #[doc(hidden)]
    fn begin(&self, slack: Option<Delta>) -> Expiry;
}

impl Sealed for Jiffies {}
impl Sealed for Delta {}
impl<C: ClockSource> Sealed for Instant<C> {}

impl Limit for Jiffies {
    #[inline]
    fn begin(&self, _slack: Option<Delta>) -> Expiry {
        Expiry::jiffies(*self)
    }
}

impl Limit for Delta {
    #[inline]
    fn begin(&self, slack: Option<Delta>) -> Expiry {
        Expiry::at::<Monotonic>(from_now(*self), slack)
    }
}

impl<C: ClockSource> Limit for Instant<C> {
    #[inline]
    fn begin(&self, slack: Option<Delta>) -> Expiry {
        // SAFETY: An `Instant` is a transparent wrapper of a `ktime_t`.
        let expires = unsafe { ptr::from_ref(self).cast::<bindings::ktime_t>().read() };
        Expiry::at::<C>(expires, slack)
    }
}

/// Returns when the time is over that begins now.
fn from_now(left: Delta) -> bindings::ktime_t {
    // A time that does not fit is later than the machine will run.
    Monotonic::ktime_get().saturating_add(left.as_nanos())
}

/// A time that several waits share: what [`Mode::within`](super::Mode::within) is given. Sealed.
///
/// It is a number of [`Jiffies`], or a [`Delta`] of the monotonic clock.
pub trait Budget: Sealed + Copy {
    /// When it is used up.
    #[doc(hidden)]
    type End: Copy;

    /// Returns when it is used up if it is used from now on.
    #[doc(hidden)]
    fn end(self) -> Self::End;

    /// Returns what is left of it now.
    #[doc(hidden)]
    fn left(end: Self::End) -> Self;

    /// Says how long a task may sleep.
    #[doc(hidden)]
    fn expiry(end: Self::End, slack: Option<Delta>) -> Expiry;
}

impl Budget for Jiffies {
    type End = Jiffies;

    fn end(self) -> Jiffies {
        // One that does not fit is longer than the machine will run. CAST: It is positive.
        now().wrapping_add(self.min(c_long::MAX as Jiffies))
    }

    fn left(end: Jiffies) -> Jiffies {
        // CAST: As `time_after()` compares.
        let left = end.wrapping_sub(now()) as c_long;
        Jiffies::try_from(left).unwrap_or(0)
    }

    fn expiry(end: Jiffies, _slack: Option<Delta>) -> Expiry {
        Expiry::jiffies(Self::left(end))
    }
}

impl Budget for Delta {
    type End = bindings::ktime_t;

    fn end(self) -> bindings::ktime_t {
        from_now(self)
    }

    fn left(end: bindings::ktime_t) -> Delta {
        let left = end.saturating_sub(Monotonic::ktime_get());
        Delta::from_nanos(left.max(0))
    }

    fn expiry(end: bindings::ktime_t, slack: Option<Delta>) -> Expiry {
        Expiry::at::<Monotonic>(end, slack)
    }
}

/// Returns the jiffies of now.
fn now() -> Jiffies {
    // SAFETY: The kernel changes it at any time, as one word.
    unsafe { (&raw const bindings::jiffies).read_volatile() }
}

/// A form of waiting with a limit: see [`Mode::timeout`](super::Mode::timeout).
///
/// Dropping it, or `mem::forget`, does nothing.
pub struct Timeout<M, T = Jiffies> {
    pub(super) mode: M,
    limit: T,
    slack: Option<Delta>,
}

impl<M, T: Limit> Timeout<M, T> {
    #[inline]
    pub(super) fn new(mode: M, limit: T) -> Self {
        Self {
            mode,
            limit,
            slack: None,
        }
    }

    /// Begins to count.
    #[inline]
    pub(super) fn begin(&self) -> Expiry {
        self.limit.begin(self.slack)
    }

    /// Returns this form with a limit that may be up to `slack` late.
    ///
    /// So one interrupt can serve several timers. Without it, a high-resolution timer may be as late as
    /// the task allows (`PR_SET_TIMERSLACK`). Jiffies have none.
    ///
    /// Context: any.
    ///
    /// # Examples
    ///
    /// ```
    /// use baton::event::{Killable, Mode, WaitError};
    /// use baton::{new_event, Event, LockIn, MaySleep};
    /// use kernel::prelude::*;
    /// use kernel::sync::{new_mutex, Mutex};
    /// use kernel::time::Delta;
    ///
    /// #[pin_data]
    /// struct Gate {
    ///     #[pin]
    ///     open: Event<bool>,
    /// }
    ///
    /// /// Waits for 200 microseconds, or a little longer.
    /// fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result<(), WaitError> {
    ///     let limit = Killable.timeout(Delta::from_micros(200)).slack(Delta::from_micros(50));
    ///     gate.lock_in(cx).on(|g| &g.open).until(|open| *open).wait(limit)
    /// }
    ///
    /// let cx = &mut MaySleep::assert();
    /// let gate = pin_init!(Gate { open <- new_event!(false) });
    /// let gate = KBox::pin_init(new_mutex!(gate), GFP_KERNEL)?;
    /// assert_eq!(pass(&gate, cx), Err(WaitError::TimedOut));
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias("schedule_hrtimeout_range", "timer_slack_ns"))]
    #[must_use]
    pub fn slack(self, slack: Delta) -> Self {
        Self {
            slack: Some(slack),
            ..self
        }
    }
}

/// A form of waiting that uses up a time: see [`Mode::within`](super::Mode::within).
///
/// Dropping it, which the wait does, says what is left of the time. `mem::forget` before the wait leaves the
/// time as it was. It cannot wait itself: it is not the wait, but how that is done.
pub struct Within<'l, M, T: Budget> {
    pub(super) mode: M,
    left: &'l mut T,
    slack: Option<Delta>,
    /// When the time is used up, if it was used.
    end: Cell<Option<T::End>>,
}

impl<'l, M, T: Budget> Within<'l, M, T> {
    #[inline]
    pub(super) fn new(mode: M, left: &'l mut T) -> Self {
        Self {
            mode,
            left,
            slack: None,
            end: Cell::new(None),
        }
    }

    /// Begins to count, if that has not been done.
    #[inline]
    pub(super) fn begin(&self) -> Expiry {
        let end = self.end.get().unwrap_or_else(|| self.left.end());
        self.end.set(Some(end));
        T::expiry(end, self.slack)
    }

    /// As [`Timeout::slack`].
    ///
    /// Context: any.
    #[must_use]
    pub fn slack(mut self, slack: Delta) -> Self {
        self.slack = Some(slack);
        self
    }
}

impl<M, T: Budget> Drop for Within<'_, M, T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(end) = self.end.get() {
            *self.left = T::left(end);
        }
    }
}
