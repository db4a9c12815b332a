// SPDX-License-Identifier: GPL-2.0

//! The word of a drain: who counts, who wakes, who frees; and how both are waited for.
//!
//! This file has no kernel paths. The module compiles it as it stands, and `testing/model/` includes
//! the same file by `#[path]` and lets loom explore its interleavings; what differs is [`Shared`],
//! [`Word`] and [`Sleeper`].
//!
//! # Why no wake-up is lost
//!
//! ```text
//!   waiter                                   who ends the last reference
//!   1 on the queue, state "asleep"   /* B */
//!                                            2 count = 0                     /* A */
//!                                            3 is anybody on the queue? wake them
//!   4 count == 0? sleep if not
//! ```
//!
//! The look of 3 is without the lock of the queue, so both sides need a full barrier between what they
//! say and what they look at: A between the count and the queue, B between the queue and the count. One
//! of the two sees the other. The same holds for the gate, with the bit in place of the count.
//!
//! Whoever waits for the count has the gate shut, so with the gate open there is nobody to be looked for:
//!
//! ```text
//!   waiter                                   who ends the last reference
//!   1 shuts the gate, at one stroke
//!                                            2 count = 0; is the gate shut? at one stroke
//!   3 as from 1 above                        4 as from 3 above, if it is
//! ```
//!
//! Count and gate are one word, so 1 and 2 have an order. If 2 is first, then 3 finds the count at zero. If
//! 1 is first, then 2 finds the gate shut: it stays so until the wait has ended.
//!
//! # Why the ender does not touch what is gone
//!
//! ```text
//!   who ends the last reference              waiter
//!   1 count = 0
//!                                            2 count == 0: returns without having slept
//!                                            3 the drain goes away, the cell is freed
//!   4 wake
//! ```
//!
//! What 4 uses was got before 1, and is an address to go by, not a reference: waiters are in a table
//! that stays.
//!
//! When the drain is gone before the last reference, that one frees the cell. Of A and of the change by which
//! the drain goes (I) one comes second, and sees all accesses of the other side.
//!
//! # What is seen
//!
//! Each change of the word is fully ordered. Whoever finds the count at zero (J, an acquire) sees what was done
//! with the references, whoever has the gate next (K) what was done by who had it before, and whoever is counted
//! next (L) as well: each of them pairs with A.
//!
//! # Who has the gate
//!
//! One task alone, or any number of them together: how many is the depth, in the same word. The first of
//! them shuts the gate and the last one opens it, each by one atomic operation with its change of the depth.
//! Who wants it alone waits until it is open, and so do the others while somebody has it alone.

/// The drain lives.
pub(crate) const OWNED: u64 = 1 << 63;
/// The gate is shut.
pub(crate) const SHUT: u64 = 1 << 62;
/// One of those who have the gate shut together.
pub(crate) const DEEPER: u64 = 1 << 52;
/// How many have the gate shut together: none if it is open, or one has it alone.
pub(crate) const DEPTH: u64 = SHUT - DEEPER;
/// The references in flight.
pub(crate) const COUNT: u64 = DEEPER - 1;

