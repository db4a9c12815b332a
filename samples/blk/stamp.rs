// SPDX-License-Identifier: GPL-2.0

//! What is stamped on a page: its checksum, and whether that is kept elsewhere.

/// The pages whose checksum is not kept elsewhere: they are dirty.
const DIRTY: u64 = 1 << 32;

/// Where the version is.
const VERSION: u32 = 33;

/// The checksum of a page, whether the page is dirty, and which version of it that is.
///
/// A page has another version whenever it has changed, also if it was freed and is used in another place
/// by then. So whoever finds a stamp that they have seen before finds the page as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(u64);

impl Stamp {
    /// Returns the stamp of these bits.
    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    /// Returns the stamp of the next version, which is dirty.
    pub(crate) fn changed(self, sum: u32) -> Self {
        let version = (self.0 >> VERSION).wrapping_add(1);
        Self(version << VERSION | DIRTY | u64::from(sum))
    }

    /// Returns the stamp of the next version, of which nothing is left.
    pub(crate) fn gone(self) -> Self {
        self.changed(0).stable()
    }

    /// Returns the stamp of the same version when its checksum is kept elsewhere.
    pub(crate) fn stable(self) -> Self {
        Self(self.0 & !DIRTY)
    }

    /// Returns whether the checksum is here and nowhere else.
    pub(crate) fn is_dirty(self) -> bool {
        self.0 & DIRTY != 0
    }

    /// Returns the checksum.
    pub(crate) fn sum(self) -> u32 {
        // CAST: That is what stands there.
        self.0 as u32
    }
}

/// A version of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamped {
    /// The number of the page in the pool.
    pub(crate) id: u32,
    /// What was stamped on it.
    pub(crate) stamp: Stamp,
}
