// SPDX-License-Identifier: GPL-2.0

//! Waiters that are no tasks: a function runs when what was waited for has come.
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)
//!
//! # The bug that this removes
//!
//! In C, whoever does not want a task to sleep puts an entry with a function of its own into a wait queue:
//! `irqfd`, `eventpoll`, `vfio`. The function runs under the lock of the queue; the entry has to be removed
//! before its memory goes, by both sides, whichever goes first:
//!
//! ```text
//!   owner of the entry                       waker
//!                                            1 lock(queue), finds the entry
//!   2 list_empty(entry)? no lock: yes,
//!     or no, and it is being served
//!   3 frees the entry
//!                                            4 calls its function: use after free
//! ```
//!
//! A [`Callback`] is removed under the lock of its event before it is freed, whatever has become of it, and
//! what is still to run of it is waited for.

use super::{
    called::{
        await_call,
        withdraw,
        Tell, //
    },
    claim::Claim,
    platform::Kernel,
    protocol::{
        Head,
        Queue,
        CLOSED,
        SERVED, //
    },
    select::is_inside,
    waiter::Waiter,
    Any,
    Closed,
    Event, //
};
use crate::{
    context::MaySleep,
    ffi,
    level::Level,
    owner::{
        Owned,
        Teardown,
        TeardownError, //
    },
};
use core::{
    cell::UnsafeCell,
    marker::PhantomPinned,
    panic::Location,
    ptr, //
};
use kernel::{
    bindings,
    container_of,
    prelude::*,
    static_lock_class,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        lock::{
            Backend,
            Lock, //
        },
        Arc,
        LockClassKey, //
    },
    task::Task,
    types::Opaque, //
};

/// A waiter that is no task: a claim on an event, and a function that runs when it has succeeded.
///
/// The claim is tried by whoever changes the event, under its lock, as that of a task that waits. What it takes is
/// handed to the function, which a worker runs with the capability to sleep and with nothing held; a change of
/// the event runs no other code of the user. If the event is closed, or its waits are ended, the function gets
/// [`Closed`]. It runs once, or
/// not at all if the callback was withdrawn before.
///
/// It is for an event that serves whoever it can, [`Any`], inside the data of a lock, in something that is shared by
/// an [`Arc`]. The callback keeps that: as part of it, it would keep itself.
///
/// Dropping it withdraws it, by a worker, so it may be dropped in any context and with any lock held, that of the
/// event too; the function may still run until then. [`Callback::withdraw`] does it at once. `mem::forget` leaves it
/// waiting: the function runs when its time comes, at the end of its module it is withdrawn. From within its
/// own function, dropping it is left to the worker as well, and withdrawing it is `EDEADLK`.
///
/// # Examples
///
/// ```
/// use baton::event::{when, Callback};
/// use baton::{completion, new_event, Event, LockIn, MaySleep};
/// use kernel::prelude::*;
/// use kernel::sync::{new_spinlock, Arc, SpinLock};
///
/// #[pin_data]
/// struct Line {
///     /// How often the line was raised.
///     #[pin]
///     raised: Event<u32>,
/// }
///
/// let cx = &mut MaySleep::assert();
/// let line: Arc<SpinLock<Line>> =
///     Arc::pin_init(new_spinlock!(pin_init!(Line { raised <- new_event!(0) })), GFP_KERNEL)?;
/// let seen: Arc<SpinLock<Event<u32>>> =
///     Arc::pin_init(new_spinlock!(new_event!(0)), GFP_KERNEL)?;
/// let injected = seen.clone();
/// let callback = Callback::new(
///     cx,
///     c"line",
///     line.clone(),
///     |line| line,
///     |line| &line.raised,
///     when(|raised: &u32| *raised > 0, |raised: &mut u32| core::mem::take(raised)),
///     move |raised, cx| {
///         let raised = raised.unwrap_or(0);
///         injected.lock_in(cx).as_mut().update(|seen| *seen = raised);
///     },
/// )?;
/// // From an interrupt handler, for example.
/// line.lock_in(cx).as_mut().project().raised.update(|raised| *raised += 1);
/// seen.lock_in(cx).on(|seen| seen).until(|seen| *seen == 1).wait(baton::event::Killable)?;
/// assert!(!callback.withdraw(cx)?);
/// # Ok::<(), Error>(())
/// ```
#[doc(alias("add_wait_queue", "init_waitqueue_func_entry", "wait_queue_func_t"))]
pub struct Callback {
    core: Owned<Core>,
}

