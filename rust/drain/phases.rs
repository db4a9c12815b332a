// SPDX-License-Identifier: GPL-2.0

//! Two counts that take turns: how what is in flight now is waited for while more begins.
//!
//! This file has no kernel paths, like [`protocol`](super::protocol), of whose counts it is made. The
//! module compiles it as it stands, and `testing/model/` lets loom explore its interleavings.
//!
//! # Names
//!
//! - A *phase* is one of two counts. At rest the gate of one of them, the *current* one, is open; references
//!   begin there. The gate of the *old* one is shut, so its count can only fall.
//! - A *flip* opens the old phase, and then shuts the one that was current.
//! - The *turn* is the gate of a third count, in which nothing is counted: one task at a time flips.
//!
//! # Why a wait ends
//!
//! Nothing begins in the old phase, however much begins. So a wait ends when the references that there were
//! have ended, and no newcomer can hold it up.
//!
//! # Why no reference is missed
//!
//! What began before the wait did was counted in one of the two phases. The wait, which has the turn, sees
//! both of them at zero with the gate shut: the old one before the flip, the other one after it. What remains
//! is a reference that looks for its phase while one flips:
//!
//! ```text
//!   who begins                               who waits
//!   1 the gate of phase 0 is open
//!                                            2 opens the gate of phase 1     /* C */
//!                                            3 shuts the gate of phase 0     /* D */
//!                                            4 phase 0 is at zero: returns
//!   5 counts one more in phase 0
//! ```
//!
//! Step 5 is one atomic operation with a second look at the gate, which fails if it comes after 3; then
//! phase 1 is tried. If it comes before 3, then 4 sees the count. Some gate is open at every moment, so a
//! reference tries once more only if somebody has flipped: the look that fails is an acquire (E) and pairs
//! with D, so that the next one sees C.
//!
//! # Why what begins later sees what was done before
//!
//! ```text
//!   who waits                                who begins
//!   1 unpublishes an object
//!   2 flips, waits, returns
//!                                            3 counts one more in phase 1    /* F */
//!                                            4 looks for the object
//!   5 frees the object
//! ```
//!
//! Whoever is not waited for has counted in a phase that was opened by C, or by a later flip. F reads what C
//! has written, or a count after it, and both are fully ordered: step 4 sees 1.
//!
//! # Who shares a flip
//!
//! A wait is done with any flip that begins after it: of those who come while one flips, whoever gets the turn
//! first flips for all of them. It notes the number of its flip when the references have ended, and the
//! others find that. The number is read by a fully ordered operation (G) after step 1, and raised by one (H)
//! before C: whoever has read it before H has done 1 before anything begins in the phase that C opens.

use super::protocol::{
    self,
    Shared,
    Word, //
};

/// How a wait for references sleeps.
pub(crate) trait Waits<S: Shared> {
    /// Why it can end early.
    type GaveUp;

    /// Shuts the gate of `turn`, when nobody else has.
    fn take(&mut self, turn: S) -> Result<(), Self::GaveUp>;
    /// Waits until nothing is in flight in `phase`.
    fn drained(&mut self, phase: S) -> Result<(), Self::GaveUp>;
    /// Opens the gate of `turn`.
    fn give(&mut self, turn: S);
}

/// Two phases, and the turn to flip them.
///
/// # Invariants
///
/// - The gate of `phases[flips % 2]` is open and that of the other one shut, but for who has the turn.
/// - `flips` and `done` are changed by who has the turn only.
/// - What began before flip number `done` did has ended.
pub(crate) struct Phases<S: Shared> {
    phases: [S; 2],
    turn: S,
    /// How many flips have begun.
    flips: S::Word,
    /// The last flip whose references were seen to have ended.
    done: S::Word,
}

impl<S: Shared> Phases<S> {
    /// Makes it of three counts that nobody else has, with nothing in flight and open gates, and of two words
    /// that are zero.
    pub(crate) fn new(phases: [S; 2], turn: S, flips: S::Word, done: S::Word) -> Self {
        protocol::shut(phases[1]);
        // INVARIANT: There was no flip.
        Self {
            phases,
            turn,
            flips,
            done,
        }
    }

    /// Counts one more, and returns the phase.
    #[inline]
    pub(crate) fn begin(&self) -> S {
        loop {
            for phase in self.phases {
                if protocol::begin(phase) {
                    return phase; // F, pairs with C
                }
                phase.word().load_acquire(); // E, pairs with D
            }
        }
    }

    /// Waits until what is in flight has ended.
    ///
    /// # Errors
    ///
    /// Those of `waits`. The next wait goes on where this one has given up.
    pub(crate) fn wait<W: Waits<S>>(&self, waits: &mut W) -> Result<(), W::GaveUp> {
        // The first flip that begins after this.
        let wanted = self.flips.fetch_add_full(0) + 1; // G, pairs with H
        waits.take(self.turn)?;
        let ended = self.wait_in_turn(waits, wanted);
        waits.give(self.turn);
        ended
    }

    fn wait_in_turn<W: Waits<S>>(&self, waits: &mut W, wanted: u64) -> Result<(), W::GaveUp> {
        let done = self.done.load_acquire();
        if done >= wanted {
            return Ok(());
        }
        let current = self.flips.load_relaxed();
        // Something is in flight there if the last wait has given up.
        waits.drained(self.phase(current + 1))?;
        let flip = self.flip(current);
        waits.drained(self.phase(current))?;
        // INVARIANT: Both phases were seen at zero, one before this flip and the other one after it.
        self.done.fetch_add_full(flip - done);
        Ok(())
    }

    /// Returns how many flips have begun.
    pub(crate) fn flips(&self) -> u64 {
        self.flips.load_relaxed()
    }

    /// Flips, and returns the number of the flip. The caller has the turn, and has seen the old phase at zero.
    fn flip(&self, current: u64) -> u64 {
        let flip = current + 1;
        self.flips.fetch_add_full(1); // H, pairs with G
        protocol::open(self.phase(flip)); // C, pairs with F
        protocol::shut(self.phase(current)); // D, pairs with E
        flip
    }

    /// Returns the phase that is current after so many flips.
    fn phase(&self, flips: u64) -> S {
        self.phases[usize::from(flips % 2 == 1)]
    }
}
