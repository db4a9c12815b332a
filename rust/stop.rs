// SPDX-License-Identifier: GPL-2.0

//! A pending stop ends the waits of the thread that it is for.
//!
//! C header: [`include/linux/kthread.h`](srctree/include/linux/kthread.h)
//!
//! # The bug that this removes
//!
//! `kthread_stop()` sets a flag and wakes the thread once. A thread that sleeps until its own condition
//! holds looks at the condition, not at the flag, and sleeps again; the stopper waits for ever:
//!
//! ```text
//!   stopper                                  thread
//!                                            1 wait_event(queue, work)
//!   2 should_stop = 1, wake_up_process()
//!                                            3 work? no: sleeps
//!   4 wait_for_completion(exited)
//! ```
//!
//! Here every wait of the library looks at the flag as it looks at signals, whatever its mode, until
//! the thread has been told of the stop. From then on its waits are as before, so that it can clean up.
//!
//! # Why no stop is missed
//!
//! ```text
//!   thread                                   stopper
//!   1 state = "asleep"               /* A */
//!                                            2 word = ASKED, TIF_NOTIFY_SIGNAL = 1
//!                                            3 wake_up_process()             /* C */
//!   4 TIF_NOTIFY_SIGNAL, and word == ASKED?
//!     give up if so
//!   5 schedule()
//! ```
//!
//! Every wait publishes its state before it looks whether to give up. A is a full barrier between 1 and
//! 4; it pairs with the full barrier at the beginning of C, between 2 and the look of 3 at the state.
//! One of the two sees the other: either 4 sees 2, or 3 finds the state "asleep", and 5 does not sleep.
//! These are the barriers A and C of the [event protocol](crate::event).
//!
//! `TIF_NOTIFY_SIGNAL` makes the look cheap, and ends interruptible sleeps of C code as well;
//! `kthread_stop()` sets it too. It is a hint: the words decide. The thread clears it when no word is
//! pending, and then looks at the words again:
//!
//! ```text
//!   thread                                   stopper
//!   1 a word = SEEN
//!   2 TIF_NOTIFY_SIGNAL = 0          /* E */
//!                                            3 another word = ASKED          /* F */
//!                                            4 TIF_NOTIFY_SIGNAL = 1
//!   5 a word == ASKED? TIF_NOTIFY_SIGNAL = 1
//! ```
//!
//! If 4 comes before 2, then 3 comes before 5: F, between 3 and 4, pairs with E, between 2 and 5.
//!
//! What the stopper has done before it asks is seen by the thread that finds itself asked: by an acquire (G),
//! which pairs with F.

mod protocol;

use protocol::{
    settle,
    Hint, //
};

use crate::ffi;
use core::{
    ptr,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    ffi::{
        c_int,
        c_void, //
    },
    str::CStrExt,
    sync::atomic::{
        Acquire,
        Atomic,
        Full,
        Relaxed, //
    },
    task::Task,
};

/// Nobody has asked.
const NONE: u32 = 0;
/// Somebody has asked, and the thread does not know: its waits end.
const ASKED: u32 = 1;
/// The thread was told.
const SEEN: u32 = 2;

/// A request to stop.
///
/// ```text
///    NONE --ask()--> ASKED --is_requested()--> SEEN
///      ^--------------clear()-------------------'
/// ```
struct Word(Atomic<u32>);

impl Word {
    const fn new() -> Self {
        Self(Atomic::new(NONE))
    }

    fn ask(&self) -> bool {
        self.0.cmpxchg(NONE, ASKED, Full).is_ok() // F, pairs with E, G
    }

    fn is_pending(&self) -> bool {
        self.0.load(Relaxed) == ASKED
    }

    /// Tells the calling thread, to which the word belongs. What was done before the stop was asked
    /// for, is seen.
    fn is_requested(&self) -> bool {
        let word = self.0.load(Acquire); // G, pairs with F
        match word {
            NONE => false,
            ASKED => {
                // Nobody else changes a word that is not `NONE`.
                self.0.store(SEEN, Relaxed);
                true
            }
            _ => true,
        }
    }
}

/// A signal that ends waits.
#[derive(Clone, Copy)]
pub(crate) enum Signal {
    /// `SIGINT`.
    Interrupt,
    /// `SIGKILL`.
    Kill,
}

