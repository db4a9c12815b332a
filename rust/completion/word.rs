// SPDX-License-Identifier: GPL-2.0

//! The word of a completion: who completes, who waits, and whose the result is.
//!
//! This file has no kernel paths. The module compiles it as it stands, and `testing/model/` includes the same
//! file by `#[path]` and lets loom explore its interleavings; what differs is the [`Word`].
//!
//! Who completes, and who waits for what is completed already, changes the word and takes no lock. The lock, and
//! the event under it, are for those who sleep.
//!
//! # Why no wake-up is lost
//!
//! ```text
//!   waiter                                   who completes
//!   1 lock
//!   2 not done: asks to be told, at one
//!     stroke
//!   3 on the list, state "asleep"
//!   4 unlock
//!                                            5 stores the result
//!                                            6 done; is anybody to be told?
//!                                              at one stroke             /* A */
//!                                            7 lock, changes the event, which
//!                                              serves the waiter, unlock
//! ```
//!
//! All that is done to one word happens in one order. If 6 is before 2, then 2 finds that it is done, and nobody
//! sleeps. If it is after, then 6 finds that somebody is to be told, and 7 finds the waiter: 2 and 3 are under
//! the same lock. Who gives up leaves the word as it is, so 7 may find nobody.
//!
//! # Whose the result is
//!
//! It is stored before A, which is fully ordered. A look that finds it done is an acquire (B) and pairs with A, so
//! who waits sees it, and has it. How many wait, or will, is in the same word. Of A and of the change by which the
//! last of them goes (C) one comes second: C finds that it is done and has the result, or A finds that
//! nobody is left, and who completes has it back.

use super::drain_protocol::Word;

/// It was completed.
const DONE: u64 = 1;
/// Somebody sleeps, or has slept.
const ASKED: u64 = 1 << 1;
/// The function that starts has not returned: if it fails, nobody will have waited.
const STARTING: u64 = 1 << 2;
/// The completer was dropped.
const DROPPED: u64 = 1 << 3;
/// One of those who wait, or will.
const SIDE: u64 = 1 << 4;

/// What the word is in the beginning: one will wait.
pub(crate) const STARTS: u64 = STARTING + SIDE;

/// What the word was before it was completed.
pub(crate) struct Before(u64);

impl Before {
    /// Returns whether nobody waits any more: who completes has the result back.
    #[inline]
    pub(crate) fn is_abandoned(&self) -> bool {
        self.0 < SIDE
    }

    /// Returns whether those who sleep are to be told.
    #[inline]
    pub(crate) fn asks(&self) -> bool {
        self.0 & ASKED != 0
    }

    /// Returns whether the function that starts has not returned.
    #[inline]
    pub(crate) fn is_starting(&self) -> bool {
        self.0 & STARTING != 0
    }
}

/// Completes, once. The result was stored.
#[inline]
pub(crate) fn complete(word: &impl Word) -> Before {
    Before(word.fetch_add_full(DONE)) // A, pairs with B, C
}

/// As [`complete`], by dropping the completer.
pub(crate) fn cancel(word: &impl Word) -> Before {
    Before(word.fetch_add_full(DONE + DROPPED)) // A, pairs with B, C
}

/// The function that starts has returned, and has not failed. Returns whether the completer was dropped.
#[inline]
pub(crate) fn started(word: &impl Word) -> bool {
    word.fetch_sub_full(STARTING) & DROPPED != 0
}

/// One more will wait.
#[inline]
pub(crate) fn join(word: &impl Word) {
    word.fetch_add_full(SIDE);
}

/// One less will wait. Returns whether that was the last one, and the result is the caller's.
#[inline]
pub(crate) fn leave(word: &impl Word) -> bool {
    let before = word.fetch_sub_full(SIDE); // C, pairs with A, C
    before < 2 * SIDE && before & DONE != 0
}

/// Returns whether it is done; if so, the result is seen.
#[inline]
pub(crate) fn is_done(word: &impl Word) -> bool {
    word.load_acquire() & DONE != 0 // B, pairs with A
}

/// Returns whether nobody waits any more.
#[inline]
pub(crate) fn is_abandoned(word: &impl Word) -> bool {
    word.load_acquire() < SIDE
}

/// Asks to be told, unless it is done. The lock of the event is held.
pub(crate) fn ask(word: &impl Word) -> bool {
    loop {
        let seen = word.load_acquire(); // B, pairs with A
        if seen & DONE != 0 {
            return false;
        }
        if word.cmpxchg_full(seen, seen | ASKED).is_ok() {
            return true;
        }
    }
}
