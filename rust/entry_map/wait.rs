// SPDX-License-Identifier: GPL-2.0

//! Waiting for an entry, and handing it over.
//!
//! This file has no kernel paths. The module compiles it as it stands, and `testing/model/` includes
//! the same file by `#[path]`; what differs is the [`Buckets`] and the platform below them.
//!
//! The list of waiters, the status word, the wake-up and the sleep are those of
//! `rust/event/protocol.rs`: a bucket is a [`Queue`], and what its waiters watch is an [`Offer`].
//! Somebody who unlocks or removes an entry makes an offer for a [`Key`]; the waiters with that key
//! claim it, oldest first.
//!
//! # Locks
//!
//! The *tree lock* protects the entries of one map, and is held around every function of this file;
//! so for one map they exclude each other. A *bucket lock* protects one queue, in which waiters of
//! several maps and granules can be; it is taken inside the tree lock, by [`Buckets::with`].
//!
//! # The rule
//!
//! While the tree lock is not held, for every granule of the map:
//!
//! 1. Some waiter has its key if and only if its entry has [`Raw::has_waiters`], and is locked.
//! 2. Of a locked entry there is exactly one owner, or there are as many readers as it says: each is an
//!    entry guard, or a task that [`Grant::Owned`] was given to, and that has not yet come back.
//!
//! [`wait`] and [`unlock`] say what must be stored in the place of the entry before the tree lock is
//! released, and [`dissolve`] is for an entry that is removed before that: so the rule is kept.

use super::{
    protocol::{
        sleep_until_completed,
        unlink_all,
        Claim,
        Entry,
        Head,
        Platform,
        Queue,
        Sealed,
        Sleeper,
        Waiter,
        WAITING, //
    },
    state::{
        Access,
        Granule,
        Raw, //
    },
};
use core::cell::Cell;

/// What a waiter waits for and what a waker wakes: a granule of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    map: usize,
    granule: Granule,
}

impl Key {
    /// Makes the key of a granule of the map at the address `map`.
    #[inline]
    pub(super) fn new(map: usize, granule: Granule) -> Self {
        Self { map, granule }
    }

    /// Returns the address of the map, and the granule.
    #[inline]
    pub(super) fn parts(&self) -> (usize, Granule) {
        (self.map, self.granule)
    }

    /// Returns `bits` bits that depend on all of the key.
    #[inline]
    pub(super) fn hash(&self, bits: u32) -> usize {
        // As `hash_long()`: the golden ratio, and the upper bits of the product.
        let x = (self.map ^ self.granule.base()) as u64;
        (x.wrapping_mul(0x61c8_8646_80b5_83eb) >> (64 - bits)) as usize
    }
}

/// What a waiter is woken with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grant {
    /// It owns the entry, or is one of those who share it: as it has asked for.
    Owned,
    /// The entry that it waited for is gone. It owns nothing.
    LookAgain,
}

/// What is on offer to the waiters with one key.
pub(super) struct Offer {
    key: Key,
    left: Cell<Left>,
    /// How many share the entry, if it is shared.
    readers: Cell<u64>,
    met: Cell<usize>,
}

#[derive(Clone, Copy)]
enum Left {
    Nothing,
    /// The entry, to whoever is first.
    Ownership,
    /// A share of it, to those before the first one who wants it alone.
    Share,
    News,
}

impl Offer {
    fn new(key: Key, left: Left) -> Self {
        Self {
            key,
            left: Cell::new(left),
            readers: Cell::new(0),
            met: Cell::new(0),
        }
    }

    /// What is left to the others of an entry that `readers` share.
    fn share(key: Key, readers: u64) -> Self {
        let offer = Self::new(key, Left::Nothing);
        offer.readers.set(readers);
        offer.share_on();
        offer
    }

    /// Offers a share as long as there can be one more.
    fn share_on(&self) {
        self.left.set(if self.readers.get() < Raw::MOST_READERS {
            Left::Share
        } else {
            Left::Nothing
        });
    }
}

/// The claim of who waits with a key, and how it wants to have the entry.
pub(super) struct Wants(Key, Access);

impl Sealed for Wants {}

impl Claim<Offer> for Wants {
    type Output = Grant;