/// What waits and what runs, whatever it has captured.
trait Body: Send {
    /// Stops waiting; returns whether it still did.
    fn withdraw(&self) -> bool;

    /// Runs the function.
    ///
    /// # Safety
    ///
    /// Called once, by the work that was made to run.
    unsafe fn run(&self, cx: &mut MaySleep);
}

/// # Invariants
///
/// - `lock` is in what `shared` keeps, or lives longer.
/// - From [`Waiting::arm`] until it was served, closed or withdrawn, `waiter` is on the list of an event under that
///   lock.
/// - Whoever has seen the status to be [`SERVED`] or [`CLOSED`], by way of the work, has `function` to itself.
struct Waiting<S, T, B: Backend, W, C: Claim<W>, F> {
    shared: Arc<S>,
    lock: *const Lock<T, B>,
    head: Head<Kernel>,
    waiter: UnsafeCell<Waiter<W, C, Kernel, Tell>>,
    function: UnsafeCell<Option<F>>,
    /// Whether the status is no longer what it says: it was withdrawn.
    withdrawn: Atomic<bool>,
    _pin: PhantomPinned,
}

// SAFETY: `shared` is `Send` and so is the lock, as `T` is; claim, result and function are `Send`.
unsafe impl<S, T, B, W, C, F> Send for Waiting<S, T, B, W, C, F>
where
    S: Send + Sync,
    T: Send,
    B: Backend,
    C: Claim<W>,
    F: Send,
{
}

impl<S, T, B: Backend, W: 'static, C: Claim<W>, F> Waiting<S, T, B, W, C, F> {
    /// Begins to wait; `work` is made to run when it is over.
    ///
    /// # Safety
    ///
    /// Called once. `work` must be fit for [`Core::kick`] as long as `self` exists; `self` is pinned, and is
    /// [withdrawn](Body::withdraw) before it goes, but not before this.
    unsafe fn arm<E: Level>(
        &self,
        select: impl for<'x> FnOnce(&'x T) -> &'x Event<W, Any, E>,
        work: *const (),
    ) {
        // SAFETY: By the type invariants.
        let guard = unsafe { &*self.lock }.lock();
        let event = select(&guard);
        let is_there = is_inside(ptr::from_ref(&*guard), ptr::from_ref(event), event.label);
        let (queue, data) = (&raw const event.queue, event.data.get());
        let status = if !is_there {
            CLOSED
        } else {
            // SAFETY: The lock is held, and the references that were made above are not used any more. Nobody
            // else has the waiter yet.
            let (queue, data, waiter): (&Queue<W, Kernel>, _, _) =
                unsafe { (&*queue, &mut *data, &mut *self.waiter.get()) };
            // SAFETY: Who was served is put on no list.
            let served = !queue.is_closed() && unsafe { waiter.serve_now(data) };
            if queue.is_closed() {
                CLOSED
            } else if served {
                if !queue.is_empty() {
                    queue.consider(data);
                }
                SERVED
            } else {
                // SAFETY: The lock is held, and the queue is open, and that of an event that is `Any`. What is
                // pinned stays until it was withdrawn, under the lock, by the safety requirements.
                unsafe { await_call(queue, self.waiter.get(), &self.head, Core::kick, work) };
                return;
            }
        };
        // Nobody else sees it: it is on no list.
        self.head.end(status);
        // SAFETY: By the safety requirements.
        unsafe { Core::kick(work) };
    }
}

