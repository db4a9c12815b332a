// SPDX-License-Identifier: GPL-2.0

//! How the tasks of a variant wait for a drain. Part of each variant that has drains.

use super::{
    drain_host::{Scene, VarSleeper, What},
    drain_protocol::{self, Sleeper},
    host::GaveUp,
    tasks::{Of, Tasks},
};
use crate::shared::reference::How;

/// Waits until `look` says so.
pub(crate) fn wait(
    tasks: &Tasks,
    task: usize,
    (memory, what): (&Scene, What),
    how: How,
    mut look: impl FnMut() -> bool,
) -> Result<(), GaveUp> {
    if look() {
        return Ok(());
    }
    let (me, mode) = tasks.task(task, how);
    let patience = Patience {
        inner: VarSleeper::new(memory, what, me, mode),
        of: tasks.of(task, how),
    };
    drain_protocol::wait(patience, || look().then_some(()))
}

/// The sleep of one wait.
struct Patience<'t> {
    inner: VarSleeper<'t>,
    of: Of<'t>,
}

impl Sleeper for Patience<'_> {
    type GaveUp = GaveUp;

    fn publish(&mut self) {
        self.inner.publish();
    }

    fn give_up(&mut self) -> Option<GaveUp> {
        self.of.give_up().or_else(|| self.inner.give_up())
    }

    fn sleep(&mut self) {
        self.inner.sleep();
    }

    fn withdraw(&mut self) {
        self.inner.withdraw();
    }
}
