// SPDX-License-Identifier: GPL-2.0

//! A visit: look, wait, ask what to do, do it.

use super::{
    locked::{
        Look,
        NeedMemory,
        Target, //
    },
    place::TreeWord,
    slot::{
        Outcome,
        Slot, //
    },
    state::{
        Access::Exclusive,
        Action,
        End,
        Granule,
        Seen, //
    },
    tree::Tree,
    value::Value,
    wait::Grant,
    xas::Xas, //
};
use crate::event::platform::KernelSleeper;
use kernel::prelude::*;

/// Who says what to do with what was seen.
pub(super) trait Visitor<V> {
    /// Whether this runs code of the user's.
    const IS_USER: bool;

    fn visit(&mut self, slot: Slot<V>) -> Outcome<V>;
}

/// The user, who may come back to the map.
pub(super) struct User<F>(pub(super) F);

/// This library.
pub(super) struct Plain<F>(pub(super) F);

impl<V, F: FnMut(Slot<V>) -> Outcome<V>> Visitor<V> for User<F> {
    const IS_USER: bool = true;

    #[inline]
    fn visit(&mut self, slot: Slot<V>) -> Outcome<V> {
        (self.0)(slot)
    }
}

impl<V, F: FnMut(Slot<V>) -> Outcome<V>> Visitor<V> for Plain<F> {
    const IS_USER: bool = false;

    #[inline]
    fn visit(&mut self, slot: Slot<V>) -> Outcome<V> {
        (self.0)(slot)
    }
}

/// What came of a visit.
pub(super) struct Visit {
    pub(super) end: End,
    /// Where an entry was found.
    pub(super) granule: Option<Granule>,
    /// Where the word of an entry is that was locked, if it stays there.
    pub(super) word: Option<TreeWord>,
}

impl Visit {
    #[inline]
    fn new(end: End, look: &Look, xas: &Xas) -> Self {
        let mut visit = Self {
            end,
            granule: look.granule,
            word: None,
        };
        if let End::Locked(raw) = end {
            let granule = look.granule.unwrap_or(Granule::of(raw, xas.index()));
            visit.granule = Some(granule);
            visit.word = xas.owned_word(granule);
        }
        visit
    }
}

impl Tree {
    /// Looks, waits, asks the visitor, does what it says. Without a sleeper it does not wait, in any
    /// context.
    ///
    /// Returns what came of it, or `None` if there was nothing to visit.
    ///
    /// # Errors
    ///
    /// Those of [`EntryMap::at`](super::EntryMap::at), and of `try_at()` without a sleeper.
    #[inline]
    #[track_caller]
    pub(super) fn visit<V: Value, F: Visitor<V>>(
        &self,
        target: Target,
        xas: &mut Xas,
        mut sleeper: Option<&mut KernelSleeper>,
        visitor: &mut F,
    ) -> Result<Option<Visit>> {
        if F::IS_USER && self.is_inside() {
            return Err(EDEADLK);
        }
        let mut mine = None;
        loop {
            let (locked, mut look) = match (target, mine) {
                (Target::Here, None) => self.begin(xas, sleeper.is_some()),
                _ => self.seize(xas, target, mine, sleeper.is_some()),
            };

            match (look.seen, look.granule, target) {
                (Seen::Busy(_), Some(granule), _) => {
                    let sleeper = sleeper.as_deref_mut().ok_or(EAGAIN)?;
                    mine = match locked.wait(xas, granule, Exclusive, sleeper)? {
                        Grant::Owned => Some(granule),
                        Grant::LookAgain => None,
                    };
                    continue;
                }
                (Seen::Vacant, _, Target::Next { .. }) => return Ok(None),
                _ => (),
            }

            // An action that is impossible goes through `settle()` like any other, since the entry may
            // be this task's: for a value that does not fit that is to leave it.
            let action = if F::IS_USER {
                let action = self.call(|| visitor.visit(Slot::new(&look)).action());
                if self.was_disturbed() {
                    // Other entries have come to their ends, and with them nodes of the tree. This one
                    // is as it was: it is this task's.
                    let mine = matches!(look.seen, Seen::Mine(_));
                    look = locked.look(xas, target, look.granule.filter(|_| mine));
                }
                action
            } else {
                visitor.visit(Slot::new(&look)).action()
            };
            match locked.settle(xas, &look, action.unwrap_or(Action::Leave)) {
                Ok(_) if action.is_none() => return Err(EINVAL),
                Ok(end) => return Ok(Some(Visit::new(end, &look, xas))),
                Err(NeedMemory) => {
                    // What needs memory was vacant, so nothing is owned. It may not be any more.
                    mine = None;
                    if sleeper.is_none() {
                        return Err(ENOMEM);
                    }
                    xas.get_memory(self)?;
                }
            }
        }
    }
}
