// SPDX-License-Identifier: GPL-2.0

//! Waiting for an event.
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)

use super::{
    mode::{
        Closed,
        Mode, //
    },
    platform::{
        Kernel,
        KernelSleeper, //
    },
    protocol::{
        self,
        sleep_until_completed,
        Sleeper,
        Waiter,
        SERVED,
        WAITING, //
    },
    Event,
    Parts,
    Policy, //
};
use crate::context::{
    Borrowed,
    Held,
    LockIn, //
};
use core::{
    pin::Pin,
    ptr, //
};
use kernel::sync::lock::Backend;

impl<'a, 'c, T, B: Backend> Held<'a, 'c, T, B> {
    /// Waits until `claim` succeeds, and returns what it claimed.
    ///
    /// `event` selects the event within the protected data; it is called again if the task gives up,
    /// and has to select the same one. The claim is tried at once; if it fails,
    /// the task goes to sleep and the lock is released. From then on, whoever updates the event
    /// tries the claim on this task's behalf, under the lock, and wakes it when the claim has
    /// succeeded. The lock is not taken again: the claim has taken under it what was needed.
    ///
    /// `claim` is a plain function: it sees the event's data and `arg`, and nothing that another
    /// lock protects. It may run in any context in which the lock is taken, so it must not sleep,
    /// allocate, or take long.
    ///
    /// Context: may sleep; no other lock is held, which the capability sees to.
    ///
    /// # Errors
    ///
    /// [`Closed`] if the event was closed or dropped. With a mode that allows for it, a signal or
    /// the end of the time; what was claimed in the meantime is returned rather than an error.
    #[doc(alias("wait_event", "wait_event_lock_irq", "xlog_wait"))]
    #[inline]
    pub fn wait<W, P, A, R, M>(
        self,
        mode: M,
        mut event: impl FnMut(Pin<&mut T>) -> Pin<&mut Event<W, P>>,
        claim: fn(&mut W, &A) -> Option<R>,
        arg: A,
    ) -> Result<R, M::Error>
    where
        W: Send,
        P: Policy,
        A: Send + 'static,
        R: Send + 'static,
        M: Mode,
    {
        self.wait_found(mode, |data| Some(event(data)), claim, arg)
    }

    /// Like [`Held::wait`], for an event in an object that has to be looked up first.
    ///
    /// # Errors
    ///
    /// As [`Held::wait`]; [`Closed`] as well if `find` returns [`None`], since an object that is gone
    /// has closed its events.
    ///
    /// An object that is taken out of the lock while somebody waits for its event keeps the waiter
    /// until it is dropped, or put back, or its event is updated: a signal or timeout that comes
    /// meanwhile is late.
    #[inline]
    pub fn wait_found<W, P, A, R, M>(
        self,
        mode: M,
        find: impl FnMut(Pin<&mut T>) -> Option<Pin<&mut Event<W, P>>>,
        claim: fn(&mut W, &A) -> Option<R>,
        arg: A,
    ) -> Result<R, M::Error>
    where
        W: Send,
        P: Policy,
        A: Send + 'static,
        R: Send + 'static,
        M: Mode,
    {
        wait(self, mode, find, claim, arg)
    }

    /// Like [`Held::wait`], and takes the lock again whatever came of it.
    #[inline]
    pub fn wait_relock<W, P, A, R, M>(
        self,
        mode: M,
        event: impl FnMut(Pin<&mut T>) -> Pin<&mut Event<W, P>>,
        claim: fn(&mut W, &A) -> Option<R>,
        arg: A,
    ) -> (Held<'a, 'c, T, B>, Result<R, M::Error>)
    where
        W: Send,
        P: Policy,
        A: Send + 'static,
        R: Send + 'static,
        M: Mode,
    {
        let Held { guard, cx, .. } = self;
        let lock = guard.lock_ref();
        let result = Held {
            guard,
            cx: &mut *cx,
            _borrowed: Borrowed::new(),
        }
        .wait(mode, event, claim, arg);
        (lock.lock_in(cx), result)
    }
}

/// The wait itself.
///
/// The event is only ever reached through a reference that `find` has derived from a guard, also when
/// the waiter gives up and has to be taken off the list: it may have been freed in between, or moved
/// out of the lock by its owner, who may then use it without the lock.
fn wait<T, B, W, P, A, R, M>(
    held: Held<'_, '_, T, B>,
    mode: M,
    mut find: impl FnMut(Pin<&mut T>) -> Option<Pin<&mut Event<W, P>>>,
    claim: fn(&mut W, &A) -> Option<R>,
    arg: A,
) -> Result<R, M::Error>
where
    B: Backend,
    P: Policy,
    M: Mode,
{
    // The capability stays borrowed until this function returns.
    let Held {
        mut guard, cx: _cx, ..
    } = held;
    let lock = guard.lock_ref();
    let waiter = Waiter::<W, A, R, Kernel>::new(claim, arg);
    let entry = Waiter::entry(&raw const waiter);
    let mut sleeper = KernelSleeper::new(&mode);

    let Some(event) = find(guard.as_mut()) else {
        return Err(Closed.into());
    };
    let address = ptr::from_ref(&*event);
    #[cfg(CONFIG_LOCKDEP)]
    event.wait_map_acquire();
    let Parts { queue, data } = event.parts();
    if queue.is_closed() {
        return Err(Closed.into());
    }
    if !P::FIFO || queue.is_empty() {
        if let Some(result) = waiter.try_now(data) {
            if !queue.is_empty() {
                queue.consider(data, P::FIFO);
            }
            return Ok(result);
        }
    }
    // SAFETY: `waiter` stays in this frame until its entry is off the list: the frame is left only
    // after the status was seen to be other than `WAITING`, or after `withdraw()`. The queue is not
    // closed.
    unsafe { queue.enqueue(entry) };
    sleeper.publish(); // A, pairs with C
    drop(guard);

    let status = loop {
        // SAFETY: This task has enqueued the entry.
        let why = match unsafe { sleep_until_completed(entry, &mut sleeper) } {
            Ok(status) => break status,
            Err(why) => why,
        };
        let mut guard = lock.lock();
        // SAFETY: This task has enqueued the entry.
        let status = unsafe { protocol::status(entry) };
        if status != WAITING {
            // It was completed meanwhile: what it was given wins.
            break status;
        }
        match find(guard.as_mut()) {
            // The entry is on the list of a live event at `address`, and there cannot be two.
            Some(event) if ptr::eq(&*event, address) => {
                let Parts { queue, data } = event.parts();
                // SAFETY: The entry is on the list of this queue.
                unsafe { queue.withdraw(entry, data, P::FIFO) };
                return Err(M::gave_up(why));
            }
            // The event has left the lock with this task on it. Whoever has it now may be using it
            // at this moment, so the entry has to stay until it is completed, by an update or, at
            // the latest, when the event is dropped.
            _ => {
                drop(guard);
                sleeper.insist();
                sleeper.publish(); // A, pairs with C
            }
        }
    };

    if status != SERVED {
        return Err(Closed.into());
    }
    // SAFETY: The status was seen to be other than `WAITING`, with acquire ordering.
    match unsafe { waiter.take() } {
        Some(result) => Ok(result),
        // Not reached: `SERVED` is published after the result was stored.
        None => Err(Closed.into()),
    }
}
