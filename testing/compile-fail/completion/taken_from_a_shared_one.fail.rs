// SPDX-License-Identifier: GPL-2.0

//! error: E0507
//! because: the others want it, too.

use baton::{
    completion::SharedCompletion,
    event::Killable,
    MaySleep, //
};
use kernel::prelude::*;

pub fn size(loaded: &SharedCompletion<KVec<u8>>, cx: &mut MaySleep) -> Result<usize> {
    let firmware: KVec<u8> = *loaded.wait(cx, Killable)?; //~ E0507
    Ok(firmware.len())
}
