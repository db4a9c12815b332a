// SPDX-License-Identifier: GPL-2.0

//! Waiting for an event: the forms of the wait, and how they sleep.
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)

use super::{
    private::Sealed,
    protocol::{
        self,
        sleep_until_completed,
        Platform,
        Sleeper,
        Waiter,
        SERVED,
        WAITING, //
    },
    Event,
    Policy, //
};
use crate::{
    context::{
        Held,
        LockIn,
        MaySleep, //
    },
    ffi,
};
use core::pin::Pin;
use kernel::{
    bindings,
    ffi::c_long,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Release, //
        },
        lock::{
            Backend,
            Guard,
            Lock, //
        },
        rcu, //
    },
    task::Task,
    time::Jiffies,
};

/// The event was closed or dropped: what the waiter asked for will not happen any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// The time was over, and the claim had not succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

/// Why a wait ended without what was claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitError {
    /// The event was closed or dropped.
    Closed,
    /// A signal arrived.
    Signal,
    /// The time was over.
    TimedOut,
}

impl From<Closed> for WaitError {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl From<Closed> for Error {
    fn from(_: Closed) -> Self {
        ESHUTDOWN
    }
}

impl From<WaitError> for Error {
    fn from(error: WaitError) -> Self {
        match error {
            WaitError::Closed => ESHUTDOWN,
            WaitError::Signal => ERESTARTSYS,
            WaitError::TimedOut => ETIMEDOUT,
        }
    }
}

/// A form of waiting: what can end it besides the event. Sealed.
///
/// [`Uninterruptible`], [`Interruptible`], [`Killable`], [`Io`], [`Idle`], and each of them with
/// [`Mode::timeout`].
pub trait Mode: Sealed {
    /// How a wait of this form can fail: [`Closed`] where nothing else can end it.
    type Error: From<Closed> + Into<Error>;

    /// The task state while asleep.
    #[doc(hidden)]
    const STATE: u32;

    /// Whether the time asleep counts as waiting for I/O.
    #[doc(hidden)]
    const IO: bool = false;

    /// The longest sleep in jiffies.
    #[doc(hidden)]
    fn limit(&self) -> c_long {
        c_long::MAX
    }

    /// Makes the error from why the sleeper gave up.
    #[doc(hidden)]
    fn gave_up(why: WaitError) -> Self::Error;

    /// Returns this form with a limit in jiffies.
    #[doc(alias("schedule_timeout", "wait_event_timeout"))]
    fn timeout(self, jiffies: Jiffies) -> Timeout<Self>
    where
        Self: Sized,
    {
        Timeout {
            mode: self,
            jiffies,
        }
    }
}

/// Nothing but the event ends the wait (`TASK_UNINTERRUPTIBLE`).
#[doc(alias("TASK_UNINTERRUPTIBLE", "wait_event"))]
pub struct Uninterruptible;

/// A signal ends the wait (`TASK_INTERRUPTIBLE`).
#[doc(alias("TASK_INTERRUPTIBLE", "wait_event_interruptible"))]
pub struct Interruptible;

/// A fatal signal ends the wait (`TASK_KILLABLE`).
#[doc(alias("TASK_KILLABLE", "wait_event_killable"))]
pub struct Killable;

/// Nothing but the event ends the wait, and the time counts as waiting for I/O.
#[doc(alias("io_schedule", "io_wait_event"))]
pub struct Io;

/// Nothing but the event ends the wait, and the task does not count as load (`TASK_IDLE`).
#[doc(alias("TASK_IDLE", "wait_event_idle"))]
pub struct Idle;

/// A form of waiting with a limit in jiffies: see [`Mode::timeout`].
pub struct Timeout<M> {
    mode: M,
    jiffies: Jiffies,
}

impl Sealed for Uninterruptible {}
impl Sealed for Interruptible {}
impl Sealed for Killable {}
impl Sealed for Io {}
impl Sealed for Idle {}
impl<M> Sealed for Timeout<M> {}

impl Mode for Uninterruptible {
    type Error = Closed;
    const STATE: u32 = bindings::TASK_UNINTERRUPTIBLE;

    fn gave_up(_: WaitError) -> Closed {
        Closed
    }
}

impl Mode for Interruptible {
    type Error = WaitError;
    const STATE: u32 = bindings::TASK_INTERRUPTIBLE;