impl Signal {
    /// # Safety
    ///
    /// `task` must be valid.
    unsafe fn send(self, task: *mut bindings::task_struct) {
        // SAFETY: By the safety requirements.
        unsafe {
            match self {
                Self::Interrupt => ffi::baton_interrupt(task),
                Self::Kill => ffi::baton_kill(task),
            }
        }
    }
}

/// What a thread of the library is made from, in memory that lives until the thread has exited.
pub(crate) struct Body {
    run: unsafe fn(*const Body),
    /// The freezer may stop the thread.
    freezable: bool,
    /// The thread is to end.
    thread: Word,
    /// The run that goes on in it is to end: see [`agent`](crate::agent).
    run_of_agent: Word,
    /// In how many scopes the thread is in which a stop ends no wait.
    deferred: Atomic<u32>,
    /// Whether it was sent each [`Signal`].
    signals: [Atomic<bool>; 2],
}

impl Body {
    /// What is passed to [`Body::create`] later; `run` is called with the address of it, once.
    pub(crate) const fn new(run: unsafe fn(*const Body), freezable: bool) -> Self {
        Self {
            run,
            freezable,
            thread: Word::new(),
            run_of_agent: Word::new(),
            deferred: Atomic::new(0),
            signals: [const { Atomic::new(false) }; 2],
        }
    }

    /// Creates the thread of `body`, which does not run before it is woken.
    ///
    /// Returns what `kthread_create_on_node()` does.
    ///
    /// Context: may sleep.
    ///
    /// # Safety
    ///
    /// `body` must be valid until the thread has exited, and fit its `run`.
    pub(crate) unsafe fn create(
        body: *const Self,
        name: *const kernel::ffi::c_char,
    ) -> *mut bindings::task_struct {
        // SAFETY: `entry` fits `body` by the safety requirements; the format takes one string.
        unsafe {
            bindings::kthread_create_on_node(
                Some(entry),
                body.cast_mut().cast(),
                bindings::NUMA_NO_NODE,
                c"%s".as_char_ptr(),
                name,
            )
        }
    }

    /// Returns the body of the calling thread, if it is one of the library.
    pub(crate) fn current() -> Option<NonNull<Self>> {
        let task = Task::current_raw();
        // SAFETY: The calling task is valid, and its flags are changed by itself only.
        if unsafe { (*task).flags } & bindings::PF_KTHREAD == 0 {
            return None;
        }
        // SAFETY: The calling task is a kernel thread.
        unsafe {
            let entry: unsafe extern "C" fn(*mut c_void) -> c_int = entry;
            if !ptr::eq(bindings::kthread_func(task), entry as *mut c_void) {
                return None;
            }
            // A thread whose first function is `entry` was made by `create()`.
            NonNull::new(bindings::kthread_data(task).cast())
        }
    }

    /// Asks the thread to end: its waits end from now on, until it knows.
    ///
    /// Context: any.
    ///
    /// # Safety
    ///
    /// `task` must be the thread of this body, and valid.
    pub(crate) unsafe fn ask(&self, task: *mut bindings::task_struct) {
        // SAFETY: By the safety requirements.
        unsafe { Self::ask_by(&self.thread, task) };
    }

    /// As [`Body::ask`], for the run that goes on in the thread.
    ///
    /// # Safety
    ///
    /// As for [`Body::ask`].
    pub(crate) unsafe fn ask_run(&self, task: *mut bindings::task_struct) {
        // SAFETY: By the safety requirements.
        unsafe { Self::ask_by(&self.run_of_agent, task) };
    }

    /// # Safety
    ///
    /// `task` must be that of the thread that the word is one of.
    unsafe fn ask_by(word: &Word, task: *mut bindings::task_struct) {
        if word.ask() {
            // The change was fully ordered, by F.
            // SAFETY: By the safety requirements.
            unsafe { ffi::baton_notify(task) }; // C, pairs with A
        }
    }

    /// Sends the thread a signal, which it has also if it has not begun: a kernel thread ignores signals until it
    /// has allowed them itself.
    ///
    /// ```text
    ///   sender                                   thread
    ///   1 signals[i] = true
    ///   2 send_sig()
    ///                                            3 allow_signal()
    ///                                            4 signals[i]? send_sig() to itself
    /// ```
    ///
    /// 2 and 3 take the lock of the thread's signals. If 2 is first, and ignored, then 4 sees 1. If 2 comes late,
    /// after 4, the thread has been sent the signal twice.
    ///
    /// Context: any.
    ///
    /// # Safety
    ///
    /// `task` must be the thread of this body, and valid.
    pub(crate) unsafe fn send(&self, task: *mut bindings::task_struct, signal: Signal) {
        // CAST: 0 or 1.
        self.signals[signal as usize].store(true, Relaxed);
        // SAFETY: By the safety requirements.
        unsafe { signal.send(task) };
    }