/// An atomic word.
pub(crate) trait Word {
    /// Reads it, without any order.
    fn load_relaxed(&self) -> u64;
    /// Reads it; what was done before the change that is seen, is seen.
    fn load_acquire(&self) -> u64;
    /// Changes it from `old` to `new`, fully ordered; or returns what it is instead.
    fn cmpxchg_full(&self, old: u64, new: u64) -> Result<(), u64>;
    /// Adds, fully ordered, and returns what it was.
    fn fetch_add_full(&self, amount: u64) -> u64;
    /// Subtracts, fully ordered, and returns what it was.
    fn fetch_sub_full(&self, amount: u64) -> u64;
    /// Adds one, fully ordered, unless one of `bits` is set; returns whether it has. There may be one call for it.
    #[inline]
    fn inc_unless(&self, bits: u64) -> bool {
        let mut seen = self.load_relaxed();
        while seen & bits == 0 {
            match self.cmpxchg_full(seen, seen + 1) {
                Ok(()) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }
}

/// What a drain and its references have in common: a pointer to it.
///
/// # Safety
///
/// [`Shared::word`] must return the same word for all copies. It is called only while the drain lives, or
/// by who is counted.
pub(crate) unsafe trait Shared: Copy {
    /// What it points to has such a word.
    type Word: Word;
    /// What waiters are found by; remains usable when the rest is gone.
    type Key: Copy;

    /// Returns the word.
    fn word(&self) -> &Self::Word;
    /// Returns what those wait for who wait for the count.
    fn count_key(&self) -> Self::Key;
    /// Returns what those wait for who wait for the gate.
    fn gate_key(&self) -> Self::Key;
    /// Wakes who waits for that.
    fn wake(key: Self::Key);
    /// Frees it.
    ///
    /// # Safety
    ///
    /// Nobody must use it any more.
    unsafe fn free(self);
}

/// How a task waits for a key.
pub(crate) trait Sleeper {
    /// Why a wait can end without what was waited for.
    type GaveUp;

    /// Puts the task on the queue, and publishes that it is about to sleep. A full barrier follows.
    fn publish(&mut self);
    /// Returns why the wait must end now, if it must: a signal, the end of the time.
    fn give_up(&mut self) -> Option<Self::GaveUp>;
    /// Sleeps, unless somebody has made this task run since [`Sleeper::publish`].
    fn sleep(&mut self);
    /// Takes the task off the queue, and publishes that it runs.
    fn withdraw(&mut self);
}

/// Counts one more, unless the gate is shut.
#[inline]
pub(crate) fn begin<S: Shared>(cell: S) -> bool {
    cell.word().inc_unless(SHUT) // L, pairs with A
}

/// Counts one less. The caller, who was counted, must not use the cell afterwards.
#[inline]
pub(crate) fn end<S: Shared>(cell: S) {
    let key = cell.count_key();
    let before = cell.word().fetch_sub_full(1); // A, pairs with B, I, J
    if before & (OWNED | SHUT) != OWNED {
        ended(cell, key, before);
    }
}

/// Looks what is to be done besides: somebody may wait, or nobody be there any more. `before` is what the word
/// was when the reference was still counted.
#[cold]
#[inline(never)]
fn ended<S: Shared>(cell: S, key: S::Key, before: u64) {
    if before & COUNT != 1 {
        return;
    }
    if before & OWNED == 0 {
        // SAFETY: This was the last reference, and there is no drain. The word was changed by one
        // atomic operation, so either this finds that or `disown()` does, not both.
        unsafe { cell.free() };
    } else {
        // The drain may be gone by now, with the cell.
        S::wake(key);
    }
}

/// The drain goes away. It must not use the cell afterwards.
pub(crate) fn disown<S: Shared>(cell: S) {
    let before = cell.word().fetch_sub_full(OWNED); // I, pairs with A
    if before & COUNT == 0 {
        // SAFETY: There is no reference, and without the drain there will be none. As in `end()`,
        // nobody else finds that.
        unsafe { cell.free() };
    }
}

/// Shuts the gate for the caller alone, if it is open.
pub(crate) fn shut<S: Shared>(cell: S) -> bool {
    let word = cell.word();
    let mut seen = word.load_relaxed();
    while seen & SHUT == 0 {
        match word.cmpxchg_full(seen, seen | SHUT) {
            Ok(()) => return true, // K, pairs with A
            Err(now) => seen = now,
        }
    }
    false
}

/// Opens the gate, which the caller has alone.
pub(crate) fn open<S: Shared>(cell: S) {
    cell.word().fetch_sub_full(SHUT); // A, pairs with B, K, L
    wake_at_gate(cell);
}

/// Shuts the gate, or joins those who have it shut together.
///
/// In vain if somebody has it alone, or if more have it than can be counted.
pub(crate) fn shut_nested<S: Shared>(cell: S) -> bool {
    let word = cell.word();
    let mut seen = word.load_relaxed();
    loop {
        let deeper = match seen & DEPTH {
            0 if seen & SHUT == 0 => seen + (SHUT + DEEPER),
            0 | DEPTH => return false,
            _ => seen + DEEPER,
        };
        match word.cmpxchg_full(seen, deeper) {
            Ok(()) => return true, // K, pairs with A
            Err(now) => seen = now,
        }
    }
}

/// Leaves those who have the gate shut together; the last one opens it.
pub(crate) fn open_nested<S: Shared>(cell: S) {
    let word = cell.word();
    let mut seen = word.load_relaxed();
    loop {
        let last = seen & DEPTH == DEEPER;
        let left = seen - if last { SHUT + DEEPER } else { DEEPER };
        match word.cmpxchg_full(seen, left) {
            Ok(()) if last || seen & DEPTH == DEPTH => break, // A, pairs with B, K, L
            Ok(()) => return,
            Err(now) => seen = now,
        }
    }
    // Who waits at the gate waits for that, or for less depth.
    wake_at_gate(cell);
}

fn wake_at_gate<S: Shared>(cell: S) {
    S::wake(cell.gate_key());
}

/// Returns whether nothing is in flight; if so, what was done before the last end is seen.
pub(crate) fn is_drained<S: Shared>(cell: S) -> bool {
    cell.word().load_acquire() & COUNT == 0 // J, pairs with A
}

/// Sleeps until `look` says how the wait ends, or the sleeper gives up.
pub(crate) fn wait<S: Sleeper, R>(
    mut sleeper: S,
    mut look: impl FnMut() -> Option<R>,
) -> Result<R, S::GaveUp> {
    let ended = loop {
        sleeper.publish(); // B, pairs with A
        if let Some(ended) = look() {
            break Ok(ended);
        }
        if let Some(why) = sleeper.give_up() {
            break Err(why);
        }
        sleeper.sleep();
    };
    sleeper.withdraw();
    ended
}
