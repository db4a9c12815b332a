// SPDX-License-Identifier: GPL-2.0

//! What the checksum of a page is.

use baton::block::{
    crc32c,
    xxh64, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    sync::SetOnce,
    time::{
        Delta,
        Instant,
        Monotonic, //
    },
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

/// The one that was found to be the fastest here.
static FASTEST: SetOnce<Checksum> = SetOnce::new();

/// What is measured.
static SAMPLE: [u8; PAGE_SIZE] = [0; PAGE_SIZE];

/// How often; the best time counts, which nothing has come between.
const ROUNDS: usize = 8;

impl Checksum {
    /// The words for it, in the order of their numbers.
    pub(crate) const WORDS: [&str; 4] = ["none", "crc32c", "xxh64", "fastest"];

    pub(crate) fn of_number(number: i64) -> Self {
        match number {
            0 => Self::None,
            1 => Self::Crc32c,
            2 => Self::Xxh64,
            _ => Self::fastest(),
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

    /// Returns the one that takes the least time here, which is measured once: as `lib/raid/raid6` does with its
    /// algorithms. A CPU that is emulated has the instruction for CRC-32C, and takes ten times as long for it.
    fn fastest() -> Self {
        if let Some(known) = FASTEST.as_ref() {
            return *known;
        }
        let (crc32c, xxh64) = (Self::Crc32c.time(), Self::Xxh64.time());
        let fastest = Self::faster(crc32c, xxh64);
        if FASTEST.populate(fastest) {
            pr_info!(
                "checksums: a page takes {} ns with crc32c and {} ns with xxh64\n",
                crc32c.as_nanos(),
                xxh64.as_nanos()
            );
        }
        // Somebody else may have been first.
        FASTEST.as_ref().copied().unwrap_or(fastest)
    }

    /// Returns the one to take if they take so long.
    pub(crate) fn faster(crc32c: Delta, xxh64: Delta) -> Self {
        if xxh64 < crc32c {
            Self::Xxh64
        } else {
            Self::Crc32c
        }
    }

    /// Returns how long that of a page takes.
    fn time(self) -> Delta {
        let times = (0..ROUNDS).map(|_| {
            let begin = Instant::<Monotonic>::now();
            // It is computed by C, which the compiler does not look into.
            let _ = self.of(&SAMPLE);
            begin.elapsed()
        });
        times.min().unwrap_or(Delta::ZERO)
    }
}
