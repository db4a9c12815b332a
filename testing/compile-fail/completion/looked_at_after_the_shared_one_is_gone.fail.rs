// SPDX-License-Identifier: GPL-2.0

//! error: E0505
//! because: the last one that waits drops what it was completed with.

use baton::{
    completion::SharedCompletion,
    event::Killable,
    MaySleep, //
};
use kernel::prelude::*;

pub fn size(loaded: SharedCompletion<KVec<u8>>, cx: &mut MaySleep) -> Result<usize> {
    let firmware = loaded.wait(cx, Killable)?;
    drop(loaded); //~ E0505
    Ok(firmware.len())
}
