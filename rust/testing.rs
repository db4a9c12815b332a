// SPDX-License-Identifier: GPL-2.0

//! For tests in the kernel: what was logged, how a task sleeps, what it allocates, whom it wakes, who polls,
//! who runs first, and a task that is no kernel thread.
//!
//! C headers: [`include/linux/kmsg_dump.h`](srctree/include/linux/kmsg_dump.h),
//! [`include/linux/sched.h`](srctree/include/linux/sched.h),
//! [`include/trace/events/kmem.h`](srctree/include/trace/events/kmem.h),
//! [`include/linux/umh.h`](srctree/include/linux/umh.h)

mod first;
mod place;
mod poller;
mod wakes;

pub use first::{
    first_on,
    is_exiting,
    stay_on,
    tasks_named, //
};
pub use place::Place;
pub use poller::Poller;
pub use wakes::{
    sync_wakes,
    wakes,
    Wakes, //
};

use crate::{
    context::{
        InterruptsOff,
        RcuSection, //
    },
    ffi,
    level::Level,
    MaySleep, //
};
use core::ptr;
use kernel::{
    bindings,
    error::{
        from_err_ptr,
        to_result, //
    },
    ffi::{
        c_int,
        c_void, //
    },
    prelude::*,
    task::Task, //
};

/// A place in the kernel's log.
///
/// Dropping it, and `mem::forget`, do nothing: it is a number.
///
/// # Examples
///
/// ```
/// use baton::testing::Log;
/// use kernel::prelude::*;
///
/// let log = Log::here();
/// pr_warn!("the example of the log is number {}\n", 7);
/// assert_eq!(log.lines(&["the example of the log", "number 7"]), 1);
/// ```
#[derive(Clone, Copy)]
pub struct Log(u64);

impl Log {
    /// Returns the end of the log as it is now.
    ///
    /// Context: any.
    #[doc(alias = "kmsg_dump_rewind")]
    pub fn here() -> Self {
        // SAFETY: Reads the state of the log.
        Self(unsafe { ffi::baton_log_end() })
    }

    /// Returns how many lines behind this place have all of these parts.
    ///
    /// What other tasks have logged meanwhile is counted as well, so the parts should name something
    /// that only the test has.
    ///
    /// Context: any.
    #[doc(alias = "kmsg_dump_get_line")]
    pub fn lines(self, parts: &[&str]) -> usize {
        let (mut number, mut len, mut found) = (self.0, 0, 0);
        let mut line = [0u8; 320];
        // SAFETY: The line has room for so many bytes, and both numbers are valid for writes.
        while unsafe {
            ffi::baton_log_line(&mut number, line.as_mut_ptr().cast(), line.len(), &mut len)
        } {
            let text = line.get(..len).unwrap_or_default();
            let has = |part: &&str| {
                part.is_empty() || text.windows(part.len()).any(|at| at == part.as_bytes())
            };
            found += usize::from(parts.iter().all(has));
        }
        found
    }
}

/// Returns the state of a task, as the letter that `ps` shows, and whether it waits for I/O.
///
/// It may have changed when this returns, unless only the caller can wake the task.
///
/// Context: any.
///
/// # Examples
///
/// ```
/// use baton::{testing, MaySleep, Thread};
///
/// let cx = &mut MaySleep::assert();
/// let thread = Thread::spawn(cx, c"baton_example", |_cx, _stop| ())?;
/// let (letter, _io) = testing::state(thread.task());
/// assert!(letter.is_ascii_uppercase());
/// thread.join(cx)?;
/// # Ok::<(), kernel::error::Error>(())
/// ```
#[doc(alias("task_state_to_char", "in_iowait"))]
pub fn state(task: &Task) -> (char, bool) {
    let mut io = false;
    // SAFETY: The task is valid.
    let state = unsafe { ffi::baton_registry_task_state(task.as_ptr(), &raw mut io) };
    // CAST: A letter.
    (char::from(state as u8), io)
}

/// Returns whether a task sleeps, and nothing has woken it yet.
///
/// One that was woken, or has not gone to sleep yet, can have the [`state`] of one that sleeps: it looks once
/// more at what it waits for. Such a task is in a queue of those that are ready to run, or runs.
///
/// Context: any.
///
/// # Examples
///
/// ```
/// use baton::testing;
/// use kernel::current;
///
/// assert!(!testing::is_asleep(current!()));
/// ```
#[doc(alias("on_rq", "sched_delayed"))]
pub fn is_asleep(task: &Task) -> bool {
    // SAFETY: The task is valid.
    unsafe { ffi::baton_test_is_asleep(task.as_ptr()) }
}

