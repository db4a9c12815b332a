// SPDX-License-Identifier: GPL-2.0

//! Making what has changed stable: entries become clean, and checksums go where they are kept.

use super::{
    Guard,
    PageId,
    Store, //
};
use crate::{
    journal::Checkpoint,
    ring::Record,
    stats::Stats,
    sums::Changes, //
};
use baton::{
    entry_map::{
        Mark,
        Order,
        Outcome,
        Slot, //
    },
    event::Io,
    MaySleep, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

/// Of a record of up to so many pages, each page is looked at: most of them have changed. In a larger
/// one those are looked for. It is the largest write.
const DENSE: usize = 257;

impl Store {
    /// Makes what the records say that has changed stable; returns how many entries that were.
    ///
    /// They are put in order: neighbours have their checksums in one node.
    pub(crate) fn write_back(
        &self,
        records: &mut [Record],
        stats: &Stats,
        cx: &mut MaySleep,
    ) -> Result<usize> {
        records.sort_unstable_by_key(|record| record.start);
        self.sums.change(cx, |sums, cx| {
            let mut entries = 0;
            // What was looked at just now need not be looked at again.
            let mut seen = None;
            for record in records.iter() {
                let pages = (record.start / PAGE_SIZE as u64) as usize
                    ..(record.start + record.bytes).div_ceil(PAGE_SIZE as u64) as usize;
                if pages.len() > DENSE {
                    self.entries.each(pages, |map, pages| {
                        entries += map.write_back(cx, Io, pages, |entry| {
                            self.bring_sum(entry, sums, stats)
                        })?;
                        Ok(())
                    })?;
                    continue;
                }
                for index in pages {
                    if seen.replace(index) != Some(index) {
                        entries += usize::from(self.clean(index, sums, stats, cx)?);
                    }
                }
            }
            Ok(entries)
        })
    }

    /// Makes an entry stable. Returns whether it was dirty.
    fn clean(
        &self,
        index: usize,
        sums: &mut Changes<'_>,
        stats: &Stats,
        cx: &mut MaySleep,
    ) -> Result<bool> {
        let at = self.at(index, Order::Pte, stats, cx, |slot| match slot {
            Slot::Unlocked(entry) if entry.is_marked(Mark::Dirty) => Outcome::Lock,
            Slot::Unlocked(_) | Slot::Vacant | Slot::Conflict(_) => Outcome::Leave,
        })?;
        let Some(mut guard) = at.locked() else {
            return Ok(false);
        };
        // The medium is this memory, hence there is nothing to copy; the entry becomes clean.
        self.bring_sum(&mut guard, sums, stats)?;
        guard.unlock_clean();
        Ok(true)
    }

    /// Brings the checksum of a page that is about to be stable to the others.
    fn bring_sum(
        &self,
        guard: &mut Guard<'_, '_>,
        sums: &mut Changes<'_>,
        stats: &Stats,
    ) -> Result {
        if !self.checksums {
            return Ok(());
        }
        if let PageId(Some(id)) = guard.value() {
            let sum = self.pages.borrow(id)?.stamp();
            sums.set(guard.granule().base(), sum, stats, guard.inner())?;
        }
        Ok(())
    }

    /// Writes checksums out, if many have changed.
    pub(crate) fn checkpoint(&self, stats: &Stats, cx: &mut MaySleep) -> Result {
        self.sums.checkpoint(stats, cx)
    }

    /// Returns when that is worth it.
    pub(crate) fn checkpoint_due(&self) -> Checkpoint {
        self.sums.checkpoint_due()
    }
}