impl<S, T, B, W, C, F> Body for Waiting<S, T, B, W, C, F>
where
    S: Send + Sync,
    T: Send,
    B: Backend,
    W: 'static,
    C: Claim<W>,
    F: FnOnce(Result<C::Output, Closed>, &mut MaySleep) + Send,
{
    fn withdraw(&self) -> bool {
        // SAFETY: By the type invariants.
        let _guard = unsafe { &*self.lock }.lock();
        // SAFETY: The lock is held. It was armed before, and is withdrawn once.
        !self.withdrawn.xchg(true, Full) && unsafe { withdraw(&self.head) }
    }

    unsafe fn run(&self, cx: &mut MaySleep) {
        // SAFETY: By the type invariants: the work was made to run behind the end of the wait.
        let (function, waiter) = unsafe { ((*self.function.get()).take(), &*self.waiter.get()) };
        // SAFETY: The status was published before the work was queued, which is a barrier.
        let taken = unsafe { waiter.take() };
        if let Some(function) = function {
            function(taken.ok_or(Closed), cx);
        }
        // It is kept until here.
        let _ = &self.shared;
    }
}

/// # Invariants
///
/// - `work` is initialised with [`Core::run`].
/// - What is in the box of `body` is not moved.
/// - `body` is only taken when nobody waits and no work runs any more.
#[pin_data]
struct Core {
    #[pin]
    work: Opaque<bindings::work_struct>,
    body: UnsafeCell<Option<KBox<dyn Body>>>,
    /// The address of the task that runs the function, while it does.
    by: Atomic<usize>,
    #[pin]
    _pin: PhantomPinned,
}

// SAFETY: The body is `Send`, and is used by one task at a time by the type invariants, or has its lock; work may
// be queued by any task.
unsafe impl Send for Core {}

// SAFETY: As above.
unsafe impl Sync for Core {}

/// The lock class of the work of callbacks.
// Not generic and never inlined: there is one key, with one name at one address, for all users.
#[inline(never)]
fn work_class() -> (&'static CStr, Pin<&'static LockClassKey>) {
    (c"baton_callback", static_lock_class!())
}

impl Core {
    fn new(body: KBox<dyn Body>) -> impl PinInit<Self, Error> {
        let (name, key) = work_class();
        try_pin_init!(Self {
            work <- Opaque::ffi_init(move |work| {
                // SAFETY: `work` is valid for writes and will not move; name and key are static.
                unsafe {
                    bindings::init_work_with_key(
                        work,
                        Some(Self::run),
                        false,
                        name.as_char_ptr(),
                        key.as_ptr(),
                    )
                }
            }),
            body: UnsafeCell::new(Some(body)),
            by: Atomic::new(0),
            _pin: PhantomPinned,
        }? Error)
    }

    fn body(&self) -> Option<&dyn Body> {
        // SAFETY: By the type invariants it is not taken meanwhile.
        unsafe { (*self.body.get()).as_deref() }
    }

    /// Makes the work of a core run.
    ///
    /// # Safety
    ///
    /// `work` must be that of a live core.
    unsafe fn kick(work: *const ()) {
        // SAFETY: By the safety requirements.
        unsafe { ffi::baton_callback_queue(work.cast_mut().cast()) };
    }

    /// # Safety
    ///
    /// `work` must be that of a core.
    unsafe extern "C" fn run(work: *mut bindings::work_struct) {
        let work = Opaque::cast_from(work);
        // SAFETY: By the safety requirements; the core lives until its work was waited for.
        let this = unsafe { &*container_of!(work, Self, work) };
        this.by.store(Task::current_raw().addr(), Relaxed);
        if let Some(body) = this.body() {
            // ENTRY: a worker, with nothing held.
            // SAFETY: The work is queued once.
            unsafe { body.run(&mut MaySleep::assert()) };
        }
        this.by.store(0, Relaxed);
    }
}

