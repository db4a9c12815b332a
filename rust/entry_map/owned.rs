// SPDX-License-Identifier: GPL-2.0

//! What the owner of an entry can do to it, without regard to the type of the values.
//!
//! Most of these go to the entry anew: while a guard exists the tree can grow and shrink around its
//! entry. The entry itself stays, because only its owner removes it, and so does its word
//! (`place.rs`), which is all that an unlock needs if nobody waits.

use super::{
    locked::Locked,
    place::TreeWord,
    state::{
        Content,
        Granule,
        Order,
        Raw,
        Seen, //
    },
    tree::Tree,
    value::{
        Mark,
        Marks, //
    },
    word::let_go,
    xas::Xas, //
};
use kernel::prelude::*;

impl Tree {
    /// Goes to the entry of a guard, and does `f` there with the lock held.
    pub(super) fn with_owned<R>(
        &self,
        granule: Granule,
        f: impl FnOnce(&mut Locked<'_>, &mut Xas, Raw) -> R,
    ) -> Option<R> {
        let mut xas = Xas::at(self, granule.base());
        // By the invariants of the guard the entry is there.
        if let Some(mut locked) = self.lock_inside() {
            let raw = locked.load(&mut xas)?;
            return Some(f(&mut locked, &mut xas, raw));
        }
        let (mut locked, raw) = self.begin_load(&mut xas);
        Some(f(&mut locked, &mut xas, raw?))
    }

    /// As [`Tree::release`], also from [inside](Tree::is_inside).
    #[inline]
    pub(super) fn release_anywhere(
        &self,
        word: Option<TreeWord>,
        granule: Granule,
        content: Content,
    ) {
        if !word.is_some_and(|word| let_go(&word, content)) {
            self.release_marked(granule, content, Marks::NONE, Marks::NONE);
        }
    }

    /// Stores the content and unlocks the entry, whose word is there.
    #[inline]
    pub(super) fn release(&self, word: Option<TreeWord>, granule: Granule, content: Content) {
        if !word.is_some_and(|word| let_go(&word, content)) {
            self.release_locked(granule, content);
        }
    }

    /// As [`Tree::release`], with the lock.
    fn release_locked(&self, granule: Granule, content: Content) {
        let mut xas = Xas::at(self, granule.base());
        let (mut locked, raw) = self.begin_load(&mut xas);
        // By the invariants of the guard the entry is there, and the content fits.
        match raw.and_then(|raw| raw.with(content)) {
            Some(raw) if !raw.has_waiters() => locked.commit(&mut xas, raw.unlocked()),
            Some(raw) => locked.unlock(&mut xas, granule, raw),
            None => (),
        }
    }

    /// Stores the content, sets [`Mark::Dirty`](super::Mark::Dirty) and unlocks the entry.
    ///
    /// Nobody but the owner changes that mark. If it is there already, no lock is needed.
    #[inline]
    pub(super) fn release_dirty(&self, word: Option<TreeWord>, granule: Granule, content: Content) {
        let dirty = Mark::Dirty;
        let done =
            word.is_some_and(|word| word.marks(granule).has(dirty) && let_go(&word, content));
        if !done {
            self.release_marked(granule, content, dirty.into(), Marks::NONE);
        }
    }

    /// Stores the content, sets and clears marks, and unlocks the entry.
    pub(super) fn release_marked(
        &self,
        granule: Granule,
        content: Content,
        set: Marks,
        clear: Marks,
    ) {
        self.with_owned(granule, |locked, xas, raw| {
            locked.mark(xas, set, true);
            locked.mark(xas, clear, false);
            locked.unlock(xas, granule, raw.with(content).unwrap_or(raw));
        });
    }

    /// Removes the entry.
    pub(super) fn remove_owned(&self, granule: Granule) {
        self.with_owned(granule, |locked, xas, raw| {
            locked.remove(xas, granule, Seen::Mine(raw))
        });
    }

    /// Sets or clears marks.
    pub(super) fn mark_owned(&self, granule: Granule, marks: Marks, set: bool) {
        self.with_owned(granule, |locked, xas, _| locked.mark(xas, marks, set));
    }

    /// Returns the marks.
    pub(super) fn marks_owned(&self, granule: Granule) -> Marks {
        self.with_owned(granule, |locked, xas, _| locked.marks(xas))
            .unwrap_or(Marks::NONE)
    }

    /// Splits the entry into unlocked entries of one index each, with these contents.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if there are not as many contents as indices, or if one does not fit; [`ENOMEM`].
    pub(super) fn split_owned(&self, granule: Granule, zero: bool, values: &[u64]) -> Result {
        let fits = |value: u64| Raw::new(Content { value, zero }, Order::Pte);
        if granule.order() != Order::Pmd
            || values.len() != granule.order().len()
            || !values.iter().all(|value| fits(*value).is_some())
        {
            return Err(EINVAL);
        }
        // What the new entries are until they have got their contents: this task's, as the old one.
        let first = fits(0).ok_or(EINVAL)?.owned();
        let mut xas = Xas::new(self, granule.base(), Order::Pte)?;
        xas.alloc_split(self, first, granule.order())?;

        let mut locked = self.lock_irq();
        let old = locked.load(&mut xas).ok_or(EINVAL)?;
        locked.split(&mut xas, first, granule.order());
        for (index, value) in (granule.base()..).zip(values) {
            xas.seek(index);
            if let (Some(_), Some(raw)) = (locked.load(&mut xas), fits(*value)) {
                locked.replace(&mut xas, raw);
            }
        }
        locked.dissolve(granule, Seen::Mine(old));
        Ok(())
    }
}
