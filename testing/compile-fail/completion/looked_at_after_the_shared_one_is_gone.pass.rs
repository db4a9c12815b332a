// SPDX-License-Identifier: GPL-2.0

//! The twin of `looked_at_after_the_shared_one_is_gone.fail.rs`: one line apart, and it compiles.

use baton::{
    completion::SharedCompletion,
    event::Killable,
    MaySleep, //
};
use kernel::prelude::*;

pub fn size(loaded: SharedCompletion<KVec<u8>>, cx: &mut MaySleep) -> Result<usize> {
    let firmware = loaded.wait(cx, Killable)?;
    drop(loaded.clone());
    Ok(firmware.len())
}
