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
        Access,
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
    word::{
        note,
        note_waiter, //
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

    /// Waits for the entry at the position, which others have. Releases the lock.
    ///
    /// [`Grant::Owned`] is a debt: the entry is this task's, or shared by it. Of an owner the next
    /// [`Locked::look`] must be given the granule, and be [settled](Locked::settle).
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
        access: Access,
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
        let mut at = At { tree, xas, granule };
        wait::wait(&mut at, self, &key, access, sleeper)
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

    fn note_waiter(&mut self, _held: &mut Locked<'a>, access: Access) -> bool {
        note_waiter(&self.xas.word(), access)
    }

    fn note(&mut self, _held: &mut Locked<'a>, readers: u64, waiters: bool) {
        // The position is at the entry, since it was loaded.
        note(&self.xas.word(), readers, waiters);
    }

    fn waits(&mut self, held: &mut Locked<'a>) {
        held.tree.goes_to_sleep();
    }

    fn gives_up(&mut self, held: &mut Locked<'a>, others: usize) {
        held.tree.have_slept(1 + others);
    }
}
