// SPDX-License-Identifier: GPL-2.0

//! What the checksum of a page is.

use baton::block::{
    crc32c,
    xxh64, //
};

/// The checksum that the pages of a disk have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checksum {
    /// They have none.
    None,
    /// CRC-32C, for which most CPUs have an instruction.
    Crc32c,
    /// Half of XXH64: multiplications, which are quick in a guest that is emulated as well.
    Xxh64,
}

impl Checksum {
    /// The words for it, in the order of their numbers.
    pub(crate) const WORDS: [&str; 3] = ["none", "crc32c", "xxh64"];

    pub(crate) fn of_number(number: i64) -> Self {
        match number {
            0 => Self::None,
            2 => Self::Xxh64,
            _ => Self::Crc32c,
        }
    }

    /// Returns that of a page; 0 if there is none.
    pub(crate) fn of(self, bytes: &[u8]) -> u32 {
        match self {
            Self::None => 0,
            Self::Crc32c => crc32c(bytes),
            // CAST: The lower half.
            Self::Xxh64 => xxh64(bytes) as u32,
        }
    }
}