    /// The thread begins, and can be sent signals. Called by the thread.
    fn allow_signals(&self) {
        // SAFETY: Changes the signal dispositions of the calling thread, which is a kernel thread.
        unsafe { ffi::baton_allow_signals() };
        for signal in [Signal::Interrupt, Signal::Kill] {
            // CAST: As above.
            if self.signals[signal as usize].load(Relaxed) {
                // SAFETY: The calling task is valid.
                unsafe { signal.send(Task::current_raw()) };
            }
        }
    }

    /// The run has ended. Called by the thread, under the lock under which it can be asked.
    pub(crate) fn clear_run(&self) {
        self.run_of_agent.0.store(NONE, Relaxed);
        self.settle();
    }

    /// Returns whether the thread is to end, and tells it. Called by the thread.
    pub(crate) fn is_requested(&self) -> bool {
        let requested = self.thread.is_requested();
        if requested {
            self.settle();
        }
        requested
    }

    /// As [`Body::is_requested`], for the run.
    pub(crate) fn run_is_requested(&self) -> bool {
        let requested = self.run_of_agent.is_requested();
        if requested {
            self.settle();
        }
        requested
    }

    fn is_pending(&self) -> bool {
        self.deferred.load(Relaxed) == 0
            && (self.thread.is_pending() || self.run_of_agent.is_pending())
    }

    /// Makes `TIF_NOTIFY_SIGNAL` what the words say, and returns that. Called by the thread.
    fn settle(&self) -> bool {
        settle(&NotifySignal, || self.is_pending())
    }
}

/// `TIF_NOTIFY_SIGNAL` of the calling task, which is a thread of the library: nobody else uses it.
struct NotifySignal;

impl Hint for NotifySignal {
    fn clear(&self) {
        // SAFETY: Clears a flag of the calling task. A full barrier follows.
        unsafe { ffi::baton_clear_notify() }; // E, pairs with F
    }

    fn set(&self) {
        // SAFETY: Sets a flag of the calling task.
        unsafe { ffi::baton_notify(Task::current_raw()) };
    }
}

/// The first function of all threads of the library.
///
/// # Safety
///
/// `body` must be that of [`Body::create`].
unsafe extern "C" fn entry(body: *mut c_void) -> c_int {
    let body = body.cast::<Body>();
    // SAFETY: By the safety requirements; called once. The thread holds nothing, and may sleep.
    unsafe {
        (*body).allow_signals();
        if (*body).freezable {
            ffi::baton_set_freezable();
        }
        ((*body).run)(body);
    }
    0
}

/// Returns whether the waits of the calling task must end, for who has seen that a signal is pending.
///
/// To be called after the state of the task was published.
///
/// Context: a task.
#[cold]
#[inline(never)]
pub(crate) fn is_pending() -> bool {
    match Body::current() {
        // SAFETY: The body of the calling thread lives until it has exited.
        Some(body) => unsafe { body.as_ref() }.settle(),
        None => false,
    }
}

/// A scope in which a stop ends no wait of the calling thread.
pub(crate) struct Deferred(Option<NonNull<Body>>);

impl Deferred {
    #[inline(never)]
    pub(crate) fn new() -> Self {
        let body = Body::current();
        if let Some(body) = body {
            // SAFETY: As in `is_pending()`.
            let body = unsafe { body.as_ref() };
            body.deferred.fetch_add(1, Relaxed);
            body.settle();
        }
        Self(body)
    }
}

impl Drop for Deferred {
    #[inline(never)]
    fn drop(&mut self) {
        if let Some(body) = self.0 {
            // SAFETY: As in `is_pending()`: `NonNull` keeps it in the thread that has made it.
            let body = unsafe { body.as_ref() };
            body.deferred.fetch_sub(1, Relaxed);
            if body.is_pending() {
                // SAFETY: Sets a flag of the calling task.
                unsafe { ffi::baton_notify(Task::current_raw()) };
            }
        }
    }
}
