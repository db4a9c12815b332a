// SPDX-License-Identifier: GPL-2.0

//! The data of a request: a cursor over its segments that copies.
//!
//! The pages of a request belong to somebody else, who may well write to them while the driver
//! reads (a page that is mapped, a buffer of direct I/O). No reference to them is ever made: a
//! cursor copies into and from memory of the driver's own, in C, and moves on by what it copied.
//! Where one segment ends and the next one begins is not the driver's business.

use crate::ffi;
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// Returns a cursor that stands at the first byte of a request.
///
/// # Safety
///
/// `rq` must be valid and started.
unsafe fn first(rq: NonNull<bindings::request>) -> bindings::req_iterator {
    // SAFETY: `rq` is valid, by the safety requirements.
    let bio = unsafe { (*rq.as_ptr()).bio };
    let iter = if bio.is_null() {
        pin_init::zeroed()
    } else {
        // SAFETY: The bios of a started request are valid.
        unsafe { (*bio).bi_iter }
    };
    bindings::req_iterator { iter, bio }
}

/// The data of a write.
///
/// Dropping it does nothing, and so does `mem::forget`: the data belongs to the request.
///
/// # Invariants
///
/// The bios that `cursor` has still to visit, and their pages, are valid during `'a`.
pub struct Source<'a> {
    cursor: bindings::req_iterator,
    _request: PhantomData<&'a bindings::request>,
}

impl Source<'_> {
    /// # Safety
    ///
    /// `rq` must be valid and started, and not ended while the result exists.
    pub(super) unsafe fn new(rq: NonNull<bindings::request>) -> Self {
        // INVARIANT: The bios and pages of a request are valid until it is ended.
        Self {
            // SAFETY: `rq` is valid and started, by the safety requirements.
            cursor: unsafe { first(rq) },
            _request: PhantomData,
        }
    }

    /// Copies the next `dst.len()` bytes out of the request.
    ///
    /// Returns `EIO` if the request has fewer.
    ///
    /// Context: any, hard interrupts included.
    pub fn copy_to(&mut self, dst: &mut [u8]) -> Result {
        // SAFETY: The cursor is valid by the type invariants, and `dst` is valid for writes of its
        // length. The pages of a request do not overlap with memory that Rust has borrowed.
        let copied = unsafe {
            ffi::baton_blk_copy_from_request(&mut self.cursor, dst.as_mut_ptr(), dst.len())
        };
        if copied == dst.len() {
            Ok(())
        } else {
            Err(EIO)
        }
    }
}

/// Where the data of a read goes.
///
/// Dropping it does nothing, and so does `mem::forget`: the data belongs to the request.
///
/// # Invariants
///
/// The bios that `cursor` has still to visit, and their pages, are valid during `'a`, and the
/// pages may be written to.
pub struct Sink<'a> {
    cursor: bindings::req_iterator,
    _request: PhantomData<&'a mut bindings::request>,
}

impl Sink<'_> {
    /// # Safety
    ///
    /// `rq` must be valid and started, a read, and not ended while the result exists.
    pub(super) unsafe fn new(rq: NonNull<bindings::request>) -> Self {
        // INVARIANT: The bios and pages of a request are valid until it is ended, and those of a
        // read are there to be written to.
        Self {
            // SAFETY: `rq` is valid and started, by the safety requirements.
            cursor: unsafe { first(rq) },
            _request: PhantomData,
        }
    }

    /// Copies `src` into the next bytes of the request.
    ///
    /// Returns `EIO` if the request has no room for all of it.
    ///
    /// Context: any, hard interrupts included.
    pub fn copy_from(&mut self, src: &[u8]) -> Result {
        // SAFETY: The cursor is valid by the type invariants, and `src` is valid for reads of its
        // length. The pages of a request do not overlap with memory that Rust has borrowed.
        let copied =
            unsafe { ffi::baton_blk_copy_to_request(&mut self.cursor, src.as_ptr(), src.len()) };
        if copied == src.len() {
            Ok(())
        } else {
            Err(EIO)
        }
    }
}