    fn gave_up(why: WaitError) -> WaitError {
        why
    }
}

impl Mode for Killable {
    type Error = WaitError;
    const STATE: u32 = bindings::TASK_KILLABLE;

    fn gave_up(why: WaitError) -> WaitError {
        why
    }
}

impl Mode for Io {
    type Error = Closed;
    const STATE: u32 = bindings::TASK_UNINTERRUPTIBLE;
    const IO: bool = true;

    fn gave_up(_: WaitError) -> Closed {
        Closed
    }
}

impl Mode for Idle {
    type Error = Closed;
    const STATE: u32 = bindings::TASK_IDLE;

    fn gave_up(_: WaitError) -> Closed {
        Closed
    }
}

impl<M: Mode> Mode for Timeout<M> {
    type Error = WaitError;
    const STATE: u32 = M::STATE;
    const IO: bool = M::IO;

    fn limit(&self) -> c_long {
        // A limit that does not fit is longer than the machine will run.
        c_long::try_from(self.jiffies)
            .unwrap_or(c_long::MAX)
            .min(self.mode.limit())
    }

    fn gave_up(why: WaitError) -> WaitError {
        why
    }
}

/// The kernel as the platform of the protocol.
pub(crate) struct Kernel;

// SAFETY: `Atomic` has the orderings that it is asked for. A `task_struct` is freed an RCU grace
// period after the task's last reference of its own is dropped, which happens after the task has
// run, hence after it has returned from the wait, hence after the last access to its entry; `Live`
// is an RCU read section that began before. `rcuwait_wake_up()` relies on the same.
unsafe impl Platform for Kernel {
    type Task = *mut bindings::task_struct;
    type Status = Atomic<u32>;
    type Live = rcu::Guard;

    #[inline]
    fn status() -> Atomic<u32> {
        Atomic::new(WAITING)
    }

    #[inline]
    fn load_acquire(status: &Atomic<u32>) -> u32 {
        status.load(Acquire)
    }

    #[inline]
    fn store_release(status: &Atomic<u32>, value: u32) {
        status.store(value, Release);
    }

    #[inline]
    fn current() -> *mut bindings::task_struct {
        Task::current_raw()
    }

    #[inline]
    fn live() -> rcu::Guard {
        rcu::read_lock()
    }

    #[inline]
    fn wake(task: *mut bindings::task_struct, _live: &rcu::Guard) {
        // SAFETY: By the safety requirements of `Platform`, `task` is valid while `_live` exists.
        // `try_to_wake_up()` begins with `smp_mb__after_spinlock()`: barrier C of the protocol.
        unsafe { bindings::wake_up_process(task) };
    }
}

/// Sleeps in the way of one [`Mode`].
pub(crate) struct KernelSleeper {
    state: u32,
    io: bool,
    left: c_long,
}

impl KernelSleeper {
    /// Makes the sleeper of a wait that begins now.
    #[inline]
    pub(crate) fn new<M: Mode>(mode: &M) -> Self {
        Self {
            state: M::STATE,
            io: M::IO,
            left: mode.limit(),
        }
    }
}

impl Sleeper for KernelSleeper {
    type GaveUp = WaitError;

    #[inline]
    fn publish(&mut self) {
        // SAFETY: Sets the state of the calling task; `set_current_state()` ends with `smp_mb()`:
        // barrier A of the protocol.
        unsafe { ffi::baton_set_current_state(self.state) };
    }

    #[inline]
    fn give_up(&mut self) -> Option<WaitError> {
        // SAFETY: Reads flags of the calling task.
        if unsafe { ffi::baton_signal_pending_state(self.state) } != 0 {
            Some(WaitError::Signal)
        } else if self.left == 0 {
            Some(WaitError::TimedOut)
        } else {
            None
        }
    }

    #[inline]
    fn sleep(&mut self) {
        // SAFETY: The capability of the wait says that this task may sleep.
        self.left = unsafe {
            if self.io {
                bindings::io_schedule_timeout(self.left)
            } else {
                bindings::schedule_timeout(self.left)
            }
        };
    }

