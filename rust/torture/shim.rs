// SPDX-License-Identifier: GPL-2.0

//! The kernel's own torture framework, as far as the torture module uses it.
//!
//! It is a part of that module, not of the library, which does not need `torture.ko`.
//!
//! C header: [`include/linux/torture.h`](srctree/include/linux/torture.h)

use baton::MaySleep;
use core::ptr;
use kernel::{
    bindings,
    error::to_result,
    ffi::{
        c_char,
        c_int,
        c_long,
        c_ulong,
        c_void, //
    },
    prelude::*,
    str::CString,
    sync::Arc,
    task::Task, //
};

/// `struct baton_torture_params`, as in `torture.h`.
#[repr(C)]
struct RawParams {
    torture_type: *const c_char,
    nwriters: c_int,
    nwaiters: c_int,
    stutter: c_int,
    shuffle_interval: c_int,
    onoff_interval: c_int,
    stat_interval: c_int,
    signals: c_int,
    limits: c_int,
    failslab: c_int,
    freezer: c_int,
    deadline: c_int,
    verbose: c_int,
}

/// `struct torture_random_state`.
#[repr(C)]
struct RandomState {
    state: c_ulong,
    count: c_long,
}

/// `MIN_NICE`.
const NICE: c_int = -20;

type KthreadFn = unsafe extern "C" fn(*mut c_void) -> c_int;

#[allow(
    improper_ctypes,
    reason = "some C structures are empty, depending on the configuration"
)]
extern "C" {
    // `linux/torture.h`
    fn torture_init_begin(ttype: *const c_char, verbose: c_int) -> bool;
    fn torture_init_end();
    fn torture_cleanup_begin() -> bool;
    fn torture_cleanup_end();
    fn torture_must_stop() -> bool;
    fn torture_kthread_stopping(title: *const c_char);
    fn torture_onoff_init(holdoff: c_long, interval: c_long, f: *const c_void) -> c_int;
    fn torture_onoff_stats();
    fn torture_shuffle_init(interval: c_long) -> c_int;
    fn torture_stutter_init(run: c_int, gap: c_int) -> c_int;
    fn torture_hrtimeout_us(base: u32, fuzz_ns: u32, random: *mut RandomState) -> c_int;
    fn torture_random(random: *mut RandomState) -> c_ulong;
    fn torture_sched_set_normal(task: *mut bindings::task_struct, nice: c_int);
    fn stutter_wait(title: *const c_char) -> bool;
    fn _torture_create_kthread(
        f: KthreadFn,
        arg: *const c_void,
        name: *const c_char,
        creating: *const c_char,
        failed: *const c_char,
        task: *mut *mut bindings::task_struct,
        created: *const c_void,
    ) -> c_int;
    fn _torture_stop_kthread(stopping: *const c_char, task: *mut *mut bindings::task_struct);

    // `torture.h`
    fn baton_torture_params(params: *mut RawParams);
    fn baton_torture_hotplug() -> bool;
    fn baton_torture_freezer() -> bool;
    fn baton_torture_task_begin(failslab: bool, freezer: bool);
    fn baton_torture_signal(task: *mut bindings::task_struct, fatal: bool);
    fn baton_torture_forget_signals() -> bool;
    fn baton_torture_switches() -> c_ulong;
    fn baton_torture_resched();
}

/// The parameters of the module, as they were given.
pub(crate) struct Params {
    pub(crate) torture_type: &'static str,
    pub(crate) nwriters: i32,
    pub(crate) nwaiters: i32,
    pub(crate) stutter: i32,
    pub(crate) shuffle_interval: i32,
    pub(crate) onoff_interval: i32,
    pub(crate) stat_interval: i32,
    pub(crate) signals: i32,
    pub(crate) limits: i32,
    pub(crate) failslab: i32,
    pub(crate) freezer: i32,
    pub(crate) deadline: i32,
    pub(crate) verbose: i32,
}

