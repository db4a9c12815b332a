// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: the gate can be shut in between by who waits for the first reference.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn nested(
    requests: &Drain<order::Requests>,
    other: &Drain<order::Cache>,
    cx: &mut MaySleep,
) -> Result<(), DrainError> {
    let mut first = requests.begin(cx)?;
    let second = requests.begin_when_open(first.inner(), Uninterruptible)?; //~ E0277
    second.end();
    Ok(())
}