    fn holds(&self, offer: &Offer) -> bool {
        if self.0 != offer.key {
            return false;
        }
        let granted = match (offer.left.get(), self.1) {
            (Left::Ownership | Left::News, _) | (Left::Share, Access::Shared) => true,
            (Left::Share, Access::Exclusive) => {
                // Who comes behind waits for it.
                offer.left.set(Left::Nothing);
                false
            }
            (Left::Nothing, _) => false,
        };
        if !granted {
            offer.met.set(offer.met.get() + 1);
        }
        granted
    }

    unsafe fn take(&mut self, offer: &mut Offer) -> Grant {
        match (offer.left.get(), self.1) {
            (Left::Ownership, Access::Exclusive) => {
                offer.left.set(Left::Nothing);
                Grant::Owned
            }
            (Left::Ownership | Left::Share, _) => {
                offer.readers.set(offer.readers.get() + 1);
                offer.share_on();
                Grant::Owned
            }
            (Left::News | Left::Nothing, _) => Grant::LookAgain,
        }
    }
}

/// The queues of waiters, found by key.
pub(super) trait Buckets {
    /// What the waiters sleep on.
    type Platform: Platform;

    /// Runs `f` on the queue of `key`, with its bucket lock held.
    fn with<R>(&self, key: &Key, f: impl FnOnce(&Queue<Offer, Self::Platform>) -> R) -> R;
    /// The entry of `key` is handed over to `task`, which has not been told yet. For reports.
    #[inline]
    fn handed_over(&self, _key: &Key, _task: <Self::Platform as Platform>::Task) {}
}

/// A locked entry that a task waits for, and the tree lock that protects it.
pub(super) trait Place {
    /// Where the waiters are.
    type Buckets: Buckets;
    /// Holds the tree lock until it is dropped.
    type Held;

    /// Returns the buckets.
    fn buckets(&self) -> &Self::Buckets;
    /// Takes the tree lock.
    fn lock(&mut self) -> Self::Held;
    /// Loads the entry.
    fn load(&mut self, held: &mut Self::Held) -> Option<Raw>;
    /// Notes that somebody waits for the entry: see [`note_waiter`](super::word::note_waiter).
    fn note_waiter(&mut self, held: &mut Self::Held, access: Access) -> bool;
    /// Notes who shares it, and whether somebody waits for it still: see [`note`](super::word::note).
    fn note(&mut self, held: &mut Self::Held, readers: u64, waiters: bool);
    /// Counts this task as one that waits.
    fn waits(&mut self, held: &mut Self::Held);
    /// Neither this task waits any more, nor do so many others.
    fn gives_up(&mut self, held: &mut Self::Held, others: usize);
}

/// Waits for the entry whose key is `key`, and which others have.
///
/// Releases the tree lock, which is `held`. [`Grant::Owned`] is a debt: the entry is this task's. It does
/// not wait if the entry has been unlocked meanwhile, which needs no tree lock: [`Grant::LookAgain`].
///
/// # Errors
///
/// Why the sleeper gave up. This task owns nothing then: had it been granted the entry before it had
/// the tree lock again, it would have that.
pub(super) fn wait<L: Place, S: Sleeper>(
    place: &mut L,
    mut held: L::Held,
    key: &Key,
    access: Access,
    sleeper: &mut S,
) -> Result<Grant, S::GaveUp> {
    if !place.note_waiter(&mut held, access) {
        return Ok(Grant::LookAgain);
    }
    let waiter =
        Waiter::<Offer, Wants, <L::Buckets as Buckets>::Platform>::new(Wants(*key, access));
    let head = Head::new();
    let entry = Waiter::entry(&raw const waiter);

    // SAFETY: `waiter` and `head` stay in this frame until its entry is off the queue: the frame is left only
    // after the status was seen to be other than `WAITING`, or after `withdraw()`.
    unsafe { join(place.buckets(), key, entry, &head) };
    place.waits(&mut held);
    sleeper.publish(); // A of the protocol, pairs with C
    drop(held);

    if let Err(why) = sleep_until_completed(&head, sleeper) {
        let mut held = place.lock();
        if head.status() == WAITING {
            // By rule 1, an entry that is waited for is there. Its readers can leave meanwhile, but for one.
            let readers = place.load(&mut held).map_or(0, Raw::readers);
            // SAFETY: This task has joined with this key, and still waits, under the lock.
            let (others, admitted) = unsafe { withdraw(place.buckets(), key, readers, &head) };
            place.note(&mut held, admitted, others);
            // CAST: There are at most `MOST_READERS`.
            place.gives_up(&mut held, admitted as usize);
            return Err(why);
        }
        // It was granted something meanwhile, and that wins.
    }
    // SAFETY: The status was seen to be other than `WAITING`, with acquire ordering or under the
    // lock, and waiters in buckets are never `CHOSEN`: they are completed where they are served.
    match unsafe { waiter.take() } {
        Some(grant) => Ok(grant),
        // Not reached: the grant is stored before the status is published.
        None => Ok(Grant::LookAgain),
    }
}

