// SPDX-License-Identifier: GPL-2.0

//! Comparing the data with its checksums.

use super::{
    PageId,
    Store, //
};
use crate::{
    checksum::Checksum,
    levels::order,
    stamp::Stamp,
    stats::Stats, //
};
use baton::{
    After,
    Level,
    MaySleep, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

/// What a page is, compared with its checksum.
pub(crate) enum Verdict {
    /// There is no data, or it has no checksum.
    Nothing,
    /// It is what was written.
    Good,
    /// It is not.
    Corrupt {
        /// The checksum of what is there.
        found: u32,
        /// The checksum of what was written.
        expected: u32,
    },
}

impl Store {
    /// Compares a page with its checksum.
    pub(crate) fn verify<C: Level>(
        &self,
        index: usize,
        stats: &Stats,
        cx: &mut MaySleep<C>,
    ) -> Result<Verdict>
    where
        order::Entry: After<C>,
    {
        if self.checksum == Checksum::None {
            return Ok(Verdict::Nothing);
        }
        let Some(mut guard) = self.lock_data(index, stats, cx)? else {
            return Ok(Verdict::Nothing);
        };
        let PageId(Some(id)) = guard.value() else {
            return Ok(Verdict::Nothing);
        };
        let page = self.pages.borrow(id)?;
        let stamp = Stamp::from_bits(page.stamp());
        let expected = if stamp.is_dirty() {
            stamp.sum()
        } else {
            let node = self.sums.node(index, stats, guard.inner())?;
            node.get(index, stats, guard.inner())?
        };
        let found = self.checksum.of(page.bytes());
        Ok(if found == expected {
            Verdict::Good
        } else {
            Verdict::Corrupt { found, expected }
        })
    }

    /// Changes one byte of the disk behind the back of its checksum, for tests.
    ///
    /// `ENXIO` if there is no such byte, `ENODATA` if there is no data.
    pub(crate) fn corrupt(&self, byte: u64, stats: &Stats, cx: &mut MaySleep) -> Result {
        if !self.contains(byte, 1) {
            return Err(ENXIO);
        }
        // CAST: It is on the disk, whose pages are in memory.
        let (index, at) = (
            (byte / PAGE_SIZE as u64) as usize,
            (byte % PAGE_SIZE as u64) as usize,
        );
        let guard = self.lock_data(index, stats, cx)?.ok_or(ENODATA)?;
        let PageId(Some(id)) = guard.value() else {
            return Err(ENODATA);
        };
        let mut page = self.pages.borrow(id)?;
        let byte = page.bytes_mut().get_mut(at).ok_or(EIO)?;
        *byte = !*byte;
        Ok(())
    }
}
