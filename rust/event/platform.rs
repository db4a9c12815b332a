// SPDX-License-Identifier: GPL-2.0

//! The kernel as the platform of the event protocol.
//!
//! C header: [`include/linux/sched.h`](srctree/include/linux/sched.h)

use super::{
    error::WaitError,
    expiry::Expiry,
    mode::ModeAt,
    protocol::{
        Platform,
        Sleeper,
        WAITING, //
    },
};
use crate::{
    ffi,
    level::Level,
    registry::{
        self,
        About,
        Kind,
        Object, //
    },
    stop,
    trace, //
};
use kernel::{
    bindings,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Release, //
        },
        rcu, //
    },
    task::Task,
};

/// The kernel as the platform of the protocol.
pub struct Kernel;

// SAFETY: `Atomic` has the orderings that it is asked for. A `task_struct` is freed an RCU grace
// period after the task's last reference of its own is dropped, which happens after the task has
// run, hence after it has returned from the wait, hence after the last access to its entry; `Live`
// is an RCU read section that began before. `rcuwait_wake_up()` relies on the same.
unsafe impl Platform for Kernel {
    type Task = *mut bindings::task_struct;
    type Status = Atomic<u32>;
    type Live = rcu::Guard;

    #[inline]
    fn begin_batch() {
        // SAFETY: Ended by `end_batch()`.
        unsafe { ffi::baton_preempt_disable() };
    }

    #[inline]
    fn end_batch() {
        // SAFETY: Begun by `begin_batch()`.
        unsafe { ffi::baton_preempt_enable() };
    }

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
        trace::wake(task);
        // SAFETY: By the safety requirements of `Platform`, `task` is valid while `_live` exists.
        // `try_to_wake_up()` begins with `smp_mb__after_spinlock()`: barrier C of the protocol.
        unsafe { bindings::wake_up_process(task) };
    }

    /// In one call, without preemption instead of the read lock: that is a section of RCU as well.
    #[inline]
    unsafe fn tell(status: *const Atomic<u32>, value: u32, task: *mut bindings::task_struct) {
        trace::wake(task);
        // SAFETY: By the safety requirements. CAST: An `Atomic` is transparent.
        unsafe { ffi::baton_tell(status.cast_mut().cast(), value, task) };
    }

    #[inline]
    unsafe fn tell_sync(status: *const Atomic<u32>, value: u32, task: *mut bindings::task_struct) {
        trace::wake(task);
        // SAFETY: By the safety requirements. CAST: As above.
        unsafe { ffi::baton_tell_sync(status.cast_mut().cast(), value, task) };
    }

    #[inline]
    fn served(queue: *const (), task: *mut bindings::task_struct) {
        trace::claim(Kind::Event, Object::at(queue), task);
    }
}

/// Learns how the scheduler is told that a waker is about to sleep. Called when the library is loaded.
pub(crate) fn init() {
    // SAFETY: Nobody waits yet.
    unsafe { ffi::baton_sync_init() };
}

/// Sleeps in the way of one [`Mode`].
pub(crate) struct KernelSleeper {
    state: u32,
    io: bool,
    expiry: Expiry,
    /// What it sleeps on, if anybody wants to know, and since when.
    pub(crate) about: Option<About>,
    since: u64,
    insists: bool,
}

impl KernelSleeper {
    /// Sleeps, and lets it be known on what.
    #[cold]
    #[inline(never)]
    fn sleep_told(&mut self) {
        let (io, expiry) = (self.io, &mut self.expiry);
        // SAFETY: As in `sleep()`.
        registry::asleep(self.about.as_ref(), &mut self.since, || unsafe {
            expiry.sleep(io);
        });
    }

    /// Makes the sleeper of a wait that begins now, by a task that holds what stands at `C`.
    #[inline]
    pub(crate) fn new<C: Level, M: ModeAt<C>>(mode: &M) -> Self {
        Self {
            state: M::STATE,
            io: M::IO,
            expiry: mode.begin(),
            about: None,
            since: 0,
            insists: false,
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
        if is_signalled() {
            if let Some(why) = what_interrupts(self.state, self.insists) {
                return Some(why);
            }
        }
        self.expiry.is_over().then_some(WaitError::TimedOut)
    }

    #[inline]
    fn sleep(&mut self) {
        if self.about.is_some() {
            self.sleep_told();
        } else {
            // SAFETY: The capability of the wait says that this task may sleep.
            unsafe { self.expiry.sleep(self.io) };
        }
    }

    #[inline]
    fn running(&mut self) {
        // SAFETY: Sets the state of the calling task.
        unsafe { ffi::baton_set_running() };
    }

    fn insist(&mut self) {
        self.state = bindings::TASK_UNINTERRUPTIBLE;
        self.expiry = Expiry::Never;
        self.insists = true;
    }
}

/// Returns whether a stop or a signal ends a wait in this state, which was published before; with
/// `insists`, nothing does.
#[inline]
pub(crate) fn interrupted(state: u32, insists: bool) -> Option<WaitError> {
    if is_signalled() {
        what_interrupts(state, insists)
    } else {
        None
    }
}

/// Returns whether anything at all may end a sleep of the calling task.
#[inline]
fn is_signalled() -> bool {
    // SAFETY: Reads flags of the calling task.
    unsafe { ffi::baton_signal_pending() != 0 }
}

#[cold]
#[inline(never)]
fn what_interrupts(state: u32, insists: bool) -> Option<WaitError> {
    if insists {
        None
    } else if stop::is_pending() {
        Some(WaitError::Stopped)
    } else {
        // SAFETY: Reads flags of the calling task.
        let signal = unsafe { ffi::baton_signal_pending_state(state) } != 0;
        signal.then_some(WaitError::Signal)
    }
}
