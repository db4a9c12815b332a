// SPDX-License-Identifier: GPL-2.0

//! How long turns have taken: so many less than a microsecond, so many less than two, than four, and so on.

use crate::tally::Number;
use kernel::fmt;

/// One for each power of two, in microseconds; the last one is for all that took more than half a minute.
const STEPS: usize = 27;

/// The turns of one task, which alone writes it.
pub(crate) struct Spread([Number; STEPS]);

impl Spread {
    pub(crate) fn new() -> Self {
        Self(core::array::from_fn(|_| Number::new()))
    }

    /// A turn took so many nanoseconds.
    pub(crate) fn add(&self, ns: u64) {
        // CAST: At most 64.
        let step = (u64::BITS - (ns / 1000).leading_zeros()) as usize;
        self.0[step.min(STEPS - 1)].add(1);
    }

    pub(crate) fn get(&self) -> Turns {
        Turns(core::array::from_fn(|step| self.0[step].get()))
    }
}

/// The turns of several tasks. It is shown as a list of numbers, without the zeros at its end.
#[derive(Default)]
pub(crate) struct Turns([u64; STEPS]);

impl Turns {
    pub(crate) fn and(self, other: Self) -> Self {
        Self(core::array::from_fn(|step| {
            self.0[step].wrapping_add(other.0[step])
        }))
    }
}

impl fmt::Display for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = self.0.iter().rposition(|&turns| turns > 0);
        for turns in &self.0[..used.map_or(0, |last| last + 1)] {
            write!(f, " {turns}")?;
        }
        Ok(())
    }
}
