// SPDX-License-Identifier: GPL-2.0

//! The twin of `value_with_a_destructor.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

#[derive(Clone, Copy)]
pub struct Page(u32);

impl Value for Page {
    fn to_bits(self) -> u64 {
        self.0.into()
    }

    fn from_bits(bits: u64) -> Self {
        Self(bits as u32)
    }
}
