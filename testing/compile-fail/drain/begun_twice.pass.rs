// SPDX-License-Identifier: GPL-2.0

//! The twin of `begun_twice.fail.rs`: one line apart, and it compiles.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn nested(
    requests: &Drain<order::Requests>,
    other: &Drain<order::Cache>,
    cx: &mut MaySleep,
) -> Result<(), DrainError> {
    let mut first = requests.begin(cx)?;
    let second = other.begin_when_open(first.inner(), Uninterruptible)?;
    second.end();
    Ok(())
}