/// Returns whether the freezer may stop a task, and whether it may find it asleep for that.
///
/// The second may have changed when this returns, unless only the caller can wake the task.
///
/// Context: any.
///
/// # Examples
///
/// ```
/// use baton::{testing, MaySleep, Thread};
///
/// let cx = &mut MaySleep::assert();
/// let thread = Thread::spawn(cx, c"baton_example", |_cx, _stop| ())?;
/// assert_eq!(testing::freezable(thread.task()), (false, false));
/// thread.join(cx)?;
/// # Ok::<(), kernel::error::Error>(())
/// ```
#[doc(alias("PF_NOFREEZE", "TASK_FREEZABLE"))]
pub fn freezable(task: &Task) -> (bool, bool) {
    let task = task.as_ptr();
    // SAFETY: The task is valid; both are words that others may change.
    let (flags, state) = unsafe {
        (
            (&raw const (*task).flags).read_volatile(),
            (&raw const (*task).__state).read_volatile(),
        )
    };
    (
        flags & bindings::PF_NOFREEZE == 0,
        state & bindings::TASK_FREEZABLE != 0,
    )
}

/// Lets other tasks run that are ready to, for whatever the caller has in hand meanwhile.
///
/// Context: may sleep, though this does not: the caller stays ready to run.
///
/// # Examples
///
/// ```
/// use baton::{testing, MaySleep};
///
/// testing::yield_now(&mut MaySleep::assert());
/// ```
#[doc(alias = "yield")]
pub fn yield_now<C: Level>(_cx: &mut MaySleep<C>) {
    // SAFETY: The caller may sleep, by its capability.
    unsafe { bindings::yield_() }
}

/// Returns whether interrupts are off, as they are with the lock of a completion held, for example (but on
/// `PREEMPT_RT`).
///
/// Context: any.
///
/// # Examples
///
/// ```
/// use baton::{testing, MaySleep};
///
/// let cx = &mut MaySleep::assert();
/// let off = cx.interrupts_off();
/// assert!(testing::irqs_off());
/// drop(off);
/// assert!(!testing::irqs_off());
/// ```
#[doc(alias = "irqs_disabled")]
pub fn irqs_off() -> bool {
    // SAFETY: Reads the state of this CPU.
    unsafe { ffi::baton_irqs_disabled() }
}

/// A section that may be around whatever says "Context: any": see [`any_context`].
///
/// Dropping it ends the section, and `mem::forget` leaves it open, as with the guard that is in it. A
/// section within itself is not possible: the capability is borrowed.
#[must_use = "the section ends immediately when this is unused"]
pub enum AnyContext<'c> {
    /// Interrupts are off.
    InterruptsOff(InterruptsOff<'c>),
    /// `PREEMPT_RT`: what takes a spinlock sleeps, and does so in this section.
    Rcu(RcuSection<'c>),
}

/// Enters the narrowest section in which a spinlock can be taken.
///
/// Interrupts are off in it. On `PREEMPT_RT`, where a spinlock sleeps and handlers of interrupts are threads,
/// it is a section of RCU.
///
/// Context: a task that may sleep; this does not, and nothing can until the section ends.
///
/// # Examples
///
/// ```
/// use baton::{testing, MaySleep};
///
/// let cx = &mut MaySleep::assert();
/// let section = testing::any_context(cx);
/// assert_eq!(testing::irqs_off(), !cfg!(CONFIG_PREEMPT_RT));
/// drop(section);
/// ```
pub fn any_context<L: Level>(cx: &mut MaySleep<L>) -> AnyContext<'_> {
    if cfg!(CONFIG_PREEMPT_RT) {
        AnyContext::Rcu(cx.rcu_read_lock())
    } else {
        AnyContext::InterruptsOff(cx.interrupts_off())
    }
}

/// The allocations of a task that may sleep for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocations {
    /// How many there were.
    pub all: usize,
    /// How many of them may have started I/O.
    pub with_io: usize,
}

/// Does `body`, and counts what the calling task allocates in it and may sleep for.
///
/// Nothing is counted by a kernel without trace points (`CONFIG_TRACEPOINTS`): [`None`].
///
/// Context: may sleep.
///
/// # Examples
///
/// ```
/// use baton::{testing, MaySleep};
/// use kernel::prelude::*;
///
/// let cx = &mut MaySleep::assert();
/// let (made, seen) = testing::allocations(cx, |_| KBox::new([7; 100], GFP_KERNEL));
/// made?;
/// assert!(seen.is_none_or(|seen| seen.all > 0 && seen.with_io > 0));
/// # Ok::<(), Error>(())
/// ```
pub fn allocations<C: Level, R>(
    cx: &mut MaySleep<C>,
    body: impl FnOnce(&mut MaySleep<C>) -> R,
) -> (R, Option<Allocations>) {
    let mut seen = ffi::BatonAllocations {
        task: ptr::null_mut(),
        all: 0,
        io: 0,
    };
    let seen = &raw mut seen;
    // SAFETY: It is valid until the end, below. The caller may sleep.
    if to_result(unsafe { ffi::baton_allocations_begin(seen) }).is_err() {
        return (body(cx), None);
    }
    let result = body(cx);
    // SAFETY: Begun above; nobody counts any more when this returns.
    let (all, with_io) = unsafe {
        ffi::baton_allocations_end(seen);
        ((*seen).all, (*seen).io)
    };
    (result, Some(Allocations { all, with_io }))
}

