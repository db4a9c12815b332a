// SPDX-License-Identifier: GPL-2.0

//! The entries of a disk, in several maps: who uses one page has no lock in common with most others.

use super::PageId;
use crate::levels::order;
use baton::{
    entry_map::{
        new_entry_map,
        EntryMap,
        Order, //
    },
    event::Io,
    MaySleep, //
};
use core::ops::Range;
use kernel::{
    cpu::nr_cpu_ids,
    prelude::*, //
};

/// The most maps.
const MAPS: u32 = 16;

type Map = EntryMap<PageId, order::Entry>;

/// Maps that have the pages of a disk among them, 2 MiB in turn: an entry of that size is in one of them.
pub(super) struct Entries(KVec<Pin<KBox<Map>>>);

impl Entries {
    /// Makes empty ones, a few for each CPU.
    pub(super) fn new() -> Result<Self> {
        let count = nr_cpu_ids().saturating_mul(2).next_power_of_two().min(MAPS);
        let mut maps = KVec::with_capacity(count as usize, GFP_KERNEL)?;
        for _ in 0..count {
            let map = KBox::pin_init(new_entry_map!(NoIo), GFP_KERNEL)?;
            maps.push(map, GFP_KERNEL)?;
        }
        Ok(Self(maps))
    }

    /// Returns the map that the entry of a page is in.
    pub(super) fn of(&self, index: usize) -> Result<&Map> {
        // A power of two.
        let at = index / Order::Pmd.len() & self.0.len().wrapping_sub(1);
        Ok(self.0.get(at).ok_or(EIO)?)
    }

    /// Calls `f` for each map that may have entries of a range, with the range.
    pub(super) fn each(
        &self,
        range: Range<usize>,
        mut f: impl FnMut(&Map, Range<usize>) -> Result,
    ) -> Result {
        if range.is_empty() {
            return Ok(());
        }
        let first = range.start / Order::Pmd.len();
        let last = (range.end - 1) / Order::Pmd.len();
        for chunk in (first..=last).take(self.0.len()) {
            f(self.of(chunk * Order::Pmd.len())?, range.clone())?;
        }
        Ok(())
    }

    /// Removes the entries of a range; `removed` is called for each.
    pub(super) fn remove(
        &self,
        range: Range<usize>,
        cx: &mut MaySleep,
        mut removed: impl FnMut(PageId),
    ) -> Result {
        self.each(range, |map, range| {
            map.invalidate(cx, Io, range, |_cx, _granule, id| removed(id))?;
            Ok(())
        })
    }

    /// Returns how many tasks wait for an entry.
    pub(super) fn sleepers(&self) -> usize {
        self.0.iter().map(|map| map.sleepers()).sum()
    }
}
