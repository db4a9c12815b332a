// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: a value is copied in and out, so that nothing is dropped in the wake path.

#[path = "../common.rs"]
mod common;
use common::*;

pub struct Page(u32);

impl Value for Page {
    //~^ E0277
    fn to_bits(self) -> u64 {
        self.0.into()
    }

    fn from_bits(bits: u64) -> Self {
        Self(bits as u32)
    }
}
