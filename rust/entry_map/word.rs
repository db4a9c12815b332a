// SPDX-License-Identifier: GPL-2.0

//! The word of an entry, and what is done to it without the tree lock.
//!
//! This file has no kernel paths. The module compiles it as it stands, and `testing/model/` includes
//! the same file by `#[path]`; what differs is the [`Word`].
//!
//! # Who writes
//!
//! | who                    | from             | to              | how                          |
//! |------------------------|------------------|-----------------|------------------------------|
//! | takes it               | unlocked         | owned           | [`seize`], tree lock or not  |
//! | shares it              | unlocked, shared | shared          | the same                     |
//! | owns it, nobody waits  | owned            | unlocked        | [`let_go`], tree lock or not |
//! | is one of its readers  | shared           | one less        | [`leave`], tree lock or not  |
//! | waits for it           | locked           | locked, waiters | [`note_waiter`], tree lock   |
//! | stops waiting for it   | locked, waiters  | locked          | [`note`], tree lock          |
//! | owns it, reads it last | locked, waiters  | anything        | a store, tree lock           |
//!
//! So a store is for who has the entry alone while somebody waits, or owns it: nobody can change the word
//! meanwhile but with the tree lock. Whoever does anything else compares first, and looks again if the word has changed.
//!
//! # Why no waiter is missed
//!
//! All changes of one word are in one order. The owner lets go with a compare that fails once
//! somebody waits, and a waiter is noted with one that fails once the owner has let go:
//!
//! ```text
//!   owner                                    waiter
//!                                            1 takes the tree lock, sees "owned"
//!   2 owned -> unlocked
//!                                            3 owned -> waiters: fails, and looks again
//! or
//!                                            2 owned -> owned, waiters
//!   3 owned -> unlocked: fails
//!   4 waits for the tree lock
//!                                            5 joins the queue
//!                                            6 releases the tree lock, sleeps
//!   7 has the tree lock: hands over
//! ```
//!
//! Of several readers the last one is the owner of this. The others leave without the tree lock even if
//! somebody waits: one of them stays the last, because nobody comes to share what is waited for.
//!
//! What an owner has done is seen by the next one, and by who shares the entry then; and what readers have
//! read was read before the next owner changes it. It is ordered by the tree lock if the entry was handed
//! over, and otherwise by J and K.

use super::state::{
    Access,
    Content,
    Raw, //
};

/// The word of an entry.
pub(super) trait Word {
    /// Loads it, without order. `None` if there is no entry.
    fn load(&self) -> Option<Raw>;
    /// Stores `new` in the place of `old`, if that is there; with acquire order then.
    fn exchange_acquire(&self, old: Raw, new: Raw) -> bool;
    /// As [`Word::exchange_acquire`], with release order.
    fn exchange_release(&self, old: Raw, new: Raw) -> bool;
}

/// Takes the entry if it can be had at once, and returns it: the caller has it then.
#[inline]
pub(super) fn seize(word: &impl Word, access: Access) -> Option<Raw> {
    loop {
        let old = word.load()?;
        let new = old.taken(access)?;
        if word.exchange_acquire(old, new) {
            // K, pairs with J
            return Some(new);
        }
    }
}

/// Unlocks an entry that the caller owns, with this content, if nobody waits for it.
///
/// Returns whether that was done.
#[inline]
pub(super) fn let_go(word: &impl Word, content: Content) -> bool {
    let Some(old) = word.load().filter(|raw| !raw.has_waiters()) else {
        return false;
    };
    match old.with(content) {
        Some(new) => word.exchange_release(old, new.unlocked()), // J, pairs with K
        None => false,
    }
}

/// Leaves an entry that the caller shares, unless it is the last one and somebody waits.
///
/// Returns whether that was done.
#[inline]
pub(super) fn leave(word: &impl Word) -> bool {
    while let Some(old) = word.load() {
        if old.has_waiters() && old.readers() == 1 {
            return false;
        }
        if word.exchange_release(old, old.without_reader()) {
            // J, pairs with K
            return true;
        }
    }
    false
}

/// Notes that somebody waits for the entry, which others have. The tree lock is held.
///
/// Readers that come and go meanwhile do not keep it from that: the entry is the same. Returns whether it was
/// done; otherwise the entry can be had.
#[inline]
pub(super) fn note_waiter(word: &impl Word, access: Access) -> bool {
    while let Some(old) = word.load() {
        if old.taken(access).is_some() {
            return false;
        }
        if word.exchange_acquire(old, old.with_waiters(true)) {
            return true;
        }
    }
    false
}

/// Notes that `readers` more share an entry that was waited for, and whether it still is. The tree lock is
/// held; what has changed meanwhile is how many readers have left.
pub(super) fn note(word: &impl Word, readers: u64, waiters: bool) {
    while let Some(old) = word.load() {
        let new = match old.readers() {
            0 => old,
            shared => old.shared_by(shared + readers),
        };
        // The readers have their part from what was before by the tree lock.
        if word.exchange_acquire(old, new.with_waiters(waiters)) {
            return;
        }
    }
}
