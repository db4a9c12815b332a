// SPDX-License-Identifier: GPL-2.0

//! Who asks: the table of a `poll()`, and the file that it is about.

use super::{
    head::{
        new_head,
        Head,
        Heads, //
    },
    mask::Mask,
    source::Source, //
};
use crate::{
    event::Policy,
    held::LockIn,
    level::{
        After,
        Level,
        Unordered, //
    },
    MaySleep, //
};
use core::{
    cell::Cell,
    ptr, //
};
use kernel::{
    bindings,
    fs::File,
    prelude::*,
    sync::{
        lock::{
            Backend,
            Lock, //
        },
        poll::PollTable,
        Arc, //
    },
};

/// A `poll()`, `select()`, `epoll` or the like that asks what a file is ready for.
///
/// It exists as long as the question. Dropping it, and `mem::forget`, do nothing: who asks keeps what is
/// registered. It cannot be asked for from itself, by the closures of [`Table::watch`]: they have no capability.
#[doc(alias = "poll_table")]
pub struct Table<'a> {
    raw: *mut bindings::poll_table_struct,
    file: &'a File,
    heads: &'a Heads,
    /// What was registered with last. The file keeps it.
    registered: Cell<*const Head>,
}

/// How often a source is selected, until it is the one that was registered.
///
/// One that stays the same is selected three times at most: without a head, with the new one, and registered.
const LOOKS: usize = 32;

impl<'a> Table<'a> {
    /// # Safety
    ///
    /// `raw` must be null or a valid table for `'a`, and `heads` live until `file` is released.
    pub(crate) unsafe fn new(
        raw: *mut bindings::poll_table_struct,
        file: &'a File,
        heads: &'a Heads,
    ) -> Self {
        Self {
            raw,
            file,
            heads,
            registered: Cell::new(ptr::null()),
        }
    }

    /// Returns what a [`Source`] is ready for, and has who asks woken when that may have changed.
    ///
    /// `select` finds the source in the data of `lock`, and `ready` says what its data makes the file ready
    /// for; a source that is closed is [`Mask::HUP`] as well. Several sources are watched one after the other,
    /// and the masks put together. io_uring takes two of them at most, that have no [`Pollers`] in common.
    ///
    /// [`Pollers`]: super::Pollers
    ///
    /// The lock is given up while who asks is registered, and `select` is called again behind that: it may find
    /// another source then, which is registered as well.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// [`Mask::ERR`] if there is no memory to register with, or if `select` does not come to select a source
    /// that it has selected before.
    #[doc(alias = "poll_wait")]
    pub fn watch<T, B, W, P, E, C>(
        &self,
        cx: &mut MaySleep<C>,
        lock: &Lock<T, B>,
        select: impl for<'x> Fn(&'x T) -> &'x Source<W, P, E>,
        ready: impl FnOnce(&W) -> Mask,
    ) -> Mask
    where
        B: Backend,
        P: Policy,
        E: Level,
        C: Level,
        Unordered: After<C>,
    {
        let mut spare = None;
        for _ in 0..LOOKS {
            let held = lock.lock_in(cx);
            let source = select(&held);
            source.note_watched();
            let Some(head) = source.head().cloned() else {
                if !self.is_to_wait() {
                    return source.mask(ready);
                }
                if let Some(head) = spare.take() {
                    source.set_head(head);
                    continue;
                }
                let (name, key) = source.class();
                drop(held);
                spare = match new_head(name, key) {
                    Ok(head) => Some(head),
                    Err(_) => return Mask::ERR,
                };
                continue;
            };
            // The selector may have selected another one this time.
            let is_registered = ptr::eq(self.registered.get(), &*head);
            if is_registered || !self.is_to_wait() {
                return source.mask(ready);
            }
            drop(held);
            if self.register(&head).is_err() {
                return Mask::ERR;
            }
            self.registered.set(&*head);
        }
        Mask::ERR
    }

    /// Returns whether who asks has yet to be registered, and wants to be.
    #[doc(alias = "poll_does_not_wait")]
    fn is_to_wait(&self) -> bool {
        // SAFETY: The table is null or valid, by the safety requirements of `new()`.
        unsafe { self.raw.as_ref() }.is_some_and(|table| table._qproc.is_some())
    }

    /// Registers who asks with a head, which the file keeps.
    fn register(&self, head: &Arc<Head>) -> Result {
        self.heads.keep(head)?;
        // SAFETY: The table is null or valid, by the safety requirements of `new()`.
        let table = unsafe { PollTable::from_raw(self.raw) };
        table.register_wait(self.file, head); // A, pairs with B
        Ok(())
    }
}
