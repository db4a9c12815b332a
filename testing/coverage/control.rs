// SPDX-License-Identifier: GPL-2.0

//! The control of the coverage: what is executed here and what is not stands behind each line, and
//! is compared with what was counted. A line without such a word is not looked at.
//!
//! `reached` and `not reached` are about what is in the line; with a `?` in front, they are about that
//! operator alone.

#[macro_use]
#[path = "../kunit/suite.rs"]
mod suite;

use kernel::prelude::*;

suite!(
    "coverage_kunit",
    "the control of the coverage, a KUnit suite"
);

#[allow(dead_code, reason = "what nobody calls is not reached")]
fn never_called() -> u32 // not reached
{
    7
}

#[allow(dead_code, reason = "what nobody calls is not reached")]
fn never_instantiated<T: Copy>(value: T) -> [T; 2] // not reached
{
    [value, value]
}

/// Is inlined wherever it is called, and has no symbol.
#[inline(always)]
fn inlined<T: Copy>(value: T, twice: bool) -> Result<T> // reached
{
    if twice {
        return Err(EINVAL); // not reached
    }
    Ok(value) // reached
}

fn fails(value: i32) -> Result<i32> // reached
{
    if value < 3 {
        return Err(EINVAL); // reached
    }
    Ok(value) // not reached
}

fn called(value: i32) -> Result<i32> // reached
{
    let same = inlined(value, false)?; // ? not reached
    let long = inlined(u64::from(value.unsigned_abs()), false).map_err(|_| {
        pr_info!("there is nothing to fail\n"); // not reached
        ENOMEM
    })?; // ? not reached
    if long > 5 {
        pr_info!("more than five\n"); // not reached
    }
    fails(same)?; // ? reached
    Ok(1) // not reached
}

#[kunit_tests(baton_coverage)]
mod tests {
    use super::*;

    #[test]
    fn the_control() {
        assert!(called(2).is_err());
    }
}
