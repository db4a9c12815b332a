// SPDX-License-Identifier: GPL-2.0

//! Programs in a kernel: the real primitives, and threads that make the steps.

mod completion;
mod count;
mod counted;
mod drain;
mod entries;
mod event;
mod keyed;
mod phased;
mod pool;
mod slot;
mod stage;
mod tries;

pub(crate) use tries::{
    is_short,
    kept,
    Primitive,
    Settings,
    PRIMITIVES, //
};

use crate::shared::reference::Said;
use baton::event::WaitError;
use kernel::{
    prelude::*,
    time::Delta, //
};

/// What a task says of a wait that failed.
fn of_wait(error: impl Into<WaitError>) -> Said {
    match error.into() {
        WaitError::Closed => Said::Closed,
        WaitError::Ended => Said::Ended,
        WaitError::Signal => Said::Signal,
        WaitError::TimedOut => Said::TimedOut,
        WaitError::Stopped => Said::Odd,
    }
}

/// What a task says of an error.
fn of_error(error: Error) -> Said {
    match error {
        EAGAIN => Said::Busy,
        ECANCELED => Said::Ended,
        ENODATA => Said::Shut,
        ERESTARTSYS => Said::Signal,
        ETIMEDOUT => Said::TimedOut,
        _ => Said::Odd,
    }
}

/// A limit that is over once the task sleeps.
fn soon() -> Delta {
    Delta::from_micros(20)
}