/// Opens a file for writing, by its name as `init` sees it, and closes it again.
///
/// Context: may sleep.
///
/// # Errors
///
/// Those of opening it.
///
/// # Examples
///
/// ```
/// use baton::{testing, MaySleep};
/// use kernel::prelude::*;
///
/// let cx = &mut MaySleep::assert();
/// assert_eq!(testing::open(cx, c"/no/such/file"), Err(ENOENT));
/// ```
#[doc(alias = "filp_open")]
pub fn open(_cx: &mut MaySleep, name: &CStr) -> Result {
    let file = open_as(name, bindings::O_WRONLY)?;
    // SAFETY: `file` was opened above and is not used afterwards.
    to_result(unsafe { bindings::filp_close(file, ptr::null_mut()) })
}

fn open_as(name: &CStr, flags: u32) -> Result<*mut bindings::file> {
    // SAFETY: The name is a C string. CAST: The flags are small.
    from_err_ptr(unsafe { ffi::baton_open(name.as_char_ptr(), flags as c_int) })
}

/// Returns what is in a file, by its name as `init` sees it.
///
/// Context: may sleep.
///
/// # Errors
///
/// Those of opening and reading it; `ENOMEM`.
///
/// # Examples
///
/// ```
/// use baton::{testing, MaySleep};
/// use kernel::prelude::*;
///
/// let cx = &mut MaySleep::assert();
/// match testing::read(cx, c"/proc/version") {
///     Ok(version) => assert!(version.starts_with(b"Linux version ")),
///     // It is not mounted yet.
///     Err(error) => assert_eq!(error, ENOENT),
/// }
/// # Ok::<(), kernel::error::Error>(())
/// ```
#[doc(alias = "kernel_read")]
pub fn read(_cx: &mut MaySleep, name: &CStr) -> Result<KVec<u8>> {
    let file = open_as(name, bindings::O_RDONLY)?;
    let (mut text, mut part, mut position) = (KVec::new(), [0; 512], 0);
    let result = loop {
        // SAFETY: `file` is open for reading, and `part` is as long as is said.
        let len = unsafe {
            bindings::kernel_read(file, part.as_mut_ptr().cast(), part.len(), &mut position)
        };
        match usize::try_from(len) {
            Ok(0) => break Ok(text),
            Ok(len) => {
                if let Err(error) = text.extend_from_slice(&part[..len], GFP_KERNEL) {
                    break Err(error.into());
                }
            }
            // CAST: Errors are small.
            Err(_) => break Err(Error::from_errno(len as c_int)),
        }
    };
    // SAFETY: `file` was opened above and is not used afterwards.
    unsafe { bindings::filp_close(file, ptr::null_mut()) };
    result
}

/// A call of `body`, and what it has returned.
struct Call<F, R> {
    body: Option<F>,
    result: Option<R>,
}

impl<F: FnOnce(&mut MaySleep) -> R, R> Call<F, R> {
    /// # Safety
    ///
    /// `data` must point to a call that nobody else uses meanwhile.
    unsafe extern "C" fn run(data: *mut c_void) {
        // SAFETY: By the safety requirements.
        let call = unsafe { &mut *data.cast::<Self>() };
        if let Some(body) = call.body.take() {
            // ENTRY: a task of its own, which holds nothing.
            call.result = Some(body(&mut MaySleep::assert()));
        }
    }
}

/// Calls `body` in a task that is no kernel thread, and waits until that task has exited.
///
/// It is what the kernel makes to execute a program, and exits instead: on its way it does what a task
/// of user space would do before it goes back there.
///
/// Context: may sleep.
///
/// # Errors
///
/// `ENOMEM`; `EBUSY` if the kernel executes no programs at this moment; `ENOEXEC` if it never does.
///
/// # Examples
///
/// ```
/// use baton::{testing, MaySleep};
/// use kernel::prelude::*;
///
/// let cx = &mut MaySleep::assert();
/// assert_eq!(testing::in_user_task(cx, |_| 7), Ok(7));
/// ```
#[doc(alias = "call_usermodehelper_exec")]
pub fn in_user_task<C: Level, R: Send>(
    _cx: &mut MaySleep<C>,
    body: impl FnOnce(&mut MaySleep) -> R + Send,
) -> Result<R> {
    fn run<F: FnOnce(&mut MaySleep) -> R, R>(call: &mut Call<F, R>) -> Result {
        // SAFETY: The call is valid, and not used by others before this has returned.
        to_result(unsafe {
            ffi::baton_user_task_run(Call::<F, R>::run, ptr::from_mut(call).cast())
        })
    }

    let mut call = Call {
        body: Some(body),
        result: None,
    };
    run(&mut call)?;
    call.result.ok_or(ENOEXEC)
}