impl Teardown for Core {
    const KIND: &'static str = "callback";
    const IN_ORDER: &'static str = "withdraw(cx)";
    const MAY_BE_DROPPED: bool = true;

    fn tear_down(&self) {
        if let Some(body) = self.body() {
            body.withdraw();
        }
        // Whoever has made it run has given up the lock, and nobody will. The reaper has a rescuer, and so has its queue.
        // SAFETY: By the type invariants.
        unsafe { bindings::flush_work(self.work.get()) };
        // SAFETY: It is off its list, and no work runs.
        drop(unsafe { (*self.body.get()).take() });
    }

    fn is_current(&self) -> bool {
        self.by.load(Relaxed) == Task::current_raw().addr()
    }
}

impl Callback {
    /// Waits for an event in `shared`, without a task: `function` runs when `claim` has succeeded.
    ///
    /// `lock` returns the lock, and `select` finds the event in its data, as in [`Held::on`]. They are called once, now;
    /// `name` is for the log. If the claim succeeds at once, or the event is closed, the function runs soon, too.
    ///
    /// Context: may sleep; nothing else is held, since the lock is taken.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `ESHUTDOWN` if the module goes.
    ///
    /// [`Held::on`]: crate::Held::on
    #[track_caller]
    pub fn new<S, T, B, W, E, C, F>(
        _cx: &mut MaySleep,
        name: &CStr,
        shared: Arc<S>,
        lock: impl for<'x> FnOnce(&'x S) -> &'x Lock<T, B>,
        select: impl for<'x> FnOnce(&'x T) -> &'x Event<W, Any, E>,
        claim: C,
        function: F,
    ) -> Result<Self>
    where
        S: Send + Sync + 'static,
        T: Send + 'static,
        B: Backend + 'static,
        W: Send + 'static,
        E: Level,
        C: Claim<W>,
        F: FnOnce(Result<C::Output, Closed>, &mut MaySleep) + Send + 'static,
    {
        let lock = ptr::from_ref(lock(&shared));
        // INVARIANT: `shared` is kept, and nobody has a mutable reference to what it keeps.
        let body = KBox::new(
            Waiting {
                shared,
                lock,
                head: Head::new(),
                waiter: UnsafeCell::new(Waiter::new(claim)),
                function: UnsafeCell::new(Some(function)),
                withdrawn: Atomic::new(false),
                _pin: PhantomPinned,
            },
            GFP_KERNEL,
        )?;
        let waiting = ptr::from_ref(&*body);
        let code = <Waiting<S, T, B, W, C, F> as Body>::run as *const ();
        let core = Owned::new(name, code, Location::caller(), Core::new(body))?;
        // SAFETY: The box is in the core, and what is in it where it was. This is the first time; the work is
        // pinned in the core, and `tear_down()` withdraws before the box goes.
        unsafe { (*waiting).arm(select, core.work.get().cast_const().cast()) };
        Ok(Self { core })
    }

    /// Stops waiting, and returns whether it still did: then the function never runs.
    ///
    /// Otherwise it has run when this returns.
    ///
    /// Context: may sleep, until the function has returned; nothing is held.
    ///
    /// # Errors
    ///
    /// `EDEADLK` from its own function. Nothing has happened then.
    #[doc(alias = "remove_wait_queue")]
    pub fn withdraw(self, _cx: &mut MaySleep) -> Result<bool, TeardownError<Self>> {
        if self.core.is_current() {
            return Err(TeardownError {
                object: self,
                error: EDEADLK,
            });
        }
        let withdrawn = self.core.body().is_some_and(Body::withdraw);
        match self.core.tear_down() {
            Ok(()) => Ok(withdrawn),
            Err(refused) => Err(refused.map(|core| Self { core })),
        }
    }
}
