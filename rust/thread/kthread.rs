// SPDX-License-Identifier: GPL-2.0

//! What a thread is, on the heap, until it has exited.

use super::stop::Stop;
use crate::{
    context::MaySleep,
    event::{
        Closed,
        Event,
        ModeAt,
        Uninterruptible, //
    },
    ffi,
    held::LockIn,
    new_event,
    owner::{
        Owned,
        Teardown, //
    },
    stop::{
        Body,
        Deferred,
        Signal, //
    },
};
use core::{
    mem::ManuallyDrop,
    panic::Location,
    ptr, //
};
use kernel::{
    bindings,
    error::from_err_ptr,
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
    task::Task, //
};

/// What the thread and its owner share.
#[pin_data]
struct Shared {
    #[pin]
    state: Mutex<State>,
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
            }),
            GFP_KERNEL,
        )
    }

    #[inline(never)]
    fn finish(&self, cx: &mut MaySleep) {
        self.state
            .lock_in(cx)
            .as_mut()
            .project()
            .finished
            .update(|finished| *finished = true);
    }
}

/// What the thread begins with.
///
/// # Invariants
///
/// Until the thread begins, `f` and `shared` belong to the start, then to the thread.
#[repr(C)]
struct Start<F> {
    // First, so that a pointer to the body is a pointer to the start.
    body: Body,
    f: ManuallyDrop<F>,
    shared: ManuallyDrop<Arc<Shared>>,
}

