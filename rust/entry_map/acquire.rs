// SPDX-License-Identifier: GPL-2.0

//! Having what is there, and giving it up: without a closure, and without the tree lock if that can be.

use super::{
    locked::Locked,
    place::TreeWord,
    state::{
        Access,
        Granule,
        Raw, //
    },
    tree::Tree,
    wait::Grant,
    word::{
        leave,
        seize,
        Word, //
    },
    xas::Xas, //
};
use crate::event::platform::KernelSleeper;
use kernel::prelude::*;

/// An entry that the caller has.
pub(super) struct Had {
    pub(super) raw: Raw,
    pub(super) granule: Granule,
    /// Where its word is, if it stays there.
    pub(super) word: Option<TreeWord>,
}

impl Tree {
    /// Takes the entry that covers `index`, if there is one, and waits for it if others have it. Without a
    /// sleeper it does not wait, in any context.
    ///
    /// # Errors
    ///
    /// Why the sleeper gave up; [`EAGAIN`] without one; [`EDEADLK`] in a closure that this map has called.
    #[inline]
    #[track_caller]
    pub(super) fn acquire<'s>(
        &self,
        index: usize,
        access: Access,
        sleeper: impl FnOnce() -> Option<&'s mut KernelSleeper>,
    ) -> Result<Option<Had>> {
        if self.is_inside() {
            return Err(EDEADLK);
        }
        if let Some((word, raw)) = self.try_seize(index, access) {
            return Ok(Some(Had {
                raw,
                granule: Granule::of(raw, index),
                word: Some(word),
            }));
        }
        self.acquire_locked(index, access, sleeper())
    }

    /// The part of [`Tree::acquire`] that takes the tree lock.
    #[inline(never)]
    #[track_caller]
    fn acquire_locked(
        &self,
        index: usize,
        access: Access,
        mut sleeper: Option<&mut KernelSleeper>,
    ) -> Result<Option<Had>> {
        let mut xas = Xas::at(self, index);
        loop {
            let locked = if sleeper.is_some() {
                self.lock_irq()
            } else {
                self.lock_irqsave()
            };
            let Some(raw) = locked.load(&mut xas) else {
                return Ok(None);
            };
            let granule = Granule::of(raw, index);
            let word = xas.owned_word(granule);
            if let Some(raw) = seize(&xas.word(), access) {
                return Ok(Some(Had { raw, granule, word }));
            }
            let sleeper = sleeper.as_deref_mut().ok_or(EAGAIN)?;
            match locked.wait(&mut xas, granule, access, sleeper)? {
                Grant::LookAgain => continue,
                // It is this task's, or shared by it: it was there all the time. What it is now is stored
                // behind the grant, before the lock is released.
                Grant::Owned => {
                    let locked = self.lock_irq();
                    let raw = match word {
                        Some(word) => word.load(),
                        None => locked.load(&mut xas),
                    };
                    return Ok(raw.map(|raw| Had { raw, granule, word }));
                }
            }
        }
    }

    /// Gives up an entry that the caller shares, in any context.
    #[inline]
    pub(super) fn leave(&self, word: Option<TreeWord>, granule: Granule) {
        if !word.is_some_and(|word| leave(&word)) {
            self.leave_locked(granule);
        }
    }

    /// As [`Tree::leave`], with the tree lock: for the last one, if somebody waits.
    fn leave_locked(&self, granule: Granule) {
        self.with_owned(granule, |locked, xas, raw| locked.leave(xas, granule, raw));
    }
}

impl Locked<'_> {
    /// Gives up the entry at the position, which the caller shares.
    fn leave(&mut self, xas: &mut Xas, granule: Granule, raw: Raw) {
        if leave(&xas.word()) {
            return;
        }
        // Somebody waits, so that nobody comes, and this is the last one.
        let raw = xas.word().load().unwrap_or(raw);
        self.unlock(xas, granule, raw);
    }
}
