// SPDX-License-Identifier: GPL-2.0

//! The word of a count: who counts, who is asked to tell, who frees; and how a number is waited for.
//!
//! This file has no kernel paths. The module compiles it as it stands, and `testing/model/` includes
//! the same file by `#[path]` and lets loom explore its interleavings; what differs is the [`Shared`] and
//! what is below it.
//!
//! The list of waiters, the status word, the wake-up and the sleep are those of `rust/event/protocol.rs`; the
//! word, and who frees its memory, are as in `rust/drain/protocol.rs`.
//!
//! # Why no wake-up is lost
//!
//! The word has the number, and the highest number that is waited for, plus one: [`AWAITED`].
//!
//! ```text
//!   waiter for n                             who counts down
//!   1 lock the queue
//!   2 count > n: awaited = n + 1, at one
//!     stroke
//!   3 on the queue, state "asleep"
//!   4 unlock
//!                                            5 count = n; awaited == n + 1, at one stroke
//!                                            6 lock the queue
//!                                            7 count <= n for this waiter: take it off
//!                                            8 awaited = the highest of the others, plus one
//!                                            9 tell it, unlock
//! ```
//!
//! All that is done to one word happens in one order. If 5 is before 2, then 2 finds the number reached, and
//! nobody sleeps. If it is after, then 5 finds that it is asked to tell, and what it finds in 6 is the waiter:
//! 2 and 3 are under the same lock. No barrier is needed between two words, because there are not two.
//!
//! Whoever counts down to a number that is waited for looks in 7, after its own change, so the last one of
//! those finds what the number has come to. [`AWAITED`] changes under the lock of the queue only, and is never
//! below what one of the waiters needs. What 5 and 9 have in common with an event, and the letters of those
//! barriers, stand in `event/protocol.rs`.
//!
//! # What is seen
//!
//! Who counts down (A) is fully ordered, and pairs with a look at the number (B, and D on behalf of those who
//! wait), so that what was done before is seen; and with the change by which the count goes (E): whoever comes
//! second frees the cell. A look and who counts up (C) are fully ordered, too: see [`look`].
//!
//! # Why who counts down does not touch what is gone
//!
//! ```text
//!   who counts down                          waiter
//!   1 count = n
//!                                            2 count == n: returns without having slept
//!                                            3 the count goes away, the cell is freed
//!   4 lock the queue
//! ```
//!
//! What 4 uses was got before 1, and is an address to go by: the queues are in a table that stays. The word is
//! reached in 7 by way of a waiter that is on the queue. It has the lock to leave it, so what it waits for is
//! there. If that is another count by now, at the same address, then it is that one's number that is looked
//! at, and compared.

use super::{
    drain_protocol::Word,
    protocol::{
        sleep_until_completed,
        unlink_all,
        Chosen,
        Claim,
        Head,
        Platform,
        Queue,
        Sealed,
        Sleeper,
        Waiter,
        WAITING, //
    },
};
use core::cell::Cell;

/// The count lives.
pub(crate) const OWNED: u64 = 1 << 63;
/// How many are counted. There is room above [`MAX`] for those who are about to be refused.
pub(crate) const COUNT: u64 = (1 << AWAITED_SHIFT) - 1;
/// The highest number that somebody waits for, plus one; 0 if nobody waits.
pub(crate) const AWAITED: u64 = !(OWNED | COUNT);
const AWAITED_SHIFT: u32 = 31;

/// The highest number that a [`Count`](super::Count) counts to.
pub const MAX: u32 = 1 << 30;

/// What a count and what is counted have in common: a pointer to it.
///
/// # Safety
///
/// [`Shared::word`] must return the same word for all copies. It is called only while the count lives, or
/// by who is counted. [`Shared::with`] must run its argument with a lock held that is the same for the same
/// key, and pass the queue that this lock protects.
pub(crate) unsafe trait Shared: Copy + Send + 'static {
    /// What it points to has such a word.
    type Word: Word;
    /// What the queue of waiters is found by; remains usable when the rest is gone.
    type Key: Copy + PartialEq;
    /// What the waiters sleep on.
    type Platform: Platform;

    /// Returns the word.
    fn word(&self) -> &Self::Word;
    /// Returns the key.
    fn key(&self) -> Self::Key;
    /// Runs `f` on the queue of `key`, with its lock held.
    fn with<R>(key: Self::Key, f: impl FnOnce(&Queue<Look<Self>, Self::Platform>) -> R) -> R;
    /// The wait of `task` for `key` has come to its end, and it has not been told yet. For reports.
    #[inline]
    fn served(_key: Self::Key, _task: <Self::Platform as Platform>::Task) {}
    /// Frees it.
    ///
    /// # Safety
    ///
    /// Nobody must use it any more.
    unsafe fn free(self);
}

