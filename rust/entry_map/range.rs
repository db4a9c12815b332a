// SPDX-License-Identifier: GPL-2.0

//! Operations on all entries of a range.
//!
//! They visit one entry after the other, in the order of the indices, and wait for those that are
//! locked. They hold no lock between two entries: what comes and goes meanwhile behind the position
//! is not seen, before the position it is. An entry that is there all the time is visited once. An
//! entry of order 9 is visited as a whole, if the range covers any of it.

use super::{
    guard::{
        EntryGuard,
        LockedEntry, //
    },
    hold::InHand,
    locked::Target,
    map::EntryMap,
    slot::{
        At,
        Entry,
        Outcome,
        Slot, //
    },
    state::{
        End,
        Granule,
        Order, //
    },
    value::{
        Mark,
        Value, //
    },
    visit::{
        Plain,
        User,
        Visit,
        Visitor, //
    },
    xas::Xas, //
};
use crate::{
    context::MaySleep,
    event::{
        platform::KernelSleeper,
        ModeAt, //
    },
    ffi,
    level::{
        After,
        Level, //
    },
};
use core::ops::{
    Bound,
    ControlFlow,
    RangeBounds, //
};
use kernel::prelude::*;

/// A position in a range.
struct Cursor {
    next: usize,
    last: usize,
    mark: Option<Mark>,
    done: bool,
}

impl Cursor {
    fn new(range: impl RangeBounds<usize>, mark: Option<Mark>) -> Self {
        let first = match range.start_bound() {
            Bound::Included(first) => Some(*first),
            Bound::Excluded(before) => before.checked_add(1),
            Bound::Unbounded => Some(0),
        };
        let last = match range.end_bound() {
            Bound::Included(last) => Some(*last),
            Bound::Excluded(end) => end.checked_sub(1),
            Bound::Unbounded => Some(usize::MAX),
        };
        // Nothing is before the first index, and nothing behind the last one.
        let done = match (first, last) {
            (Some(first), Some(last)) => first > last,
            _ => true,
        };
        Self {
            next: first.unwrap_or(0),
            last: last.unwrap_or(0),
            mark,
            done,
        }
    }

    /// Returns where to look, if there is still anything to look at.
    fn target(&self) -> Option<Target> {
        (!self.done).then_some(Target::Next {
            first: self.next,
            last: self.last,
            mark: self.mark,
        })
    }

    /// Goes on behind `granule`.
    fn pass(&mut self, granule: Granule) {
        match granule.last().checked_add(1) {
            Some(next) if next <= self.last => self.next = next,
            _ => self.done = true,
        }
    }
}

impl<V: Value, L: Level> EntryMap<V, L> {
    /// Visits the next entry of the cursor. `None` if there are no more.
    #[track_caller]
    fn visit(
        &self,
        cursor: &mut Cursor,
        sleeper: &mut KernelSleeper,
        visitor: &mut impl Visitor<V>,
    ) -> Result<Option<(Visit, Granule)>> {
        let Some(target) = cursor.target() else {
            return Ok(None);
        };
        if self.tree.is_inside() {
            return Err(EDEADLK);
        }
        // SAFETY: The callers have the capability to sleep.
        unsafe { ffi::baton_cond_resched() };
        let mut xas = Xas::new(&self.tree, cursor.next, Order::Pte)?;
        let visited = self.tree.visit(target, &mut xas, Some(sleeper), visitor)?;
        match visited {
            // What was found is somewhere.
            Some(visit) => match visit.granule {
                Some(granule) => {
                    cursor.pass(granule);
                    return Ok(Some((visit, granule)));
                }
                None => cursor.done = true,
            },
            None => cursor.done = true,
        }
        Ok(None)
    }

    /// Removes every entry of a range, waiting for those that are locked.
    ///
    /// `removed` is called for each of them, with no lock held. It returns how many there were.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// [`ERESTARTSYS`] or [`ETIMEDOUT`] if the mode allows for it; some entries are gone then.
    #[doc(alias("dax_delete_mapping_range", "invalidate_mapping_pages"))]
    #[track_caller]
    pub fn invalidate<C: Level, M: ModeAt<C>>(
        &self,
        cx: &mut MaySleep<C>,
        mode: M,
        range: impl RangeBounds<usize>,
        removed: impl FnMut(&mut MaySleep<C>, Granule, V),
    ) -> Result<usize>
    where
        L: After<C>,
    {
        self.remove_range(cx, mode, range, |_| true, removed)
    }

    /// As [`EntryMap::invalidate`], and leaves the entries that have a mark.
    ///
    /// Context: may sleep, as [`EntryMap::invalidate`].
    ///
    /// # Errors
    ///
    /// As there.
    #[doc(alias("dax_invalidate_mapping_entry_sync", "invalidate_inode_pages2_range"))]
    #[track_caller]
    pub fn invalidate_clean<C: Level, M: ModeAt<C>>(
        &self,
        cx: &mut MaySleep<C>,
        mode: M,
        range: impl RangeBounds<usize>,
        removed: impl FnMut(&mut MaySleep<C>, Granule, V),
    ) -> Result<usize>
    where
        L: After<C>,
    {
        self.remove_range(cx, mode, range, |entry| entry.is_clean(), removed)
    }

