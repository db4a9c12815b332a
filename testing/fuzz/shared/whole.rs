// SPDX-License-Identifier: GPL-2.0

//! A program as a whole: of a seed, or of its text; and what it does not need left out.
//!
//! The numbers are made here, so that a seed stands for the same programs on the host and in a guest.

use super::{
    program::{
        Ops,
        Step,
        Text,
        STEPS,
        TASKS, //
    },
    reference::Reference, //
};
use core::fmt;

/// A program over what `R` is the reference of.
pub(crate) struct Program<R: Reference> {
    pub(crate) kind: usize,
    steps: [Option<Step<R::Op>>; STEPS],
}

impl<R: Reference> Clone for Program<R> {
    fn clone(&self) -> Self {
        Self {
            kind: self.kind,
            steps: self.steps,
        }
    }
}

/// Numbers that follow from a seed: SplitMix64.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        // CAST: It is less than `limit`.
        (self.next() % limit as u64) as usize
    }

    fn step<O: Ops>(&mut self) -> Option<Step<O>> {
        let task = self.below(TASKS);
        // CAST: There are few operations.
        let often: usize = O::ALL
            .iter()
            .map(|operation| operation.often as usize)
            .sum();
        let mut left = self.below(often);
        let operation = O::ALL.iter().find(|operation| {
            // CAST: As above.
            let found = left < operation.often as usize;
            left = left.saturating_sub(operation.often as usize);
            found
        })?;
        let numbers = usize::from(operation.most - operation.least) + 1;
        Some(Step {
            task,
            op: operation.op,
            // CAST: It is at most `operation.most`.
            number: operation.least + self.below(numbers) as u8,
        })
    }
}

impl<R: Reference> Program<R> {
    /// The program with this number, of all that come of a seed. It has those steps alone that can be made.
    pub(crate) fn of_seed(seed: u64, number: u64) -> Self {
        let mut numbers = Numbers(seed);
        numbers = Numbers(numbers.next() ^ number.wrapping_mul(0xd134_2543_de82_ef95));
        let kind = numbers.below(R::KINDS.len());
        let (mut reference, mut steps) = (R::new(kind), [None; STEPS]);
        let len = numbers.below(STEPS) + 1;
        let mut made = (0..len).filter_map(|_| numbers.step());
        for place in &mut steps {
            *place = made.find(|step| reference.step(*step));
        }
        Self { kind, steps }
    }

    /// Reads a program; `None` if its kind or one of its steps is none, or it is too long.
    #[allow(dead_code, reason = "the host says what is wrong with it")]
    pub(crate) fn read(text: Text<'_>) -> Option<Self> {
        let kind = R::KINDS.iter().position(|kind| *kind == text.kind)?;
        let mut steps = [None; STEPS];
        for (at, step) in text.steps().enumerate() {
            *steps.get_mut(at)? = Some(step?);
        }
        Some(Self { kind, steps })
    }

    /// Returns the steps.
    pub(crate) fn steps(&self) -> impl Iterator<Item = Step<R::Op>> + Clone + '_ {
        self.steps.iter().flatten().copied()
    }

    /// As if it were over what another reference is of, with the same steps.
    #[allow(dead_code, reason = "for what has to fail in a guest")]
    pub(crate) fn with<Q: Reference<Op = R::Op>>(self, kind: usize) -> Program<Q> {
        Program {
            kind,
            steps: self.steps,
        }
    }

    /// Leaves out what it does not need to fail.
    pub(crate) fn shorter(self, mut fails: impl FnMut(&Self) -> bool) -> Self {
        let (mut shortest, mut size) = (self, STEPS / 2);
        while size > 0 {
            let (mut at, before) = (0, shortest.steps().count());
            while at < STEPS {
                let mut without = shortest.clone();
                let end = STEPS.min(at + size);
                without.steps[at..end].fill(None);
                let less = without.steps().count() < shortest.steps().count();
                if less && fails(&without) {
                    shortest = without;
                }
                at = end;
            }
            // Once more if that has made any difference.
            if size > 1 || shortest.steps().count() == before {
                size /= 2;
            }
        }
        shortest
    }
}

impl<R: Reference> fmt::Display for Program<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = R::KINDS.get(self.kind % R::KINDS.len()).unwrap_or(&"?");
        write!(f, "{} {kind}:", R::NAME)?;
        for (at, step) in self.steps().enumerate() {
            write!(f, "{} {step}", if at > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}