fn count_of(word: u64) -> u32 {
    // CAST: The mask leaves 31 bits.
    (word & COUNT) as u32
}

fn awaited_of(word: u64) -> u32 {
    // CAST: The mask leaves 32 bits.
    ((word & AWAITED) >> AWAITED_SHIFT) as u32
}

fn with_awaited(word: u64, awaited: u32) -> u64 {
    (word & !AWAITED) | (u64::from(awaited) << AWAITED_SHIFT)
}

/// Counts one more, unless it is [`MAX`] already. The caller sees to it that the count lives.
#[inline]
pub(crate) fn up<S: Shared>(cell: S) -> bool {
    let before = cell.word().fetch_add_full(1); // C, pairs with B

    // Between that number and twice as many, which is beyond what is ever there, this bit is set.
    if before & u64::from(MAX) == 0 {
        return true;
    }
    // Every task may be here at once and does not reach what is above the number. Nobody waits for so many.
    cell.word().fetch_sub_full(1);
    false
}

/// Counts one more if there are less than `limit` and the count lives.
pub(crate) fn up_below<S: Shared>(cell: S, limit: u32) -> bool {
    let word = cell.word();
    let limit = limit.min(MAX);
    let mut seen = word.load_relaxed();
    while count_of(seen) < limit && seen & OWNED != 0 {
        match word.cmpxchg_full(seen, seen + 1) {
            Ok(()) => return true,
            Err(now) => seen = now,
        }
    }
    false
}

/// Counts one less. The caller, who was counted, must not use the cell afterwards.
#[inline]
pub(crate) fn down<S: Shared>(cell: S) {
    let key = cell.key();
    let before = cell.word().fetch_sub_full(1); // A, pairs with B, D, E
    if before & !COUNT != OWNED {
        counted_down(cell, key, before);
    }
}

/// Looks what is to be done besides: somebody may wait, or the count be gone. `before` is what the word was before.
#[cold]
#[inline(never)]
fn counted_down<S: Shared>(cell: S, key: S::Key, before: u64) {
    let now = count_of(before) - 1;
    if now < awaited_of(before) {
        // The count may be gone by now, with the cell.
        tell::<S>(key);
    } else if now == 0 && before & OWNED == 0 {
        // SAFETY: This was the last one, and there is no count. The word was changed by one atomic
        // operation, so either this finds that or `disown()` does, not both.
        unsafe { cell.free() };
    }
}

/// The count goes away, and nobody waits for it. It must not use the cell afterwards.
pub(crate) fn disown<S: Shared>(cell: S) {
    let before = cell.word().fetch_sub_full(OWNED); // E, pairs with A
    if before & COUNT == 0 {
        // SAFETY: Nobody is counted, and without the count nobody will be. As in `down()`, nobody else
        // finds that.
        unsafe { cell.free() };
    }
}

/// Returns how many are counted; what was done before those who are not any more were counted down, is seen.
///
/// It is fully ordered: who stores something and then looks, and who counts up and then loads it, do not both
/// miss what the other has done.
pub(crate) fn look<S: Shared>(cell: S) -> u32 {
    count_of(cell.word().fetch_add_full(0)) // B, pairs with A, C
}

/// A look at one count, on behalf of those who wait for it.
pub(crate) struct Look<S: Shared> {
    key: S::Key,
    /// Whether those whose number is reached are to be told.
    tells: bool,
    /// The count, and its number when it was looked at first: from then on they are chosen by that.
    seen: Cell<Option<(S, u32)>>,
    /// What the word is to ask for, on behalf of those who go on waiting.
    awaited: Cell<u32>,
    met: Cell<usize>,
}

impl<S: Shared> Look<S> {
    fn new(key: S::Key, tells: bool) -> Self {
        Self {
            key,
            tells,
            seen: Cell::new(None),
            awaited: Cell::new(0),
            met: Cell::new(0),
        }
    }

    /// Returns the number of a count that is there.
    fn count(&self, cell: S) -> u32 {
        let (_, count) = self.seen.get().unwrap_or_else(|| {
            // Who is told sees what was done before the others have counted down.
            (cell, count_of(cell.word().load_acquire())) // D, pairs with A
        });
        self.seen.set(Some((cell, count)));
        count
    }
}

/// The claim of who waits until there are at most so many.
pub(crate) struct UpTo<S: Shared> {
    cell: S,
    most: u32,
}

impl<S: Shared> Sealed for UpTo<S> {}

impl<S: Shared> Claim<Look<S>> for UpTo<S> {
    type Output = ();