/// Puts a waiter at the end of those with `key`.
///
/// # Safety
///
/// `waiter` must be made for the claim [`Wants`] with `key`, must be on no queue, and stay, with `head`,
/// where it is until it was granted something or was [withdrawn](withdraw).
unsafe fn join<B: Buckets>(
    buckets: &B,
    key: &Key,
    waiter: *const Entry<Offer, B::Platform>,
    head: &Head<B::Platform>,
) {
    // SAFETY: By the safety requirements. Buckets are never closed.
    buckets.with(key, |queue| unsafe { queue.enqueue(waiter, head) });
}

/// Takes a waiter that gives up away from those with `key`. Returns whether there are others, and how many
/// of them have waited behind this one only: they share the entry now, as `readers` do already.
///
/// # Safety
///
/// `waiter` must have [joined](join) with `key`, and under the tree lock its status must be
/// [`WAITING`]. Otherwise it was granted something, and that is what its wait has to end with: to
/// return without it would lose the entry.
unsafe fn withdraw<B: Buckets>(
    buckets: &B,
    key: &Key,
    readers: u64,
    waiter: &Head<B::Platform>,
) -> (bool, u64) {
    let mut offer = match readers {
        0 => Offer::new(*key, Left::Nothing),
        readers => Offer::share(*key, readers),
    };
    let tell = |task| buckets.handed_over(key, task);
    buckets.with(key, |queue| {
        // SAFETY: By the safety requirements, `waiter` is on this queue.
        unsafe { unlink_all(waiter) };
        queue.consider_and_tell(&mut offer, tell)
    });
    (offer.met.get() != 0, offer.readers.get() - readers)
}

/// Unlocks the entry `raw`: hands it over to the oldest of those that wait for it, if any.
///
/// It has an owner, or one reader, who gives it up. Returns what to store, and the number of waiters that
/// were granted something: none, one, or several who share it.
#[inline]
pub(super) fn unlock<B: Buckets>(buckets: &B, key: &Key, raw: Raw) -> (Raw, usize) {
    // By rule 1, no bucket needs to be looked at if the entry says that nobody waits.
    if raw.has_waiters() {
        hand_over(buckets, key, raw)
    } else {
        (raw.unlocked(), 0)
    }
}

/// The part of [`unlock`] that is not inlined.
#[cold]
#[inline(never)]
fn hand_over<B: Buckets>(buckets: &B, key: &Key, raw: Raw) -> (Raw, usize) {
    let mut offer = Offer::new(*key, Left::Ownership);
    let tell = |task| buckets.handed_over(key, task);
    match buckets.with(key, |queue| queue.consider_and_tell(&mut offer, tell)) {
        // Not reached, by rule 1; an entry that nobody waits for is unlocked.
        0 => (raw.unlocked(), 0),
        // The entry stays locked: others have it.
        granted => {
            let raw = match offer.readers.get() {
                0 => raw.owned(),
                readers => raw.shared_by(readers),
            };
            (raw.with_waiters(offer.met.get() != 0), granted)
        }
    }
}

/// Tells all that wait for the entry `raw` that it is gone. It must be gone before the tree lock is
/// released.
///
/// Returns the number of waiters that were told.
#[inline]
pub(super) fn dissolve<B: Buckets>(buckets: &B, key: &Key, raw: Raw) -> usize {
    if !raw.has_waiters() {
        return 0;
    }
    let mut offer = Offer::new(*key, Left::News);
    // Nothing is handed over.
    buckets.with(key, |queue| queue.consider_and_tell(&mut offer, |_| ()))
}

/// Returns how many tasks wait for the entry `raw`.
pub(super) fn count<B: Buckets>(buckets: &B, key: &Key, raw: Raw) -> usize {
    if !raw.has_waiters() {
        return 0;
    }
    let mut offer = Offer::new(*key, Left::Nothing);
    buckets.with(key, |queue| queue.consider(&mut offer));
    offer.met.get()
}