    #[inline]
    fn running(&mut self) {
        // SAFETY: Sets the state of the calling task.
        unsafe { ffi::baton_set_running() };
    }
}

impl<'a, 'c, T, B: Backend> Held<'a, 'c, T, B> {
    /// Waits until `claim` succeeds, and returns what it claimed.
    ///
    /// `event` selects the event within the protected data. The claim is tried at once; if it fails,
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
        event: impl FnOnce(Pin<&mut T>) -> Pin<&mut Event<W, P>>,
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
    #[inline]
    pub fn wait_found<W, P, A, R, M>(
        self,
        mode: M,
        find: impl FnOnce(Pin<&mut T>) -> Option<Pin<&mut Event<W, P>>>,
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
        let Held { mut guard, cx } = self;
        let lock = guard.lock_ref();
        let Some(event) = find(guard.as_mut()) else {
            return Err(Closed.into());
        };
        // SAFETY: The event is not moved; the pointer is used under the lock only.
        let event: *mut Event<W, P> = unsafe { Pin::get_unchecked_mut(event) };
        // SAFETY: `event` came from a pinned reference into the protected data just now.
        unsafe { wait(lock, guard, event, mode, claim, arg, cx) }
    }

    /// Like [`Held::wait`], and takes the lock again whatever came of it.
    #[inline]
    pub fn wait_relock<W, P, A, R, M>(
        self,
        mode: M,
        event: impl FnOnce(Pin<&mut T>) -> Pin<&mut Event<W, P>>,
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
        let Held { guard, cx } = self;
        let lock = guard.lock_ref();
        let result = Held {
            guard,
            cx: &mut *cx,
        }
        .wait(mode, event, claim, arg);
        (lock.lock_in(cx), result)
    }
}

/// The wait, with the event as a pointer: it must survive the release of the lock.
///
/// # Safety
///
/// `event` must point to an event that lives inside the data of `lock`, pinned, and `guard` must be
/// a guard of `lock`.
unsafe fn wait<T, B, W, P, A, R, M>(
    lock: &Lock<T, B>,
    guard: Guard<'_, T, B>,
    event: *mut Event<W, P>,
    mode: M,
    claim: fn(&mut W, &A) -> Option<R>,
    arg: A,
    _cx: &mut MaySleep,
) -> Result<R, M::Error>
where
    B: Backend,
    P: Policy,
    M: Mode,
{
    let waiter = Waiter::<W, A, R, Kernel>::new(claim, arg);
    let entry = Waiter::entry(&raw const waiter);
    let mut sleeper = KernelSleeper::new(&mode);

    {
        // SAFETY: By the safety requirements `event` is valid and the lock is held.
        let event = unsafe { &mut *event };
        if event.queue.is_closed() {
            return Err(Closed.into());
        }
        if !P::FIFO || event.queue.is_empty() {
            if let Some(result) = waiter.try_now(&mut event.data) {
                if !event.queue.is_empty() {
                    event.queue.consider(&mut event.data, P::FIFO);
                }
                return Ok(result);
            }
        }
        #[cfg(CONFIG_LOCKDEP)]
        // SAFETY: The map was initialised with the event.
        unsafe {
            ffi::baton_wait_map_acquire(event.map.get())
        };
        // SAFETY: `waiter` stays in this frame until its entry is off the list: below, the frame is
        // left only after the status was seen to be other than `WAITING`, or after `withdraw()`. The
        // queue is not closed.
        unsafe { event.queue.enqueue(entry) };
        sleeper.publish(); // A, pairs with C
    }
    drop(guard);

    // SAFETY: This task has enqueued the entry.
    let status = match unsafe { sleep_until_completed(entry, &mut sleeper) } {
        Ok(status) => status,
        Err(why) => {
            let _guard = lock.lock();
            // SAFETY: The lock is held. If the event was dropped in the meantime it has closed the
            // entry, so it is looked at only if that did not happen.
            let status = unsafe { protocol::status(entry) };
            if status == WAITING {
                // SAFETY: The entry is on the list, so the event is alive, pinned, and protected by
                // the lock that is held.
                let event = unsafe { &mut *event };
                // SAFETY: This task has enqueued the entry on this queue.
                unsafe { event.queue.withdraw(entry, &mut event.data, P::FIFO) };
                return Err(M::gave_up(why));
            }
            status
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
