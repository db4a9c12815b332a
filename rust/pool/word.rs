// SPDX-License-Identifier: GPL-2.0

//! The word of a node: who uses it, and whether somebody waits until nobody does.
//!
//! This file has no kernel paths. The module compiles it as it stands, and `testing/model/` includes the same
//! file by `#[path]` and lets loom explore its interleavings; what differs is the [`Word`].
//!
//! Who pins a node, or lets go of it, changes the word and takes no lock. The *count lock*, and the event under
//! it, are for those who wait, and for who finds that somebody does.
//!
//! # Why no wake-up is lost
//!
//! ```text
//!   waiter                                   who unpins
//!   1 count lock
//!   2 AWAITED
//!   3 pinned: on the list, state "asleep"
//!   4 unlock
//!                                            5 one pin less; the last one, and AWAITED?
//!                                              at one stroke
//!                                            6 count lock: looks at the word, says "idle"
//!                                              to the event, which serves the waiter
//! ```
//!
//! All that is done to one word happens in one order. If 5 is before 2, then 3 finds that the node is not
//! pinned, and nobody sleeps. If it is after, then 5 finds that somebody waits, and what it finds in 6 is the
//! waiter: 2 and 3 are under the same lock. No barrier is needed between two words, because there are not two.
//!
//! # Why nobody pins it in between
//!
//! A pin between 5 and 6 would take from the waiter what the last unpin was for. While AWAITED is set, pins and
//! owners are counted under the count lock only, after the waiters were served as in 6: without it, the uses only
//! become fewer. So what 6 finds idle is idle until the waiter has it.
//!
//! The last unpin may come between the two as well, since it needs no lock. Therefore a pin that has not found the node
//! idle in 8 begins beside other uses only, which it looks at in the same stroke:
//!
//! ```text
//!   who pins                                 who unpins
//!   7 count lock
//!   8 looks at the word, as in 6: in use
//!                                            9 the last pin goes
//!  10 nobody uses it any more: not pinned
//!  11 again from 8, which is idle now, and
//!     serves the waiter
//! ```
//!
//! # What is seen
//!
//! Ending a use is fully ordered (B), and so is beginning one (A): who has the node next sees what was done while
//! it was in use before. That is more than the payload needs, which has a lock of its own.
//!
//! AWAITED changes under the count lock only: it is set while at least one task waits for the node.

use super::drain_protocol::Word;

/// Somebody owns the node exclusively.
const SOLE: u64 = 1 << 63;
/// Somebody waits until nobody uses it.
const AWAITED: u64 = 1 << 62;
/// The pins.
const PINS: u64 = AWAITED - 1;

/// What a use is in the word.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    /// A pin, beside others.
    Pin,
    /// The only one.
    Sole,
}

impl Part {
    #[inline]
    const fn bits(self) -> u64 {
        match self {
            Self::Pin => 1,
            Self::Sole => SOLE,
        }
    }

    /// What must not be there for it to begin.
    #[inline]
    fn excluded(self) -> u64 {
        match self {
            Self::Pin => SOLE,
            Self::Sole => SOLE | PINS,
        }
    }
}

/// What came of a use that was to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// It has begun.
    Yes,
    /// Others use the node.
    Busy,
    /// Somebody waits: it has to begin under the count lock.
    Awaited,
}

/// Begins a use, without the count lock.
#[inline]
pub(crate) fn begin(word: &impl Word, part: Part) -> Begun {
    if let Part::Pin = part {
        let begun = word.inc_unless(SOLE | AWAITED); // A, pairs with B
        if begun {
            return Begun::Yes;
        }
    }
    begin_if(word, part, |seen| seen & AWAITED == 0)
}

/// Begins a use under the count lock, whose holder has looked whether the node is idle, and has served those who wait
/// if it was.
///
/// If it was not, and is now, they come first: then this says [`Begun::Awaited`].
pub(crate) fn begin_locked(word: &impl Word, part: Part, idle: bool) -> Begun {
    begin_if(word, part, |seen| {
        idle || seen & AWAITED == 0 || seen & (SOLE | PINS) != 0
    })
}

fn begin_if(word: &impl Word, part: Part, may: impl Fn(u64) -> bool) -> Begun {
    let mut seen = word.load_relaxed();
    loop {
        if !may(seen) {
            return Begun::Awaited;
        }
        if seen & part.excluded() != 0 {
            return Begun::Busy;
        }
        let begun = word.cmpxchg_full(seen, seen + part.bits()); // A, pairs with B
        match begun {
            Ok(()) => return Begun::Yes,
            Err(now) => seen = now,
        }
    }
}

/// Ends a use. Returns whether somebody waits for that, and has to be served: nobody uses the node now.
#[inline]
pub(crate) fn end(word: &impl Word, part: Part) -> bool {
    let before = word.fetch_sub_full(part.bits()); // B, pairs with A
    before & AWAITED != 0 && before & (SOLE | PINS) == part.bits()
}

/// The first of those who wait has come, or the last one goes. The count lock is held.
pub(crate) fn set_awaited(word: &impl Word, awaited: bool) {
    if awaited {
        word.fetch_add_full(AWAITED);
    } else {
        word.fetch_sub_full(AWAITED);
    }
}

/// Returns whether nobody uses the node. With the count lock held, and somebody waiting, it remains so.
#[inline]
pub(crate) fn is_idle(word: &impl Word) -> bool {
    word.load_relaxed() & (SOLE | PINS) == 0
}

/// Returns how many pins the node has; [`None`] if somebody owns it exclusively.
#[inline]
pub(crate) fn pins(word: &impl Word) -> Option<u64> {
    let seen = word.load_relaxed();
    (seen & SOLE == 0).then_some(seen & PINS)
}
