// SPDX-License-Identifier: GPL-2.0

//! One request, owned by the driver from the moment it is queued until it is ended.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use super::{
    data::{
        Sink,
        Source, //
    },
    SECTOR_SHIFT, //
};
use crate::drain::Parkable;
use core::{
    mem,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

/// Requests that were dropped without being ended.
static DROPPED: Atomic<u64> = Atomic::new(0);

/// Returns how many requests were dropped without being ended since the library was loaded.
///
/// Context: any.
pub fn dropped_requests() -> u64 {
    DROPPED.load(Relaxed)
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Op {
    /// Fill the request's pages with data.
    Read,
    /// Keep the data in the request's pages.
    Write,
    /// The data is not needed any more.
    Discard,
    /// From now on read as zeroes.
    WriteZeroes,
    /// Make everything stable that was acknowledged so far.
    Flush,
    /// Something that this layer has no name for.
    Other,
}

/// A started request.
///
/// It is ended exactly once: [`Request::end`] consumes it, and dropping it ends it with `EIO`,
/// counts and warns, because that is a bug in the driver. `mem::forget` leaks the request: its
/// submitter waits for ever, as it would in C. It is ended in any context, [`Operations::queue_rq`] itself
/// included.
///
/// [`Operations::queue_rq`]: super::Operations::queue_rq
///
/// # Invariants
///
/// `rq` is valid, started and not ended, and nobody else ends it.
#[must_use = "a request that is dropped is ended with an error"]
pub struct Request {
    rq: NonNull<bindings::request>,
}

// SAFETY: A started request belongs to whoever holds it, and may be ended by any task and, in this
// layer without per-task completion, in any context.
unsafe impl Send for Request {}

// SAFETY: What `&Request` gives access to is not written while the request is started: operation,
// position, flags, and the list of pages. (The pages themselves are reached through `Source`,
// which copies, and through `Sink`, which needs `&mut`.)
unsafe impl Sync for Request {}

impl Request {
    /// Starts a request that the block layer has just handed to the driver.
    ///
    /// # Safety
    ///
    /// `rq` must be valid and not started, and the caller must own it.
    pub(super) unsafe fn start(rq: *mut bindings::request) -> Self {
        // SAFETY: The request is valid and ours, by the safety requirements.
        unsafe { bindings::blk_mq_start_request(rq) };
        // INVARIANT: It has just been started, and the caller gave it up to us.
        // SAFETY: `rq` is valid, hence not null.
        let rq = unsafe { NonNull::new_unchecked(rq) };
        Self { rq }
    }

    fn flags(&self) -> u32 {
        // SAFETY: The request is valid by the type invariants.
        unsafe { (*self.rq.as_ptr()).cmd_flags }
    }

    fn has_flag(&self, bit: bindings::req_flag_bits) -> bool {
        self.flags() & (1 << bit) != 0
    }

    /// Returns what the request asks for.
    ///
    /// Context: any, hard interrupts included.
    #[doc(alias = "req_op")]
    pub fn op(&self) -> Op {
        match self.flags() & ((1 << bindings::REQ_OP_BITS) - 1) {
            bindings::req_op_REQ_OP_READ => Op::Read,
            bindings::req_op_REQ_OP_WRITE => Op::Write,
            bindings::req_op_REQ_OP_DISCARD => Op::Discard,
            bindings::req_op_REQ_OP_WRITE_ZEROES => Op::WriteZeroes,
            bindings::req_op_REQ_OP_FLUSH => Op::Flush,
            _ => Op::Other,
        }
    }

    /// Returns the first sector, in units of 512 bytes.
    ///
    /// Context: any, hard interrupts included.
    #[doc(alias = "blk_rq_pos")]
    pub fn sector(&self) -> u64 {
        // SAFETY: The request is valid by the type invariants.
        unsafe { (*self.rq.as_ptr()).__sector }
    }

    /// Returns the first byte on the disk.
    ///
    /// Context: any, hard interrupts included.
    pub fn start_byte(&self) -> u64 {
        self.sector() << SECTOR_SHIFT
    }

    /// Returns the number of bytes on the disk that the request covers.
    ///
    /// Context: any, hard interrupts included.
    #[doc(alias = "blk_rq_bytes")]
    pub fn bytes(&self) -> u32 {
        // SAFETY: The request is valid by the type invariants.
        unsafe { (*self.rq.as_ptr()).__data_len }
    }

    /// Returns whether the request may be acknowledged only when it is stable.
    ///
    /// Context: any, hard interrupts included.
    pub fn is_fua(&self) -> bool {
        self.has_flag(bindings::req_flag_bits___REQ_FUA)
    }

    /// Returns whether a [`Op::WriteZeroes`] must keep the space provisioned.
    ///
    /// Context: any, hard interrupts included.
    pub fn must_provision(&self) -> bool {
        self.has_flag(bindings::req_flag_bits___REQ_NOUNMAP)
    }

    /// Gives the request to who has submitted it and polls for it.
    ///
    /// Context: any, hard interrupts included.
    ///
    /// # Errors
    ///
    /// The request, if nobody has said that they poll for it.
    #[doc(alias = "REQ_POLLED")]
    pub fn into_polled(self) -> Result<Polled, Self> {
        if self.has_flag(bindings::req_flag_bits___REQ_POLLED) {
            Ok(Polled(self))
        } else {
            Err(self)
        }
    }

    /// Returns the data of a [`Op::Write`], from its first byte on.
    ///
    /// Context: any, hard interrupts included.
    pub fn source(&self) -> Option<Source<'_>> {
        // SAFETY: A write that is started has its bios, and they stay until it is ended, for which
        // `self` must not be borrowed any more.
        (self.op() == Op::Write).then(|| unsafe { Source::new(self.rq) })
    }

    /// Returns where the data of a [`Op::Read`] goes, from its first byte on.
    ///
    /// Context: any, hard interrupts included.
    pub fn sink(&mut self) -> Option<Sink<'_>> {
        // SAFETY: A read that is started has its bios, and they stay until it is ended, for which
        // `self` must not be borrowed any more. The pages are ours to write to.
        (self.op() == Op::Read).then(|| unsafe { Sink::new(self.rq) })
    }

    /// Ends the request.
    ///
    /// An error is translated as `errno_to_blk_status()` does; what it does not know is an I/O
    /// error.
    ///
    /// Context: any, hard interrupts included.
    #[doc(alias = "blk_mq_end_request")]
    pub fn end(self, result: Result) {
        self.end_inner(result);
        // It is ended: dropping it would end it again.
        mem::forget(self);
    }

    fn end_inner(&self, result: Result) {
        let errno = match result {
            Ok(()) => 0,
            Err(e) => e.to_errno(),
        };
        // SAFETY: A plain table look-up.
        let status = unsafe { bindings::errno_to_blk_status(errno) };
        // SAFETY: The request is valid, started and not ended by the type invariants. Both callers
        // give it up with this call.
        unsafe { bindings::blk_mq_end_request(self.rq.as_ptr(), status) };
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Relaxed);
        pr_warn!(
            "a request was dropped without being ended: {:?}, sector {}, {} bytes\n",
            self.op(),
            self.sector(),
            self.bytes()
        );
        self.end_inner(Err(EIO));
    }
}

/// A request that its submitter polls for: it can wait in a queue that only tasks drain.
///
/// It is ended as a [`Request`] is, dropping it and `mem::forget` are as for that. It is ended by tasks that
/// poll; the submitter itself is one.
#[must_use = "a request that is dropped is ended with an error"]
pub struct Polled(Request);

// SAFETY: Who waits for the end of the request has undertaken to poll, which is what drains the queue
// that it is in.
unsafe impl Parkable for Polled {}

impl Polled {
    /// Ends the request.
    ///
    /// Context: as [`Request::end`].
    pub fn end(self, result: Result) {
        self.0.end(result);
    }
}
