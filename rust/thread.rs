// SPDX-License-Identifier: GPL-2.0

//! Kernel threads that bring the capability to sleep and are gone before their code is.
//!
//! C header: [`include/linux/kthread.h`](srctree/include/linux/kthread.h)

use crate::{
    context::MaySleep,
    event::{
        Closed,
        Event,
        Mode,
        Uninterruptible, //
    },
    ffi,
    held::LockIn,
    new_event, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    error::from_err_ptr,
    ffi::{
        c_int,
        c_void, //
    },
    new_mutex,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex, //
    },
    task::Task,
    time::Jiffies,
    types::NotThreadSafe, //
};

/// A kernel thread that is joined when it is dropped.
///
/// The code of a thread must not be unloaded under it. So a `Thread` that goes away asks its thread
/// to stop and waits until it has exited. A thread that sleeps on an event stops when that event is
/// closed: [`Thread::stop`] does not interrupt the sleep.
///
/// `mem::forget` leaks the thread's memory and loses the promise above: the module must not be
/// unloaded any more while the thread runs.
///
/// # Invariants
///
/// - `task` was created with `Start::<F>::run` and `start`, and has not been stopped yet.
/// - `start` points to a `Start<F>` that `discard` frees; the thread frees it itself once it runs,
///   which `shared.ran` says.
///
/// # Examples
///
/// ```
/// use baton::{MaySleep, Thread};
/// use kernel::prelude::*;
///
/// let cx = &mut MaySleep::assert();
/// let thread = Thread::spawn(cx, c"baton_example", |_cx, stop| {
///     while !stop.requested() {
///         // One step of the work.
/// #       break;
///     }
/// })?;
/// thread.join(cx);
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "kthread")]
pub struct Thread {
    task: ARef<Task>,
    shared: Arc<Shared>,
    start: *mut c_void,
    discard: unsafe fn(*mut c_void),
}

// SAFETY: `task` and `shared` are `Send`; `start` is only freed through `self`, and what it points to
// is `Send` by the bound of `Thread::spawn()`.
unsafe impl Send for Thread {}

// SAFETY: The methods that take `&self` only use `task` and `shared`, which are `Sync`.
unsafe impl Sync for Thread {}

/// What the thread and its owner share.
#[pin_data]
struct Shared {
    #[pin]
    state: Mutex<State>,
    ran: Atomic<bool>,
}

#[pin_data]
struct State {
    #[pin]
    finished: Event<bool>,
}

impl Shared {
    /// Makes what a new thread and its owner share.
    // Not generic, and compiled once, into this module: the lock classes would be made here for every
    // crate that spawns threads, with one key and as many names, which lockdep does not accept.
    #[inline(never)]
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                state <- new_mutex!(pin_init!(State {
                    finished <- new_event!(false),
                })),
                ran: Atomic::new(false),
            }),
            GFP_KERNEL,
        )
    }
}

/// What the thread owns when it begins to run.
struct Start<F> {
    body: F,
    shared: Arc<Shared>,
}

/// The request to stop, as the thread sees it.
pub struct Stop(PhantomData<NotThreadSafe>);

impl Stop {
    /// Returns whether the thread has been asked to stop.
    #[doc(alias = "kthread_should_stop")]
    #[inline]
    pub fn requested(&self) -> bool {
        // SAFETY: A `Stop` exists only in a thread that was made by `kthread_create_on_node()`.
        unsafe { bindings::kthread_should_stop() }
    }
}

impl<F: FnOnce(&mut MaySleep, &Stop) + Send + 'static> Start<F> {
    /// The first function of the thread.
    ///
    /// # Safety
    ///
    /// `start` must be a `Start<F>` from `KBox::into_raw()` that nobody else frees once `ran` is set.
    unsafe extern "C" fn run(start: *mut c_void) -> c_int {
        // SAFETY: By the safety requirements.
        let start = unsafe { KBox::from_raw(start.cast::<Self>()) };
        start.shared.ran.store(true, Relaxed);
        // SAFETY: Changes the signal dispositions of the calling thread, which is a kernel thread.
        unsafe { ffi::baton_allow_signals() };

        let cx = &mut MaySleep::assert();
        let Self { body, shared } = KBox::into_inner(start);
        body(cx, &Stop(PhantomData));
        shared
            .state
            .lock_in(cx)
            .as_mut()
            .project()
            .finished
            .update(|finished| *finished = true);
        0
    }

    /// Frees what a thread that never ran would have owned.
    ///
    /// # Safety
    ///
    /// As for [`Self::run`], of which it takes the place.
    unsafe fn discard(start: *mut c_void) {
        // SAFETY: By the safety requirements.
        drop(unsafe { KBox::from_raw(start.cast::<Self>()) });
    }
}