impl<F: FnOnce(&mut MaySleep, &Stop<'_>) + Send + 'static> Start<F> {
    /// What the thread does.
    ///
    /// # Safety
    ///
    /// `body` must be that of a `Self`, which stays valid until the thread has exited. Called once, by
    /// the thread.
    unsafe fn run(body: *const Body) {
        let this = body.cast::<Self>();
        // INVARIANT: The thread has begun: this is the one read of each of them.
        // SAFETY: By the safety requirements and the type invariants.
        let (body, f, shared) = unsafe {
            (
                &*body,
                ptr::read(&raw const *(*this).f),
                ptr::read(&raw const *(*this).shared),
            )
        };
        let cx = &mut MaySleep::assert();
        if body.is_requested() {
            drop(f);
        } else {
            f(cx, &Stop::new(body));
        }
        shared.finish(cx);
    }

    /// Drops what a thread that never ran would have taken.
    ///
    /// # Safety
    ///
    /// As for [`Self::run`], of which it takes the place.
    unsafe fn discard(body: *const Body) {
        let this = body.cast_mut().cast::<Self>();
        // SAFETY: By the safety requirements and the type invariants.
        unsafe {
            ManuallyDrop::drop(&mut (*this).f);
            ManuallyDrop::drop(&mut (*this).shared);
        }
    }
}

/// A thread.
///
/// # Invariants
///
/// - `task` was made by [`Body::create`] from `body`, and is woken or is going to be.
/// - `body` is the beginning of memory from a `KBox`, that nobody else frees and that has nothing left
///   to drop when the thread has exited.
pub(super) struct Core {
    task: ARef<Task>,
    body: *const Body,
    shared: Arc<Shared>,
    discard: unsafe fn(*const Body),
    torn_down: Atomic<bool>,
}

// SAFETY: `task` and `shared` are `Send`; what `body` points to is used by the thread, but for atomics.
unsafe impl Send for Core {}

// SAFETY: As above; `task` and `shared` are `Sync`.
unsafe impl Sync for Core {}

impl Core {
    /// Makes a thread that runs `f`.
    pub(super) fn spawn<F>(
        name: &CStr,
        freezable: bool,
        place: &'static Location<'static>,
        f: F,
    ) -> Result<Owned<Self>>
    where
        F: FnOnce(&mut MaySleep, &Stop<'_>) + Send + 'static,
    {
        let shared = Shared::new()?;
        let start = KBox::new_uninit(GFP_KERNEL)?;
        let start = KBox::write(
            start,
            Start {
                body: Body::new(Start::<F>::run, freezable),
                f: ManuallyDrop::new(f),
                shared: ManuallyDrop::new(shared.clone()),
            },
        );
        let body = KBox::into_raw(start).cast::<Body>().cast_const();
        // SAFETY: The memory is freed by `Core::drop()`, when the thread has exited.
        let task = from_err_ptr(unsafe { Body::create(body, name.as_char_ptr()) });
        let task = task.inspect_err(|_| {
            // SAFETY: There is no thread that could use it.
            unsafe {
                Start::<F>::discard(body);
                bindings::kfree(body.cast());
            }
        })?;
        // INVARIANT: `task` was made just so, and will be woken once it is in the ledger.
        let core = Self {
            // SAFETY: A new thread does not exit before it has been woken, so `task` is valid. CAST:
            // `Task` is a transparent wrapper of `task_struct`.
            task: ARef::from(unsafe { &*task.cast::<Task>() }),
            body,
            shared,
            discard: Start::<F>::discard,
            torn_down: Atomic::new(false),
        };
        let core = Owned::new(name, Start::<F>::run as *const (), place, Ok(core))?;
        core.task.wake_up();
        Ok(core)
    }

    fn body(&self) -> &Body {
        // SAFETY: By the type invariants it is freed by `drop()` only.
        unsafe { &*self.body }
    }

    /// Asks the thread to stop.
    pub(super) fn ask(&self) {
        // SAFETY: By the type invariants.
        unsafe { self.body().ask(self.task.as_ptr()) };
    }

    /// Returns whether the caller is the thread.
    pub(super) fn is_mine(&self) -> bool {
        ptr::eq(self.task.as_ptr(), Task::current_raw())
    }

    pub(super) fn is_finished(&self, cx: &mut MaySleep) -> bool {
        *self.shared.state.lock_in(cx).finished
    }

    #[inline(never)]
    pub(super) fn interrupt(&self) {
        // SAFETY: By the type invariants.
        unsafe { self.body().send(self.task.as_ptr(), Signal::Interrupt) };
    }

    #[inline(never)]
    pub(super) fn kill(&self) {
        // SAFETY: By the type invariants.
        unsafe { self.body().send(self.task.as_ptr(), Signal::Kill) };
    }

    pub(super) fn task(&self) -> &Task {
        &self.task
    }

    pub(super) fn wait_finished<M: ModeAt>(
        &self,
        cx: &mut MaySleep,
        mode: M,
    ) -> Result<(), M::Error> {
        self.shared
            .state
            .lock_in(cx)
            .on(|state| &state.finished)
            .until(|finished| *finished)
            .wait(mode)
    }
}

impl Teardown for Core {
    const KIND: &'static str = "thread";
    const IN_ORDER: &'static str = "stop(cx)";

    fn tear_down(&self) {
        self.torn_down.store(true, Relaxed);
        self.ask();
        let deferred = Deferred::new();
        // ENTRY: a teardown may sleep.
        let cx = &mut MaySleep::assert();
        // Not before: `kthread_stop()` ends interruptible sleeps of the thread from then on, also those
        // by which it cleans up. The event is not closed while `self.shared` lives.
        let _: Result<(), Closed> = self.wait_finished(cx, Uninterruptible);
        drop(deferred);
        // SAFETY: By the type invariants the task is a kernel thread that was not stopped yet, and
        // the reference keeps it valid after its exit.
        unsafe { bindings::kthread_stop(self.task.as_ptr()) };
    }

    fn is_current(&self) -> bool {
        self.is_mine()
    }

    fn report(&self) {
        // SAFETY: `self.task` is valid.
        unsafe { ffi::baton_show_task(self.task.as_ptr()) };
    }
}

impl Drop for Core {
    // SLEEPS: only in the constructor, which has the capability: what was entered is torn down before.
    fn drop(&mut self) {
        if !self.torn_down.load(Relaxed) {
            // It could not be entered into the ledger.
            // SAFETY: By the type invariants the task is a kernel thread. It was never woken, so it
            // exits without having run, and nobody else drops what is in the start.
            unsafe {
                bindings::kthread_stop(self.task.as_ptr());
                (self.discard)(self.body);
            }
        }
        // SAFETY: By the type invariants; the thread has exited.
        unsafe { bindings::kfree(self.body.cast()) };
    }
}