    #[track_caller]
    fn remove_range<C: Level, M: ModeAt<C>>(
        &self,
        cx: &mut MaySleep<C>,
        mode: M,
        range: impl RangeBounds<usize>,
        wanted: fn(&Entry<V>) -> bool,
        mut removed: impl FnMut(&mut MaySleep<C>, Granule, V),
    ) -> Result<usize>
    where
        L: After<C>,
    {
        self.tree.map.wait();
        let mut sleeper = KernelSleeper::new::<C, M>(&mode);
        let mut cursor = Cursor::new(range, None);
        let mut count = 0;
        let mut remove = Plain(|slot| match slot {
            Slot::Unlocked(entry) if wanted(&entry) => Outcome::Remove,
            _ => Outcome::Leave,
        });
        while let Some((visit, granule)) = self.visit(&mut cursor, &mut sleeper, &mut remove)? {
            if let End::Removed(raw) = visit.end {
                count += 1;
                removed(cx, granule, V::from_bits(raw.content().value));
            }
        }
        Ok(count)
    }

    /// Looks at every entry of a range, waiting for those that are locked.
    ///
    /// `f` sees each of them unlocked, under the map's lock: see [`EntryMap::at`] for what it must not
    /// do. With [`ControlFlow::Break`] it ends the scan, and what it breaks with is returned.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// [`ERESTARTSYS`] or [`ETIMEDOUT`] if the mode allows for it.
    #[doc(alias("dax_layout_busy_page_range", "wait_entry_unlocked_exclusive"))]
    #[track_caller]
    pub fn scan<C: Level, M: ModeAt<C>, B>(
        &self,
        _cx: &mut MaySleep<C>,
        mode: M,
        range: impl RangeBounds<usize>,
        mut f: impl FnMut(&Entry<V>) -> ControlFlow<B> + Send,
    ) -> Result<Option<B>>
    where
        L: After<C>,
    {
        self.tree.map.wait();
        let mut sleeper = KernelSleeper::new::<C, M>(&mode);
        let mut cursor = Cursor::new(range, None);
        let mut end = None;
        while end.is_none() {
            let mut look = User(|slot| {
                if let Slot::Unlocked(entry) = slot {
                    if let ControlFlow::Break(value) = f(&entry) {
                        end = Some(value);
                    }
                }
                Outcome::Leave
            });
            let visited = self.visit(&mut cursor, &mut sleeper, &mut look)?;
            if visited.is_none() {
                break;
            }
        }
        Ok(end)
    }

    /// Writes the dirty entries of a range back.
    ///
    /// First every entry that has [`Mark::Dirty`] gets [`Mark::ToWrite`]: those are what is written,
    /// and what becomes dirty afterwards is not, so that it comes to an end. Then each of them is
    /// locked, waiting for those that are, and `write` is called for it. If that succeeds the entry
    /// loses both marks and is unlocked, in one step.
    ///
    /// Because [`Mark::ToWrite`] is there until the entry has been written, a second writer that
    /// comes upon an entry waits for the first one, and does not return before it has been written.
    /// (`dax_writeback_one()` clears that mark before it writes.)
    ///
    /// `write` has the entry in hand: what it takes or waits for, it does with [`EntryGuard::inner`].
    ///
    /// It returns how many were written by this call.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// The first error of `write`; that entry and those behind it stay dirty. [`ERESTARTSYS`] or
    /// [`ETIMEDOUT`] if the mode allows for it.
    #[doc(alias("dax_writeback_mapping_range", "tag_pages_for_writeback"))]
    #[track_caller]
    pub fn write_back<C: Level, M: ModeAt<C>>(
        &self,
        cx: &mut MaySleep<C>,
        mode: M,
        range: impl RangeBounds<usize> + Clone,
        mut write: impl FnMut(&mut EntryGuard<'_, '_, V, L>) -> Result,
    ) -> Result<usize>
    where
        L: After<C>,
    {
        self.tag(cx, range.clone())?;

        self.tree.map.wait();
        let mut sleeper = KernelSleeper::new::<C, M>(&mode);
        let mut cursor = Cursor::new(range, Some(Mark::ToWrite));
        let mut count = 0;
        let mut lock = Plain(|slot: Slot<V>| match slot {
            // Somebody else may have written it while this task has waited.
            Slot::Unlocked(entry) if entry.is_marked(Mark::ToWrite) => Outcome::Lock,
            _ => Outcome::Leave,
        });
        while let Some((visit, _)) = self.visit(&mut cursor, &mut sleeper, &mut lock)? {
            let at = LockedEntry::at(&self.tree, visit, || InHand::new(&self.tree))?;
            if let At::Locked(mut guard) = at {
                write(&mut guard)?;
                guard.unlock_clean();
                count += 1;
            }
        }
        Ok(count)
    }

    /// Gives every dirty entry of a range the mark [`Mark::ToWrite`], locked or not.
    fn tag<C: Level>(&self, _cx: &mut MaySleep<C>, range: impl RangeBounds<usize>) -> Result {
        const BATCH: usize = 64;

        let mut cursor = Cursor::new(range, Some(Mark::Dirty));
        if self.tree.is_inside() {
            return Err(EDEADLK);
        }
        let mut xas = Xas::new(&self.tree, 0, Order::Pte)?;
        while !cursor.done {
            let mut locked = self.tree.lock_irq();
            for _ in 0..BATCH {
                let Some(target) = cursor.target() else {
                    break;
                };
                match locked.look(&mut xas, target, None).granule {
                    Some(granule) => {
                        locked.mark(&xas, Mark::ToWrite.into(), true);
                        cursor.pass(granule);
                    }
                    None => cursor.done = true,
                }
            }
            drop(locked);
            // SAFETY: This function has the capability to sleep.
            unsafe { ffi::baton_cond_resched() };
        }
        Ok(())
    }
}
