// SPDX-License-Identifier: GPL-2.0

//! The records of the log that are not stable, and their positions.
//!
//! Whoever has changed the disk enters a record, which needs no lock of the whole disk: the records are in
//! a buffer for each CPU, and their positions come from one word.
//!
//! # Why no record is forgotten
//!
//! A position is claimed under the lock of the buffer that its record is put into. Whoever makes
//! records stable first reads the word, and then takes what is in every buffer:
//!
//! ```text
//!   enters, with buffer B locked          makes stable
//!   1 claims position 7
//!                                         2 reads 8: everything before it is to be stable
//!   3 puts the record into B
//!   4 unlocks B
//!                                         5 locks B, and takes what is in it
//! ```
//!
//! 5 cannot be before the section 1 to 4: it would be before 1 then, because the sections exclude each
//! other, and 2, which is before 5, could not have read what 1 has written. What was entered after 2 may
//! be taken as well: it becomes stable before anybody is told so.

use crate::stamp::Stamped;
use kernel::{
    cpu::{
        nr_cpu_ids,
        CpuId, //
    },
    new_spinlock,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full,
            Relaxed,
            Release, //
        },
        SpinLock, //
    },
};

/// Records that there is room for while they are not stable.
pub(crate) const ROOM: usize = 256;

/// So many records are worth the walk, also if nobody waits for them. Others go on meanwhile: as many
/// have room.
const MANY: u64 = ROOM as u64 / 2;

/// So many bytes are as well: whoever makes them stable is not kept for longer than by a large write.
const MUCH: u64 = 2 << 20;

/// The most buffers: CPUs beyond that share them.
const BUFFERS: u32 = 16;

/// In the word of positions: none is claimed but by whoever has barred it.
const BARRED: u64 = 1 << 63;

/// What was done to the pages that a record is about.
#[derive(Clone, Copy, Default)]
pub(crate) enum Done {
    /// They were written to.
    #[default]
    Written,
    /// It is one page, and this is what was written.
    Stamped(Stamped),
    /// They are gone; but for those that lie in the range in part, which were written to.
    Gone,
}

/// A change of the disk.
#[derive(Clone, Copy, Default)]
pub(crate) struct Record {
    /// The first byte that changed.
    pub(crate) start: u64,
    /// How many of them.
    pub(crate) bytes: u64,
    /// What was done to them.
    pub(crate) done: Done,
}

type Buffer = Pin<KBox<SpinLock<KVec<Record>>>>;

/// The records that are not stable.
///
/// `stable <= next`, at most [`ROOM`] positions lie between them, and every record that is in a buffer
/// has one of those: so there is room for it in any buffer.
pub(crate) struct Ring {
    /// The position that the next record gets, and [`BARRED`].
    next: Atomic<u64>,
    /// Everything before this is stable.
    stable: Atomic<u64>,
    /// The bytes that were written by requests for more than a page, roughly.
    bytes: Atomic<u64>,
    buffers: KVec<Buffer>,
}

/// Makes room for all the records that there can be.
pub(crate) fn batch() -> Result<KVec<Record>> {
    Ok(KVec::with_capacity(ROOM, GFP_KERNEL)?)
}

impl Ring {
    /// Makes an empty one.
    pub(crate) fn new() -> Result<Self> {
        let count = nr_cpu_ids().clamp(1, BUFFERS) as usize;
        let mut buffers = KVec::with_capacity(count, GFP_KERNEL)?;
        for _ in 0..count {
            let buffer = KBox::pin_init(new_spinlock!(batch()?), GFP_KERNEL)?;
            buffers.push(buffer, GFP_KERNEL)?;
        }
        Ok(Self {
            next: Atomic::new(0),
            stable: Atomic::new(0),
            bytes: Atomic::new(0),
            buffers,
        })
    }

    /// Enters a record. Returns the position to be reached for it to be stable; `None` if there is no
    /// room, or others are to be let in first.
    pub(crate) fn enter(&self, record: Record) -> Option<u64> {
        self.enter_if(record, 0)
    }

    /// As [`Ring::enter`], for whoever has barred the others.
    pub(crate) fn enter_barred(&self, record: Record) -> Option<u64> {
        self.enter_if(record, BARRED)
    }

    fn enter_if(&self, record: Record, barred: u64) -> Option<u64> {
        // Any will do: this one is seldom anybody else's.
        let cpu = CpuId::current().as_u32() as usize;
        let buffer = self.buffers.get(cpu % self.buffers.len().max(1))?;
        // IRQ: a leaf: nothing else is taken under it.
        let mut buffer = buffer.lock();
        let position = self.claim(barred)?;
        // There is room, see the type.
        let _ = buffer.push_within_capacity(record);
        drop(buffer);
        if matches!(record.done, Done::Written) {
            self.bytes.fetch_add(record.bytes, Relaxed);
        }
        Some(position)
    }

    /// Claims a position, with the lock of a buffer held.
    fn claim(&self, barred: u64) -> Option<u64> {
        let mut word = self.next.load(Relaxed);
        loop {
            let next = word & !BARRED;
            if word & BARRED & !barred != 0 || self.room_behind(next) == 0 {
                return None;
            }
            match self.next.cmpxchg(word, word + 1, Full) {
                Ok(_) => return Some(next + 1),
                Err(now) => word = now,
            }
        }
    }

    /// Returns how many more records there is room for if `next` is the next one.
    fn room_behind(&self, next: u64) -> u64 {
        // The stable position may be that of a moment later, and beyond.
        (ROOM as u64).saturating_sub(next.saturating_sub(self.stable.load(Acquire)))
    }

    /// Returns whether there is room for a record.
    pub(crate) fn has_room(&self) -> bool {
        self.room_behind(self.position()) > 0
    }

    /// Keeps others out, or does not any more; by one at a time.
    pub(crate) fn bar(&self, bar: bool) {
        match (self.next.load(Relaxed) & BARRED != 0, bar) {
            // Nobody else changes the bit.
            (false, true) => _ = self.next.fetch_add(BARRED, Full),
            (true, false) => _ = self.next.fetch_sub(BARRED, Full),
            _ => {}
        }
    }

    /// Returns whether nobody is barred, and everything is stable.
    pub(crate) fn is_stable(&self) -> bool {
        self.next.load(Acquire) == self.stable.load(Acquire)
    }

    /// Moves all records into `batch`, which has room for them. Returns the position that is reached when
    /// these are stable.
    pub(crate) fn take(&self, batch: &mut KVec<Record>) -> u64 {
        let end = self.position();
        self.bytes.store(0, Relaxed);
        for buffer in self.buffers.iter() {
            // IRQ: a leaf, as above.
            let mut buffer = buffer.lock();
            for record in buffer.iter() {
                let _ = batch.push_within_capacity(*record);
            }
            buffer.clear();
        }
        end
    }

    /// Everything before `end` is stable, and makes room.
    pub(crate) fn reach(&self, end: u64) {
        self.stable.store(end, Release);
    }

    /// Returns the position of the next record.
    pub(crate) fn position(&self) -> u64 {
        self.next.load(Acquire) & !BARRED
    }

    /// Returns how far it is stable.
    pub(crate) fn stable(&self) -> u64 {
        self.stable.load(Acquire)
    }

    /// Returns whether it is worth the while to make records stable for which nobody waits.
    pub(crate) fn is_worth_it(&self) -> bool {
        self.unstable() >= MANY || self.bytes.load(Relaxed) >= MUCH
    }

    /// Returns how many records are not stable.
    pub(crate) fn unstable(&self) -> u64 {
        self.position().saturating_sub(self.stable())
    }
}
