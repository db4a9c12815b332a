// SPDX-License-Identifier: GPL-2.0

//! Sleeping until an entry is handed over, and counting those that do.

use super::{
    bucket::Table,
    locked::{
        Locked,
        Look,
        Target, //
    },
    state::{
        Granule,
        Raw,
        Seen, //
    },
    tree::Tree,
    wait::{
        self,
        Grant,
        Place, //
    },
    xas::Xas, //
};
use crate::{
    event::{
        platform::KernelSleeper,
        WaitError, //
    },
    registry::{
        self,
        About, //
    },
};
use core::panic::Location;

impl Locked<'_> {
    /// Returns the number of tasks that wait for the entry at the position.
    pub(super) fn waiters(&self, xas: &mut Xas) -> usize {
        match self.look(xas, Target::Here, None) {
            Look {
                seen: Seen::Busy(raw),
                granule: Some(granule),
                ..
            } => wait::count(&Table, &self.tree.key(granule), raw),
            _ => 0,
        }
    }

    /// Waits for the entry `raw` at the position, which another task owns. Releases the lock.
    ///
    /// [`Grant::Owned`] is a debt: the next [`Locked::look`] must be given the granule, and be
    /// [settled](Locked::settle).
    ///
    /// # Errors
    ///
    /// Why the sleeper gave up. It owns nothing then: if it was granted the entry in the meantime,
    /// that is what it returns with.
    #[inline(never)]
    #[track_caller]
    pub(super) fn wait(
        self,
        xas: &mut Xas,
        granule: Granule,
        raw: Raw,
        sleeper: &mut KernelSleeper,
    ) -> Result<Grant, WaitError> {
        let tree = self.tree;
        let key = tree.key(granule);
        // Not in the closure, whose caller is this function.
        let place = Location::caller();
        sleeper.about = registry::is_wanted().then(|| About {
            object: tree.object(granule),
            label: tree.label(),
            place,
            class: 0,
        });
        wait::wait(&mut At { tree, xas, granule }, self, &key, raw, sleeper)
    }
}

/// The entry of a granule in a tree.
struct At<'a, 'x> {
    tree: &'a Tree,
    xas: &'x mut Xas,
    granule: Granule,
}

impl<'a> Place for At<'a, '_> {
    type Buckets = Table;
    type Held = Locked<'a>;

    fn buckets(&self) -> &Table {
        &Table
    }

    fn lock(&mut self) -> Locked<'a> {
        self.tree.lock_irq()
    }

    fn load(&mut self, held: &mut Locked<'a>) -> Option<Raw> {
        self.xas.seek(self.granule.base());
        held.load(self.xas)
    }

    fn store(&mut self, held: &mut Locked<'a>, raw: Raw) {
        held.replace(self.xas, raw);
    }

    fn count(&mut self, held: &mut Locked<'a>, waits: bool) {
        if waits {
            held.tree.goes_to_sleep();
        } else {
            held.tree.have_slept(1);
        }
    }
}