    fn holds(&self, look: &Look<S>) -> bool {
        if self.cell.key() != look.key {
            return false;
        }
        look.met.set(look.met.get() + 1);
        // Who is on the queue has not returned: the count lives.
        if look.tells && look.count(self.cell) <= self.most {
            return true;
        }
        look.awaited.set(look.awaited.get().max(self.most + 1));
        false
    }

    unsafe fn take(&mut self, _look: &mut Look<S>) {}
}

/// Tells those whose number is reached.
#[cold]
#[inline(never)]
fn tell<S: Shared>(key: S::Key) {
    S::with(key, |queue| serve(queue, key));
}

/// Tells those whose number is reached, and makes the word ask for the others. The lock of `queue` is held.
fn serve<S: Shared>(queue: &Queue<Look<S>, S::Platform>, key: S::Key) {
    let mut look = Look::<S>::new(key, true);
    let mut chosen = Chosen::new();
    queue.choose_and_tell(&mut look, &mut chosen, |task| S::served(key, task));
    // Who was chosen does not return before it was told, so the count still lives.
    if let Some((cell, _)) = look.seen.get() {
        ask_for(cell.word(), look.awaited.get());
    }
    chosen.complete();
}

/// Makes the word ask for this. The lock of the queue is held.
fn ask_for(word: &impl Word, awaited: u32) {
    let mut seen = word.load_relaxed();
    while awaited_of(seen) != awaited {
        match word.cmpxchg_full(seen, with_awaited(seen, awaited)) {
            Ok(()) => return,
            Err(now) => seen = now,
        }
    }
}

/// Makes the word ask for `most` too, if there are more. The lock of the queue is held.
fn ask(word: &impl Word, most: u32) -> bool {
    loop {
        let seen = word.load_acquire();
        if count_of(seen) <= most {
            return false;
        }
        let awaited = awaited_of(seen).max(most + 1);
        if word.cmpxchg_full(seen, with_awaited(seen, awaited)).is_ok() {
            return true;
        }
    }
}

/// Waits until there are at most `most`, or the sleeper gives up.
///
/// The caller sees to it that the count lives, and is not in its destructor.
pub(crate) fn wait<S: Shared, Z: Sleeper>(
    cell: S,
    most: u32,
    sleeper: &mut Z,
) -> Result<(), Z::GaveUp> {
    if look(cell) <= most {
        return Ok(());
    }
    let (word, key) = (cell.word(), cell.key());
    let waiter = Waiter::<Look<S>, UpTo<S>, S::Platform>::new(UpTo { cell, most });
    let head = Head::new();
    let entry = Waiter::entry(&raw const waiter);
    let asleep = S::with(key, |queue| {
        if !ask(word, most) {
            return false;
        }
        // SAFETY: `waiter` and `head` stay in this frame until the entry is off the queue: it is left only
        // after the status was seen to be other than `WAITING`, or after the entry was unlinked. These queues
        // are never closed.
        unsafe { queue.enqueue(entry, &head) };
        sleeper.publish(); // A of the protocol, pairs with C
        true
    });
    if !asleep {
        return Ok(());
    }
    let why = match sleep_until_completed(&head, sleeper) {
        Ok(_) => return Ok(()),
        Err(why) => why,
    };
    S::with(key, |queue| {
        if head.status() != WAITING {
            // It was told meanwhile, and that wins.
            return Ok(());
        }
        // SAFETY: The lock is held, and the status says that the entry is on the queue.
        unsafe { unlink_all(&head) };
        let mut others = Look::<S>::new(key, false);
        queue.consider(&mut others);
        ask_for(word, others.awaited.get());
        Err(why)
    })
}

/// Counts one more as soon as there are at most `most`.
pub(crate) fn up_when<S: Shared, Z: Sleeper>(
    cell: S,
    most: u32,
    sleeper: &mut Z,
) -> Result<(), Z::GaveUp> {
    let most = most.min(MAX - 1);
    while !up_below(cell, most + 1) {
        wait(cell, most, sleeper)?;
    }
    Ok(())
}

/// Returns the highest number that is waited for, as the word has it.
#[allow(dead_code, reason = "for tests")]
pub(crate) fn asks_for<S: Shared>(cell: S) -> Option<u32> {
    awaited_of(cell.word().load_relaxed()).checked_sub(1)
}

/// Returns how many tasks wait for a count that lives.
pub(crate) fn waiters<S: Shared>(cell: S) -> usize {
    let look = &mut Look::<S>::new(cell.key(), false);
    S::with(cell.key(), |queue| queue.consider(look));
    look.met.get()
}
