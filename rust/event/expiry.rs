// SPDX-License-Identifier: GPL-2.0

//! How much longer a task may sleep, and the sleep.
//!
//! C source: [`kernel/time/sleep_timeout.c`](srctree/kernel/time/sleep_timeout.c)

use crate::ffi;
use kernel::{
    bindings,
    ffi::c_long,
    task::Task,
    time::{
        ClockSource,
        Delta,
        Jiffies, //
    },
};

/// How much longer a task may sleep.
pub enum Expiry {
    /// For ever.
    Never,
    /// Not at all: it looks once.
    Over,
    /// That many jiffies, at least one.
    Jiffies(c_long),
    /// Until a clock has got there.
    Time(Timer),
}

/// A time on the clock of a high-resolution timer.
pub struct Timer {
    expires: bindings::ktime_t,
    slack: u64,
    clock: bindings::clockid_t,
    now: fn() -> bindings::ktime_t,
}

impl Expiry {
    /// A number of jiffies from now on.
    #[inline]
    pub(crate) fn jiffies(jiffies: Jiffies) -> Self {
        match c_long::try_from(jiffies) {
            Ok(0) => Self::Over,
            // A limit that does not fit is longer than the machine will run.
            Ok(c_long::MAX) | Err(_) => Self::Never,
            Ok(left) => Self::Jiffies(left),
        }
    }

    /// The time `expires` on the clock `C`, or up to `slack` later; without one, what the task has.
    pub(crate) fn at<C: ClockSource>(expires: bindings::ktime_t, slack: Option<Delta>) -> Self {
        if expires <= C::ktime_get() {
            return Self::Over;
        }
        let slack = match slack {
            Some(slack) => u64::try_from(slack.as_nanos()).unwrap_or(0),
            // SAFETY: The calling task is valid; others may change the number, which is a hint.
            None => unsafe { (&raw const (*Task::current_raw()).timer_slack_ns).read_volatile() },
        };
        Self::Time(Timer {
            expires,
            slack,
            clock: C::ID,
            now: C::ktime_get,
        })
    }

    /// Whichever comes first.
    #[inline]
    pub(crate) fn earlier(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never, other) | (other, Self::Never) => other,
            (Self::Over, _) | (_, Self::Over) => Self::Over,
            (Self::Jiffies(one), Self::Jiffies(other)) => Self::Jiffies(one.min(other)),
            (one, other) if one.nanos() <= other.nanos() => one,
            (_, other) => other,
        }
    }

    /// Returns how many nanoseconds are left, as far as they can be compared with those of another clock.
    #[cold]
    fn nanos(&self) -> i64 {
        match self {
            Self::Never => i64::MAX,
            Self::Over => 0,
            Self::Jiffies(left) => {
                // SAFETY: Computes. CAST: It is positive.
                let nanos = unsafe { bindings::jiffies64_to_nsecs(*left as u64) };
                i64::try_from(nanos).unwrap_or(i64::MAX)
            }
            Self::Time(timer) => timer.expires.saturating_sub((timer.now)()),
        }
    }

    /// Whether the task must not sleep any more.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }

    /// Sleeps, in the state that was published, until somebody wakes the task or the time is over.
    ///
    /// With `io` the time counts as waiting for I/O.
    ///
    /// # Safety
    ///
    /// The calling task may sleep.
    #[inline]
    pub(crate) unsafe fn sleep(&mut self, io: bool) {
        match self {
            // SAFETY: By the safety requirements.
            Self::Never if !io => unsafe { bindings::schedule() },
            Self::Jiffies(left) if !io => {
                // SAFETY: By the safety requirements.
                match unsafe { bindings::schedule_timeout(*left) } {
                    0 => *self = Self::Over,
                    now => *left = now,
                }
            }
            // SAFETY: By the safety requirements.
            _ => unsafe { self.sleep_otherwise(io) },
        }
    }

    /// # Safety
    ///
    /// As for [`Self::sleep`].
    #[inline(never)]
    unsafe fn sleep_otherwise(&mut self, io: bool) {
        let over = match self {
            // SAFETY: By the safety requirements.
            Self::Never => unsafe {
                bindings::io_schedule();
                false
            },
            Self::Over => true,
            Self::Jiffies(left) => {
                // SAFETY: By the safety requirements.
                *left = unsafe { bindings::io_schedule_timeout(*left) };
                *left == 0
            }
            Self::Time(timer) => {
                // SAFETY: By the safety requirements; `expires` is read only.
                unsafe {
                    ffi::baton_schedule_hrtimeout(&timer.expires, timer.slack, timer.clock, io) == 0
                }
            }
        };
        if over {
            *self = Self::Over;
        }
    }
}
