// SPDX-License-Identifier: GPL-2.0

//! What waits in a sink.

use super::finish::{
    Context,
    Finish, //
};
use core::mem;
use kernel::{
    prelude::*,
    static_lock_class,
    str::CStr,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        LockClassKey,
        SpinLockIrq, //
    },
};

/// Two buffers with room for everything: one that fills, and one that is finished meanwhile.
struct Buffers<P> {
    filling: KVec<P>,
    spare: KVec<P>,
    room: usize,
}

/// A queue that is taken as a whole.
#[pin_data]
pub(super) struct Queue<P> {
    #[pin]
    buffers: SpinLockIrq<Buffers<P>>,
    /// Changes with the lock held. Who drops the sink looks without it, where it cannot be taken:
    /// on `PREEMPT_RT` it sleeps.
    closed: Atomic<bool>,
}

/// The lock class of all queues.
// Not generic and never inlined: there is one key, with one name.
#[inline(never)]
fn class() -> (&'static CStr, Pin<&'static LockClassKey>) {
    (c"baton_sink", static_lock_class!())
}

impl<P: Send> Queue<P> {
    /// Makes a queue for up to `room` things.
    pub(super) fn new(room: usize) -> impl PinInit<Self, Error> {
        pin_init::pin_init_scope(move || {
            let buffers = Buffers {
                filling: KVec::with_capacity(room, GFP_KERNEL)?,
                spare: KVec::with_capacity(room, GFP_KERNEL)?,
                room,
            };
            let (name, key) = class();
            Ok(try_pin_init!(Self {
                buffers <- SpinLockIrq::new(buffers, name, key),
                closed: Atomic::new(false),
            }? Error))
        })
    }

    /// Adds something. If it is the first one, `kick` starts what finishes it, under the lock.
    ///
    /// A sink that has been closed starts nothing any more: who closes it takes the lock after the last
    /// `kick`, and before the next one could be.
    pub(super) fn push(&self, payload: P, kick: impl FnOnce()) -> Result<(), P> {
        let mut buffers = self.buffers.lock();
        // A vector of what has no size has room for everything.
        if self.closed.load(Relaxed) || buffers.filling.len() >= buffers.room {
            return Err(payload);
        }
        let first = buffers.filling.is_empty();
        match buffers.filling.push_within_capacity(payload) {
            Ok(()) if first => kick(),
            Ok(()) => (),
            Err(error) => return Err(error.0),
        }
        Ok(())
    }

    /// From here on, what is handed over is returned.
    pub(super) fn close(&self) {
        let _buffers = self.buffers.lock();
        self.closed.store(true, Relaxed);
    }

    /// Takes no lock.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.buffers.lock().filling.is_empty()
    }

    /// Finishes what is there, oldest first; returns how many that were.
    ///
    /// If several do this at once, a third one finds no empty buffer to leave behind, and things that
    /// are handed over then are returned.
    pub(super) fn finish<C: Context>(&self, cx: &mut C) -> usize
    where
        P: Finish<C>,
    {
        let mut batch = {
            let mut buffers = self.buffers.lock();
            let empty = mem::take(&mut buffers.spare);
            mem::replace(&mut buffers.filling, empty)
        };
        let count = batch.len();
        for payload in batch.drain_all() {
            payload.finish(cx);
        }
        let mut buffers = self.buffers.lock();
        // It goes where there is none. A third one, which found none, has taken and gives back nothing.
        let unused = if buffers.filling.capacity() == 0 {
            mem::replace(&mut buffers.filling, batch)
        } else if buffers.spare.capacity() == 0 {
            mem::replace(&mut buffers.spare, batch)
        } else {
            batch
        };
        drop(buffers);
        drop(unused);
        count
    }
}
