// SPDX-License-Identifier: GPL-2.0

//! A visit: look, wait, ask what to do, do it.

use super::{
    locked::{
        NeedMemory,
        Target, //
    },
    slot::{
        Outcome,
        Slot, //
    },
    state::{
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

impl Tree {
    /// Looks, waits, asks the visitor, does what it says. Without a sleeper it does not wait, in any
    /// context.
    ///
    /// Returns what came of it and where an entry was found, or `None` if there was nothing to visit.
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
    ) -> Result<Option<(End, Option<Granule>)>> {
        if F::IS_USER && self.is_inside() {
            return Err(EDEADLK);
        }
        let mut mine = None;
        loop {
            let (locked, mut look) = match (target, mine) {
                (Target::Here, None) => self.begin(xas, sleeper.is_some()),
                _ => self.look(xas, target, mine, sleeper.is_some()),
            };

            match (look.seen, look.granule, target) {
                (Seen::Busy(raw), Some(granule), _) => {
                    let sleeper = sleeper.as_deref_mut().ok_or(EAGAIN)?;
                    mine = match locked.wait(xas, granule, raw, sleeper)? {
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
                    // is as it was: nobody else owns it.
                    look = locked.look(xas, target, mine);
                }
                action
            } else {
                visitor.visit(Slot::new(&look)).action()
            };
            match locked.settle(xas, &look, action.unwrap_or(Action::Leave)) {
                Ok(_) if action.is_none() => return Err(EINVAL),
                Ok(end) => return Ok(Some((end, look.granule))),
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