impl Thread {
    /// Creates a thread that runs `body`.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `EINTR` if the caller was killed meanwhile.
    #[doc(alias("kthread_run", "kthread_create"))]
    pub fn spawn<F>(_cx: &mut MaySleep, name: &CStr, body: F) -> Result<Self>
    where
        F: FnOnce(&mut MaySleep, &Stop) + Send + 'static,
    {
        let shared = Shared::new()?;
        let start = KBox::new(
            Start {
                body,
                shared: shared.clone(),
            },
            GFP_KERNEL,
        )?;
        let start = KBox::into_raw(start).cast::<c_void>();

        // SAFETY: `Start::<F>::run` fits `start`; the format takes one string.
        let task = from_err_ptr(unsafe {
            bindings::kthread_create_on_node(
                Some(Start::<F>::run),
                start,
                bindings::NUMA_NO_NODE,
                c"%s".as_char_ptr(),
                name.as_char_ptr(),
            )
        })
        .inspect_err(|_| {
            // SAFETY: There is no thread that could own it.
            unsafe { Start::<F>::discard(start) }
        })?;

        // SAFETY: A new thread does not exit before it has been woken, so `task` is valid. CAST:
        // `Task` is a transparent wrapper of `task_struct`.
        let task = ARef::from(unsafe { &*task.cast::<Task>() });
        task.wake_up();
        // INVARIANT: `task` was created just so and runs or will run; nobody has stopped it.
        Ok(Self {
            task,
            shared,
            start,
            discard: Start::<F>::discard,
        })
    }

    /// Waits until `body` has returned, then until the thread has exited.
    ///
    /// Context: may sleep, for as long as `body` runs.
    pub fn join(self, cx: &mut MaySleep) {
        // The event is not closed while `self.shared` lives.
        let _: Result<(), Closed> = self.wait_finished(cx, Uninterruptible);
    }

    /// As [`Thread::join`], for at most `limit` jiffies.
    ///
    /// # Errors
    ///
    /// Returns the thread if its `body` has not returned by then.
    pub fn join_timeout(self, cx: &mut MaySleep, limit: Jiffies) -> Result<(), Self> {
        match self.wait_finished(cx, Uninterruptible.timeout(limit)) {
            Ok(()) => Ok(()),
            Err(_) => Err(self),
        }
    }

    /// Asks the thread to stop, and waits until it has exited; the same as dropping it.
    ///
    /// Context: may sleep, until `body` has seen [`Stop::requested`] and returned.
    #[doc(alias = "kthread_stop")]
    pub fn stop(self, _cx: &mut MaySleep) {
        drop(self);
    }

    /// Returns whether `body` has returned.
    pub fn is_finished(&self, cx: &mut MaySleep) -> bool {
        *self.shared.state.lock_in(cx).finished
    }

    /// Sends the thread a signal that interruptible and killable waits see.
    pub fn interrupt(&self) {
        // SAFETY: `self.task` is valid.
        unsafe { ffi::baton_interrupt(self.task.as_ptr()) };
    }

    /// Sends the thread a fatal signal: it ends interruptible and killable waits, nothing else.
    pub fn kill(&self) {
        // SAFETY: `self.task` is valid.
        unsafe { ffi::baton_kill(self.task.as_ptr()) };
    }

    /// Returns the task.
    pub fn task(&self) -> &Task {
        &self.task
    }

    fn wait_finished<M: Mode>(&self, cx: &mut MaySleep, mode: M) -> Result<(), M::Error> {
        self.shared
            .state
            .lock_in(cx)
            .on(|state| &state.finished)
            .until(|finished| *finished)
            .wait(mode)
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the task is a kernel thread that was not stopped yet, and
        // the reference keeps it valid after its exit.
        unsafe { bindings::kthread_stop(self.task.as_ptr()) };
        // The thread has exited, or it has never run: `kthread_stop()` has ordered what it did before
        // this.
        if !self.shared.ran.load(Relaxed) {
            // SAFETY: The thread has exited without having run, so nobody else frees `start`.
            unsafe { (self.discard)(self.start) };
        }
    }
}
