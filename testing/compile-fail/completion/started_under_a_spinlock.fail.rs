// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: starting allocates, and may sleep.

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
    let held = Some(held);
    let done = completion::start(cx, |_: LocalCompleter<u32>, _| Ok(()))?; //~ E0499
    drop(done);
    drop(held);
    Ok(())
}
