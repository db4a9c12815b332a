// SPDX-License-Identifier: GPL-2.0

//! References that are wrong: what they say must not come. The control of who compares.

use super::{
    program::Step,
    reference::{
        Now,
        Reference,
        Said,
        Tasks, //
    },
};

/// A reference that is wrong in one way.
#[derive(Clone)]
pub(crate) struct Wrong<R> {
    of: R,
    /// Who waits goes on at once; otherwise nobody who waits ever goes on.
    goes_on: bool,
}

impl<R: Reference> Wrong<R> {
    /// The number of a kind, for one of the two ways: those of the second come after those of the first.
    pub(crate) fn kind(goes_on: bool, kind: usize) -> usize {
        kind + if goes_on { R::KINDS.len() } else { 0 }
    }
}

impl<R: Reference> Reference for Wrong<R> {
    type Op = R::Op;

    const NAME: &'static str = R::NAME;
    const KINDS: &'static [&'static str] = R::KINDS;

    fn new(kind: usize) -> Self {
        Self {
            of: R::new(kind % R::KINDS.len()),
            goes_on: kind >= R::KINDS.len(),
        }
    }

    fn tasks(&mut self) -> &mut Tasks {
        self.of.tasks()
    }

    fn act(&mut self, step: Step<R::Op>) -> bool {
        let before = self.of.tasks().now;
        let acts = self.of.act(step);
        for (now, before) in self.of.tasks().now.iter_mut().zip(before) {
            match (before, *now) {
                (Now::Asleep, Now::Said(_)) if !self.goes_on => *now = Now::Asleep,
                (Now::Free, Now::Asleep) if self.goes_on => *now = Now::Said(Said::Done),
                _ => {}
            }
        }
        acts
    }
}
