// SPDX-License-Identifier: GPL-2.0

//! A position in the tree.
//!
//! C header: [`include/linux/xarray.h`](srctree/include/linux/xarray.h)

use super::{
    state::{
        Order,
        Raw, //
    },
    tree::{
        stored,
        Tree, //
    },
};
use crate::ffi;
use core::ptr;
use kernel::{
    bindings,
    error::to_result,
    prelude::*, //
};

/// As in `xarray.h`; `helpers_xarray.c` checks it.
const RESTART: *mut bindings::xa_node = ptr::without_provenance_mut(ffi::BATON_XAS_RESTART);

/// A position in a tree.
///
/// # Invariants
///
/// `state` is an initialised XArray operation state. What it says about nodes is used under the lock
/// only, and not after that was released in between; [`Xas::reset`] and [`Xas::seek`] forget it.
pub(super) struct Xas {
    pub(super) state: bindings::xa_state,
    pub(super) order: Order,
}

impl Xas {
    /// Makes a position for entries of `order` at `index`.
    ///
    /// # Errors
    ///
    /// [`EOPNOTSUPP`] if this kernel has no entries of this order (`CONFIG_XARRAY_MULTI`).
    #[inline]
    pub(super) fn new(tree: &Tree, index: usize, order: Order) -> Result<Self> {
        let mut xas = Self::at(tree, index);
        if order != Order::Pte {
            xas.order = order;
            // SAFETY: The state is initialised.
            to_result(unsafe { ffi::baton_xas_set_order(&mut xas.state, index, order.shift()) })?;
        }
        Ok(xas)
    }

    /// Makes a position for entries of one index.
    #[inline]
    pub(super) fn at(tree: &Tree, index: usize) -> Self {
        // INVARIANT: This is `XA_STATE()`.
        Self {
            state: bindings::xa_state {
                xa: tree.xarray(),
                xa_index: index,
                xa_shift: 0,
                xa_sibs: 0,
                xa_offset: 0,
                xa_pad: 0,
                xa_node: RESTART,
                xa_alloc: ptr::null_mut(),
                xa_update: None,
                xa_lru: ptr::null_mut(),
            },
            order: Order::Pte,
        }
    }

    /// Forgets what is known about nodes.
    #[inline]
    pub(super) fn reset(&mut self) {
        self.state.xa_node = RESTART;
    }

    /// Goes to `index`; forgets what is known about nodes.
    #[inline]
    pub(super) fn seek(&mut self, index: usize) {
        self.state.xa_index = index;
        self.reset();
    }

    /// Gets the memory that an insertion was short of, with the lock released.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`] if there is none.
    pub(super) fn get_memory(&mut self, tree: &Tree) -> Result {
        if tree.refuses() {
            return Err(ENOMEM);
        }
        // SAFETY: The state is initialised by the type invariants.
        if unsafe { ffi::baton_xas_nomem(&mut self.state, tree.may_do_io()) } {
            Ok(())
        } else {
            Err(ENOMEM)
        }
    }

    /// Gets the memory to split an entry of `order` into entries of the order of the position, and
    /// prepares them as `raw`.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`] if there is none.
    pub(super) fn alloc_split(&mut self, tree: &Tree, raw: Raw, order: Order) -> Result {
        if tree.refuses() {
            return Err(ENOMEM);
        }
        // SAFETY: The state is initialised by the type invariants.
        to_result(unsafe {
            ffi::baton_xas_split_alloc(
                &mut self.state,
                stored(raw),
                order.shift(),
                tree.may_do_io(),
            )
        })
    }

    /// Returns the index.
    #[inline]
    pub(super) fn index(&self) -> usize {
        self.state.xa_index
    }
}

impl Drop for Xas {
    #[inline]
    fn drop(&mut self) {
        if !self.state.xa_alloc.is_null() {
            // SAFETY: The state is initialised by the type invariants.
            unsafe { bindings::xas_destroy(&mut self.state) };
        }
    }
}
