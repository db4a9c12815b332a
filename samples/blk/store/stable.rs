// SPDX-License-Identifier: GPL-2.0

//! Making what has changed stable: pages become clean, and checksums go where they are kept.

use super::{
    pieces::{
        fragments,
        page_of,
        pieces, //
    },
    Store, //
};
use crate::{
    checksum::Checksum,
    journal::Checkpoint,
    ring::{
        Done,
        Record, //
    },
    stamp::{
        Stamp,
        Stamped, //
    },
    stats::Stats,
    sums::Changes, //
};
use baton::{
    entry_map::{
        Order,
        Outcome,
        Slot, //
    },
    MaySleep, //
};
use kernel::prelude::*;

impl Store {
    /// Makes what the records say that has changed stable; returns how many pages that were.
    ///
    /// The medium is this memory, hence there is nothing to copy: the page becomes clean.
    ///
    /// What has changed once more meanwhile stays dirty. It is in a record that is to come.
    pub(crate) fn write_back(
        &self,
        records: &[Record],
        stats: &Stats,
        cx: &mut MaySleep,
    ) -> Result<usize> {
        self.sums.change(records.len(), cx, |sums, cx| {
            let mut pages = 0;
            for record in records.iter() {
                let Record { start, bytes, done } = *record;
                match done {
                    // No look at the entry: the stamp says whether the page is what it was.
                    Done::Stamped(seen) => {
                        let index = page_of(start);
                        let same = self.pages.stamp(seen.id) == Some(seen.stamp.bits());
                        pages += usize::from(same && self.keep(index, seen, sums, stats, cx)?);
                    }
                    Done::Written => {
                        for piece in pieces(start, bytes) {
                            pages += usize::from(self.clean(piece.index, sums, stats, cx)?);
                        }
                    }
                    Done::Gone => {
                        for piece in fragments(start, bytes) {
                            pages += usize::from(self.clean(piece.index, sums, stats, cx)?);
                        }
                    }
                }
            }
            Ok(pages)
        })
    }

    /// Makes the page of an entry stable, unless somebody else has it. Returns whether it was dirty.
    fn clean(
        &self,
        index: usize,
        sums: &mut Changes<'_, '_>,
        stats: &Stats,
        cx: &mut MaySleep,
    ) -> Result<bool> {
        let mut found = None;
        // The entry is left as it is: it only says which page that is. The stamp is looked at with it, or
        // the page might be that of another entry by then.
        let _ = self.at(index, Order::Pte, stats, cx, |slot| {
            if let Slot::Unlocked(entry) = slot {
                found = entry
                    .value()
                    .0
                    .and_then(|id| Some((id, self.pages.stamp(id)?)));
            }
            Outcome::Leave
        })?;
        let Some((id, bits)) = found else {
            return Ok(false);
        };
        let stamp = Stamp::from_bits(bits);
        if !stamp.is_dirty() {
            return Ok(false);
        }
        self.keep(index, Stamped { id, stamp }, sums, stats, cx)
    }

    /// Keeps the checksum of a page where it is stable. Returns whether the page still was what was seen, and
    /// is clean now.
    ///
    /// ```text
    ///   makes stable                      writes the page once more
    ///   1 keeps the checksum of version 7
    ///                                     2 stamps version 8, which is dirty
    ///   3 version 7 is clean: it is not
    ///     there any more
    /// ```
    ///
    /// The scrub looks for the checksum of a dirty page at the page, and so does not see what 1 has left.
    fn keep(
        &self,
        index: usize,
        seen: Stamped,
        sums: &mut Changes<'_, '_>,
        stats: &Stats,
        cx: &mut MaySleep,
    ) -> Result<bool> {
        let Stamped { id, stamp } = seen;
        if self.checksum != Checksum::None {
            sums.set(index, stamp.sum(), stats, cx)?;
        }
        Ok(self.pages.restamp(id, stamp.bits(), stamp.stable().bits()))
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
