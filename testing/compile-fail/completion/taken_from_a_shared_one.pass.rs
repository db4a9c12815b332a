// SPDX-License-Identifier: GPL-2.0

//! The twin of `taken_from_a_shared_one.fail.rs`: one line apart, and it compiles.

use baton::{
    completion::SharedCompletion,
    event::Killable,
    MaySleep, //
};
use kernel::prelude::*;

pub fn size(loaded: &SharedCompletion<KVec<u8>>, cx: &mut MaySleep) -> Result<usize> {
    let firmware: &KVec<u8> = loaded.wait(cx, Killable)?;
    Ok(firmware.len())
}
