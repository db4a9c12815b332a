// SPDX-License-Identifier: GPL-2.0

//! Where the word of an entry is.
//!
//! C header: [`include/linux/xarray.h`](srctree/include/linux/xarray.h)
//!
//! # Why it stays there
//!
//! An entry is removed and split by its owner only, and not while it is shared. Until then the node that it is in has an entry,
//! and so is neither freed nor does it go to another place: the tree grows and shrinks above it. The
//! one exception is the entry of index 0, which moves between the head and a node (`xas_expand()`,
//! `xas_shrink()`). It is reached with the tree lock only.
//!
//! A task that owns nothing can find the slot as well, under RCU, which keeps the node. The slots of a
//! node that is not in the tree any more hold no values, and what is not there is not exchanged.

use super::{
    state::{
        Access,
        Granule,
        Order,
        Raw, //
    },
    tree::{
        stored,
        Tree, //
    },
    value::Marks,
    word::{
        seize,
        Word, //
    },
    xas::Xas, //
};
use crate::ffi;
use core::ptr::NonNull;
use kernel::ffi::c_void;

/// The slot of an entry.
///
/// # Invariants
///
/// It is a slot of a node, or the head, of an XArray that exists, for as long as this is used: the
/// entry is there and the caller has it, or the tree lock or an RCU read-side critical section is held.
#[derive(Clone, Copy)]
pub(super) struct TreeWord(NonNull<*mut c_void>);

// SAFETY: It is accessed by atomic operations only, and may be by any task for which the invariants
// hold.
unsafe impl Send for TreeWord {}

// SAFETY: As above.
unsafe impl Sync for TreeWord {}

impl TreeWord {
    /// Whether the entry of a granule may move while it has an owner.
    #[inline]
    fn moves(granule: Granule) -> bool {
        granule.base() == 0 && granule.order() == Order::Pte
    }

    /// Returns the marks of the entry of `granule`, which is the caller's, and is in a node.
    #[inline]
    pub(super) fn marks(&self, granule: Granule) -> Marks {
        let (base, order) = (granule.base(), granule.order().shift());
        // SAFETY: The slot is that of the entry, and valid by the type invariants.
        Marks(unsafe { ffi::baton_slot_marks(self.0.as_ptr(), base, order) })
    }
}

impl Word for TreeWord {
    #[inline]
    fn load(&self) -> Option<Raw> {
        // As `READ_ONCE()`.
        // SAFETY: It is valid by the type invariants, and written to by whole words only.
        let bits = unsafe { self.0.as_ptr().read_volatile() }.addr() as u64;
        // As `xa_is_value()`: without the lock there are nodes and others as well.
        (bits & 1 != 0).then(|| Raw::from_bits(bits >> 1))
    }

    #[inline]
    fn exchange_acquire(&self, old: Raw, new: Raw) -> bool {
        // SAFETY: It is valid by the type invariants.
        unsafe { ffi::baton_slot_exchange_acquire(self.0.as_ptr(), stored(old), stored(new)) }
    }

    #[inline]
    fn exchange_release(&self, old: Raw, new: Raw) -> bool {
        // SAFETY: It is valid by the type invariants.
        unsafe { ffi::baton_slot_exchange_release(self.0.as_ptr(), stored(old), stored(new)) }
    }
}

impl Xas {
    /// Returns where the word of the entry at the position is. The position is at an entry, and the lock
    /// is held.
    #[inline]
    pub(super) fn word(&self) -> TreeWord {
        let node = self.state.xa_node;
        let slot = if node.is_null() {
            // SAFETY: The state is initialised by the type invariants, and its XArray exists.
            unsafe { &raw mut (*self.state.xa).xa_head }
        } else {
            let offset = usize::from(self.state.xa_offset);
            // SAFETY: The position is at an entry of this node, which has that many slots.
            unsafe { (&raw mut (*node).slots).cast::<*mut c_void>().add(offset) }
        };
        // INVARIANT: The lock is held.
        // SAFETY: It is a field of a structure.
        TreeWord(unsafe { NonNull::new_unchecked(slot) })
    }

    /// Returns where the word of an entry of the caller's is, on which the position is, if it stays there.
    #[inline]
    pub(super) fn owned_word(&self, granule: Granule) -> Option<TreeWord> {
        // INVARIANT: It is the caller's, and only its owner removes it.
        (!TreeWord::moves(granule)).then(|| self.word())
    }
}

impl Tree {
    /// Takes the entry that covers `index` without the tree lock, if there is one that can be had.
    ///
    /// `None` says nothing: it may be there, and the lock has to be taken to see.
    #[inline]
    pub(super) fn try_seize(&self, index: usize, access: Access) -> Option<(TreeWord, Raw)> {
        if index == 0 {
            return None;
        }
        // SAFETY: The XArray is initialised.
        let slot = NonNull::new(unsafe { ffi::baton_xa_slot_begin(self.xarray(), index) })?;
        // INVARIANT: It is a slot of the tree, and RCU keeps it.
        let word = TreeWord(slot);
        let raw = seize(&word, access);
        // SAFETY: It has begun above.
        unsafe { ffi::baton_xa_slot_end() };
        // INVARIANT: With an entry, the caller has it. It does not move: its index is not 0.
        raw.map(|raw| (word, raw))
    }
}