impl Params {
    /// Reads them.
    pub(crate) fn given() -> Result<Self> {
        let mut raw = core::mem::MaybeUninit::uninit();
        // SAFETY: It is valid for writes, and all of it is written.
        let raw: RawParams = unsafe {
            baton_torture_params(raw.as_mut_ptr());
            raw.assume_init()
        };
        // SAFETY: A parameter of the module is a C string that stays until the module goes.
        let torture_type = unsafe { CStr::from_char_ptr(raw.torture_type) };
        Ok(Self {
            torture_type: torture_type.to_str().map_err(|_| EINVAL)?,
            nwriters: raw.nwriters,
            nwaiters: raw.nwaiters,
            stutter: raw.stutter,
            shuffle_interval: raw.shuffle_interval,
            onoff_interval: raw.onoff_interval,
            stat_interval: raw.stat_interval,
            signals: raw.signals,
            limits: raw.limits,
            failslab: raw.failslab,
            freezer: raw.freezer,
            deadline: raw.deadline,
            verbose: raw.verbose,
        })
    }
}

/// Returns whether this kernel can take CPUs away.
pub(crate) fn has_hotplug() -> bool {
    // SAFETY: Reads the configuration.
    unsafe { baton_torture_hotplug() }
}

/// Returns whether this kernel can freeze tasks.
pub(crate) fn has_freezer() -> bool {
    // SAFETY: Reads the configuration.
    unsafe { baton_torture_freezer() }
}

/// The one torture test that runs.
///
/// Dropping it ends it: the perturbations are stopped, and then `torture.ko` is free for others.
pub(crate) struct Test(());

impl Test {
    /// Begins a test, in which `start` starts the perturbations and the tasks.
    pub(crate) fn begin<R>(verbose: i32, start: impl FnOnce() -> Result<R>) -> Result<(Self, R)> {
        // SAFETY: The name is static.
        if !unsafe { torture_init_begin(c"baton".as_char_ptr(), verbose) } {
            // It has said why.
            return Err(EBUSY);
        }
        let started = start();
        // SAFETY: Begun above.
        unsafe { torture_init_end() };
        let test = Self(());
        match started {
            Ok(started) => Ok((test, started)),
            Err(error) => {
                test.stop();
                Err(error)
            }
        }
    }

    /// Tells all tasks to stop, and ends the perturbations. Called once, before the tasks are stopped.
    pub(crate) fn stop(&self) {
        // SAFETY: A test was begun. That the system shuts down is nothing that has to be done otherwise.
        unsafe { torture_cleanup_begin() };
    }
}

impl Drop for Test {
    fn drop(&mut self) {
        // SAFETY: A test was begun, and is over.
        unsafe { torture_cleanup_end() };
    }
}

/// Lets CPUs be idle in turn, the tasks pause together, and CPUs come and go; none of it if it is zero.
///
/// Called while a test begins.
pub(crate) fn perturb(shuffle: i32, stutter: i32, onoff: i32) -> Result {
    // SAFETY: A test begins. CAST: They were checked, and are small.
    unsafe {
        if shuffle > 0 {
            to_result(torture_shuffle_init(shuffle as c_long))?;
        }
        if stutter > 0 {
            to_result(torture_stutter_init(stutter, stutter))?;
        }
        if onoff > 0 {
            to_result(torture_onoff_init(1, onoff as c_long, ptr::null()))?;
        }
    }
    Ok(())
}

/// Logs how often CPUs came and went.
pub(crate) fn onoff_stats() {
    // SAFETY: Reads and logs numbers.
    unsafe { torture_onoff_stats() };
}

/// Returns whether the calling task, a [`Kthread`], is to stop.
pub(crate) fn must_stop() -> bool {
    // SAFETY: The caller is a kernel thread.
    unsafe { torture_must_stop() }
}

/// Pauses with all others. Called by each task between two turns.
pub(crate) fn pause(cx: &mut MaySleep, title: &CStr) {
    // SAFETY: The caller may sleep, by its capability.
    unsafe {
        stutter_wait(title.as_char_ptr());
        baton_torture_resched();
    }
    cx.try_to_freeze();
}

/// Lets the caller run before the tasks that are tortured: it looks after them.
pub(crate) fn hurry() {
    // SAFETY: The task is that of the caller.
    unsafe { torture_sched_set_normal(Task::current_raw(), NICE) };
}

