// SPDX-License-Identifier: GPL-2.0

//! The twin of `started_under_a_spinlock.fail.rs`: one line apart, and it compiles.

use baton::{
    completion::{
        self,
        Completer,
        Completion,
        LocalCompleter, //
    },
    event::Killable,
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::SpinLock, //
};

pub fn ask(lock: &SpinLock<u32>, cx: &mut MaySleep) -> Result {
    let held = lock.lock_in(cx);
    let held = drop(held);
    let done = completion::start(cx, |_: LocalCompleter<u32>, _| Ok(()))?;
    drop(done);
    drop(held);
    Ok(())
}
