// SPDX-License-Identifier: GPL-2.0

//! The ways in which a reference is refused, or a wait ends early.

use crate::event::WaitError;
use kernel::prelude::*;

/// Why a reference was not handed out, or a wait has ended with references left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrainError {
    /// The gate is shut.
    Shut,
    /// The wait could not end, because the caller itself is what it depends on.
    Deadlock,
    /// A signal arrived.
    Signal,
    /// The calling thread is to [stop](crate::thread::Stop), and has not been told yet.
    Stopped,
    /// The time was over.
    TimedOut,
}

impl From<DrainError> for Error {
    fn from(error: DrainError) -> Self {
        match error {
            DrainError::Shut => EBUSY,
            DrainError::Deadlock => EDEADLK,
            DrainError::Signal => ERESTARTSYS,
            DrainError::Stopped => ECANCELED,
            DrainError::TimedOut => ETIMEDOUT,
        }
    }
}

impl From<WaitError> for DrainError {
    fn from(error: WaitError) -> Self {
        match error {
            WaitError::Closed | WaitError::Ended => Self::Shut,
            WaitError::Signal => Self::Signal,
            WaitError::Stopped => Self::Stopped,
            WaitError::TimedOut => Self::TimedOut,
        }
    }
}
