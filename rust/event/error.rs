// SPDX-License-Identifier: GPL-2.0

//! The ways in which a wait can fail.

use super::gift::GiveError;
use kernel::prelude::*;

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
