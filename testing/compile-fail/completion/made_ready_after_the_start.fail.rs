// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: a completion is for one request, and its completer is there before that is started.

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
    *device.completer.lock() = Some(done.reinit()?); //~ E0599
    done.wait(cx, Killable)
}
