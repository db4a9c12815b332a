// SPDX-License-Identifier: GPL-2.0

//! The twin of `made_ready_after_the_start.fail.rs`: one line apart, and it compiles.

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

pub struct Device {
    pub completer: SpinLock<Option<Completer<u32>>>,
}

impl Device {
    fn write_start_register(&self) {}
}

pub fn ask(device: &Device, done: &mut Completion<u32>, cx: &mut MaySleep) -> Result<u32> {
    device.write_start_register();
    *device.completer.lock() = None;
    done.wait(cx, Killable)
}