/// Forgets the signals of the caller; returns whether there were any.
pub(crate) fn forget_signals() -> bool {
    // SAFETY: They are those of the caller.
    unsafe { baton_torture_forget_signals() }
}

/// Returns how often the caller has gone to sleep.
pub(crate) fn switches() -> u64 {
    // SAFETY: Reads a number of the caller. CAST: It fits.
    unsafe { baton_torture_switches() as u64 }
}

/// Random numbers, as the kernel's torture tests draw them.
pub(crate) struct Random(RandomState);

impl Random {
    pub(crate) fn new() -> Self {
        Self(RandomState { state: 0, count: 0 })
    }

    /// Returns a number below `bound`, which is not zero.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // SAFETY: The state is valid. CAST: It fits.
        let number = unsafe { torture_random(&mut self.0) as u64 };
        number % bound.max(1)
    }

    /// Sleeps for so many microseconds and up to a quarter more.
    pub(crate) fn sleep_us(&mut self, _cx: &mut MaySleep, us: u32) {
        // SAFETY: The caller may sleep, by its capability; the state is valid.
        unsafe { torture_hrtimeout_us(us, us.saturating_mul(250), &mut self.0) };
    }
}

/// What a task does.
pub(crate) trait Body: Send + Sync + 'static {
    /// Whether its allocations may be made to fail.
    fn failslab(&self) -> bool {
        false
    }

    /// Whether the freezer may stop it, where it waits or asks for that.
    fn freezer(&self) -> bool;

    /// Runs until [`must_stop`].
    fn run(&self, cx: &mut MaySleep, title: &CStr);
}

struct Start<B> {
    title: CString,
    body: B,
}

/// A task of the test.
///
/// Dropping it stops it, and waits for that.
///
/// # Invariants
///
/// `task` was made for `_start` and has not been stopped.
pub(crate) struct Kthread<B: Body> {
    task: *mut bindings::task_struct,
    _start: Arc<Start<B>>,
}

// SAFETY: Any task may send signals to it, and stop it. What it shares is `Send` and `Sync`.
unsafe impl<B: Body> Send for Kthread<B> {}

// SAFETY: As above: what is done by a shared reference is to send signals, and to look at the body.
unsafe impl<B: Body> Sync for Kthread<B> {}

impl<B: Body> Kthread<B> {
    /// Makes a task and lets it run. Called while a test begins.
    pub(crate) fn new(title: CString, body: B) -> Result<Self> {
        let start = Arc::new(Start { title, body }, GFP_KERNEL)?;
        let mut task = ptr::null_mut();
        // SAFETY: The entry gets the start that it is for, which stays as long as the task. The names are
        // C strings, which are copied or printed.
        to_result(unsafe {
            _torture_create_kthread(
                Self::entry,
                Arc::as_ptr(&start).cast(),
                start.title.as_char_ptr(),
                c"Creating a task".as_char_ptr(),
                c"Failed to create a task".as_char_ptr(),
                &mut task,
                ptr::null(),
            )
        })?;
        // INVARIANT: It was made just so.
        Ok(Self {
            task,
            _start: start,
        })
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, fatal: bool) {
        // SAFETY: By the type invariants it has not been stopped, and it does not exit before.
        unsafe { baton_torture_signal(self.task, fatal) };
    }

    /// # Safety
    ///
    /// `start` must be that of the task that this is called in, and stay until it has returned.
    unsafe extern "C" fn entry(start: *mut c_void) -> c_int {
        // SAFETY: By the safety requirements.
        let start = unsafe { &*start.cast_const().cast::<Start<B>>() };
        // SAFETY: Changes what the calling task is to signals, to failslab and to the freezer.
        unsafe { baton_torture_task_begin(start.body.failslab(), start.body.freezer()) };
        start.body.run(&mut MaySleep::assert(), &start.title);
        // SAFETY: It prints the title, and waits until the task is stopped.
        unsafe { torture_kthread_stopping(start.title.as_char_ptr()) };
        0
    }
}

impl<B: Body> Drop for Kthread<B> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants; it has exited when this returns.
        unsafe { _torture_stop_kthread(c"Stopping a task".as_char_ptr(), &mut self.task) };
    }
}
