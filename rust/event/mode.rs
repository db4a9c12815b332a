// SPDX-License-Identifier: GPL-2.0

//! The forms of waiting, and the ways in which a wait can fail.
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)

use super::{
    claim::private::Sealed,
    gift::GiveError, //
};
use kernel::{
    bindings,
    ffi::c_long,
    prelude::*,
    time::Jiffies, //
};

/// The event was closed or dropped: what the waiter asked for will not happen any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// The time was over, and the claim had not succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

/// Why a wait ended without what was claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitError {
    /// The event was closed or dropped.
    Closed,
    /// Somebody has [ended the waits](crate::Event::end_waits) that there were, and the event lives on. This
    /// ends waits of every mode; where the error is [`Closed`], with that.
    Ended,
    /// A signal arrived.
    Signal,
    /// The calling thread, or the run that it is in, is to [stop](crate::thread::Stop), and has not
    /// been told yet. This ends waits of every mode; where the error is [`Closed`], with that.
    Stopped,
    /// The time was over.
    TimedOut,
}

impl From<Closed> for WaitError {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl From<Closed> for Error {
    fn from(_: Closed) -> Self {
        ESHUTDOWN
    }
}

impl From<WaitError> for Error {
    fn from(error: WaitError) -> Self {
        match error {
            WaitError::Closed => ESHUTDOWN,
            WaitError::Ended => ECONNRESET,
            WaitError::Signal => ERESTARTSYS,
            WaitError::Stopped => ECANCELED,
            WaitError::TimedOut => ETIMEDOUT,
        }
    }
}

impl<A, E: Into<Error>> From<GiveError<A, E>> for Error {
    fn from(refused: GiveError<A, E>) -> Self {
        refused.error.into()
    }
}

/// A form of waiting: what can end it besides the event. Sealed.
///
/// [`Uninterruptible`], [`Interruptible`], [`Killable`], [`Io`], [`Idle`], and each of them with
/// [`Mode::timeout`].
pub trait Mode: Sealed {
    /// How a wait of this form can fail: [`Closed`] where nothing else can end it.
    type Error: From<Closed> + Into<Error>;

    /// The task state while asleep.
    #[doc(hidden)]
    const STATE: u32;

    /// Whether the time asleep counts as waiting for I/O.
    #[doc(hidden)]
    const IO: bool = false;

    /// The longest sleep in jiffies.
    #[doc(hidden)]
    fn limit(&self) -> c_long {
        c_long::MAX
    }

    /// Makes the error from why the sleeper gave up.
    #[doc(hidden)]
    fn gave_up(why: WaitError) -> Self::Error;

    /// Returns this form with a limit in jiffies.
    ///
    /// Context: any.
    #[doc(alias("schedule_timeout", "wait_event_timeout"))]
    fn timeout(self, jiffies: Jiffies) -> Timeout<Self>
    where
        Self: Sized,
    {
        Timeout {
            mode: self,
            jiffies,
        }
    }
}

/// Nothing but the event ends the wait (`TASK_UNINTERRUPTIBLE`).
#[doc(alias("TASK_UNINTERRUPTIBLE", "wait_event"))]
pub struct Uninterruptible;

/// A signal ends the wait (`TASK_INTERRUPTIBLE`).
#[doc(alias("TASK_INTERRUPTIBLE", "wait_event_interruptible"))]
pub struct Interruptible;

/// A fatal signal ends the wait (`TASK_KILLABLE`).
#[doc(alias("TASK_KILLABLE", "wait_event_killable"))]
pub struct Killable;

/// Nothing but the event ends the wait, and the time counts as waiting for I/O.
#[doc(alias("io_schedule", "io_wait_event"))]
pub struct Io;

/// Nothing but the event ends the wait, and the task does not count as load (`TASK_IDLE`).
#[doc(alias("TASK_IDLE", "wait_event_idle"))]
pub struct Idle;

/// A form of waiting with a limit in jiffies: see [`Mode::timeout`].
///
/// Dropping it, or `mem::forget`, does nothing.
pub struct Timeout<M> {
    mode: M,
    jiffies: Jiffies,
}

impl Sealed for Uninterruptible {}
impl Sealed for Interruptible {}
impl Sealed for Killable {}
impl Sealed for Io {}
impl Sealed for Idle {}
impl<M> Sealed for Timeout<M> {}

impl Mode for Uninterruptible {
    type Error = Closed;
    const STATE: u32 = bindings::TASK_UNINTERRUPTIBLE;

    fn gave_up(_: WaitError) -> Closed {
        Closed
    }
}

impl Mode for Interruptible {
    type Error = WaitError;
    const STATE: u32 = bindings::TASK_INTERRUPTIBLE;

    fn gave_up(why: WaitError) -> WaitError {
        why
    }
}

impl Mode for Killable {
    type Error = WaitError;
    const STATE: u32 = bindings::TASK_KILLABLE;

    fn gave_up(why: WaitError) -> WaitError {
        why
    }
}

impl Mode for Io {
    type Error = Closed;
    const STATE: u32 = bindings::TASK_UNINTERRUPTIBLE;
    const IO: bool = true;

    fn gave_up(_: WaitError) -> Closed {
        Closed
    }
}

impl Mode for Idle {
    type Error = Closed;
    const STATE: u32 = bindings::TASK_IDLE;

    fn gave_up(_: WaitError) -> Closed {
        Closed
    }
}

impl<M: Mode> Mode for Timeout<M> {
    type Error = WaitError;
    const STATE: u32 = M::STATE;
    const IO: bool = M::IO;

    fn limit(&self) -> c_long {
        // A limit that does not fit is longer than the machine will run.
        c_long::try_from(self.jiffies)
            .unwrap_or(c_long::MAX)
            .min(self.mode.limit())
    }

    fn gave_up(why: WaitError) -> WaitError {
        why
    }
}
